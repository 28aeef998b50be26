"""单位汇款到账: a line of the statement is recognised, entered by one collector, approved by
another, and can be put right."""

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contributions.assessments import assessing as assessments
from contributions.assessments import bank_transfers
from contributions.assessments.assessing import draw_up
from contributions.assessments.transfer_effects import CannotStep
from contributions.assessments.transfer_notes import candidates, code_of, named_in, why_not
from contributions.audit.looking import audit, look
from contributions.books import day_sheets, personal_account
from contributions.charges.charging import charge
from contributions.models import (
    AccountKind,
    Arrival,
    ArrivalStatus,
    ArrivalStep,
    Assessment,
    AssessmentStatus,
    Charge,
    ChargeStatus,
    DaySheet,
    Entry,
    Leg,
    Receipt,
)
from portal.accounts.models import User
from portal.shared.insurance import Insurance
from portal.shared.keys import KeyReused
from portal.shared.months import Month
from tests.cast import Cast, cover, employer, moment, person
from tests.conftest import Clock
from tests.contributions.assessments.transferring import AT, approved, booked, entered
from tests.hall.test_races import at_once

pytestmark = pytest.mark.django_db

NOVEMBER = Month(2026, 11)
FIRST = moment("2026-11-01 01:10")
# 6,000 × 24 % pension, 1 % unemployment; work injury 0.2 %.
SUM = 151200


def assessed(who: Any) -> Assessment:
    return Assessment.objects.exclude(status=AssessmentStatus.REPLACED).get(employer=who, month=NOVEMBER)


@pytest.fixture
def november(cast: Cast) -> Assessment:
    """One person at Donghu, in insurances with and without accounts."""
    for insurance in (Insurance.PENSION, Insurance.UNEMPLOYMENT, Insurance.WORK_INJURY):
        cover(cast.li_qiang, insurance, "wuhan", "2026-09", at=cast.donghu, wage_fen=600000)
    by = User.objects.system()
    charge(city="wuhan", month=NOVEMBER, by=by, now=FIRST)
    draw_up(city="wuhan", month=NOVEMBER, by=by, now=FIRST)
    found = assessed(cast.donghu)
    assert found.sum_fen == SUM
    return assessments.confirm(found, by=cast.donghu_clerk, now=FIRST)


@pytest.fixture
def other(cast: Cast, november: Assessment) -> Assessment:
    """Another employer's November, of the same sum."""
    who = employer("武汉光谷电子有限公司", "wuhan", "420111", 44, grade=1)
    for insurance in (Insurance.PENSION, Insurance.UNEMPLOYMENT, Insurance.WORK_INJURY):
        cover(cast.zhang_min, insurance, "wuhan", "2026-11", at=who, wage_fen=600000)
    by = User.objects.system()
    charge(city="wuhan", month=NOVEMBER, by=by, now=FIRST)
    draw_up(city="wuhan", month=NOVEMBER, by=by, now=FIRST)
    return assessed(who)


def suspense_fen() -> int:
    legs = Leg.objects.filter(account__kind=AccountKind.SUSPENSE)
    return -sum(legs.values_list("amount_fen", flat=True))


def sound() -> bool:
    return all(one.holds for one in audit())


# Recognising


@pytest.mark.parametrize(
    "remark",
    [
        "{code} 202611社保费",
        "{code} 2026年11月社保",
        "{code} 29人社保",
        "东湖软件 {code} 11月社保",
        "{code}11",
        "{code}，共29人",
        "202611/{code}/202611",
        "{head}-{tail}",
        "{head} {tail}",
        "{letters}",
        "{lower}",
        "付社保费：{wide}。",
        "HD 编号 {code}",
        "H D{digits}",
        "HD:{digits}",
        "HD0000000000 不是，是 {code}",
    ],
)
def test_a_code_is_found_whatever_stands_around_it(november: Assessment, remark: str) -> None:
    code = code_of(november)
    told = {
        "code": code,
        "head": code[:10],
        "tail": code[10:],
        "digits": code[2:],
        "letters": "HD" + code[2:].replace("0", "O"),
        "lower": code.lower(),
        "wide": "".join(chr(ord(one) + 0xFEE0) for one in code),
    }
    assert named_in(remark.format(**told)) == [november]


@given(
    before=st.text(alphabet="社保费东湖 软件0123456789-，。月/", max_size=20),
    after=st.text(alphabet="社保费人 0123456789-，。月/", max_size=20),
    parted=st.lists(st.sampled_from(["", "", " ", "-", "·", "\u3000"]), min_size=12, max_size=12),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_remark_with_a_code_is_recognised(
    november: Assessment, before: str, after: str, parted: list[str]
) -> None:
    code = "".join(part + one for one, part in zip(code_of(november), parted, strict=True))
    assert november in named_in(f"{before}{code}{after}")


def test_one_wrong_digit_finds_nothing(november: Assessment) -> None:
    code = code_of(november)
    for place in range(2, len(code)):
        wrong = code[:place] + str((int(code[place]) + 1) % 10) + code[place + 1 :]
        assert named_in(f"{wrong} 11月") == []
    assert named_in(code.replace("HD", "BJ")) == []


def test_without_a_code_the_payers_name_and_then_the_sum_help(
    cast: Cast, november: Assessment, other: Assessment
) -> None:
    def found(note: str, payer: str, fen: int) -> list[tuple[Any, list[str]]]:
        told = candidates(notes=[note], payer=payer, amount_fen=fen, cities=["wuhan"])
        return [(one.payable, one.grounds) for one in told]

    assert found("社保", "武汉东湖软件有限公司", SUM) == [(november, ["付款人相符", "金额相符"])]
    assert found("社保", "武汉东湖软件 有限公司", 1) == [(november, ["付款人相符"])]
    # Two owe just this: staff choose.
    assert {one for one, _grounds in found("社保", "", SUM)} == {november, other}
    assert found("社保", "谁也不是", 1) == []
    assert found(code_of(november), "武汉光谷电子有限公司", SUM) == [(november, ["编号相符", "金额相符"])]
    assert candidates(notes=[code_of(november)], payer="", amount_fen=SUM, cities=["ningbo"]) == []


# Two hands


def test_entered_by_one_and_booked_by_another(cast: Cast, november: Assessment) -> None:
    arrival = entered(cast, november, SUM)
    assert (arrival.status, Receipt.objects.count()) == (ArrivalStatus.ENTERED, 0)
    [step] = arrival.steps.all()
    for barred in (cast.wuhan_collector, cast.ningbo_reviewer, cast.donghu_clerk):
        with pytest.raises(CannotStep):
            bank_transfers.approve(step, by=barred, now=AT)
    assert bank_transfers.approve(step, by=cast.wuhan_second_collector, now=AT).status == ArrivalStatus.BOOKED
    november.refresh_from_db()
    assert november.status == AssessmentStatus.PAID
    assert sum(Receipt.objects.values_list("amount_fen", flat=True)) == SUM
    # Twice is once.
    bank_transfers.approve(step, by=cast.wuhan_second_collector, now=AT)
    assert (Receipt.objects.count(), Entry.objects.filter(kind="receipt").count()) == (3, 1)
    assert sound()


def test_the_database_wants_two_and_keeps_what_was_entered(cast: Cast, november: Assessment) -> None:
    arrival = entered(cast, november, SUM)
    step = ArrivalStep.objects.filter(arrival=arrival)
    for broken in (
        lambda: step.update(
            status="approved", decided_by=cast.wuhan_collector, decided_at=AT, suspense_fen=SUM, way="book"
        ),
        lambda: step.update(status="refused", decided_by=cast.wuhan_collector, decided_at=AT, why="x"),
        lambda: step.update(reason="another"),
        lambda: Arrival.objects.update(amount_fen=1),
        lambda: Arrival.objects.update(status="returned"),
        lambda: Arrival.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            broken()


def test_entered_twice_is_entered_once(cast: Cast, november: Assessment) -> None:
    key = uuid4()
    first = entered(cast, november, SUM, key=key)
    assert entered(cast, november, SUM, key=key) == first
    with pytest.raises(KeyReused):
        entered(cast, november, SUM + 1, key=key)
    with pytest.raises(CannotStep, match="已经登记过"):
        entered(cast, november, SUM, by=cast.wuhan_second_collector)
    with pytest.raises(CannotStep, match="请填写银行流水号"):
        entered(cast, november, SUM, bank_number=" ")
    with pytest.raises(CannotStep, match="只有本市"):
        entered(cast, november, SUM, bank_number="B2", by=cast.ningbo_reviewer)
    assert Arrival.objects.count() == 1


def test_what_was_entered_wrongly_is_struck_out_and_entered_anew(cast: Cast, november: Assessment) -> None:
    arrival = entered(cast, november, SUM - 1)
    step = arrival.steps.get()
    with pytest.raises(CannotStep, match="不同意的原因"):
        bank_transfers.refuse(step, why=" ", by=cast.wuhan_second_collector, now=AT)
    gone = bank_transfers.refuse(step, why="金额看错", by=cast.wuhan_second_collector, now=AT)
    assert gone.status == ArrivalStatus.STRUCK
    with pytest.raises(CannotStep, match="复核未通过"):
        bank_transfers.approve(step, by=cast.wuhan_second_collector, now=AT)
    assert booked(cast, november, SUM).status == ArrivalStatus.BOOKED
    assert sound()


# What does not fit is held


@pytest.mark.parametrize(
    ("fen", "day", "why"),
    [
        (SUM - 1, "2026-11-18", "少 0.01 元，不能部分或超额入账"),
        (SUM + 100, "2026-11-18", "多 1.00 元"),
        (SUM, "2026-12-01", "已过缴款期限"),
    ],
)
def test_another_sum_or_day_is_recorded_and_held(
    cast: Cast, november: Assessment, fen: int, day: str, why: str
) -> None:
    on = dt.date.fromisoformat(day)
    assert why in why_not(november, amount_fen=fen, arrived_on=on)
    assert approved(cast, entered(cast, november, fen, arrived_on=on)).status == ArrivalStatus.HELD
    assert (suspense_fen(), Receipt.objects.count()) == (fen, 0)
    november.refresh_from_db()
    assert november.status == AssessmentStatus.CONFIRMED
    assert sound()


def test_what_nobody_can_tell_is_held_and_booked_when_it_is_known(cast: Cast, november: Assessment) -> None:
    arrival = approved(cast, entered(cast, None, SUM, note="货款"))
    assert (arrival.status, suspense_fen()) == (ArrivalStatus.HELD, SUM)
    assert sound()
    step = bank_transfers.propose_booking(arrival, november, key=uuid4(), by=cast.wuhan_collector, now=AT)
    with pytest.raises(CannotStep, match="另一名征缴人员"):
        bank_transfers.approve(step, by=cast.wuhan_collector, now=AT)
    assert approved(cast, arrival).status == ArrivalStatus.BOOKED
    november.refresh_from_db()
    assert (november.status, suspense_fen()) == (AssessmentStatus.PAID, 0)
    assert sound()


def test_held_money_goes_back_by_two(cast: Cast, november: Assessment) -> None:
    arrival = approved(cast, entered(cast, november, SUM + 1))
    told: dict[str, Any] = {"reason": "多汇", "key": uuid4(), "by": cast.wuhan_second_collector, "now": AT}
    with pytest.raises(CannotStep, match="退汇的流水号"):
        bank_transfers.propose_return(arrival, returned_number=" ", **told)
    bank_transfers.propose_return(arrival, returned_number="T9", **told)
    with pytest.raises(CannotStep, match="待复核"):
        bank_transfers.propose_return(arrival, returned_number="T8", **{**told, "key": uuid4()})
    assert approved(cast, arrival, by=cast.wuhan_collector).status == ArrivalStatus.RETURNED
    clearing = Leg.objects.filter(account__kind=AccountKind.CLEARING)
    assert (suspense_fen(), sum(clearing.values_list("amount_fen", flat=True))) == (0, 0)
    assert sound()


# Putting right


def latest(arrival: Arrival) -> int:
    return arrival.steps.order_by("-pk").values_list("pk", flat=True)[0]


def reversed_(cast: Cast, arrival: Arrival) -> Arrival:
    bank_transfers.propose_reversal(arrival, reason="入错单位", key=uuid4(), by=cast.wuhan_collector, now=AT)
    return approved(cast, arrival)


def test_what_was_booked_to_the_wrong_employer_is_put_right(
    cast: Cast, november: Assessment, other: Assessment
) -> None:
    arrival = booked(cast, november, SUM)
    account_fen = personal_account.balance(cast.li_qiang, "wuhan", Insurance.PENSION)
    assert account_fen > 0
    entries = list(Entry.objects.order_by("pk").values_list("digest", flat=True))
    assert reversed_(cast, arrival).status == ArrivalStatus.HELD
    assert suspense_fen() == SUM
    assert personal_account.balance(cast.li_qiang, "wuhan", Insurance.PENSION) == 0
    assert [one.city for one in personal_account.accounts_of(cast.li_qiang)] == ["wuhan"]
    # Nothing is erased; each month is owed as it was, and assessed anew.
    assert list(Entry.objects.order_by("pk").values_list("digest", flat=True))[: len(entries)] == entries
    of_donghu = Charge.objects.filter(employer=cast.donghu).order_by("pk")
    assert [(one.status, one.live) for one in of_donghu] == [("reversed", False)] * 3 + [("owed", True)] * 3
    november.refresh_from_db()
    assert november.status == AssessmentStatus.REPLACED
    again = assessed(cast.donghu)
    assert (again.sum_fen, again.status, assessments.owed_fen(again)) == (SUM, "drawn_up", SUM)
    assert sound()
    bank_transfers.propose_booking(arrival, other, key=uuid4(), by=cast.wuhan_collector, now=AT)
    assert approved(cast, arrival).status == ArrivalStatus.BOOKED
    other.refresh_from_db()
    assert (other.status, suspense_fen()) == (AssessmentStatus.PAID, 0)
    assert booked(cast, again, SUM, bank_number="B2").status == ArrivalStatus.BOOKED
    assert sound()


def test_reversed_and_booked_to_the_same_again(cast: Cast, november: Assessment) -> None:
    arrival = reversed_(cast, booked(cast, november, SUM))
    for _round in range(2):
        bank_transfers.propose_booking(
            arrival, assessed(cast.donghu), key=uuid4(), by=cast.wuhan_collector, now=AT
        )
        assert approved(cast, arrival).status == ArrivalStatus.BOOKED
        assert reversed_(cast, arrival).status == ArrivalStatus.HELD
    assert suspense_fen() == SUM
    assert sound()


def test_what_is_not_booked_or_has_moved_on_is_not_reversed(cast: Cast, november: Assessment) -> None:
    arrival = booked(cast, november, SUM)
    with pytest.raises(CannotStep, match="冲正的原因"):
        bank_transfers.propose_reversal(arrival, reason=" ", key=uuid4(), by=cast.wuhan_collector, now=AT)
    Charge.objects.filter(pk=november.last).update(status=ChargeStatus.TAKEN_BACK)
    step = bank_transfers.propose_reversal(
        arrival, reason="入错", key=uuid4(), by=cast.wuhan_collector, now=AT
    )
    with pytest.raises(CannotStep, match="已另行处理"):
        bank_transfers.approve(step, by=cast.wuhan_second_collector, now=AT)
    assert arrival.steps.get(pk=step.pk).status == "proposed"
    held = approved(cast, entered(cast, None, 5, bank_number="B9"))
    with pytest.raises(CannotStep, match="暂收待查"):
        bank_transfers.propose_reversal(held, reason="x", key=uuid4(), by=cast.wuhan_collector, now=AT)


def test_who_left_the_employer_meanwhile_is_not_charged_again(cast: Cast, november: Assessment) -> None:
    arrival = booked(cast, november, SUM)
    coverage = Charge.objects.filter(insurance="work_injury").get().coverage
    type(coverage).objects.filter(pk=coverage.pk).update(until=NOVEMBER)
    reversed_(cast, arrival)
    assert assessed(cast.donghu).charges == 2


def test_the_number_of_statements_does_not_grow_with_the_staff(cast: Cast) -> None:
    counts = []
    # The first one opens the accounts.
    places = [employer(f"另一公司{order}", "wuhan", "420106", order) for order in (7, 8, 9)]
    for place, number in zip(places, (1, 2, 9), strict=True):
        for order in range(number):
            who = person(f"职工{number}{order}", "420106", "1990-01-01", 10 * number + order)
            for insurance in (Insurance.PENSION, Insurance.WORK_INJURY):
                cover(who, insurance, "wuhan", "2026-11", at=place, wage_fen=600000)
        by = User.objects.system()
        charge(city="wuhan", month=NOVEMBER, by=by, now=FIRST)
        draw_up(city="wuhan", month=NOVEMBER, by=by, now=FIRST)
        one = assessed(place)
        arrival = booked(cast, one, one.sum_fen, bank_number=f"N{number}")
        bank_transfers.propose_reversal(arrival, reason="入错", key=uuid4(), by=cast.wuhan_collector, now=AT)
        with CaptureQueriesContext(connection) as captured:
            approved(cast, arrival)
        counts.append(len(captured))
    assert counts[1] == counts[2]


def test_the_days_sheet_agrees_on_every_step(cast: Cast, november: Assessment) -> None:
    arrival = booked(cast, november, SUM)
    held = approved(cast, entered(cast, None, 700, bank_number="B2"))
    reversed_(cast, arrival)
    bank_transfers.propose_booking(
        arrival, assessed(cast.donghu), key=uuid4(), by=cast.wuhan_collector, now=AT
    )
    approved(cast, arrival)
    bank_transfers.propose_return(
        held, reason="不明", returned_number="T1", key=uuid4(), by=cast.wuhan_collector, now=AT
    )
    approved(cast, held)
    day_sheets.make_due(by=User.objects.system(), now=moment("2026-11-19 00:40"))
    assert DaySheet.objects.get(city="wuhan", day=AT.date()).agrees
    assert sound()


def test_an_audit_since_the_last_sees_what_was_held(cast: Cast, november: Assessment) -> None:
    _found, place = look()
    arrival = approved(cast, entered(cast, None, SUM))
    bank_transfers.propose_booking(arrival, november, key=uuid4(), by=cast.wuhan_collector, now=AT)
    approved(cast, arrival)
    if place is not None:
        assert all(one.holds for one in audit(since=place))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE contributions_arrivalstep SET suspense_fen = suspense_fen - 1 WHERE way = 'hold'",
        "UPDATE contributions_arrival SET status = 'returned'",
        "UPDATE contributions_arrivalstep SET decided_by_id = proposed_by_id",
        "UPDATE contributions_accountmovement SET pooled_fen = pooled_fen + 1",
    ],
)
def test_the_audit_finds_what_was_changed(cast: Cast, november: Assessment, statement: str) -> None:
    reversed_(cast, booked(cast, november, SUM))
    approved(cast, entered(cast, None, 700, bank_number="B2"))
    assert sound()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        if "decided_by" in statement:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(
                "ALTER TABLE contributions_arrivalstep DROP CONSTRAINT arrival_step_decided_by_a_second_person"
            )
        cursor.execute(statement)
    assert not sound()


# At once


def tried(action: Callable[[], Any]) -> Callable[[], Any]:
    def run() -> Any:
        try:
            return action()
        except (CannotStep, IntegrityError) as refusal:
            return type(refusal)

    return run


@pytest.mark.django_db(transaction=True)
def test_two_who_enter_the_same_line_at_once_enter_it_once(cast: Cast, november: Assessment) -> None:
    both = [cast.wuhan_collector, cast.wuhan_second_collector]
    came = at_once(*(tried(partial(entered, cast, november, SUM, by=by)) for by in both))
    assert sorted(one is CannotStep for one in came) == [False, True]
    assert Arrival.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_approve_at_once_book_once(cast: Cast, november: Assessment) -> None:
    third = cast.superuser
    step = entered(cast, november, SUM).steps.get()
    assert cast.wuhan_second_collector.pk
    came = at_once(
        *(
            tried(partial(bank_transfers.approve, step, by=by, now=AT))
            for by in (cast.wuhan_second_collector, third)
        )
    )
    assert sorted(one is CannotStep for one in came) == [False, True]
    assert Receipt.objects.count() == 3
    assert sound()


# The pages


def test_entered_shown_chosen_and_approved_in_the_workbench(
    cast: Cast, clock: Clock, november: Assessment
) -> None:
    clock.set("2026-11-18 16:00")
    first, second = Client(), Client()
    first.force_login(cast.wuhan_collector)
    second.force_login(cast.wuhan_second_collector)
    url = reverse("admin:contributions_transfer")
    key = str(uuid4())
    told = {
        "city": "wuhan",
        "note": f"东湖软件 {code_of(november)} 11月社保",
        "payer": "",
        "amount": "1,512.00",
        "bank_number": "B1",
        "arrived_on": "2026-11-16",
        "code": "",
        "key": key,
    }
    page = first.post(url, told)
    shown = page.content.decode()
    assert "武汉东湖软件有限公司" in shown
    assert "相符，复核后入账缴清" in shown
    told |= {"shown": page.context["shown"], "chosen": code_of(november)}
    # Another sum than was shown: shown again, and it does not say that it fits.
    again = first.post(url, {**told, "amount": "1500"}).content.decode()
    assert "内容有改动" in again
    assert "少 12.00 元" in again
    assert "复核后入账缴清" not in again
    assert not Arrival.objects.exists()
    assert first.post(url, {**told, "chosen": "HD0000000000"}).status_code == 422
    where = first.post(url, told).headers["Location"]
    arrival = Arrival.objects.get()
    assert where == reverse("admin:contributions_arrival_change", args=[arrival.pk])
    assert first.post(url, told).headers["Location"] == where
    mine = first.get(where).content.decode()
    assert "须由另一名征缴人员复核" in mine
    assert 'value="approve"' not in mine
    asked = second.get(where).content.decode()
    assert "1,512.00 元 记入 武汉东湖软件有限公司" in asked
    assert "此后这个单位没有未缴清的核定单" in asked
    of = {"of": arrival.steps.get().pk}
    assert first.post(where, {"step": "approve", **of}).status_code == 302
    assert not Receipt.objects.exists()
    second.post(where, {"step": "approve", **of})
    november.refresh_from_db()
    assert november.status == AssessmentStatus.PAID
    assert first.post(where, {"step": "reverse", "reverse-key": str(uuid4())}).status_code == 422
    first.post(where, {"step": "reverse", "reverse-reason": "入错单位", "reverse-key": str(uuid4())})
    assert "全部冲正" in second.get(where).content.decode()
    second.post(where, {"step": "approve", "of": latest(arrival)})
    held = second.get(where).content.decode()
    assert "提请入账 1,512.00 元" in held or "按编号提请入账" in held
    listing = second.get(reverse("admin:contributions_arrival_changelist"))
    assert "暂收待查" in listing.content.decode()
    wrong = first.post(where, {"step": "match", "match-code": "没有编号", "match-key": str(uuid4())})
    assert wrong.status_code == 422
    anew = code_of(assessed(cast.donghu))
    assert (
        first.post(where, {"step": "match", "match-code": anew, "match-key": str(uuid4())}).status_code == 302
    )
    second.post(where, {"step": "approve", "of": latest(arrival)})
    assert assessed(cast.donghu).status == AssessmentStatus.PAID
    assert sound()


def test_nothing_found_says_that_it_is_held_and_not_sent_back(
    cast: Cast, clock: Clock, november: Assessment
) -> None:
    clock.set("2026-11-18 16:00")
    client = Client()
    client.force_login(cast.wuhan_collector)
    told = {
        "city": "wuhan",
        "note": "货款",
        "payer": "",
        "amount": "88.80",
        "bank_number": "B1",
        "arrived_on": "2026-11-16",
        "code": "",
        "key": str(uuid4()),
    }
    page = client.post(reverse("admin:contributions_transfer"), told)
    shown = page.content.decode()
    assert "款项不必退回" in shown
    assert "退回原账户" not in shown
    done = client.post(
        reverse("admin:contributions_transfer"),
        {**told, "shown": page.context["shown"], "chosen": "none"},
        follow=True,
    )
    assert "记入暂收款" in done.content.decode()
    assert client.post(reverse("admin:contributions_transfer"), {**told, "code": "HD12"}).status_code == 422


def test_who_is_no_collector_sees_and_does_nothing(cast: Cast, november: Assessment) -> None:
    arrival = entered(cast, november, SUM)
    where = reverse("admin:contributions_arrival_change", args=[arrival.pk])
    client = Client()
    client.force_login(cast.wuhan_reviewer)
    assert client.get(where).status_code in (302, 403, 404)
    client.force_login(cast.ningbo_reviewer)
    assert client.post(where, {"step": "approve", "of": arrival.steps.get().pk}).status_code in (
        302,
        403,
        404,
    )
    assert not Receipt.objects.exists()
