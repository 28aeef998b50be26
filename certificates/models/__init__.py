"""The register of certificates, and of the questions whether one is genuine."""

from certificates.models.certificates import MOVES, STATUS_LABELS, Certificate, Sealed, Status
from certificates.models.resealing import ResealingFailure, ResealingRun, SealedVersion
from certificates.models.staff_batches import (
    BATCH_MOVES,
    BATCH_STATUS_LABELS,
    LINE_MOVES,
    LINE_STATUS_LABELS,
    BatchStatus,
    LineStatus,
    StaffBatch,
    StaffBatchLine,
)
from certificates.models.verifications import RESULT_LABELS, WAY_LABELS, Result, VerificationLog, Way

__all__ = [
    "BATCH_MOVES",
    "BATCH_STATUS_LABELS",
    "LINE_MOVES",
    "LINE_STATUS_LABELS",
    "MOVES",
    "RESULT_LABELS",
    "STATUS_LABELS",
    "WAY_LABELS",
    "BatchStatus",
    "Certificate",
    "LineStatus",
    "ResealingFailure",
    "ResealingRun",
    "Result",
    "Sealed",
    "SealedVersion",
    "StaffBatch",
    "StaffBatchLine",
    "Status",
    "VerificationLog",
    "Way",
]
