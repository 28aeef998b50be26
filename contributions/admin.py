"""The collectors' workbench registers its pages by being imported."""

from contributions.workbench import (
    assessments,
    bank_transfers,
    batches,
    books,
    differences,
    look_ups,
    open_lines,
    orders,
    refunds,
)

__all__ = [
    "assessments",
    "bank_transfers",
    "batches",
    "books",
    "differences",
    "look_ups",
    "open_lines",
    "orders",
    "refunds",
]
