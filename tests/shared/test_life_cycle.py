"""Life cycles: what a declaration refuses, what follows from one, and that each status has one."""

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from pghistory.models import Event as Row

from contributions.models import BILL_LIFE_CYCLE, BillStatus
from portal import rooms
from portal.columns import choices
from portal.shared.life_cycle import TONES, LifeCycle, Stage
from portal.shared.tables import Some
from portal.web import checks


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


# Of the whole hall


@cache
def everything() -> dict[str, dict[str, Any]]:
    """The names of every module of the program."""
    return {name: vars(import_module(name)) for name in checks.modules()}


@cache
def life_cycles() -> dict[type[StrEnum], LifeCycle[Any]]:
    """All life cycles, by the enum of their statuses. Fails where an enum has two."""
    found = {
        id(value): value
        for names in everything().values()
        for value in names.values()
        if isinstance(value, LifeCycle)
    }
    by_statuses: dict[type[StrEnum], LifeCycle[Any]] = {one.statuses: one for one in found.values()}
    assert len(by_statuses) == len(found)
    return by_statuses


def test_each_enum_of_statuses_has_one_life_cycle() -> None:
    statuses = {
        value
        for names in everything().values()
        for value in names.values()
        if isinstance(value, type) and issubclass(value, StrEnum) and value.__name__.endswith("Status")
    }
    assert statuses == set(life_cycles())


def test_no_table_of_labels_tones_or_moves_stands_beside_a_life_cycle() -> None:
    beside = [
        f"{module}.{name}"
        for module, names in everything().items()
        for name, value in names.items()
        if repeats_a_life_cycle(value)
    ]
    assert beside == []


def repeats_a_life_cycle(table: Any) -> bool:
    """Whether it tells label, tone or moves of each status again. A table of some statuses may."""
    if isinstance(table, tuple):
        pairs = table and all(isinstance(pair, tuple) and len(pair) == 2 for pair in table)
        return bool(pairs) and all(type(side) in life_cycles() for pair in table for side in pair)
    if not isinstance(table, dict) or isinstance(table, Some) or not table:
        return False
    kinds = {type(key) for key in table}
    life_cycle = life_cycles().get(kinds.pop()) if len(kinds) == 1 else None
    if life_cycle is None:
        return False
    return (
        dict(table) == life_cycle.labels
        or set(map(str, table.values())) <= set(TONES)
        or all(isinstance(ends, tuple) and set(ends) <= set(life_cycle.labels) for ends in table.values())
    )


@pytest.mark.parametrize(
    "table",
    [
        dict(BILL_LIFE_CYCLE.labels),
        dict.fromkeys(BillStatus, "quiet"),
        {BillStatus.OPEN: (BillStatus.PAID,), BillStatus.PAID: (), BillStatus.LAPSED: ()},
        ((BillStatus.OPEN, BillStatus.PAID), (BillStatus.OPEN, BillStatus.LAPSED)),
    ],
)
def test_a_table_beside_a_life_cycle_is_found(table: Any) -> None:
    assert repeats_a_life_cycle(table)


def test_the_events_of_a_life_cycle_keep_every_status() -> None:
    for life_cycle in life_cycles().values():
        if life_cycle.events:
            columns = {one.name: one for one in apps.get_model(life_cycle.events)._meta.fields}
            status = columns.get("to_status", columns.get("status"))
            assert status is not None, life_cycle
            assert list(status.flatchoices) == choices(life_cycle.labels), life_cycle


def test_every_model_of_events_is_named_by_a_life_cycle() -> None:
    ours = set(rooms.packages())
    events = {
        model._meta.label
        for model in apps.get_models()
        if model.__name__.endswith("Event")
        and model.__module__.split(".")[0] in ours
        and not issubclass(model, Row)
    }
    assert events == {one.events for one in life_cycles().values() if one.events}
