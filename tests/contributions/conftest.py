"""A city's month on a folder of its own."""

import datetime as dt
from pathlib import Path

import pytest

from portal.accounts.models import User
from tests.contributions.money_cast import Road


@pytest.fixture
def exchange(tmp_path: Path, settings) -> Path:
    """The exchange folder of this test."""
    settings.BANK_EXCHANGE_DIR = tmp_path / "exchange"
    return settings.BANK_EXCHANGE_DIR


@pytest.fixture
def road(db: None, exchange: Path, now: dt.datetime) -> Road:
    """October 2026 in Wuhan, in the schedule's name."""
    return Road(exchange=exchange, by=User.objects.system(), now=now)
