"""What check --deploy finds before a user does: classes that are not there, the demo's own, an old
database, no seal."""

from pathlib import Path
from typing import Any

import pytest
from django.core.checks import Error
from django.db import connection

from certificates import development_authority
from certificates.deployment import every_city_has_its_seal
from portal.web.deployment import database_is_ready, what_stands_outside_can_be_used
from tests.cast import NOW
from tests.conftest import Clock
from tests.roles import needs_app_role

NAMED = {
    "TEXT_MESSAGE_BACKEND": "tests.deployed.Messages",
    "HOUSEHOLD_REGISTER": "tests.deployed.Household",
    "BIRTH_REGISTER": "tests.deployed.Births",
    "BUSINESS_REGISTER": "tests.deployed.Businesses",
    "PENSION_REGISTER": "tests.deployed.Pensions",
    "BANK_REGISTER": "tests.deployed.Bank",
    "MEDICAL_ACCOUNT_REGISTER": "tests.deployed.MedicalAccounts",
    "FACE_CHECK": "portal.accounts.faces.RemoteCheck",
}


@pytest.fixture(autouse=True)
def deployed(settings: Any) -> None:
    for name, path in NAMED.items():
        setattr(settings, name, path)


def told() -> list[str]:
    return [f"{one.id} {one.msg}" for one in what_stands_outside_can_be_used(None)]


def test_what_is_there_passes() -> None:
    assert told() == []


@pytest.mark.parametrize(
    ("setting", "path", "why"),
    [
        ("TEXT_MESSAGE_BACKEND", "nonexistent.sms.Gateway", "hall.E101"),
        ("TEXT_MESSAGE_BACKEND", "portal.accounts.messages.NoSuchClass", "hall.E101"),
        ("TEXT_MESSAGE_BACKEND", "nodots", "hall.E101"),
        ("TEXT_MESSAGE_BACKEND", "", "hall.E101"),
        ("TEXT_MESSAGE_BACKEND", "portal.accounts.messages.OutboxPage", "hall.E102"),
        ("HOUSEHOLD_REGISTER", "nonexistent.Reg", "hall.E101"),
        ("HOUSEHOLD_REGISTER", "portal.registers.household.LocalRegister", "hall.E102"),
        ("BIRTH_REGISTER", "portal.registers.birth.LocalRegister", "hall.E102"),
        ("BUSINESS_REGISTER", "portal.registers.business.LocalRegister", "hall.E102"),
        ("PENSION_REGISTER", "portal.registers.pension.LocalRegister", "hall.E102"),
        ("BANK_REGISTER", "portal.registers.bank.LocalRegister", "hall.E102"),
        ("BANK_REGISTER", "tests.deployed.BankWithoutCards", "没有 card"),
        ("MEDICAL_ACCOUNT_REGISTER", "portal.registers.medical.LocalRegister", "hall.E102"),
        ("FACE_CHECK", "nonexistent.Faces", "hall.E101"),
    ],
)
def test_what_is_not_is_told(settings: Any, setting: str, path: str, why: str) -> None:
    setattr(settings, setting, path)
    [one] = told()
    assert setting in one
    assert why in one


def database_and_seals_are_ready(**asked: Any) -> list[Error]:
    return [*database_is_ready(None, **asked), *every_city_has_its_seal(None, **asked)]


@pytest.mark.as_app
@pytest.mark.django_db
def test_an_old_database_and_a_missing_seal_are_told(clock: Clock, settings: Any, tmp_path: Path) -> None:
    needs_app_role()
    settings.SEAL_DIR = tmp_path
    assert database_and_seals_are_ready() == [], "it asks the database only where it is told to"
    found = [one.id for one in database_and_seals_are_ready(databases=["default"])]
    assert set(found) == {"hall.E105"}
    development_authority.make_development_ca(cities=development_authority.development_cities(), now=NOW)
    assert database_and_seals_are_ready(databases=["default"]) == []
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute("DELETE FROM django_migrations WHERE app = 'hall'")
        cursor.execute(f'SET LOCAL ROLE "{settings.DATABASE_APP_ROLE}"')
    [old] = database_and_seals_are_ready(databases=["default"])
    assert (old.id, "hall." in old.msg) == ("hall.E104", True)
