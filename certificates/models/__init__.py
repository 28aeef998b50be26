"""The register of certificates, and the log of their verifications."""

from certificates.models.certificates import CERTIFICATE_LIFE_CYCLE, Certificate, Sealed, Status
from certificates.models.resealing import ResealingFailure, ResealingRun, SealedVersion
from certificates.models.staff_batches import (
    BATCH_LIFE_CYCLE,
    LINE_LIFE_CYCLE,
    BatchStatus,
    LineStatus,
    StaffBatch,
    StaffBatchLine,
)
from certificates.models.verifications import RESULT_LABELS, WAY_LABELS, Result, VerificationLog, Way

__all__ = [
    "BATCH_LIFE_CYCLE",
    "CERTIFICATE_LIFE_CYCLE",
    "LINE_LIFE_CYCLE",
    "RESULT_LABELS",
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
