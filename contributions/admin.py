"""The collectors' workbench registers its pages by being imported."""

from contributions.workbench import (
    account_interest,
    assessments,
    audits,
    bank_transfers,
    batches,
    differences,
    look_ups,
    month_close,
    open_lines,
    orders,
    refunds,
    trial_balance,
)

__all__ = [
    "account_interest",
    "assessments",
    "audits",
    "bank_transfers",
    "batches",
    "differences",
    "look_ups",
    "month_close",
    "open_lines",
    "orders",
    "refunds",
    "trial_balance",
]
