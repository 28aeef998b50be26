"""Where an application goes: mode × verdict → status, and status → status. Two tables, nothing else."""

from enum import StrEnum

from portal.policy.book import Mode


class Status(StrEnum):
    SUBMITTED = "submitted"
    IN_REVIEW = "in_review"
    PRE_APPLIED = "pre_applied"
    DONE = "done"
    REFUSED = "refused"
    VOIDED = "voided"


STATUS_LABELS = {
    Status.SUBMITTED: "已提交",
    Status.IN_REVIEW: "审核中",
    Status.PRE_APPLIED: "已预申请",
    Status.DONE: "已办结",
    Status.REFUSED: "不予通过",
    Status.VOIDED: "已作废",
}

OPEN = (Status.SUBMITTED, Status.IN_REVIEW, Status.PRE_APPLIED)
FINAL = (Status.DONE, Status.REFUSED, Status.VOIDED)


class Verdict(StrEnum):
    CLEAR = "clear"
    MISMATCH = "mismatch"
    BARRED = "barred"


# What is missing here is answered beside the field and becomes no case.
ROUTES: dict[tuple[Mode, Verdict], Status] = {
    (Mode.DIRECT, Verdict.CLEAR): Status.DONE,
    (Mode.MATCH, Verdict.CLEAR): Status.DONE,
    (Mode.MATCH, Verdict.MISMATCH): Status.PRE_APPLIED,
    (Mode.COUNTER, Verdict.CLEAR): Status.PRE_APPLIED,
    (Mode.COUNTER, Verdict.MISMATCH): Status.PRE_APPLIED,
    (Mode.REVIEW, Verdict.CLEAR): Status.IN_REVIEW,
    (Mode.REVIEW, Verdict.MISMATCH): Status.IN_REVIEW,
}

MOVES: dict[Status, tuple[Status, ...]] = {
    Status.SUBMITTED: (Status.DONE, Status.PRE_APPLIED, Status.IN_REVIEW),
    Status.PRE_APPLIED: (Status.DONE, Status.REFUSED, Status.VOIDED),
    Status.IN_REVIEW: (Status.DONE, Status.REFUSED, Status.VOIDED),
    Status.DONE: (),
    Status.REFUSED: (),
    Status.VOIDED: (),
}
