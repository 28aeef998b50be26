"""A person's late months at the bank: what they cost today, ordered there by the hall's own rules,
paid and reversed."""

import datetime as dt
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import QuerySet, Sum
from django.test.utils import CaptureQueriesContext

from contributions.arrears import late_costs, paying_late
from contributions.books import personal_account
from contributions.debit import opening
from contributions.models import (
    Charge,
    ChargeStatus,
    DebitBatch,
    Leg,
    Order,
    OrderLine,
    OrderStatus,
    Surcharge,
    SurchargeStatus,
)
from contributions.orders import placing
from contributions.orders.placing import CannotOrder
from enrollment.actions import open_coverage
from portal.hall import desk
from portal.hall.models import Case
from portal.people.models import BankAccount
from portal.shared.insurance import Capacity
from portal.shared.keys import KeyReused
from portal.shared.months import Month
from tests.cast import LIANGXI, Cast, cover, employer, moment
from tests.conftest import Clock
from tests.contributions.api.conftest import API, Counter, audit
from tests.contributions.arrears.test_arrears_races import SureMeeting
from tests.contributions.flexible import AnotherBook, account, at_the_bank, charge_of, charged, debited
from tests.contributions.orders.conftest import MEDICAL, PENSION, THIS, Till
from tests.filing import ask, file
from tests.hall.test_races import Meeting, at_once, without_constraint
from tests.partners.calling import partner_called

SEPTEMBER = [{"insurance": "pension", "months": ["2026-09"]}]
# 898.80, and from 30 September to 17 November: 898.80 × 1.5 % × 48 ÷ 365 = 1.7730 → 1.77
PRINCIPAL, INTEREST = 89880, 177


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def order(counter: Counter, late: Any = None, *, key: str | None = None, **who: Any) -> Any:
    body = {**counter.who(**who), "arrears": late or SEPTEMBER}
    return counter.bank.post(f"{API}/orders/", body, key=key)


def placed(counter: Counter, late: Any = None) -> Order:
    response = order(counter, late)
    assert response.status_code == 201, response.content
    return Order.objects.get(number=response.json()["number"])


def why(response: Any) -> str:
    assert code(response) == (422, "cannot_order"), response.content
    [mistake] = response.json()["errors"]
    assert mistake["field"] == "arrears.pension.months"
    return str(mistake["message"])


def owed(counter: Counter, **who: Any) -> list[dict[str, Any]]:
    return list(counter.bank.post(f"{API}/dues/", counter.who(**who)).json()["arrears"])


@pytest.fixture
def september(counter: Counter, cast: Cast) -> Charge:
    """王芳's pension of September is owed in Wuxi."""
    charged("wuxi", "2026-09")
    return charge_of(cast.wang_fang, "2026-09")


# What is owed


def test_each_month_with_principal_and_interest_apart(counter: Counter, september: Charge) -> None:
    pension, medical = sorted(owed(counter), key=lambda one: one["insurance"], reverse=True)
    assert medical["insurance"] == "medical"
    assert (pension["month"], pension["status"], pension["barred"]) == ("2026-09", "owed", "")
    assert (pension["due_on"], pension["paid_on"]) == ("2026-09-30", "2026-11-17")
    assert (pension["principal_fen"], pension["surcharge_fen"], pension["amount_fen"]) == (
        PRINCIPAL,
        INTEREST,
        PRINCIPAL + INTEREST,
    )
    assert pension["surcharge_kind"] == "interest"
    assert pension["principal_why"]["steps"][-2]["value"] == "898.80 元"
    assert pension["surcharge_why"]["steps"][-1]["value"] == "1.77 元"
    assert pension["surcharge_why"]["illustrative"] is True


def test_the_hall_says_the_same(counter: Counter, september: Charge, cast: Cast, till: Till) -> None:
    asked = ask(cast.wang_fang_login, "wuxi", "arrears-pay", {"charges": [str(september.pk)]}, till.now)
    facts = desk.look(asked).facts
    [cost] = facts.costs
    told = next(one for one in owed(counter) if one["insurance"] == "pension")
    assert (told["principal_fen"], told["surcharge_fen"]) == (cost.principal_fen, cost.on_top_fen)
    assert [one["value"] for one in told["surcharge_why"]["steps"]] == [
        line.value for line in cost.on_top_why.lines
    ]


def test_the_queries_do_not_grow_with_the_months(counter: Counter, cast: Cast) -> None:
    def asked() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert owed(counter)
        return len(seen)

    charged("wuxi", "2026-09")
    few = asked()
    charged("wuxi", "2026-05", "2026-06", "2026-07", "2026-08")
    assert len(owed(counter)) == 10
    assert asked() == few


def test_in_a_city_of_debits_they_are_told_and_not_ordered(
    counter: Counter, cast: Cast, till: Till, exchange: Path
) -> None:
    cover(cast.li_qiang, PENSION, "wuhan", "2026-09", tier="60")
    charged("wuhan", "2026-09")
    account(cast.li_qiang)
    bank = Counter(partner_called("wuhan-bank", cities=["wuhan"]), till)
    who: dict[str, Any] = {"person": cast.li_qiang, "city": "wuhan"}
    [told] = owed(bank, **who)
    # What the debit at the end of November would take.
    assert (told["paid_on"], told["principal_fen"], told["surcharge_fen"]) == ("2026-11-30", 39304, 99)
    assert "每月托收扣缴" in told["barred"]
    assert "每月托收扣缴" in why(order(bank, **who))
    assert not Order.objects.exists()


def test_written_off_medical_is_told_and_never_ordered(
    counter: Counter, cast: Cast, till: Till, exchange: Path
) -> None:
    for insurance in (PENSION, MEDICAL):
        cover(cast.li_qiang, insurance, "wuhan", "2026-09", tier="60")
    charged("wuhan", "2026-09")
    account(cast.li_qiang)
    medical = charge_of(cast.li_qiang, "2026-09", MEDICAL)
    typed = {"charges": [str(medical.pk)], "confirmation": "注销"}
    file(cast.li_qiang_login, "wuhan", "arrears-write-off", typed, till.now)
    bank = Counter(partner_called("wuhan-bank", cities=["wuhan"]), till)
    told = next(
        one for one in owed(bank, person=cast.li_qiang, city="wuhan") if one["insurance"] == "medical"
    )
    assert (told["status"], told["amount_fen"]) == ("written_off", None)
    assert told["barred"] == "医疗保险欠费注销后不能再补缴"
    with pytest.raises(CannotOrder):
        paying_late.pay_by_order(
            cast.li_qiang, "wuhan", [medical.pk], key=uuid4(), by=till.system, now=till.now
        )


def test_a_failed_debit_is_told_where_the_month_can_be_ordered(
    counter: Counter, cast: Cast, clock: Clock, exchange: Path
) -> None:
    """Shenzhen: the failed month stands among those that can be ordered, at the tier that it is
    owed at."""
    account(cast.chen_jing, "6217990000000000501", city="shenzhen")
    charged("shenzhen", "2026-10")
    debited("shenzhen", "2026-10")
    clock.set("2026-11-17 10:00")
    told = counter.bank.post(f"{API}/dues/", counter.who(cast.chen_jing, "shenzhen")).json()
    october = next(one for one in told["dues"][0]["months"] if one["month"] == "2026-10")
    assert october["debit_failed"] == "余额不足"
    assert [one["tier"] for one in october["tiers"]] == ["60"]
    assert told["arrears"] == []
    picks = [{"insurance": "pension", "tier": "60", "months": ["2026-10"]}]
    paid = counter.tell(counter.placed(picks=picks, person=cast.chen_jing, city="shenzhen"))
    assert paid.json()["credited"] is True
    audit()


def test_what_an_employer_owes_is_not_the_persons(counter: Counter, cast: Cast) -> None:
    taihu = employer("无锡太湖电子有限公司", "wuxi", LIANGXI, 301)
    open_coverage(
        person=cast.li_qiang, insurance=PENSION, capacity=Capacity.EMPLOYEE, city="wuxi", employer=taihu,
        start=Month(2026, 9), wage_fen=600000, now=counter.till.now,
    )  # fmt: skip
    charged("wuxi", "2026-09")
    charge = charge_of(cast.li_qiang, "2026-09")
    assert charge.employer == taihu
    assert owed(counter, person=cast.li_qiang) == []
    assert "没有可以补缴的欠费" in why(order(counter, person=cast.li_qiang))


# Ordered and paid


def test_ordered_paid_and_booked_with_its_interest(counter: Counter, september: Charge) -> None:
    response = order(counter)
    told = response.json()
    assert (response.status_code, told["sum_fen"]) == (201, PRINCIPAL + INTEREST)
    assert told["lines"] == [
        {
            "insurance": "pension",
            "month": "2026-09",
            "principal_fen": PRINCIPAL,
            "surcharge_fen": INTEREST,
            "amount_fen": PRINCIPAL + INTEREST,
        }
    ]
    assert counter.tell(Order.objects.get()).json()["credited"] is True
    september.refresh_from_db()
    assert (september.status, Surcharge.objects.get().status) == (ChargeStatus.PAID, SurchargeStatus.PAID)
    assert [one["insurance"] for one in owed(counter)] == ["medical"]
    audit()


def test_a_year_at_once(counter: Counter) -> None:
    months = [f"2026-{month}" for month in (11, 12)] + [f"2027-{month:02}" for month in range(1, 11)]
    year = counter.placed(picks=[{"insurance": "pension", "tier": "60", "months": months}])
    assert (year.line_count, year.sum_fen) == (12, 12 * PRINCIPAL)
    assert counter.tell(year).json()["credited"] is True
    audit()


def test_the_same_key_is_one_order_and_another_body_is_refused(counter: Counter, september: Charge) -> None:
    first = order(counter, key="late-0001")
    assert order(counter, key="late-0001").content == first.content
    other = [{"insurance": "medical", "months": ["2026-09"]}]
    assert code(order(counter, other, key="late-0001")) == (409, "idempotency_key_reused")
    assert Order.objects.count() == 1


def test_twice_by_one_key_is_once_below_the_api_too(
    counter: Counter, september: Charge, cast: Cast, till: Till
) -> None:
    given: dict[str, Any] = {"key": uuid4(), "by": counter.bank.partner.user, "now": till.now}
    first = paying_late.order_months(cast.wang_fang, "wuxi", {PENSION: [september.month]}, **given)
    assert paying_late.order_months(cast.wang_fang, "wuxi", {PENSION: [september.month]}, **given) == first
    with pytest.raises(KeyReused):
        paying_late.order_months(cast.wang_fang, "wuxi", {MEDICAL: [september.month]}, **given)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "picks"),
        (
            {"picks": [{"insurance": "pension", "tier": "60", "months": ["2026-11"]}], "arrears": SEPTEMBER},
            "picks",
        ),
        ({"arrears": []}, "arrears"),
        ({"arrears": [{"insurance": "pension", "months": ["2026-9"]}]}, "arrears.0.months.0"),
        ({"arrears": SEPTEMBER * 2}, "arrears"),
        ({"arrears": [{"insurance": "pension", "months": ["2026-08"]}]}, "arrears.pension.months"),
        ({"arrears": [{"insurance": "pension", "months": ["2026-11"]}]}, "arrears.pension.months"),
        ({"arrears": [{"insurance": "maternity", "months": ["2026-09"]}]}, "arrears.maternity.months"),
    ],
)
def test_what_is_wrong_stands_at_its_field(
    counter: Counter, september: Charge, body: dict[str, Any], field: str
) -> None:
    response = counter.bank.post(f"{API}/orders/", {**counter.who(), **body})
    assert response.status_code == 422
    assert field in [one["field"] for one in response.json()["errors"]]
    assert not Order.objects.exists()


def test_another_persons_months_and_another_partners_order(
    counter: Counter, september: Charge, cast: Cast, till: Till
) -> None:
    assert "没有可以补缴的欠费" in why(order(counter, person=cast.chen_jing))
    assert order(counter, person=cast.wang_fang, city="wuhan").status_code == 403
    found = placed(counter)
    other = Counter(partner_called("other-bank", cities=["wuxi"]), till)
    assert code(other.tell(found.number)) == (404, "not_found")
    # The other bank sees that the months are taken, and cannot take them.
    assert f"在待支付的缴费订单 {found.number} 中" in why(order(other))


def test_at_the_bank_they_wait_for_its_answer(counter: Counter, september: Charge, till: Till) -> None:
    at_the_bank(september, now=till.now)
    assert next(one for one in owed(counter) if one["insurance"] == "pension")["barred"].startswith(
        "正在银行扣款"
    )
    assert "正在银行扣款" in why(order(counter))


def test_tomorrow_it_costs_more_and_is_another_order(
    counter: Counter, september: Charge, clock: Clock, till: Till
) -> None:
    clock.set("2026-11-17 23:50")
    late = placed(counter)
    # The price is today's, so that the order ends with the day and not half an hour later.
    assert late.expires_at == moment("2026-11-18 00:00")
    clock.set("2026-11-18 00:01")
    till.rings()
    late.refresh_from_db()
    assert late.status == OrderStatus.EXPIRED
    assert not Surcharge.objects.filter(live=True).exists()
    # What was taken for it all the same is given back.
    assert counter.tell(late).json()["credited"] is False
    # 49 days: 898.80 × 1.5 % × 49 ÷ 365 = 1.8099
    assert placed(counter).sum_fen == PRINCIPAL + 181
    audit()


def test_by_day_an_order_lives_as_long_as_any(counter: Counter, september: Charge) -> None:
    assert placed(counter).expires_at == counter.till.now + dt.timedelta(minutes=30)


# At once, on connections of their own


def kept_apart(*results: Any) -> tuple[int, int]:
    """How many orders were placed, and how many were refused."""
    refused = [one for one in results if isinstance(one, CannotOrder | desk.NotAccepted)]
    return sum(isinstance(one, Order | Case) for one in results), len(refused)


def by_two_partners(counter: Counter, cast: Cast, till: Till) -> list[Any]:
    users = [counter.bank.partner.user, partner_called("other-bank", cities=["wuxi"]).partner.user]
    month = Month(2026, 9)
    return at_once(
        *[
            lambda user=user: paying_late.order_months(
                cast.wang_fang, "wuxi", {PENSION: [month]}, key=uuid4(), by=user, now=till.now
            )
            for user in users
        ]
    )


@pytest.mark.django_db(transaction=True)
def test_two_partners_order_one_month_and_one_is_told(
    transactional_db: None, counter: Counter, september: Charge, cast: Cast, till: Till
) -> None:
    assert kept_apart(*by_two_partners(counter, cast, till)) == (1, 1)
    assert Surcharge.objects.filter(live=True).count() == 1
    audit()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("guarded", [True, False])
def test_control_without_locks_they_are_kept_apart_by_the_database_alone(
    transactional_db: None, counter: Counter, september: Charge, cast: Cast, till: Till, guarded: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    meeting = SureMeeting()
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **options: self)
    monkeypatch.setattr(placing, "lock_subject", lambda number: None)
    monkeypatch.setattr(paying_late, "on_top_of", meeting.before(paying_late.on_top_of))
    with ExitStack() as off:
        if not guarded:
            off.enter_context(without_constraint(OrderLine, "a_charge_is_in_one_live_order"))
            off.enter_context(without_constraint(Surcharge, "one_live_surcharge_per_charge"))
        results = by_two_partners(counter, cast, till)
        assert meeting.met
        assert kept_apart(*results) == ((1, 1) if guarded else (2, 0))


def by_partner_and_hall(counter: Counter, september: Charge, cast: Cast, till: Till) -> list[Any]:
    user, login = counter.bank.partner.user, cast.wang_fang_login
    return at_once(
        lambda: paying_late.order_months(
            cast.wang_fang, "wuxi", {PENSION: [september.month]}, key=uuid4(), by=user, now=till.now
        ),
        lambda: file(login, "wuxi", "arrears-pay", {"charges": [str(september.pk)]}, till.now),
    )


@pytest.mark.django_db(transaction=True)
def test_at_the_bank_and_in_the_hall_one_is_told(
    transactional_db: None, counter: Counter, september: Charge, cast: Cast, till: Till
) -> None:
    assert kept_apart(*by_partner_and_hall(counter, september, cast, till)) == (1, 1)
    assert Order.objects.count() == 1
    audit()


@pytest.mark.django_db(transaction=True)
def test_control_without_locks_and_constraints_both_order_it(
    transactional_db: None, counter: Counter, september: Charge, cast: Cast, till: Till,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    meeting = SureMeeting()
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **options: self)
    for module in (placing, desk):
        monkeypatch.setattr(module, "lock_subject", lambda number: None)
    monkeypatch.setattr(paying_late, "on_top_of", meeting.before(paying_late.on_top_of))
    with ExitStack() as off:
        off.enter_context(without_constraint(OrderLine, "a_charge_is_in_one_live_order"))
        off.enter_context(without_constraint(Surcharge, "one_live_surcharge_per_charge"))
        by_partner_and_hall(counter, september, cast, till)
        assert meeting.met
        assert Order.objects.count() == 2


def while_a_batch_is_opened(
    cast: Cast, counter: Counter, till: Till, monkeypatch: pytest.MonkeyPatch, meeting: Meeting
) -> tuple[int, int]:
    """A failed month of Shenzhen, which the next batch takes again and the bank's payer orders: how
    many orders and batches hold it afterwards."""
    BankAccount.objects.create(
        person=cast.chen_jing, city="shenzhen", bank="psbc", number="6217995200000101", holder="陈静",
        start=Month(2026, 1),
    )  # fmt: skip
    charged("shenzhen", "2026-11")
    charge = charge_of(cast.chen_jing, "2026-11")
    monkeypatch.setattr(placing, "case_number", meeting.before(placing.case_number))
    monkeypatch.setattr(opening.recollecting, "taken", meeting.before(opening.recollecting.taken))
    user = counter.bank.partner.user
    at_once(
        lambda: placing.place(
            person=cast.chen_jing, city="shenzhen", picks={PENSION: ("60", [THIS])}, key=uuid4(), by=user,
            now=till.now,
        ),
        lambda: opening.open_batch(city="shenzhen", month=THIS, by=till.system, now=till.now),
    )  # fmt: skip
    return (
        charge.order_lines.filter(live=True).count(),
        DebitBatch.objects.filter(lines__charge=charge).count(),
    )


@pytest.mark.django_db(transaction=True)
def test_a_month_is_ordered_at_the_bank_or_taken_by_the_batch(
    transactional_db: None, cast: Cast, counter: Counter, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sum(while_a_batch_is_opened(cast, counter, till, monkeypatch, Meeting())) == 1


@pytest.mark.django_db(transaction=True)
def test_control_without_the_shared_lock_it_is_both(
    transactional_db: None, cast: Cast, counter: Counter, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(placing, "before_or_after_a_batch", lambda city: None)
    assert while_a_batch_is_opened(cast, counter, till, monkeypatch, SureMeeting()) == (1, 1)


# Given back the same day


def test_reversed_the_month_is_owed_again_and_its_interest_gone(
    counter: Counter, september: Charge, cast: Cast
) -> None:
    late = placed(counter)
    counter.tell(late)
    assert fen_by_kind("wuxi") == {
        "clearing": late.sum_fen,
        "surcharge": -INTEREST,
        "personal": -35952,
        "pooled": -53928,
    }
    assert counter.reverse().status_code == 201
    assert set(fen_by_kind("wuxi").values()) == {0}
    september.refresh_from_db()
    assert (september.status, Surcharge.objects.get().status) == (
        ChargeStatus.REVERSED,
        SurchargeStatus.REVERSED,
    )
    again = charge_of(cast.wang_fang, "2026-09")
    assert (again.status, again.amount_fen, again.due_on) == (ChargeStatus.OWED, PRINCIPAL, september.due_on)
    assert personal_account.balance(cast.wang_fang, "wuxi", PENSION) == 0
    audit()
    # It can be ordered and paid anew.
    assert counter.tell(placed(counter), number="BANK-0002").json()["credited"] is True
    audit()


def fen_by_kind(city: str) -> dict[str, int]:
    legs = Leg.objects.filter(account__city=city).values_list("account__kind")
    return dict(legs.annotate(fen=Sum("amount_fen")).order_by())


@pytest.fixture
def by_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wuhan takes late months by orders."""
    another = AnotherBook(tmp_path / "policy", since="2027-01-01", average_wage="4000.00")
    offers = another.folder / "wuhan" / "offers.yaml"
    text = offers.read_text(encoding="utf-8")
    offers.write_text(text.replace("    paid_by: debit\n", "    paid_by: order\n"), encoding="utf-8")
    loaded = another.load()
    for module in (late_costs, paying_late):
        monkeypatch.setattr(module, "book", lambda: loaded)


def test_what_was_given_up_is_had_by_the_rule_of_the_day_and_reversed_given_up_again(
    counter: Counter, cast: Cast, till: Till, exchange: Path, by_order: None
) -> None:
    cover(cast.li_qiang, PENSION, "wuhan", "2026-09", until="2026-10", tier="60")
    charged("wuhan", "2026-09")
    charge = charge_of(cast.li_qiang, "2026-09")
    typed = {"charges": [str(charge.pk)], "confirmation": "注销"}
    file(cast.li_qiang_login, "wuhan", "arrears-write-off", typed, till.now)
    bank = Counter(partner_called("wuhan-bank", cities=["wuhan"]), till)
    who: dict[str, Any] = {"person": cast.li_qiang, "city": "wuhan"}
    [told] = owed(bank, **who)
    assert (told["status"], told["barred"]) == ("written_off", "")
    response = order(bank, **who)
    assert response.json()["sum_fen"] == told["amount_fen"]
    later = charge_of(cast.li_qiang, "2026-09")
    assert later.repricing.replaces == charge
    bank.tell(Order.objects.get())
    audit()
    assert bank.reverse().status_code == 201
    charge.refresh_from_db()
    assert (charge.status, charge.live) == (ChargeStatus.WRITTEN_OFF, True)
    assert [one["status"] for one in owed(bank, **who)] == ["written_off"]
    audit()
