"""Life cycles: what a declaration refuses, and what follows from one."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pytest

from portal.shared.life_cycle import LifeCycle, Stage


class Bill(StrEnum):
    OPEN = "open"
    PAID = "paid"
    LAPSED = "lapsed"


class Other(StrEnum):
    GONE = "gone"


STAGES: dict[Bill, Stage[Bill]] = {
    Bill.LAPSED: Stage("已失效", "quiet"),
    Bill.OPEN: Stage("待缴款", "warn", (Bill.PAID, Bill.LAPSED)),
    Bill.PAID: Stage("已缴清", "good", (Bill.LAPSED,)),
}


def declared(
    stages: Mapping[Any, Stage[Any]] = STAGES, begins: tuple[Any, ...] = (Bill.OPEN,)
) -> LifeCycle[Bill]:
    return LifeCycle(Bill, stages, begins=begins)


def test_all_that_is_asked_follows_from_the_declaration() -> None:
    bills = declared()
    assert list(bills.labels.items()) == [
        (Bill.OPEN, "待缴款"),
        (Bill.PAID, "已缴清"),
        (Bill.LAPSED, "已失效"),
    ]
    assert (bills.label("paid"), bills.tone("paid")) == ("已缴清", "good")
    assert bills.moves_from("open") == (Bill.PAID, Bill.LAPSED)
    assert bills.moves == ((Bill.OPEN, Bill.PAID), (Bill.OPEN, Bill.LAPSED), (Bill.PAID, Bill.LAPSED))
    assert bills.moves_sql == "('open', 'paid'), ('open', 'lapsed'), ('paid', 'lapsed')"
    assert bills.transitions == [("open", "paid"), ("open", "lapsed"), ("paid", "lapsed")]
    assert bills.final == (Bill.LAPSED,)


def test_an_unknown_status_has_no_label() -> None:
    with pytest.raises(ValueError):
        declared().label("doubled")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({Bill.PAID: None}, "paid has no stage"),
        ({Bill.PAID: Stage("", "good")}, "paid has no label"),
        ({Bill.PAID: Stage("已缴清", "")}, "paid has no tone"),  # type: ignore[arg-type]
        ({Bill.PAID: Stage("已缴清", "loud")}, "paid has no tone"),  # type: ignore[arg-type]
        ({Other.GONE: Stage("已作废", "quiet", (Bill.PAID,))}, "gone is no status of it"),
        ({Bill.PAID: Stage("已缴清", "good", (Other.GONE,))}, "gone is no status of it"),
        ({Bill.PAID: Stage("已缴清", "good", (Bill.PAID,))}, "paid moves to itself"),
        ({Bill.OPEN: Stage("待缴款", "warn", (Bill.LAPSED,))}, "paid is never reached"),
    ],
)
def test_a_declaration_with_a_fault_is_refused(changes: dict[Any, Stage[Any] | None], why: str) -> None:
    stages = {status: stage for status, stage in {**STAGES, **changes}.items() if stage is not None}
    with pytest.raises(ValueError, match=re.escape(why)):
        declared(stages)


def test_a_beginning_of_another_enum_is_refused() -> None:
    with pytest.raises(ValueError, match="gone is no status of it"):
        declared(begins=(Bill.OPEN, Other.GONE))


def test_statuses_that_only_reach_one_another_are_never_reached() -> None:
    around = {
        Bill.OPEN: Stage("待缴款", "warn"),
        Bill.PAID: Stage("已缴清", "good", (Bill.LAPSED,)),
        Bill.LAPSED: Stage("已失效", "quiet", (Bill.PAID,)),
    }
    with pytest.raises(ValueError, match="paid is never reached; lapsed is never reached"):
        declared(around)
