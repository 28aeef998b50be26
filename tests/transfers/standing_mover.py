"""The mover made once for a module: its tests import these fixtures in place of the conftest's."""

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from portal.people.models import Person
from tests.cast import Cast
from tests.standing import standing
from tests.transfers.mover import moved_to, paid


@pytest.fixture(scope="module")
def who_moved(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Cast]:
    """Li Qiang after twelve paid months of pension in Wuhan; insured in Shenzhen."""
    with standing(django_db_blocker):
        cast = Cast()
        paid(cast.li_qiang, "wuhan", "2025-01", "2026-01")
        moved_to(cast.li_qiang, "shenzhen")
        yield cast


@pytest.fixture
def cast(who_moved: Cast, db: None) -> Cast:
    """The named cast, of whom the mover is there already."""
    return who_moved.again()


@pytest.fixture
def mover(cast: Cast) -> Person:
    return cast.li_qiang
