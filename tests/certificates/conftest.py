"""What the tests of certificates share: a development authority of their own, months of
contributions, an issued certificate."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from certificates import development_authority, issuing
from certificates.facts import person_facts
from certificates.kinds import CertificateKind
from certificates.models import Certificate
from contributions.books.receiving import receive
from contributions.charges.charging import charge
from contributions.models import Charge
from portal.accounts.models import User
from portal.people.models import Person
from portal.policy.book import book
from portal.shared.insurance import Insurance
from portal.shared.months import Month, month_span
from tests.cast import NOW, Cast, cover

INSURANCES = (Insurance.PENSION, Insurance.UNEMPLOYMENT, Insurance.WORK_INJURY)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the development authority's keys."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(autouse=True)
def seal_folder(keys: Path, settings: Any) -> Path:
    """The keys in place, as after the first start."""
    settings.SEAL_DIR = keys
    development_authority.make_development_ca(cities=development_authority.development_cities(), now=NOW)
    return keys


@pytest.fixture(autouse=True)
def own_cache(settings: Any) -> None:
    """Nothing counted yet, and nobody else counting: tests run side by side on one Redis."""
    settings.CACHES = {"default": {**settings.CACHES["default"], "KEY_PREFIX": uuid4().hex}}


def insure(cast: Cast) -> Person:
    """王芳, at 甬江 since January 2026 in three insurances: paid until September, October owed,
    November not charged yet."""
    for insurance in INSURANCES:
        cover(cast.wang_fang, insurance, "ningbo", "2026-01", at=cast.yongjiang, wage_fen=800000)
    system = User.objects.system()
    for month in month_span(Month(2026, 1), Month(2026, 11)):
        charge(city="ningbo", month=month, by=system, now=NOW)
    paid = Charge.objects.filter(month__lt=Month(2026, 10))
    receive(paid, channel="counter", provider_number="1", at=NOW, by=system)
    return cast.wang_fang


def freeze(cast: Cast, months: int = 12, **more: Any) -> Certificate:
    """Freezes a certificate of 王芳, of the last so many months."""
    facts = person_facts(
        cast.wang_fang,
        city=book().city("ningbo"),
        insurances=INSURANCES,
        month_count=months,
        now=NOW,
    )
    return issuing.freeze(
        kind=CertificateKind.PERSON,
        city="ningbo",
        person=cast.wang_fang,
        facts=facts,
        by=cast.wang_fang_login,
        now=NOW,
        **more,
    )


@pytest.fixture
def insured(cast: Cast) -> Person:
    """王芳, as ``insure`` says."""
    return insure(cast)


@pytest.fixture
def frozen(cast: Cast, insured: Person) -> Callable[..., Certificate]:
    """Freezes a certificate of 王芳, of the last twelve months unless said otherwise."""
    return partial(freeze, cast)


@pytest.fixture
def certificate(frozen: Callable[..., Certificate]) -> Certificate:
    """One that is issued."""
    made = frozen()
    issuing.produce(made, now=NOW)
    return made


@pytest.fixture
def document(certificate: Certificate) -> bytes:
    """Its sealed PDF."""
    return issuing.produce(certificate, now=NOW)
