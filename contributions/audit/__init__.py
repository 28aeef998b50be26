"""The invariants, proved over the whole database, and what the database holds by itself.

The audit asks each app for its CHECKS by this name.
"""

from contributions.audit import durability
from contributions.audit.check import Check
from contributions.audit.checks import (
    assessments,
    bank_transfers,
    cases,
    charges,
    day_files,
    debit,
    ledger,
    open_lines,
    orders,
    receipts,
    refunds,
)

# Of what breaks one invariant the first few are shown, in this order.
CHECKS = (
    *ledger.CHECKS,
    *cases.CHECKS,
    *debit.CHECKS,
    *receipts.CHECKS,
    *charges.CHECKS,
    *assessments.CHECKS,
    *(Check(13, rows) for rows in durability.CHECKS),
    *(
        Check(number, rows)
        for number, rows in (
            *orders.CHECKS,
            *refunds.CHECKS,
            *open_lines.CHECKS,
            *day_files.CHECKS,
            *bank_transfers.CHECKS,
        )
    ),
)

__all__ = ["CHECKS"]
