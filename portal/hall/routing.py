"""Where an application goes: mode × verdict → status, and the life cycle of a case. Only tables."""

from enum import StrEnum

from portal.policy.book import Mode
from portal.shared.life_cycle import LifeCycle, Stage


class Status(StrEnum):
    SUBMITTED = "submitted"
    IN_REVIEW = "in_review"
    PRE_APPLIED = "pre_applied"
    RETURNED = "returned"
    TO_PAY = "to_pay"
    TO_DEBIT = "to_debit"
    UNDER_WAY = "under_way"
    DONE = "done"
    REFUSED = "refused"
    VOIDED = "voided"
    LAPSED = "lapsed"


# OPEN cases are not decided yet: a RETURNED one waits for its applicant, the others for staff.
# UNPAID ones are decided, and done when the money has come; those UNDER_WAY are decided, and done
# when what was set going has come to its end.
OPEN = (Status.SUBMITTED, Status.IN_REVIEW, Status.PRE_APPLIED, Status.RETURNED)
UNPAID = (Status.TO_PAY, Status.TO_DEBIT)

# Decided, and not at an end yet.
PENDING = (*UNPAID, Status.UNDER_WAY)

_DECIDED = (Status.DONE, *PENDING, Status.REFUSED, Status.VOIDED)

CASE_LIFE_CYCLE = LifeCycle(
    Status,
    {
        Status.SUBMITTED: Stage(
            "已提交", "info", (Status.DONE, *PENDING, Status.PRE_APPLIED, Status.IN_REVIEW)
        ),
        Status.PRE_APPLIED: Stage("已预申请", "warn", _DECIDED),
        Status.IN_REVIEW: Stage("审核中", "info", (*_DECIDED, Status.RETURNED)),
        Status.RETURNED: Stage("待补正", "warn", (Status.IN_REVIEW, Status.VOIDED)),
        Status.TO_PAY: Stage("待支付", "warn", (Status.DONE, Status.LAPSED)),
        Status.TO_DEBIT: Stage("待扣款", "warn", (Status.DONE, Status.LAPSED)),
        Status.UNDER_WAY: Stage("办理中", "info", (Status.DONE,)),
        Status.DONE: Stage("已办结", "good"),
        Status.REFUSED: Stage("不予通过", "bad"),
        Status.VOIDED: Stage("已作废", "quiet"),
        Status.LAPSED: Stage("已失效", "quiet"),
    },
    begins=(Status.SUBMITTED,),
    events="hall.CaseEvent",
)

# What a case may reach more than once.
REPEATED = (Status.IN_REVIEW, Status.RETURNED)

# At an end.
FINAL = CASE_LIFE_CYCLE.final


class Verdict(StrEnum):
    CLEAR = "clear"
    MISMATCH = "mismatch"
    BARRED = "barred"


# The status of a case that is taken. At DONE its effect happens: a case that asks for money is then
# in UNPAID until the money has come, one that sets something going UNDER_WAY. A pair that is
# missing here is answered beside the field and makes no case.
ROUTES: dict[tuple[Mode, Verdict], Status] = {
    (Mode.DIRECT, Verdict.CLEAR): Status.DONE,
    (Mode.MATCH, Verdict.CLEAR): Status.DONE,
    (Mode.MATCH, Verdict.MISMATCH): Status.PRE_APPLIED,
    (Mode.COUNTER, Verdict.CLEAR): Status.PRE_APPLIED,
    (Mode.COUNTER, Verdict.MISMATCH): Status.PRE_APPLIED,
    (Mode.REVIEW, Verdict.CLEAR): Status.IN_REVIEW,
    (Mode.REVIEW, Verdict.MISMATCH): Status.IN_REVIEW,
}
