"""Money: what is owed, drawn, received and booked. Rows are appended; a status moves only along its table, in the database.

Amounts are fen. Months are [from, until).
"""

from contributions.models.books import (
    ACCOUNT_KIND_LABELS,
    AccountKind,
    Entry,
    LedgerAccount,
    Leg,
    Receipt,
)
from contributions.models.charges import (
    CANCELLATION_LABELS,
    CHARGE_MOVES,
    CHARGE_STATUS_LABELS,
    Cancellation,
    CancellationKind,
    Charge,
    ChargeStatus,
    ChargingRun,
)
from contributions.models.debit import (
    BATCH_MOVES,
    BATCH_STATUS_LABELS,
    DIRECTION_LABELS,
    DRAWING,
    FILE_STATUS_LABELS,
    LINE_MOVES,
    LINE_STATUS_LABELS,
    BankFile,
    BatchEvent,
    BatchStatus,
    DebitBatch,
    DebitLine,
    Direction,
    FileStatus,
    LineStatus,
    PostingChunk,
)

__all__ = [
    "ACCOUNT_KIND_LABELS",
    "BATCH_MOVES",
    "BATCH_STATUS_LABELS",
    "CANCELLATION_LABELS",
    "CHARGE_MOVES",
    "CHARGE_STATUS_LABELS",
    "DIRECTION_LABELS",
    "DRAWING",
    "FILE_STATUS_LABELS",
    "LINE_MOVES",
    "LINE_STATUS_LABELS",
    "AccountKind",
    "BankFile",
    "BatchEvent",
    "BatchStatus",
    "Cancellation",
    "CancellationKind",
    "Charge",
    "ChargeStatus",
    "ChargingRun",
    "DebitBatch",
    "DebitLine",
    "Direction",
    "Entry",
    "FileStatus",
    "LedgerAccount",
    "Leg",
    "LineStatus",
    "PostingChunk",
    "Receipt",
]
