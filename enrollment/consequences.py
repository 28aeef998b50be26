"""What the rooms above answer when coverage is opened or ends. They register here; enrollment knows none of them."""

from datetime import datetime
from typing import Protocol

from enrollment.models import Coverage
from portal.accounts.models import User
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month


class Consequence(Protocol):
    """One room's answers."""

    def stop_barriers(self, coverage: Coverage, until: Month) -> list[str]:
        """Why the coverage cannot end before ``until``, its first month without; empty where nothing stands against it."""

    def stopped(self, coverage: Coverage, until: Month, *, by: User, now: datetime) -> None:
        """The coverage ends before ``until``: called inside the transaction that ends it."""

    def quote(
        self, *, city: str, capacity: Capacity, insurance: Insurance, tier: str, month: Month
    ) -> int | None:
        """What a month at this tier costs the person, in fen; None where it is not this room's to say."""


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


def quote(*, city: str, capacity: Capacity, insurance: Insurance, tier: str, month: Month) -> int | None:
    """What a month costs the person, in fen, by the first room that knows."""
    answers = (
        room.quote(city=city, capacity=capacity, insurance=insurance, tier=tier, month=month)
        for room in _rooms
    )
    return next((fen for fen in answers if fen is not None), None)
