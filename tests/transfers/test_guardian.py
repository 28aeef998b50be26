"""A guardian applies for a ward's transfer, follows it and gives it up; the counter's papers and
the rules are the ward's."""

import datetime as dt

import pytest

from portal.accounts.models import Notice
from portal.hall import desk
from portal.hall.models import Case
from portal.hall.service import Applicant
from portal.people.models import Guardianship, Person
from portal.policy.book import book
from tests.cast import Cast
from tests.transfers.mover import clerk_of
from tests.transfers.standing_mover import cast, mover, who_moved
from tests.web.conftest import signed_in
from transfers import steps
from transfers.machine import Status
from transfers.models import Transfer

__all__ = ["cast", "mover", "who_moved"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def ward(cast: Cast, mover: Person) -> Person:
    """Li Qiang, whose guardian is 王芳."""
    Guardianship.objects.create(
        guardian=cast.wang_fang,
        ward=mover,
        relation="other",
        proof_kind="incapacity",
        proof="法院判决书",
        start=dt.date(2026, 1, 1),
    )
    return mover


def applied(cast: Cast, ward: Person, now: dt.datetime) -> Transfer:
    applicant = Applicant.of(cast.wang_fang_login, ward)
    offer = book().city("wuhan").offers["pension-out"]
    ask = desk.ask_for(offer=offer, applicant=applicant, typed={"to": "shenzhen"}, now=now)
    case = desk.submit(ask=ask, key="6c1c9e2e-0000-4000-8000-000000000002", now=now)  # type: ignore[arg-type]
    return Transfer.objects.get(case=case)


def test_the_guardian_applies_and_follows_it(cast: Cast, now: dt.datetime, ward: Person) -> None:
    transfer = applied(cast, ward, now)
    assert transfer.person == ward
    assert Case.objects.get().applicant_person == ward
    client = signed_in(cast.wang_fang_login)
    assert "李强" in client.get("/transfers/").content.decode()
    assert client.get(f"/transfers/{transfer.number}/").status_code == 200
    assert signed_in(cast.zhang_min_login).get(f"/transfers/{transfer.number}/").status_code == 404
    # Whoever applied is told, and the ward that the guardian did.
    assert [one.user for one in Notice.objects.exclude(kind="for-ward")] == [cast.wang_fang_login]
    assert [one.person for one in Notice.objects.filter(kind="for-ward")] == [ward]


def test_the_guardian_gives_it_up(cast: Cast, now: dt.datetime, ward: Person) -> None:
    transfer = applied(cast, ward, now)
    assert steps.cancel(transfer, by=cast.wang_fang_login, now=now).status == Status.CANCELLED


def test_a_guardian_of_former_days_does_not(cast: Cast, now: dt.datetime, ward: Person) -> None:
    transfer = applied(cast, ward, now)
    Guardianship.objects.update(ends_on=dt.date(2026, 11, 17))
    with pytest.raises(steps.CannotStep, match="只有本人"):
        steps.cancel(transfer, by=cast.wang_fang_login, now=now)
    assert signed_in(cast.wang_fang_login).get(f"/transfers/{transfer.number}/").status_code == 404


def test_staff_do_not_move_their_wards_transfer(cast: Cast, now: dt.datetime, ward: Person) -> None:
    transfer = applied(cast, ward, now)
    clerk = clerk_of("shenzhen")
    clerk.person = cast.wang_fang
    clerk.save()
    with pytest.raises(steps.CannotStep, match="被监护人"):
        steps.accept(transfer, by=clerk, now=now)
