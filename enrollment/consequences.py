"""Questions to the rooms above when coverage is opened, changed or ended. These rooms register
their answers here; enrollment imports none of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from enrollment.models import Coverage
from portal.accounts.models import User
from portal.people.models import Person
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month


class Barred(Exception):
    """A room refuses a change that its barriers allowed before. ``whys`` are the reasons, in
    Chinese."""

    def __init__(self, whys: list[str]) -> None:
        super().__init__("; ".join(whys))
        self.whys = whys


@dataclass(frozen=True, slots=True)
class Price:
    """What a month, or a year where it is paid by the year, costs the person, and what public money
    pays beside it; in fen."""

    personal_fen: int
    public_fen: int


@dataclass(frozen=True, slots=True)
class NextStep:
    """The next step of a person who was just insured: ``text`` with day and sum, ``url`` and its
    ``label`` (both may be empty), and the last day ``until``."""

    text: str
    label: str
    url: str
    until: date


class Consequence(Protocol):
    """One room's answers."""

    def stop_barriers(self, coverage: Coverage, until: Month) -> list[str]:
        """The reasons why the coverage cannot end before ``until``, the first month without it;
        empty where it can."""

    def stopped(self, coverages: Sequence[Coverage], until: Month, *, by: User, now: datetime) -> None:
        """Called when these coverages of one city end before ``until``, inside the transaction that
        ends them."""

    def enrolled(self, coverages: Sequence[Coverage], *, by: User, now: datetime) -> NextStep | None:
        """Called when a person has enrolled themselves with these coverages of one city, inside the
        transaction that opened them. Returns the next step; None where this room knows none."""

    def base_barriers(self, coverage: Coverage, start: Month) -> list[str]:
        """The reasons why the coverage cannot have another base from ``start`` on; empty where it
        can."""

    def base_changed(self, coverage: Coverage, start: Month, *, by: User, now: datetime) -> None:
        """Called when the coverage gets another base from ``start`` on, inside the transaction that
        sets it. Raises Barred."""

    def base_taken(self, coverage: Coverage, start: Month, *, now: datetime) -> None:
        """Called when the coverage has another base from ``start`` on, inside the transaction that
        set it."""

    def explain(
        self, *, city: str, capacity: Capacity, insurance: Insurance, tier: str, month: Month, on: date
    ) -> Any:
        """为什么是这个数 on the day ``on``, for the component ``derivation``; None where this room
        does not know."""

    def quote(
        self, *, city: str, capacity: Capacity, insurance: Insurance, tier: str, month: Month
    ) -> Price | None:
        """What a month at this tier costs; None where this room does not know."""

    def paid_years(self, person: Person, insurance: Insurance, capacity: Capacity) -> frozenset[int]:
        """The calendar years that are paid of what is paid by the year, by the person or by public
        money alone."""

    def paid_until(self, coverages: Iterable[int]) -> Mapping[int, Month]:
        """For each of the coverages (ids) that has a paid month: the month after the last."""

    def charged_until(self, coverages: Iterable[int], since: Month) -> Mapping[int, Month]:
        """For each of the coverages (ids) that is charged from ``since`` on: the month after its
        last charged month."""


_rooms: list[Consequence] = []


def register(room: Consequence) -> None:
    """Adds a room's answers; called once, when its app is ready."""
    _rooms.append(room)


def stop_barriers(coverage: Coverage, until: Month) -> list[str]:
    """All rooms' reasons against ending the coverage before ``until``."""
    return [why for room in _rooms for why in room.stop_barriers(coverage, until)]


def stopped(coverages: Sequence[Coverage], until: Month, *, by: User, now: datetime) -> None:
    """Tells every room that these coverages of one city end before ``until``."""
    if not coverages:
        return
    for room in _rooms:
        room.stopped(coverages, until, by=by, now=now)


def enrolled(coverages: Sequence[Coverage], *, by: User, now: datetime) -> NextStep | None:
    """Tells every room that these coverages were opened. Returns the next step from the first room
    that knows one."""
    answers = [room.enrolled(coverages, by=by, now=now) for room in _rooms]
    return next((one for one in answers if one is not None), None)


def base_barriers(coverage: Coverage, start: Month) -> list[str]:
    """All rooms' reasons against another base from ``start`` on."""
    return [why for room in _rooms for why in room.base_barriers(coverage, start)]


def base_changed(coverage: Coverage, start: Month, *, by: User, now: datetime) -> None:
    """Tells every room that the coverage has another base from ``start`` on."""
    for room in _rooms:
        room.base_changed(coverage, start, by=by, now=now)


def base_taken(coverage: Coverage, start: Month, *, now: datetime) -> None:
    """Tells every room that the coverage's base from ``start`` on was set."""
    for room in _rooms:
        room.base_taken(coverage, start, now=now)


def explain(*, city: str, capacity: Capacity, insurance: Insurance, tier: str, month: Month, on: date) -> Any:
    """Why a month costs what ``quote`` says, by the first room that knows."""
    answers = (
        room.explain(city=city, capacity=capacity, insurance=insurance, tier=tier, month=month, on=on)
        for room in _rooms
    )
    return next((one for one in answers if one is not None), None)


def quote(*, city: str, capacity: Capacity, insurance: Insurance, tier: str, month: Month) -> Price | None:
    """What a month costs, by the first room that knows."""
    answers = (
        room.quote(city=city, capacity=capacity, insurance=insurance, tier=tier, month=month)
        for room in _rooms
    )
    return next((price for price in answers if price is not None), None)


def paid_years(person: Person, insurance: Insurance, capacity: Capacity) -> frozenset[int]:
    """The calendar years that are paid of what is paid by the year."""
    return frozenset().union(*(room.paid_years(person, insurance, capacity) for room in _rooms))


def paid_until(coverages: Iterable[int]) -> dict[int, Month]:
    """For each of the coverages (ids) that has a paid month: the month after the last."""
    coverage_ids = list(coverages)
    after: dict[int, Month] = {}
    for room in _rooms:
        for coverage, month in room.paid_until(coverage_ids).items():
            after[coverage] = max(month, after.get(coverage, month))
    return after


def charged_until(coverages: Iterable[int], since: Month) -> dict[int, Month]:
    """For each of the coverages (ids) that is charged from ``since`` on: the first month to which a
    new base can apply."""
    coverage_ids = list(coverages)
    first_free: dict[int, Month] = {}
    for room in _rooms:
        for coverage, month in room.charged_until(coverage_ids, since).items():
            first_free[coverage] = max(month, first_free.get(coverage, month))
    return first_free
