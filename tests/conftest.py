"""Fixtures that all tests share: the cast, and a clock that stands."""

import datetime as dt

import pytest
from django.utils import timezone

from tests.cast import NOW, Cast, moment


@pytest.fixture
def cast(db: None) -> Cast:
    """The named cast, on the test's database; people are made when the test first names them."""
    return Cast()


class Clock:
    """What the pages, tasks and commands read as now: it stands until the test sets it."""

    def __init__(self) -> None:
        self.now = NOW

    def set(self, when: dt.datetime | str) -> dt.datetime:
        """Moves the clock, to a moment or to one written as in China, and gives the new now."""
        self.now = moment(when) if isinstance(when, str) else when
        return self.now

    def step(self, **by: float) -> dt.datetime:
        """Moves the clock on, by days, hours, minutes …; gives the new now."""
        return self.set(self.now + dt.timedelta(**by))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that stands at ``NOW`` for everything that asks ``timezone.now()``."""
    clock = Clock()
    monkeypatch.setattr(timezone, "now", lambda: clock.now)
    return clock


@pytest.fixture
def now(clock: Clock) -> dt.datetime:
    """Now, on the clock that stands."""
    return clock.now
