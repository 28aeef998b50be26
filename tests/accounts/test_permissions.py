"""Who may act for whom, who passes which page, what the staff's roles may do, and who looked up
whom."""

import datetime as dt
import fnmatch

import pytest
from django.contrib.auth.models import AnonymousUser, Group, Permission
from django.http import Http404, HttpResponse
from django.test import Client, RequestFactory

from portal.accounts.lookups import TooManyLookups, look_up
from portal.accounts.models import PersonLookup, User
from portal.accounts.permissions import (
    clerk_required,
    ensure_staff_roles,
    login_required_any,
    may_act_for_employer,
    may_act_for_person,
    may_review,
    patterns,
    person_required,
    staff_cities,
)
from portal.accounts.roles import COLLECTOR, REVIEWER
from portal.policy.book import book
from tests.cast import NOW, Cast

pytestmark = pytest.mark.django_db


def test_a_person_acts_for_themselves_only(cast: Cast) -> None:
    assert may_act_for_person(cast.wang_fang_login, cast.wang_fang)
    assert not may_act_for_person(cast.wang_fang_login, cast.li_qiang)
    assert not may_act_for_person(cast.wang_fang_login, None)
    assert not may_act_for_person(cast.yongjiang_clerk, cast.wang_fang)
    assert not may_act_for_person(cast.ningbo_reviewer, cast.wang_fang)
    assert not may_act_for_person(AnonymousUser(), cast.wang_fang)
    assert not may_act_for_employer(cast.wang_fang_login, cast.yongjiang)


def test_a_clerk_acts_for_their_employer_and_not_for_themselves(cast: Cast) -> None:
    clerk = User.objects.create_clerk(
        cast.yongjiang, name="王芳", phone="", password=None, person=cast.wang_fang
    )
    assert may_act_for_employer(clerk, cast.yongjiang)
    assert not may_act_for_employer(clerk, cast.zhaobao)
    assert not may_act_for_person(clerk, cast.wang_fang)
    assert not may_act_for_employer(AnonymousUser(), cast.yongjiang)


def test_a_closed_account_acts_for_nobody(cast: Cast) -> None:
    for user in (cast.wang_fang_login, cast.yongjiang_clerk, cast.ningbo_reviewer):
        user.is_active = False
    assert not may_act_for_person(cast.wang_fang_login, cast.wang_fang)
    assert not may_act_for_employer(cast.yongjiang_clerk, cast.yongjiang)
    assert not may_review(cast.ningbo_reviewer, "ningbo")


def test_staff_decide_for_their_city_in_their_role(cast: Cast) -> None:
    assert staff_cities(cast.ningbo_reviewer) == ["ningbo"]
    assert staff_cities(cast.every_city_reviewer) == [city.slug for city in book().cities]
    assert (
        staff_cities(cast.wang_fang_login)
        == staff_cities(AnonymousUser())
        == staff_cities(User.objects.system())
        == []
    )
    assert may_review(cast.ningbo_reviewer, "ningbo")
    assert not may_review(cast.ningbo_reviewer, "wuhan")
    assert may_review(cast.every_city_reviewer, "wuhan")
    assert not may_review(cast.ningbo_staff_without_role, "ningbo")
    assert not may_review(cast.wuhan_collector, "wuhan")
    assert not may_review(cast.yongjiang_clerk, "ningbo")
    assert may_review(cast.superuser, "shenzhen")


def test_a_persons_or_clerks_group_gives_them_nothing(cast: Cast) -> None:
    for user in (cast.wang_fang_login, cast.yongjiang_clerk):
        user.groups.add(Group.objects.get(name=REVIEWER))
        assert not may_review(User.objects.get(pk=user.pk), "ningbo")


def test_roles_are_there_and_making_them_again_changes_nothing() -> None:
    assert set(Group.objects.values_list("name", flat=True)) == set(patterns())
    before = {group.name: group.permissions.count() for group in Group.objects.all()}
    assert before[REVIEWER] > 0
    assert not Group.objects.get(name=COLLECTOR).permissions.filter(codename="change_case").exists()
    ensure_staff_roles("hall")
    assert {group.name: group.permissions.count() for group in Group.objects.all()} == before


def test_no_role_deletes_anything_or_changes_accounts_or_what_is_history() -> None:
    given = {
        f"{one.content_type.app_label}.{one.codename}"
        for group in Group.objects.all()
        for one in group.permissions.select_related("content_type")
    }
    assert not [name for name in given if ".delete_" in name]
    # What others propose is decided, never changed; a code makes no account by itself.
    changed = {name for name in given if name.startswith("accounts.") and ".view_" not in name}
    assert changed == {
        "accounts.add_user",
        "accounts.change_user",
        "accounts.change_proposal",
        "accounts.add_activationcode",
    }, "clerks of the city, by its supervisors"
    assert not [name for name in given if name.endswith("event") and ".view_" not in name], "history"


def test_every_pattern_of_a_role_means_something() -> None:
    named = [
        f"{one.content_type.app_label}.{one.codename}"
        for one in Permission.objects.select_related("content_type")
    ]
    for role, its in patterns().items():
        assert not [one for one in its if not fnmatch.filter(named, one)], role


@pytest.mark.parametrize(
    ("guard", "door", "passing"),
    [
        (person_required, "/login/person/", {"wang_fang_login"}),
        (clerk_required, "/login/employer/", {"yongjiang_clerk"}),
        (login_required_any, "/login/person/", {"wang_fang_login", "yongjiang_clerk", "ningbo_reviewer"}),
    ],
)
def test_a_page_lets_its_own_kind_pass(cast: Cast, guard, door: str, passing: set[str]) -> None:
    view = guard(lambda request, number: HttpResponse(str(number)))
    request = RequestFactory().get("/cases/7/?page=2")
    request.user = AnonymousUser()
    assert view(request, number=7)["Location"] == f"{door}?next=/cases/7/%3Fpage%3D2"
    for who in ("wang_fang_login", "yongjiang_clerk", "ningbo_reviewer"):
        request.user = getattr(cast, who)
        if who in passing:
            assert view(request, number=7).content == b"7"
        else:
            with pytest.raises(Http404):
                view(request, number=7)


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        ("http://testserver/cases/7/?page=2", "/cases/7/%3Fpage%3D2"),
        ("https://evil.example/trap", "/"),
        ("", "/"),
    ],
)
def test_after_a_form_the_way_back_is_the_page_it_stood_on(referer: str, back: str) -> None:
    request = RequestFactory().post("/cases/7/withdraw/", HTTP_REFERER=referer)
    request.user = AnonymousUser()
    view = person_required(lambda request: HttpResponse())
    assert view(request)["Location"] == f"/login/person/?next={back}"


class TestLookUps:
    def test_are_recorded_found_or_not(self, cast: Cast) -> None:
        clerk = cast.yongjiang_clerk
        assert (
            look_up(user=clerk, identity_number=cast.wang_fang.identity_number, purpose="增员", now=NOW)
            == cast.wang_fang
        )
        assert look_up(user=clerk, identity_number=cast.newcomer_number, purpose="增员", now=NOW) is None
        assert list(PersonLookup.objects.order_by("pk").values_list("user", "found", "purpose", "at")) == [
            (clerk.pk, True, "增员", NOW),
            (clerk.pk, False, "增员", NOW),
        ]

    def test_are_limited_by_the_hour_and_the_login(self, cast: Cast, settings) -> None:
        settings.PERSON_LOOKUPS_PER_HOUR = 2
        people = [cast.wang_fang, cast.li_qiang, cast.chen_jing]

        def search(turn: int, who: User = cast.yongjiang_clerk, now: dt.datetime = NOW):
            return look_up(user=who, identity_number=people[turn].identity_number, purpose="增员", now=now)

        search(0)
        search(1)
        with pytest.raises(TooManyLookups):
            search(2)
        assert search(0), "the same person again is no new one"
        assert search(2, who=cast.zhaobao_clerk)
        assert search(2, now=NOW + dt.timedelta(hours=1, seconds=1))
        assert PersonLookup.objects.filter(user=cast.yongjiang_clerk).count() == 4

    def test_show_to_whom_they_are_about(self, client: Client, cast: Cast) -> None:
        look_up(
            user=cast.yongjiang_clerk, identity_number=cast.wang_fang.identity_number, purpose="增员", now=NOW
        )
        client.force_login(cast.wang_fang_login)
        assert cast.yongjiang.name in client.get("/account/").content.decode()
        client.force_login(cast.li_qiang_login)
        assert cast.yongjiang.name not in client.get("/account/").content.decode()
