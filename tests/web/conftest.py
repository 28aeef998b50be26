"""Browsers that are signed in, and what they send."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from portal.accounts.models import User
from portal.hall.models import Case
from tests.cast import Cast
from tests.conftest import Clock
from tests.filing import standing_case

DOOR = "portal.accounts.doors.PersonDoor"

ADD_STAFF = "/ningbo/services/employer-add-staff/"
ENROL_WUHAN = "/wuhan/services/flexible-enroll/"
ENROL_SHENZHEN = "/shenzhen/services/flexible-enroll/"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend=DOOR)
    return client


@pytest.fixture
def clerk(cast: Cast, clock: Clock) -> Client:
    """The browser of a clerk of a company in Ningbo."""
    return signed_in(cast.yongjiang_clerk)


@pytest.fixture
def new_staff(cast: Cast) -> dict[str, str]:
    """What a clerk types to enrol someone whom no register knows."""
    return {
        "identity_number": cast.newcomer_number,
        "name": cast.newcomer_name,
        "hired_on": "2026-11-02",
        "wage": "6500",
        "start_pension": "2026-11",
        "start_unemployment": "2026-10",
        "start_work_injury": "2026-11",
    }


@pytest.fixture
def enrolment() -> dict[str, str]:
    """What a flexible worker of Wuhan types to enrol for pension and medical."""
    return {
        "tier_pension": "60",
        "tier_medical": "60",
        "account_number": "6217975200011112225",
        "phone": "13800000002",
    }


def key_on(page: Any) -> str:
    """The key that the last look would send."""
    return str(page.context["key"])


def file_case(client: Client, at: str, answers: dict[str, Any], **files: Any) -> Case:
    """Takes an application through all steps; the case that comes of it."""
    sent = client.post(f"{at}apply/", {**answers, "action": "next"})
    assert sent.status_code == 302, sent.context["form"].errors
    last_look = client.get(f"{at}materials/")
    done = client.post(f"{at}materials/", {"key": key_on(last_look), "action": "submit", **files})
    assert done.status_code == 302, done.context["form"].errors
    return Case.objects.get(number=done["Location"].split("/")[2])


@pytest.fixture
def make_case() -> Callable[..., Case]:
    """Puts a case into the register as it would stand there, without the way to it."""
    return standing_case
