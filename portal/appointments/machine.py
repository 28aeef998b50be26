"""The life cycle of an appointment."""

from enum import StrEnum

from portal.shared.life_cycle import LifeCycle, Stage


class Status(StrEnum):
    BOOKED = "booked"
    ARRIVED = "arrived"
    LATE = "late"
    MISSED = "missed"
    EXCUSED = "excused"
    CANCELLED = "cancelled"
    CLOSED = "closed"


# Those that leave their place to others. Written out in the triggers of ``models`` as well.
GIVEN_UP = (Status.CANCELLED, Status.CLOSED)

APPOINTMENT_LIFE_CYCLE = LifeCycle(
    Status,
    {
        Status.BOOKED: Stage(
            "已预约", "info", (Status.ARRIVED, Status.LATE, Status.MISSED, Status.CANCELLED, Status.CLOSED)
        ),
        Status.ARRIVED: Stage("已签到", "good"),
        Status.LATE: Stage("迟到，已转现场取号", "warn"),
        Status.MISSED: Stage("未到", "bad", (Status.EXCUSED,)),
        Status.EXCUSED: Stage("未到，不计爽约", "quiet"),
        Status.CANCELLED: Stage("已取消", "quiet"),
        Status.CLOSED: Stage("停办，已取消", "quiet"),
    },
    begins=(Status.BOOKED,),
    events="appointments.AppointmentEvent",
)
