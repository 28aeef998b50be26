"""The life cycle of a transfer: its states, the side that acts in each, and the start of each
time limit. Only tables; the database enforces the same moves."""

from enum import StrEnum

from portal.shared.life_cycle import LifeCycle, Stage
from portal.shared.tables import Some


class Status(StrEnum):
    APPLIED = "applied"
    ACCEPTED = "accepted"
    LETTER_SENT = "letter_sent"
    RELEASED = "released"
    RECEIVED = "received"
    MERGED = "merged"
    RETURNED = "returned"
    CANCELLED = "cancelled"


TRANSFER_LIFE_CYCLE = LifeCycle(
    Status,
    {
        Status.APPLIED: Stage("已申请", "info", (Status.ACCEPTED, Status.RETURNED, Status.CANCELLED)),
        Status.ACCEPTED: Stage("已受理", "info", (Status.LETTER_SENT, Status.RETURNED, Status.CANCELLED)),
        Status.LETTER_SENT: Stage("已发联系函", "info", (Status.RELEASED, Status.RETURNED, Status.CANCELLED)),
        Status.RELEASED: Stage("已转出", "info", (Status.RECEIVED, Status.RETURNED)),
        Status.RECEIVED: Stage("已到账", "info", (Status.MERGED,)),
        Status.MERGED: Stage("已合并", "good"),
        Status.RETURNED: Stage("已退回", "warn", (Status.APPLIED, Status.LETTER_SENT, Status.CANCELLED)),
        Status.CANCELLED: Stage("已撤销", "quiet"),
    },
    begins=(Status.APPLIED,),
    events="transfers.TransferEvent",
)

# The label of a station that has not happened yet and is next.
WAITING_LABELS = Some(
    {
        Status.ACCEPTED: "等待受理",
        Status.LETTER_SENT: "等待发出联系函",
        Status.RELEASED: "等待转出",
        Status.RECEIVED: "等待到账",
        Status.MERGED: "等待合并",
    }
)


FINAL = TRANSFER_LIFE_CYCLE.final
OPEN = tuple(status for status in Status if status not in FINAL)
# Months and money have left the old place.
AWAY = (Status.RELEASED, Status.RECEIVED, Status.MERGED)

# Where a corrected transfer goes on: state before the return → state after the correction.
AGAIN: dict[Status, Status] = Some(
    {
        Status.APPLIED: Status.APPLIED,
        Status.ACCEPTED: Status.APPLIED,
        Status.LETTER_SENT: Status.LETTER_SENT,
        Status.RELEASED: Status.LETTER_SENT,
    }
)


class Side(StrEnum):
    """The side that acts: the place that the relation leaves, the place that it goes to, or the
    person."""

    OLD = "old"
    NEW = "new"
    PERSON = "person"


SIDE_LABELS = {Side.OLD: "转出地经办机构", Side.NEW: "转入地经办机构", Side.PERSON: "本人"}

_TURN = Some(
    {
        Status.APPLIED: Side.NEW,
        Status.ACCEPTED: Side.NEW,
        Status.LETTER_SENT: Side.OLD,
        Status.RELEASED: Side.NEW,
        Status.RECEIVED: Side.NEW,
    }
)

# States in which an agency's time limit starts. It runs on through the agency's own next step.
CLOCK_STARTS = (Status.APPLIED, Status.LETTER_SENT, Status.RELEASED)

# The stations that pages show, in order.
LINE = (
    Status.APPLIED,
    Status.ACCEPTED,
    Status.LETTER_SENT,
    Status.RELEASED,
    Status.RECEIVED,
    Status.MERGED,
)


def turn(status: Status, returned_from: Status | None = None) -> Side | None:
    """The side whose turn it is; None after the end. The old place corrects what was returned after
    the release, the person everything else."""
    if status == Status.RETURNED:
        return Side.OLD if returned_from == Status.RELEASED else Side.PERSON
    return _TURN.get(status)
