"""Where an application goes: mode × verdict → status, and status → status. Two tables, nothing else."""

from enum import StrEnum

from portal.policy.book import Mode


class Status(StrEnum):
    SUBMITTED = "submitted"
    IN_REVIEW = "in_review"
    PRE_APPLIED = "pre_applied"
    TO_PAY = "to_pay"
    TO_DEBIT = "to_debit"
    DONE = "done"
    REFUSED = "refused"
    VOIDED = "voided"
    LAPSED = "lapsed"


STATUS_LABELS = {
    Status.SUBMITTED: "已提交",
    Status.IN_REVIEW: "审核中",
    Status.PRE_APPLIED: "已预申请",
    Status.TO_PAY: "待支付",
    Status.TO_DEBIT: "待扣款",
    Status.DONE: "已办结",
    Status.REFUSED: "不予通过",
    Status.VOIDED: "已作废",
    Status.LAPSED: "已失效",
}

# Not decided yet; decided, and done when the money is there; at an end.
OPEN = (Status.SUBMITTED, Status.IN_REVIEW, Status.PRE_APPLIED)
UNPAID = (Status.TO_PAY, Status.TO_DEBIT)
FINAL = (Status.DONE, Status.REFUSED, Status.VOIDED, Status.LAPSED)


class Verdict(StrEnum):
    CLEAR = "clear"
    MISMATCH = "mismatch"
    BARRED = "barred"


# Where a case goes that is taken. DONE is where its effect happens: one that asks for money stands in UNPAID from there on, until
# the money is there. What is missing here is answered beside the field and becomes no case.
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
    Status.SUBMITTED: (Status.DONE, *UNPAID, Status.PRE_APPLIED, Status.IN_REVIEW),
    Status.PRE_APPLIED: (Status.DONE, *UNPAID, Status.REFUSED, Status.VOIDED),
    Status.IN_REVIEW: (Status.DONE, *UNPAID, Status.REFUSED, Status.VOIDED),
    Status.TO_PAY: (Status.DONE, Status.LAPSED),
    Status.TO_DEBIT: (Status.DONE, Status.LAPSED),
    Status.DONE: (),
    Status.REFUSED: (),
    Status.VOIDED: (),
    Status.LAPSED: (),
}
