"""What is made once and stands for all tests of a module, where making it takes longer than a test.

Tests that ask for it are marked ``django_db``: each runs within a savepoint of its own, so the next
one finds everything as it was made.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from tests.cast import NOW


@contextmanager
def standing(blocker: DjangoDbBlocker) -> Iterator[None]:
    """For a fixture of a module: what is written within it is there until it is left. The clock
    stands at ``NOW``."""
    with pytest.MonkeyPatch.context() as patch, blocker.unblock(), transaction.atomic():
        patch.setattr(timezone, "now", lambda: NOW)
        yield
        transaction.set_rollback(True)
