"""What staff change in people's files, by two hands: proposed by one, in effect by another, and
told to whom it is about."""

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.utils import InternalError
from django.test import Client

from portal.accounts import notices, proposals
from portal.accounts.models import Notice, OutboxMessage, Proposal, User
from portal.accounts.roles import MANAGER
from portal.people.models import Person
from tests.cast import NOW, Cast, staff
from tests.conftest import Clock

pytestmark = pytest.mark.django_db

QUEUE = "/admin/accounts/proposal/"


def inside(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(person: Person) -> str:
    return f"/admin/people/person/{person.pk}/change/"


def typed(person: Person, **more: str) -> dict[str, str]:
    return {"name": person.name, "phone": person.phone, "household_code": person.household_code,
            "archive_birth_date": "", "reason": "身份证原件", **more}  # fmt: skip


@pytest.fixture
def manager(cast: Cast, clock: Clock) -> Client:
    return inside(cast.ningbo_manager)


@pytest.fixture
def proposed(manager: Client, cast: Cast) -> Proposal:
    """王芳's new phone, proposed by the manager."""
    assert manager.post(page(cast.wang_fang), typed(cast.wang_fang, phone="13900000099")).status_code == 302
    return Proposal.objects.get()


def test_nothing_changes_by_one_hand_alone(manager: Client, cast: Cast, proposed: Proposal) -> None:
    cast.wang_fang.refresh_from_db()
    assert cast.wang_fang.phone == "13800000001"
    own = manager.get(f"{QUEUE}{proposed.pk}/change/").content.decode()
    assert "由另一名工作人员复核" in own
    assert "同意并生效" not in own
    manager.post(f"{QUEUE}{proposed.pk}/change/", {"step": "approve"})
    proposed.refresh_from_db()
    assert proposed.status == "proposed"
    assert not Notice.objects.exists()


def test_the_second_hand_lets_it_take_effect_and_the_old_phone_is_told(
    cast: Cast, proposed: Proposal
) -> None:
    checker = inside(cast.ningbo_reviewer)
    shown = checker.get(f"{QUEUE}{proposed.pk}/change/").content.decode()
    assert "139****0099" in shown
    assert "13900000099" not in shown
    for _press in range(2):
        assert checker.post(f"{QUEUE}{proposed.pk}/change/", {"step": "approve"}).status_code == 302
    person = Person.objects.get(pk=cast.wang_fang.pk)
    assert (person.phone, person.identity_number) == ("13900000099", cast.wang_fang.identity_number)
    assert Notice.objects.get().person == person
    notices.send_text_messages(now=NOW)
    message = OutboxMessage.objects.get()
    assert message.phone == "13800000001"
    assert "手机号码" in message.text


def test_a_refusal_changes_nothing_and_keeps_its_reason(cast: Cast, proposed: Proposal) -> None:
    checker = inside(cast.ningbo_reviewer)
    assert checker.post(f"{QUEUE}{proposed.pk}/change/", {"step": "refuse"}).status_code == 422
    checker.post(f"{QUEUE}{proposed.pk}/change/", {"step": "refuse", "refuse-why": "材料不清楚"})
    proposed.refresh_from_db()
    assert (proposed.status, proposed.why, proposed.decided_by) == (
        "refused",
        "材料不清楚",
        cast.ningbo_reviewer,
    )
    assert Person.objects.get(pk=cast.wang_fang.pk).phone == "13800000001"


def test_another_city_neither_proposes_sees_nor_decides(cast: Cast, proposed: Proposal) -> None:
    other = inside(staff("wuhan-9", "丁力", "wuhan", MANAGER))
    assert other.get(f"{QUEUE}{proposed.pk}/change/").status_code == 404
    assert other.post(f"{QUEUE}{proposed.pk}/change/", {"step": "approve"}).status_code == 404
    assert other.post(page(cast.wang_fang), typed(cast.wang_fang, name="王方")).status_code == 302
    assert Proposal.objects.count() == 1
    with pytest.raises(proposals.CannotDecide):
        proposals.approve(proposed, by=cast.wuhan_reviewer, now=NOW)


def test_two_about_the_same_person_do_not_stand_side_by_side(
    manager: Client, cast: Cast, proposed: Proposal
) -> None:
    again = manager.post(page(cast.wang_fang), typed(cast.wang_fang, name="王方"))
    assert again.status_code == 200
    assert "已有一项待复核" in again.content.decode()
    assert "王方" in again.content.decode(), "what was typed stays"
    assert Proposal.objects.count() == 1


def test_what_has_changed_meanwhile_is_not_overwritten(cast: Cast, proposed: Proposal) -> None:
    Person.objects.filter(pk=cast.wang_fang.pk).update(phone="13700000000")
    checker = inside(cast.ningbo_reviewer)
    told = checker.post(f"{QUEUE}{proposed.pk}/change/", {"step": "approve"}, follow=True).content.decode()
    assert "档案已有变动" in told
    assert Person.objects.get(pk=cast.wang_fang.pk).phone == "13700000000"
    proposed.refresh_from_db()
    assert proposed.status == "proposed"


def test_whoever_it_is_about_has_no_hand_in_it(cast: Cast, proposed: Proposal) -> None:
    concerned = staff("ningbo-8", "王芳", "ningbo", MANAGER, of=cast.wang_fang)
    assert "与您本人有关" in proposals.why_not_decide(proposed, concerned)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"phone": "1380000"}, "11 位"),
        ({"household_code": "33"}, "6 位数字"),
        ({"archive_birth_date": "2030-01-01"}, "不能晚于今天"),
        ({"name": ""}, "必填"),
        ({"phone": "13900000099", "reason": ""}, "必填"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_proposed(
    manager: Client, cast: Cast, more: dict[str, str], why: str
) -> None:
    answer = manager.post(page(cast.wang_fang), typed(cast.wang_fang, **more))
    assert answer.status_code == 200
    assert why in answer.content.decode()
    assert not Proposal.objects.exists()


def test_the_database_holds_the_two_hands(cast: Cast, proposed: Proposal) -> None:
    rows = Proposal.objects.filter(pk=proposed.pk)
    alone = {"status": "approved", "decided_by": cast.ningbo_manager, "decided_at": NOW}
    with pytest.raises(IntegrityError, match="proposal_decided_by_another"), transaction.atomic():
        rows.update(**alone)
    with pytest.raises(IntegrityError, match="proposal_decided_by_another"), transaction.atomic():
        rows.update(status="approved")
    others: list[dict[str, Any]] = [
        {"payload": {}},
        {"proposed_by": cast.ningbo_reviewer},
        {"reason": "别的"},
    ]
    for change in others:
        with pytest.raises(InternalError), transaction.atomic():
            rows.update(**change)
    rows.update(**{**alone, "decided_by": cast.ningbo_reviewer})
    with pytest.raises(InternalError), transaction.atomic():
        rows.update(status="proposed", decided_by=None, decided_at=None)
    with pytest.raises(InternalError), transaction.atomic():
        rows.delete()


def test_an_archive_birth_date_takes_effect_as_a_day(manager: Client, cast: Cast) -> None:
    manager.post(page(cast.wang_fang), typed(cast.wang_fang, archive_birth_date="1987-05-12"))
    proposals.approve(Proposal.objects.get(), by=cast.ningbo_reviewer, now=NOW)
    assert Person.objects.get(pk=cast.wang_fang.pk).archive_birth_date == dt.date(1987, 5, 12)
