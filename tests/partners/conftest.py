import pytest

from tests.conftest import Clock
from tests.partners.calling import Caller, partner_called


@pytest.fixture
def bank(db: None, clock: Clock) -> Caller:
    """A bank that serves Wuxi by the scope of orders."""
    return partner_called()
