"""Li Qiang, who paid 2025 in Wuhan and is insured in Shenzhen now."""

import pytest

from portal.people.models import Person
from tests.cast import Cast
from tests.transfers.mover import moved_to, paid


@pytest.fixture
def mover(cast: Cast) -> Person:
    """Twelve paid months of pension in Wuhan, ended; insured in Shenzhen."""
    paid(cast.li_qiang, "wuhan", "2025-01", "2026-01")
    moved_to(cast.li_qiang, "shenzhen")
    return cast.li_qiang
