"""个人基本信息变更: household and name by the household register, an archive's birth date at the
counter."""

import datetime as dt
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from portal.accounts.models import User
from portal.accounts.roles import REVIEWER
from portal.hall import desk, drafts
from portal.hall.catalogue import service
from portal.hall.models import Case
from portal.hall.routing import Status
from portal.hall.service import Applicant
from portal.people.models import Guardianship, Person, Proof, Relation
from portal.policy.book import book
from portal.registers.models import HouseholdRecord
from portal.shared.months import Month
from tests.cast import CHANGSHA, NANSHAN, Cast, person, staff
from tests.filing import ask, file, findings_of, reasons, standing_case, ways

CODE = "identity-change"
SHENZHEN = "shenzhen"
GUANGZHOU = "440106"


def change(**typed: Any) -> dict[str, Any]:
    """The form with one thing to change."""
    return {"what": next(iter(typed)), **typed} if "what" not in typed else typed


def archived(day: str) -> dict[str, Any]:
    return {"what": "archive", "archive_birth_date": day}


@pytest.fixture
def newcomer(cast: Cast) -> User:
    """A login whose file still says Changsha."""
    cast.liu_yang.household_code = CHANGSHA
    cast.liu_yang.save()
    return cast.liu_yang_login


def registered(who: Person, place: str, name: str = "") -> None:
    HouseholdRecord.objects.create(
        identity_number=who.identity_number, name=name or who.name, place_code=place
    )


def household_of(user: User) -> str:
    return Person.objects.get(pk=user.person_id or 0).household_code


def test_a_household_that_the_register_has_too_is_done_at_once(
    cast: Cast, newcomer: User, now: dt.datetime
) -> None:
    registered(cast.liu_yang, GUANGZHOU)
    case = file(newcomer, SHENZHEN, CODE, change(household="province"), now)
    assert case.status == Status.DONE
    assert household_of(newcomer) == GUANGZHOU
    assert dict(case.outcome["lines"])["户籍类别"] == "广东省外户籍 → 广东省内非深圳户籍"


@pytest.mark.parametrize("place", [GUANGZHOU, ""])
def test_a_household_that_differs_is_pre_applied(
    cast: Cast, newcomer: User, now: dt.datetime, place: str
) -> None:
    if place:
        registered(cast.liu_yang, place)
    case = file(newcomer, SHENZHEN, CODE, change(household="city"), now)
    assert case.status == Status.PRE_APPLIED
    assert case.facts["papers"] == ["identity-card", "household-book"]
    assert household_of(newcomer) == CHANGSHA


def test_the_window_does_what_the_register_then_says(cast: Cast, newcomer: User, now: dt.datetime) -> None:
    case = file(newcomer, SHENZHEN, CODE, change(household="city"), now)
    registered(cast.liu_yang, NANSHAN)
    desk.decide(case, approve=True, by=cast.shenzhen_reviewer, now=now)
    assert household_of(newcomer) == NANSHAN


def test_two_overrule_the_register_only_where_the_place_is_known(
    cast: Cast, newcomer: User, now: dt.datetime
) -> None:
    registered(cast.liu_yang, NANSHAN)
    case = file(newcomer, SHENZHEN, CODE, change(household="province"), now)
    second = staff("shenzhen-2", "黄静", SHENZHEN, REVIEWER)
    desk.propose_overruling(case, reason="户口簿", by=cast.shenzhen_reviewer, now=now)
    with pytest.raises(desk.NotAccepted) as refused:
        desk.decide(case, approve=True, by=second, now=now, overrule=True)
    assert "区划代码" in refused.value.findings[0].why
    assert household_of(newcomer) == CHANGSHA


def test_a_name_of_a_rare_character_agrees(cast: Cast, newcomer: User, now: dt.datetime) -> None:
    registered(cast.liu_yang, NANSHAN, "刘䶮")
    case = file(newcomer, SHENZHEN, CODE, change(name="刘䶮"), now)
    assert case.status == Status.DONE
    assert Person.objects.get(pk=cast.liu_yang.pk).name == "刘䶮"
    history = Person.pgh_event_model.objects.filter(pgh_obj=cast.liu_yang).order_by("pgh_id")  # type: ignore[attr-defined]
    assert [one.name for one in history][-2:] == ["刘洋", "刘䶮"]


def test_another_name_than_the_registers_is_pre_applied(cast: Cast, newcomer: User, now: dt.datetime) -> None:
    registered(cast.liu_yang, NANSHAN)
    case = file(newcomer, SHENZHEN, CODE, change(name="刘海"), now)
    assert (case.status, case.facts["papers"]) == (Status.PRE_APPLIED, ["identity-card", "police-note"])


@pytest.mark.parametrize(("what", "why"), [("sex", "公安机关"), ("number", "窗口")])
def test_what_the_number_says_is_not_changed_here(
    newcomer: User, now: dt.datetime, what: str, why: str
) -> None:
    assert why in reasons(newcomer, SHENZHEN, CODE, {"what": what}, now)["what"]


@pytest.fixture
def worker(cast: Cast) -> User:
    """A man born in May 1967 by his card."""
    man = person("何伟", NANSHAN, "1967-05-20", 31, phone="13800000031")
    return User.objects.create_person(man, password=None)


def test_an_archive_birth_date_goes_to_the_counter_and_moves_retirement(
    cast: Cast, worker: User, now: dt.datetime
) -> None:
    asked = ask(worker, SHENZHEN, CODE, archived("1962-05-20"), now)
    seen = desk.look(asked)
    assert (seen.facts.retires.month, seen.facts.would_retire.month) == (Month(2028, 1), Month(2022, 5))
    assert dict(seen.summary)["退休时间"] == "由2028年1月（60周岁8个月）变更为2022年5月（60周岁）"
    case = file(worker, SHENZHEN, CODE, archived("1962-05-20"), now)
    assert case.status == Status.PRE_APPLIED
    desk.propose_overruling(case, reason="1980 年招工表", by=cast.shenzhen_reviewer, now=now)
    second = staff("shenzhen-2", "黄静", SHENZHEN, REVIEWER)
    desk.decide(case, approve=True, by=second, now=now, overrule=True)
    assert Person.objects.get(pk=worker.person_id or 0).archive_birth_date == dt.date(1962, 5, 20)


@pytest.mark.parametrize("day", ["2026-11-18", "1962-13-01", "0985-02-28", ""])
def test_a_day_that_cannot_be_is_told_beside_its_field(worker: User, now: dt.datetime, day: str) -> None:
    assert "archive_birth_date" in reasons(worker, SHENZHEN, CODE, archived(day), now)


def test_the_notice_says_which_papers_depend_on_what_is_found(client: Client, db: None) -> None:
    notice = client.get(reverse("service", args=[SHENZHEN, CODE])).content.decode()
    assert "户口簿（需要时带到窗口）" in notice
    assert "提交前会列出要哪些" in notice
    always = client.get(reverse("service", args=[SHENZHEN, "medical-in"])).content.decode()
    assert "居民身份证（带到窗口）" in always
    assert "需要时" not in always


@pytest.mark.parametrize("typed", [{"household": "elsewhere"}, {"name": "刘洋"}])
def test_what_is_on_file_is_no_change(newcomer: User, now: dt.datetime, typed: dict[str, str]) -> None:
    assert "与现在的登记相同" in next(iter(reasons(newcomer, SHENZHEN, CODE, change(**typed), now).values()))


def test_filed_twice_is_one_case(cast: Cast, newcomer: User, now: dt.datetime) -> None:
    registered(cast.liu_yang, NANSHAN)
    case = file(newcomer, SHENZHEN, CODE, change(household="city"), now)
    assert file(newcomer, SHENZHEN, CODE, change(household="city"), now, key=case.key) == case
    assert Case.objects.count() == 1
    assert "与现在的登记相同" in reasons(newcomer, SHENZHEN, CODE, change(household="city"), now)["household"]


def test_a_case_with_the_former_data_comes_first(cast: Cast, newcomer: User, now: dt.datetime) -> None:
    standing = standing_case(
        newcomer, subject=cast.liu_yang, city=SHENZHEN, status=Status.PRE_APPLIED, mode="match"
    )
    assert standing.number in reasons(newcomer, SHENZHEN, CODE, change(household="city"), now)[""]
    offer = book().city(SHENZHEN).offers[CODE]
    before = desk.beforehand(offer=offer, applicant=Applicant.of(newcomer), now=now)
    assert standing.number in before[0].why


def test_a_wards_data_are_changed_at_the_counter(cast: Cast, now: dt.datetime) -> None:
    child = person("陈乐", CHANGSHA, "2015-06-01", 12)
    Guardianship.objects.create(
        guardian=cast.chen_jing, ward=child, relation=Relation.PARENT, proof_kind=Proof.HOUSEHOLD,
        proof="户口簿", start=dt.date(2026, 1, 1), ends_on=dt.date(2033, 6, 1),
    )  # fmt: skip
    registered(child, NANSHAN)
    offer = book().city(SHENZHEN).offers[CODE]
    applicant = Applicant.of(cast.chen_jing_login, child)
    asked = desk.ask_for(offer=offer, applicant=applicant, typed=change(household="city"), now=now)
    assert desk.submit(ask=asked, key=uuid4(), now=now).status == Status.PRE_APPLIED
    with pytest.raises(desk.NotAllowed):
        desk.submit(
            ask=replace(asked, applicant=Applicant.of(cast.liu_yang_login, child)), key=uuid4(), now=now
        )


ENROL = "flexible-enroll"


def test_the_form_that_a_household_barred_is_led_back_to(
    cast: Cast, newcomer: User, now: dt.datetime
) -> None:
    registered(cast.liu_yang, NANSHAN)
    typed = {"household": "city", "tier_pension": "60", "tier_medical": "one", "phone": cast.liu_yang.phone}
    assert "户籍登记已是" in reasons(newcomer, SHENZHEN, ENROL, typed, now)["household"]
    assert ways(newcomer, SHENZHEN, ENROL, typed, now) == {reverse("service", args=[SHENZHEN, CODE])}
    offer = book().city(SHENZHEN).offers[ENROL]
    drafts.keep(
        user=newcomer, offer=offer, typed={name: [value] for name, value in typed.items()},
        checked=False, now=now,
    )  # fmt: skip
    case = file(newcomer, SHENZHEN, CODE, change(household="city"), now)
    [(text, url)] = service(CODE).links(case, now=now)
    assert (text, url) == ("继续办理“个人缴费人员参保登记”", reverse("apply", args=[SHENZHEN, ENROL]))
    assert findings_of(newcomer, SHENZHEN, ENROL, typed, now) == []


def test_who_was_kept_from_nothing_is_led_nowhere(cast: Cast, newcomer: User, now: dt.datetime) -> None:
    registered(cast.liu_yang, NANSHAN)
    case = file(newcomer, SHENZHEN, CODE, change(household="city"), now)
    assert service(CODE).links(case, now=now) == []
