"""部分信息变更、个人参保信息变更: what people tell about themselves, a new phone by its code, and
an individual payer's tiers."""

import datetime as dt
import re
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from contributions.charges import charging
from enrollment.models import ContributionBase, Coverage
from portal.accounts.models import Notice, OutboxMessage, User
from portal.columns import broken_constraint
from portal.hall import desk, phone_proof
from portal.hall.catalogue import service
from portal.hall.models import Case
from portal.hall.routing import Status
from portal.hall.service import Applicant, Ask
from portal.people.details import Details
from portal.people.models import Guardianship, Person, Proof, Relation
from portal.policy.book import book
from portal.shared.insurance import Insurance
from portal.shared.months import Month
from tests.cast import NANSHAN, Cast, cover, employer, moment, person
from tests.contributions.flexible import ordered
from tests.filing import ask, file, reasons

CODE = "details-change"
NEW_PHONE = "13700000077"
PAGE = reverse("apply", args=["wuhan", CODE])


def typed(who: Person, **more: Any) -> dict[str, Any]:
    """The form as it is filled in at first, and what is changed."""
    return {"phone": who.phone, **more}


def code_for(user: User, phone: str, now: dt.datetime) -> str:
    """The code that the phone gets for this login."""
    assert phone_proof.send(phone=phone, by=user, address=None, now=now) == ""
    found = re.search(r"[0-9]{6}", OutboxMessage.objects.filter(phone=phone).latest("pk").text)
    assert found
    return found[0]


def prove(user: User, phone: str, now: dt.datetime) -> None:
    assert phone_proof.spend(phone=phone, code=code_for(user, phone, now), by=user, now=now)


@pytest.fixture
def page(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.li_qiang_login, backend="portal.accounts.doors.PersonDoor")
    return client


def test_a_new_phone_with_its_code_is_saved_and_both_numbers_are_told(cast: Cast, now: dt.datetime) -> None:
    former = cast.li_qiang.phone
    prove(cast.li_qiang_login, NEW_PHONE, now)
    case = file(cast.li_qiang_login, "wuhan", CODE, typed(cast.li_qiang, phone=NEW_PHONE), now)
    assert case.status == Status.DONE
    assert Person.objects.get(pk=cast.li_qiang.pk).phone == NEW_PHONE
    assert User.objects.get(pk=cast.li_qiang_login.pk).phone == NEW_PHONE
    assert {one.phone for one in Notice.objects.filter(person=cast.li_qiang)} == {former, NEW_PHONE}


def test_the_page_sends_the_code_and_takes_it_once(cast: Cast, page: Client) -> None:
    told = {"phone": NEW_PHONE, "address": "中南路 7 号", "action": "code"}
    assert "验证码已发送到 137****0077" in page.post(PAGE, told).text
    code = re.search(r"[0-9]{6}", OutboxMessage.objects.get(phone=NEW_PHONE).text)
    assert code
    refused = page.post(PAGE, {**told, "action": "next"})
    assert "请先获取短信验证码" in refused.text
    assert "中南路 7 号" in refused.text
    sent = page.post(PAGE, {**told, "action": "next", "code": code[0]})
    assert sent.status_code == 302
    look = page.get(sent["Location"])
    assert "137****0077" in look.text
    assert code[0] not in look.text
    key = re.search(r'name="key" value="([^"]+)"', look.text)
    assert key
    page.post(sent["Location"], {"key": key[1], "action": "submit"})
    assert Details.objects.get(person=cast.li_qiang).address == "中南路 7 号"
    assert Person.objects.get(pk=cast.li_qiang.pk).phone == NEW_PHONE


def test_five_wrong_codes_close_it(cast: Cast, page: Client) -> None:
    code = code_for(cast.li_qiang_login, NEW_PHONE, timezone.now())
    wrong = "000000" if code != "000000" else "111111"
    for _guess in range(5):
        assert "不正确或已失效" in page.post(PAGE, {"phone": NEW_PHONE, "code": wrong, "action": "next"}).text
    assert "不正确或已失效" in page.post(PAGE, {"phone": NEW_PHONE, "code": code, "action": "next"}).text
    assert Person.objects.get(pk=cast.li_qiang.pk).phone == cast.li_qiang.phone
    assert not Case.objects.exists()


def test_anothers_code_proves_nothing(cast: Cast, now: dt.datetime) -> None:
    prove(cast.wang_fang_login, NEW_PHONE, now)
    refused = reasons(cast.li_qiang_login, "wuhan", CODE, typed(cast.li_qiang, phone=NEW_PHONE), now)
    assert "请先获取短信验证码" in refused["phone"]


def test_a_proof_is_good_for_an_hour(cast: Cast, now: dt.datetime) -> None:
    prove(cast.li_qiang_login, NEW_PHONE, now)
    later = now + dt.timedelta(minutes=61)
    refused = reasons(cast.li_qiang_login, "wuhan", CODE, typed(cast.li_qiang, phone=NEW_PHONE), later)
    assert "请先获取短信验证码" in refused["phone"]


def test_the_phone_of_anothers_login_is_refused(cast: Cast, now: dt.datetime) -> None:
    taken = cast.wang_fang_login.phone
    prove(cast.li_qiang_login, taken, now)
    with pytest.raises(desk.NotAccepted) as refused:
        file(cast.li_qiang_login, "wuhan", CODE, typed(cast.li_qiang, phone=taken), now)
    assert "已是另一账号的登录号码" in refused.value.findings[0].why
    assert Person.objects.get(pk=cast.li_qiang.pk).phone == cast.li_qiang.phone


def test_a_phone_is_not_given_up(cast: Cast, now: dt.datetime) -> None:
    assert "phone" in reasons(cast.li_qiang_login, "wuhan", CODE, typed(cast.li_qiang, phone=""), now)


def test_what_is_told_is_kept_with_its_history(cast: Cast, now: dt.datetime) -> None:
    told = typed(cast.li_qiang, address="中南路 7 号", postcode="430071", education="bachelor",
                 household_kind="farming", contact_name="李娟")  # fmt: skip
    case = file(cast.li_qiang_login, "wuhan", CODE, told, now)
    assert dict(case.outcome["lines"])["文化程度"] == "未填写 → 大学本科"
    file(cast.li_qiang_login, "wuhan", CODE, {**told, "address": "珞喻路 8 号"}, now)
    history = Details.pgh_event_model.objects.filter(person=cast.li_qiang).order_by("pgh_id")  # type: ignore[attr-defined]
    assert [one.address for one in history] == ["中南路 7 号", "珞喻路 8 号"]


def test_the_same_again_is_no_change(cast: Cast, now: dt.datetime) -> None:
    told = typed(cast.li_qiang, address="中南路 7 号")
    case = file(cast.li_qiang_login, "wuhan", CODE, told, now)
    assert file(cast.li_qiang_login, "wuhan", CODE, told, now, key=case.key) == case
    assert reasons(cast.li_qiang_login, "wuhan", CODE, told, now) == {"": "与现在的登记相同，不需要变更。"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("postcode", "43007"), ("postcode", "４３００７１"), ("education", "doctor"), ("contact_name", "=1+1"),
     ("address", "路" * 121)],
)  # fmt: skip
def test_what_is_not_in_form_is_told_beside_its_field(
    cast: Cast, now: dt.datetime, name: str, value: str
) -> None:
    assert name in reasons(cast.li_qiang_login, "wuhan", CODE, typed(cast.li_qiang, **{name: value}), now)


def test_the_database_keeps_the_form(cast: Cast) -> None:
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        Details.objects.create(person=cast.li_qiang, postcode="43007")
    assert broken_constraint(refused.value) == "details_postcode_form"


def test_in_wuhan_employers_file_it_for_their_staff(cast: Cast, now: dt.datetime) -> None:
    cover(cast.li_qiang, Insurance.PENSION, "wuhan", "2026-01", at=cast.donghu)
    offer = book().city("wuhan").offers[CODE]
    before = desk.beforehand(offer=offer, applicant=Applicant.of(cast.li_qiang_login), now=now)
    assert "信息由所在单位申报变更" in before[0].why
    refused = reasons(cast.li_qiang_login, "wuhan", CODE, typed(cast.li_qiang, address="中南路 7 号"), now)
    assert "信息由所在单位申报变更" in refused[""]


@pytest.mark.parametrize(("day", "closed"), [("2026-11-20", False), ("2026-11-21", True)])
def test_a_city_may_take_it_on_some_days_of_the_month(cast: Cast, day: str, closed: bool) -> None:
    offer = book().city("wuhan").offers[CODE]
    offer = replace(offer, options={**offer.options, "filing_days": {"first": 1, "last": 20}})
    asked = Ask(offer, Applicant.of(cast.li_qiang_login), typed(cast.li_qiang, address="路"), moment(day))
    kind = service(CODE)
    found = [one.why for one in kind.rule(asked, kind.facts(asked, None))]
    assert found == (["每月1日至20日办理，请下月办理。"] if closed else [])


# Shenzhen: the tiers


@pytest.fixture
def pension(cast: Cast) -> Coverage:
    return cover(cast.chen_jing, Insurance.PENSION, "shenzhen", "2026-01", tier="60")


def test_a_new_tier_counts_from_next_month(cast: Cast, pension: Coverage, now: dt.datetime) -> None:
    case = file(cast.chen_jing_login, "shenzhen", CODE, typed(cast.chen_jing, tier_pension="100"), now)
    assert dict(case.outcome["lines"])["养老保险新缴费档次"] == "100%档，每月 1,833.40 元，从2026年12月起"
    bases = ContributionBase.objects.filter(coverage=pension).order_by("start")
    assert [(one.tier, one.start) for one in bases] == [("60", Month(2026, 1)), ("100", Month(2026, 12))]


def test_the_tier_of_now_is_no_change(cast: Cast, pension: Coverage, now: dt.datetime) -> None:
    told = typed(cast.chen_jing, tier_pension="60")
    assert reasons(cast.chen_jing_login, "shenzhen", CODE, told, now) == {
        "": "与现在的登记相同，不需要变更。"
    }


def test_an_ordered_month_stands_against_a_tier(cast: Cast, pension: Coverage, now: dt.datetime) -> None:
    order = ordered(charging.charge_months(pension, [Month(2026, 12)], now=now), now=now)
    told = typed(cast.chen_jing, tier_pension="100")
    assert order.number in reasons(cast.chen_jing_login, "shenzhen", CODE, told, now)["tier_pension"]


def test_whose_pension_an_employer_pays_chooses_no_tier(cast: Cast, now: dt.datetime) -> None:
    company = employer("深圳南山软件有限公司", "shenzhen", NANSHAN, 301)
    cover(cast.chen_jing, Insurance.PENSION, "shenzhen", "2026-01", at=company)
    told = typed(cast.chen_jing, tier_pension="100")
    assert "由所在单位申报" in reasons(cast.chen_jing_login, "shenzhen", CODE, told, now)["tier_pension"]
    case = file(cast.chen_jing_login, "shenzhen", CODE, typed(cast.chen_jing, address="深南路 1 号"), now)
    assert case.status == Status.DONE


def test_medical_tier_two_says_what_it_costs(cast: Cast, now: dt.datetime) -> None:
    cover(cast.chen_jing, Insurance.MEDICAL, "shenzhen", "2026-01", tier="one")
    asked = ask(cast.chen_jing_login, "shenzhen", CODE, typed(cast.chen_jing, tier_medical="two"), now)
    assert "不再计入个人账户" in dict(desk.look(asked).summary)["请注意"]


def test_a_guardian_changes_a_wards_address_and_no_tier(cast: Cast, now: dt.datetime) -> None:
    child = person("陈乐", "440305", "2015-06-01", 12, phone="13800000003")
    Guardianship.objects.create(
        guardian=cast.chen_jing, ward=child, relation=Relation.PARENT, proof_kind=Proof.HOUSEHOLD,
        proof="户口簿", start=dt.date(2026, 1, 1), ends_on=dt.date(2033, 6, 1),
    )  # fmt: skip
    offer = book().city("shenzhen").offers[CODE]
    applicant = Applicant.of(cast.chen_jing_login, child)
    asked = desk.ask_for(
        offer=offer,
        applicant=applicant,
        typed=typed(child, address="深南路 1 号", tier_pension="100"),
        now=now,
    )
    assert desk.submit(ask=asked, key=uuid4(), now=now).status == Status.DONE
    assert Details.objects.get(person=child).address == "深南路 1 号"
    stranger = Applicant.of(cast.liu_yang_login, child)
    with pytest.raises(desk.NotAllowed):
        desk.submit(ask=replace(asked, applicant=stranger), key=uuid4(), now=now)


def test_a_clerk_files_nothing_of_a_persons(cast: Cast, now: dt.datetime) -> None:
    with pytest.raises(desk.NotAllowed):
        file(cast.donghu_clerk, "wuhan", CODE, {"address": "中南路 7 号"}, now)
