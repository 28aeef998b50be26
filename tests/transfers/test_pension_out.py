"""养老保险关系转出: applied for at the old place; what moves is worked out before; each refusal
says what to do."""

import datetime as dt
from uuid import uuid4

import pytest

from contributions.models import Charge, ChargeStatus
from enrollment.models import Coverage
from portal.hall import desk
from portal.hall.catalogue import service
from portal.hall.routing import Status as CaseStatus
from portal.people.models import Person
from portal.shared.insurance import Capacity
from tests.cast import Cast, cover, moment
from tests.contributions.flexible import paid_at_the_counter
from tests.filing import ask, file, reasons, standing_case, ways
from tests.transfers.mover import PENSION, applied, begun, charge, clerk_of, moved_to, offences, paid
from transfers.machine import Status
from transfers.models import Transfer

CODE = "pension-out"
TO_SHENZHEN = {"to": "shenzhen"}


def test_it_is_applied_for_and_waits_for_the_new_place(cast: Cast, now: dt.datetime, mover: Person) -> None:
    case = file(cast.li_qiang_login, "wuhan", CODE, TO_SHENZHEN, now)
    assert case.status == CaseStatus.DONE
    transfer = Transfer.objects.get(case=case)
    assert (transfer.status, transfer.from_city, transfer.to_city) == (Status.APPLIED, "wuhan", "shenzhen")
    assert transfer.acting_city == "shenzhen"
    # Fifteen working days after 17 November 2026.
    assert transfer.due_on == dt.date(2026, 12, 8)
    lines = dict(case.outcome["lines"])
    assert lines["转移月数"] == "12 个月（2025年1月至2025年12月）"
    assert lines["个人账户"] == "1,886.52 元"
    assert lines["统筹基金"] == "2,829.86 元"
    assert lines["转移金额合计"] == "4,716.38 元"
    assert lines["待遇领取地（按目前的缴费）"] == "武汉"
    assert [document.certificate.title for document in transfer.documents.all()] == ["参保缴费凭证"]
    assert offences() == []


def test_what_moves_is_explained_before_it_is_filed(cast: Cast, now: dt.datetime, mover: Person) -> None:
    asked = ask(cast.li_qiang_login, "wuhan", CODE, TO_SHENZHEN, now)
    seen = desk.look(asked)
    facts, findings = seen.facts, seen.findings
    assert findings == []
    shown = service(CODE).preview(asked, facts)
    lines = {line.label: (line.value, line.note) for line in shown["moving"].derivation.lines}
    assert lines["2025年缴费工资"][0] == "23,582.16 元"
    assert lines["缴费工资合计"][0] == "23,582.16 元"
    assert lines["统筹基金转移额"] == ("2,829.86 元", "23,582.16 × 12%，四舍五入到分")
    assert shown["moving"].derivation.reference.number == "国办发〔2009〕66号"
    assert shown["after"] == [
        ("转出地的缴费月数", "12 个月", "0 个月"),
        ("转入地的缴费月数", "0 个月", "12 个月"),
        ("转入地的个人账户", "0.00 元", "1,886.52 元"),
    ]
    assert not Transfer.objects.exists()


def test_coverage_at_the_old_place_must_have_ended(cast: Cast, now: dt.datetime) -> None:
    paid(cast.li_qiang, "wuhan", "2025-01", "2026-01")
    cover(cast.li_qiang, PENSION, "wuhan", "2026-02", tier="60")
    why = reasons(cast.li_qiang_login, "wuhan", CODE, TO_SHENZHEN, now)[""]
    assert "您在武汉的养老保险还没有终止，请先办理“暂停缴费”" in why
    assert ways(cast.li_qiang_login, "wuhan", CODE, TO_SHENZHEN, now) == {"/wuhan/services/flexible-pause/"}


def test_coverage_that_ends_later_says_from_when_on(cast: Cast, now: dt.datetime) -> None:
    paid(cast.li_qiang, "wuhan", "2025-01", "2026-01")
    cover(cast.li_qiang, PENSION, "wuhan", "2026-02", "2026-12", tier="60")
    why = reasons(cast.li_qiang_login, "wuhan", CODE, TO_SHENZHEN, now)[""]
    assert "到2026年11月才终止，请从2026年12月起申请转移" in why


def test_who_is_employed_there_is_sent_to_the_employer(cast: Cast, now: dt.datetime) -> None:
    paid(cast.li_qiang, "wuhan", "2025-01", "2026-01")
    cover(cast.li_qiang, PENSION, "wuhan", "2026-02", at=cast.donghu, wage_fen=600000)
    why = reasons(cast.li_qiang_login, "wuhan", CODE, TO_SHENZHEN, now)[""]
    assert "仍由单位（武汉东湖软件有限公司）参保，请先由单位办理停保" in why


def test_whose_employer_has_filed_the_stop_waits_for_it(cast: Cast, now: dt.datetime) -> None:
    paid(cast.li_qiang, "wuhan", "2025-01", "2026-01")
    cover(cast.li_qiang, PENSION, "wuhan", "2026-02", at=cast.donghu, wage_fen=600000)
    standing_case(cast.donghu_clerk, city="wuhan", service="employer-stop-staff", subject=cast.li_qiang)
    why = reasons(cast.li_qiang_login, "wuhan", CODE, TO_SHENZHEN, now)[""]
    assert "单位的停保申报正在审核，停保生效后再申请转移" in why
    assert "请先由单位办理停保" not in why


def test_arrears_are_named_with_the_way_to_settle_them(cast: Cast, now: dt.datetime) -> None:
    paid(cast.li_qiang, "wuhan", "2025-01", "2025-12")
    cover(cast.li_qiang, PENSION, "wuhan", "2025-12", "2026-02", tier="60")
    owed = charge(cast.li_qiang, "wuhan", "2025-12", "2026-02")
    moved_to(cast.li_qiang, "shenzhen")
    why = reasons(cast.li_qiang_login, "wuhan", CODE, TO_SHENZHEN, now)[""]
    assert (
        "您在武汉的养老保险有欠费：2025年12月至2026年1月。请先办理“历史欠费补缴”或者办理“历史欠费注销”" in why
    )
    assert ways(cast.li_qiang_login, "wuhan", CODE, TO_SHENZHEN, now) == {
        "/wuhan/services/arrears-pay/",
        "/wuhan/services/arrears-write-off/",
    }
    # Paid, or written off, they are in the way no more; a written-off month does not move.
    paid_at_the_counter(owed[:1], now=now)
    Charge.objects.filter(pk=owed[1].pk).update(status=ChargeStatus.WRITTEN_OFF)
    assert reasons(cast.li_qiang_login, "wuhan", CODE, TO_SHENZHEN, now) == {}
    assert applied(cast.li_qiang_login, now).documents.get().certificate.facts["information"]["months"] == 12


def test_what_is_not_due_yet_is_to_be_paid_and_never_written_off(cast: Cast, now: dt.datetime) -> None:
    paid(cast.li_qiang, "wuhan", "2025-01", "2026-01")
    cover(cast.li_qiang, PENSION, "wuhan", "2026-11", "2026-12", tier="60")
    charge(cast.li_qiang, "wuhan", "2026-11", "2026-12")
    moved_to(cast.li_qiang, "shenzhen", "2026-12")
    why = reasons(cast.li_qiang_login, "wuhan", CODE, TO_SHENZHEN, now)[""]
    assert "还有没到期限的应缴：2026年11月" in why
    assert "注销" not in why


def test_an_employers_arrears_are_the_employers_to_pay(cast: Cast, now: dt.datetime) -> None:
    cover(cast.li_qiang, PENSION, "wuhan", "2025-01", "2025-03", at=cast.donghu, wage_fen=600000)
    [first, _second] = charge(cast.li_qiang, "wuhan", "2025-01", "2025-03")
    paid_at_the_counter([first], now=now)
    moved_to(cast.li_qiang, "shenzhen")
    why = reasons(cast.li_qiang_login, "wuhan", CODE, TO_SHENZHEN, now)[""]
    assert "单位（武汉东湖软件有限公司）欠缴您的养老保险：2025年2月。请联系单位补缴" in why


def test_who_draws_a_pension_cannot_transfer(cast: Cast, now: dt.datetime, mover: Person) -> None:
    cover(mover, PENSION, "wuhan", "2026-02", "2026-03", tier="60")
    Coverage.objects.filter(city="shenzhen").update(live=False)
    cover(mover, PENSION, "shenzhen", "2026-11", capacity=Capacity.RETIREE)
    why = reasons(cast.li_qiang_login, "wuhan", CODE, TO_SHENZHEN, now)[""]
    assert "您已经按月领取基本养老金" in why
    assert "国办发〔2009〕66号第二条" in why


def test_who_is_not_insured_at_the_new_place_is_sent_there_first(cast: Cast, now: dt.datetime) -> None:
    paid(cast.li_qiang, "wuhan", "2025-01", "2026-01")
    why = reasons(cast.li_qiang_login, "wuhan", CODE, TO_SHENZHEN, now)[""]
    assert "您还没有在深圳参加养老保险" in why
    assert ways(cast.li_qiang_login, "wuhan", CODE, TO_SHENZHEN, now) == {
        "/shenzhen/services/flexible-enroll/"
    }


def test_who_paid_nothing_there_has_nothing_to_move(cast: Cast, now: dt.datetime) -> None:
    moved_to(cast.wang_fang, "shenzhen")
    refused = reasons(cast.wang_fang_login, "wuhan", CODE, TO_SHENZHEN, now)
    assert refused == {"": "您在武汉没有可以转移的养老保险缴费月份。"}


def test_only_cities_that_take_it_in_can_be_chosen(cast: Cast, now: dt.datetime, mover: Person) -> None:
    assert "从列出的城市中选择" in reasons(cast.li_qiang_login, "wuhan", CODE, {"to": "wuhan"}, now)["to"]
    assert "选择转到哪里" in reasons(cast.li_qiang_login, "wuhan", CODE, {}, now)["to"]
    assert "to" in reasons(cast.li_qiang_login, "wuhan", "medical-out", {"to": "ningbo"}, now)


def test_a_second_application_for_the_same_relation_is_refused(
    cast: Cast, now: dt.datetime, mover: Person
) -> None:
    first = applied(cast.li_qiang_login, now)
    why = reasons(cast.li_qiang_login, "wuhan", CODE, TO_SHENZHEN, now)[""]
    assert f"这一关系已经在转移（{first.number}，已申请）" in why
    assert ways(cast.li_qiang_login, "wuhan", CODE, TO_SHENZHEN, now) == {f"/transfers/{first.number}/"}
    with pytest.raises(desk.NotAccepted):
        applied(cast.li_qiang_login, now)
    assert Transfer.objects.count() == 1


def test_sent_twice_it_is_one(cast: Cast, now: dt.datetime, mover: Person) -> None:
    asked, key = ask(cast.li_qiang_login, "wuhan", CODE, TO_SHENZHEN, now), uuid4()
    case = desk.submit(ask=asked, key=key, now=now)
    assert desk.submit(ask=asked, key=key, now=now) == case
    assert Transfer.objects.count() == 1


def test_an_employers_clerk_cannot_apply(cast: Cast, now: dt.datetime, mover: Person) -> None:
    asked = ask(cast.li_qiang_login, "wuhan", CODE, TO_SHENZHEN, now)
    foreign = type(asked)(
        offer=asked.offer,
        applicant=type(asked.applicant)(cast.donghu_clerk, mover, None),
        answers=asked.answers,
        filed_at=now,
    )
    with pytest.raises(desk.NotAllowed):
        desk.submit(ask=foreign, key=uuid4(), now=now)


def test_money_paid_twice_is_shown_and_does_not_move(cast: Cast, now: dt.datetime, mover: Person) -> None:
    month = Charge.objects.filter(person=mover).order_by("month")[0]
    paid_at_the_counter([month], now=moment("2026-01-05"))
    asked = ask(cast.li_qiang_login, "wuhan", CODE, TO_SHENZHEN, now)
    seen = desk.look(asked)
    facts, findings = seen.facts, seen.findings
    assert findings == []
    [double] = service(CODE).preview(asked, facts)["doubles"]
    assert (double.month, double.fen) == (month.month, 39304)
    assert facts.relation.moving.account_fen == 188652


def test_begun_by_another_agencys_letter_it_needs_no_case(
    cast: Cast, now: dt.datetime, mover: Person
) -> None:
    transfer = begun(mover, clerk_of("wuhan"), now)
    assert (transfer.case, transfer.status) == (None, Status.APPLIED)
