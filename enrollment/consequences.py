"""What the rooms above answer when coverage is opened or ends. They register here; enrollment knows
none of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from enrollment.models import Coverage
from portal.accounts.models import User
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month


class Barred(Exception):
    """What was clear when it was asked no longer is: a room refuses. ``whys`` say why, in
    Chinese."""

    def __init__(self, whys: list[str]) -> None:
        super().__init__("; ".join(whys))
        self.whys = whys


@dataclass(frozen=True, slots=True)
class NextStep:
    """What a person who was just insured does next, in words with day and sum; where (``label``
    says what the address does; both may be empty), and the last day of it."""

    text: str
    label: str
    url: str
    until: date


class Consequence(Protocol):
    """One room's answers."""

    def stop_barriers(self, coverage: Coverage, until: Month) -> list[str]:
        """Why the coverage cannot end before ``until``, its first month without; empty where
        nothing stands against it."""

    def stopped(self, coverage: Coverage, until: Month, *, by: User, now: datetime) -> None:
        """The coverage ends before ``until``: called inside the transaction that ends it."""

    def enrolled(self, coverages: Sequence[Coverage], *, by: User, now: datetime) -> NextStep | None:
        """A person was just insured by themselves, by these coverages of one city: called inside
        the transaction that opened them. What is to be done next; None where it is not this room's
        to say."""

    def base_barriers(self, coverage: Coverage, start: Month) -> list[str]:
        """Why the coverage cannot have another base from ``start`` on; empty where nothing stands
        against it."""

    def base_changed(self, coverage: Coverage, start: Month, *, by: User, now: datetime) -> None:
        """The coverage has another base from ``start`` on: called inside the transaction that sets
        it. Raises Barred."""

    def explain(
        self, *, city: str, capacity: Capacity, insurance: Insurance, tier: str, month: Month, on: date
    ) -> Any:
        """为什么是这个数, for the component ``derivation`` on the day ``on``; None where it is not
        this room's to say."""

    def quote(
        self, *, city: str, capacity: Capacity, insurance: Insurance, tier: str, month: Month
    ) -> int | None:
        """What a month at this tier costs the person, in fen; None where it is not this room's to
        say."""

    def charged_until(self, coverages: Iterable[int], since: Month) -> Mapping[int, Month]:
        """Of the coverages (ids) that stand charged from ``since`` on, the month after the last one
        charged."""


_rooms: list[Consequence] = []


def register(room: Consequence) -> None:
    """Adds a room's answers; called once, when its app is ready."""
    _rooms.append(room)


def stop_barriers(coverage: Coverage, until: Month) -> list[str]:
    """Everything that stands against ending the coverage before ``until``."""
    return [why for room in _rooms for why in room.stop_barriers(coverage, until)]


def stopped(coverage: Coverage, until: Month, *, by: User, now: datetime) -> None:
    """Tells every room that the coverage ends before ``until``."""
    for room in _rooms:
        room.stopped(coverage, until, by=by, now=now)


def enrolled(coverages: Sequence[Coverage], *, by: User, now: datetime) -> NextStep | None:
    """Tells every room that these coverages were opened; what the first that knows says is to be
    done next."""
    answers = [room.enrolled(coverages, by=by, now=now) for room in _rooms]
    return next((one for one in answers if one is not None), None)


def base_barriers(coverage: Coverage, start: Month) -> list[str]:
    """Everything that stands against another base from ``start`` on."""
    return [why for room in _rooms for why in room.base_barriers(coverage, start)]


def base_changed(coverage: Coverage, start: Month, *, by: User, now: datetime) -> None:
    """Tells every room that the coverage has another base from ``start`` on."""
    for room in _rooms:
        room.base_changed(coverage, start, by=by, now=now)


def explain(*, city: str, capacity: Capacity, insurance: Insurance, tier: str, month: Month, on: date) -> Any:
    """Why a month costs what ``quote`` says, by the first room that knows."""
    answers = (
        room.explain(city=city, capacity=capacity, insurance=insurance, tier=tier, month=month, on=on)
        for room in _rooms
    )
    return next((one for one in answers if one is not None), None)


def quote(*, city: str, capacity: Capacity, insurance: Insurance, tier: str, month: Month) -> int | None:
    """What a month costs the person, in fen, by the first room that knows."""
    answers = (
        room.quote(city=city, capacity=capacity, insurance=insurance, tier=tier, month=month)
        for room in _rooms
    )
    return next((fen for fen in answers if fen is not None), None)


def charged_until(coverages: Iterable[int], since: Month) -> dict[int, Month]:
    """Of the coverages (ids) that stand charged from ``since`` on, the first month that a new base
    can price."""
    wanted = list(coverages)
    found: dict[int, Month] = {}
    for room in _rooms:
        for coverage, month in room.charged_until(wanted, since).items():
            found[coverage] = max(month, found.get(coverage, month))
    return found
