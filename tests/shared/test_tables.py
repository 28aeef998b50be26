"""Tables by an enum's members: labels, tones, and whatever else is looked up by one. None lacks a
member unless it says so."""

from enum import StrEnum
from types import ModuleType
from typing import Any

import pytest

from contributions.pages import record
from portal.shared.tables import Some, incomplete
from portal.web import checks


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


def module(**names: Any) -> ModuleType:
    made = ModuleType("made")
    vars(made).update(names)
    return made


def test_a_member_that_is_left_out_is_named() -> None:
    made = module(LABELS={Colour.RED: "红"}, TONES={Colour.RED: 1, Colour.BLUE: 2}, OTHER={"red": 1}, NONE={})
    assert list(incomplete(made)) == [("LABELS", [Colour.BLUE])]


def test_a_table_of_some_says_so() -> None:
    assert list(incomplete(module(LABELS=Some({Colour.RED: "红"})))) == []


def test_no_table_of_the_program_lacks_a_member() -> None:
    assert checks.tables_are_complete() == []


def test_the_check_looks_at_every_room(monkeypatch: pytest.MonkeyPatch) -> None:
    some = next(iter(record.STATE_TONES))
    monkeypatch.delitem(record.STATE_TONES, some)
    [error] = checks.tables_are_complete()
    assert error.msg == f"contributions.pages.record.STATE_TONES: {some} 没有对应的内容"
