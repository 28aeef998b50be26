"""The life cycle of a first card."""

from enum import StrEnum

from portal.shared.life_cycle import LifeCycle, Stage


class CardStatus(StrEnum):
    APPLIED = "applied"
    MAKING = "making"
    READY = "ready"
    COLLECTED = "collected"


CARD_LIFE_CYCLE = LifeCycle(
    CardStatus,
    {
        CardStatus.APPLIED: Stage("已申请", "warn", (CardStatus.MAKING,)),
        CardStatus.MAKING: Stage("制卡中", "info", (CardStatus.READY,)),
        CardStatus.READY: Stage("可领取", "warn", (CardStatus.COLLECTED,)),
        CardStatus.COLLECTED: Stage("已领取", "good"),
    },
    begins=(CardStatus.APPLIED,),
    events="enrollment.FirstCardEvent",
)


class Delivery(StrEnum):
    WINDOW = "window"
    POST = "post"


DELIVERY_LABELS = {Delivery.WINDOW: "到窗口领取", Delivery.POST: "邮寄到家"}
