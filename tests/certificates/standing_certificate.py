"""An issued certificate made once for a module: its tests import these fixtures in place of the
conftest's."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import override_settings
from pytest_django import DjangoDbBlocker

from certificates import development_authority, issuing
from certificates.models import Certificate
from portal.people.models import Person
from tests.cast import NOW, Cast
from tests.certificates.conftest import freeze, insure
from tests.standing import standing


@pytest.fixture(scope="module")
def issued_once(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, keys: Path
) -> Iterator[tuple[Cast, Certificate]]:
    """王芳 as ``insure`` says, and a certificate of her last twelve months."""
    with override_settings(SEAL_DIR=keys), standing(django_db_blocker):
        development_authority.make_development_ca(cities=development_authority.development_cities(), now=NOW)
        cast = Cast()
        insure(cast)
        made = freeze(cast)
        issuing.produce(made, now=NOW)
        yield cast, made


@pytest.fixture
def cast(issued_once: tuple[Cast, Certificate], db: None) -> Cast:
    return issued_once[0].again()


@pytest.fixture
def insured(cast: Cast) -> Person:
    return cast.wang_fang


@pytest.fixture
def certificate(issued_once: tuple[Cast, Certificate], db: None) -> Certificate:
    return Certificate.objects.get(pk=issued_once[1].pk)
