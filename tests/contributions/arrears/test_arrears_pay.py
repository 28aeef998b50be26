"""历史欠费补缴: with interest to the day of paying, by the next debit (Wuhan) or an order
(Wuxi)."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction

import contributions.audit.checks.charges
from contributions.arrears import late_costs, paying_late
from contributions.audit.looking import audit
from contributions.books import receiving
from contributions.books.ledger import trial_balance
from contributions.charges import charging
from contributions.models import (
    AccountKind,
    Charge,
    ChargeStatus,
    Order,
    OrderStatus,
    Receipt,
    RecollectRequest,
    Repricing,
    RequestStatus,
    Surcharge,
    SurchargeStatus,
)
from contributions.orders import ending, placing
from contributions.prices import formula
from portal.accounts.models import User
from portal.hall import desk
from portal.hall.catalogue import service
from portal.hall.routing import Status
from portal.hall.service import Applicant
from portal.policy.book import book
from portal.shared.insurance import Insurance
from tests.cast import Cast, cover, moment
from tests.contributions.flexible import (
    EMPTY_ACCOUNT,
    AnotherBook,
    account,
    charge_of,
    charged,
    debited,
    ordered,
)
from tests.filing import ask, file, reasons

CODE = "arrears-pay"
WRITE_OFF = "arrears-write-off"

pytestmark = pytest.mark.usefixtures("exchange")


def whole() -> list[str]:
    return [example for one in audit() for example in one.examples]


def chosen(*charges: Charge) -> dict[str, list[str]]:
    return {"charges": [str(one.pk) for one in charges]}


@pytest.fixture
def owing(cast: Cast) -> Charge:
    """September's pension is owed in Wuhan, 393.04; there is an account now."""
    cover(cast.li_qiang, Insurance.PENSION, "wuhan", "2026-09", tier="60")
    charged("wuhan", "2026-09")
    account(cast.li_qiang)
    return charge_of(cast.li_qiang, "2026-09")


@pytest.fixture
def dearer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pension goes by an average wage of 4000 from December 2026 on."""
    another = AnotherBook(tmp_path / "policy", since="2026-12-01", average_wage="4000.00").load()
    for module in (late_costs, paying_late, charging, formula, contributions.audit.checks.charges):
        monkeypatch.setattr(module, "book", lambda: another)


@pytest.fixture
def unguarded(db: None) -> None:
    """The table of charges without the project's triggers."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")


def written_off(cast: Cast, *charges: Charge, now: dt.datetime) -> None:
    file(cast.li_qiang_login, "wuhan", WRITE_OFF, {**chosen(*charges), "confirmation": "注销"}, now)


class TestWuhan:
    def test_after_the_day_of_depositing_no_day_is_named_that_has_passed(
        self, cast: Cast, now: dt.datetime, owing: Charge
    ) -> None:
        case = file(cast.li_qiang_login, "wuhan", CODE, chosen(owing), now + dt.timedelta(days=5))
        assert dict(case.outcome["lines"])["扣款时间"] == "2026年11月30日扣款，请尽快足额存入该账户"

    def test_the_months_debit_collects_it_with_interest_to_its_day(
        self, cast: Cast, now: dt.datetime, owing: Charge
    ) -> None:
        case = file(cast.li_qiang_login, "wuhan", CODE, chosen(owing), now)
        assert case.status == Status.TO_DEBIT
        # 30 September to 30 November: 393.04 × 1.5 % × 61 ÷ 365 = 0.9853 → 0.99
        lines = dict(case.outcome["lines"])
        assert lines["2026年9月 养老保险"] == "本金 393.04 元，利息 0.99 元，共 394.03 元"
        assert lines["扣款时间"] == "2026年11月30日扣款，请于2026年11月20日前足额存入该账户"
        batch = debited("wuhan", "2026-11")
        assert batch is not None
        assert (batch.line_count, batch.total_fen) == (1, 39403)
        owing.refresh_from_db()
        assert owing.status == ChargeStatus.PAID
        surcharge = Surcharge.objects.get()
        assert (surcharge.status, surcharge.amount_fen) == (SurchargeStatus.PAID, 99)
        receipt = Receipt.objects.get()
        assert (receipt.amount_fen, receipt.surcharge, receipt.applied) == (39403, surcharge, True)
        booked = {one.account.kind: -one.balance_fen for one in trial_balance(cities=["wuhan"])}
        assert booked == {
            AccountKind.CLEARING: -39403,
            AccountKind.PERSONAL: 15721,
            AccountKind.POOLED: 23583,
            AccountKind.SURCHARGE: 99,
        }
        assert whole() == []

    def test_a_debit_that_fails_leaves_the_month_owed_and_its_interest_void(
        self, cast: Cast, now: dt.datetime, owing: Charge
    ) -> None:
        account(cast.li_qiang, EMPTY_ACCOUNT, start="2026-11")
        file(cast.li_qiang_login, "wuhan", CODE, chosen(owing), now)
        debited("wuhan", "2026-11")
        owing.refresh_from_db()
        assert (owing.status, Surcharge.objects.get().status) == (ChargeStatus.OWED, SurchargeStatus.VOID)
        # Asked for again, it costs the interest up to the next debit: 92 days.
        file(cast.li_qiang_login, "wuhan", CODE, chosen(owing), moment("2026-12-02"))
        assert Surcharge.objects.get(live=True).amount_fen == 149
        assert whole() == []

    def test_a_request_that_its_month_did_not_take_is_dropped(
        self, cast: Cast, now: dt.datetime, owing: Charge
    ) -> None:
        file(cast.li_qiang_login, "wuhan", CODE, chosen(owing), now)
        assert debited("wuhan", "2026-12") is None
        assert RecollectRequest.objects.get().status == RequestStatus.DROPPED
        assert not Surcharge.objects.filter(live=True).exists()

    def test_both_amounts_explain_themselves(self, cast: Cast, now: dt.datetime, owing: Charge) -> None:
        asked = ask(cast.li_qiang_login, "wuhan", CODE, chosen(owing), now)
        facts = desk.look(asked).facts
        [cost] = service(CODE).preview(asked, facts)["costs"]
        assert cost.principal_why.lines[-2].value == "393.04 元"
        assert (cost.on_top_why.lines[-1].value, cost.on_top_why.mark) == ("0.99 元", "示例值")

    def test_twice_is_once(self, cast: Cast, now: dt.datetime, owing: Charge) -> None:
        case = file(cast.li_qiang_login, "wuhan", CODE, chosen(owing), now)
        assert file(cast.li_qiang_login, "wuhan", CODE, chosen(owing), now, key=case.key) == case
        refused = reasons(cast.li_qiang_login, "wuhan", CODE, chosen(owing), now)
        assert "已申请历史欠费补缴" in refused["charges"]
        assert RecollectRequest.objects.count() == Surcharge.objects.count() == 1

    def test_what_is_priced_with_interest_is_not_ordered_without(
        self, cast: Cast, now: dt.datetime, owing: Charge
    ) -> None:
        file(cast.li_qiang_login, "wuhan", CODE, chosen(owing), now)
        with pytest.raises(placing.CannotOrder):
            ordered([owing], now=now)

    def test_without_an_account_it_cannot_be_collected(
        self, cast: Cast, now: dt.datetime, owing: Charge
    ) -> None:
        """It says before the form where an account is registered, how much would be drawn and
        when."""
        cast.li_qiang.bank_accounts.all().delete()
        refused = reasons(cast.li_qiang_login, "wuhan", CODE, chosen(owing), now)[""]
        assert refused.startswith("您还没有可以扣款的缴费账户，请先办理“缴费账户登记和变更”，")
        assert "账户扣款是2026年11月30日，届时共 " in refused
        assert refused.endswith(" 元，请在此之前足额存款。")
        offer, applicant = book().city("wuhan").offers[CODE], Applicant.of(cast.li_qiang_login)
        assert [bar.why for bar in desk.beforehand(offer=offer, applicant=applicant, now=now)] == [refused]

    def test_nobody_pays_anyone_elses(self, cast: Cast, now: dt.datetime, owing: Charge) -> None:
        assert "不需要补缴" in reasons(cast.wang_fang_login, "wuhan", CODE, chosen(owing), now)[""]
        with pytest.raises(desk.NotAllowed):
            file(cast.donghu_clerk, "wuhan", CODE, {}, now)


class TestWrittenOff:
    def test_pension_is_paid_by_the_rule_then_in_force_with_interest(
        self, cast: Cast, now: dt.datetime, owing: Charge, dearer: None
    ) -> None:
        written_off(cast, owing, now=now)
        file(cast.li_qiang_login, "wuhan", CODE, chosen(owing), moment("2026-12-05"))
        owing.refresh_from_db()
        assert (owing.status, owing.live) == (ChargeStatus.WRITTEN_OFF, False)
        later = charge_of(cast.li_qiang, "2026-09")
        # 4000 × 60 % × 20 %, and from 30 September to 31 December: 480 × 1.5 % × 92 ÷ 365 = 1.81
        assert (later.amount_fen, later.base, later.due_on) == (48000, Decimal(2400), owing.due_on)
        assert Repricing.objects.get().replaces == owing
        assert later.surcharges.get().amount_fen == 181
        debited("wuhan", "2026-12")
        later.refresh_from_db()
        assert later.status == ChargeStatus.PAID
        assert whole() == []

    def test_where_that_fails_the_month_is_written_off_again(
        self, cast: Cast, now: dt.datetime, owing: Charge
    ) -> None:
        account(cast.li_qiang, EMPTY_ACCOUNT, start="2026-11")
        written_off(cast, owing, now=now)
        file(cast.li_qiang_login, "wuhan", CODE, chosen(owing), now)
        later = charge_of(cast.li_qiang, "2026-09")
        debited("wuhan", "2026-11")
        owing.refresh_from_db()
        later.refresh_from_db()
        assert (owing.live, later.status) == (True, ChargeStatus.VOID)
        assert whole() == []
        # And it can be tried again.
        account(cast.li_qiang, start="2026-12")
        file(cast.li_qiang_login, "wuhan", CODE, chosen(owing), moment("2026-12-05"))
        debited("wuhan", "2026-12")
        assert charge_of(cast.li_qiang, "2026-09").status == ChargeStatus.PAID
        assert whole() == []

    def test_medical_is_never_paid(self, cast: Cast, now: dt.datetime) -> None:
        cover(cast.li_qiang, Insurance.MEDICAL, "wuhan", "2026-09", tier="60")
        charged("wuhan", "2026-09")
        account(cast.li_qiang)
        medical = charge_of(cast.li_qiang, "2026-09", Insurance.MEDICAL)
        written_off(cast, medical, now=now)
        refused = reasons(cast.li_qiang_login, "wuhan", CODE, chosen(medical), now)
        assert "医疗保险欠费注销后不能再补缴" in refused["charges"]
        with pytest.raises(paying_late.Busy):
            paying_late.prepare(cast.li_qiang, "wuhan", [medical.pk], paid_on=dt.date(2026, 11, 30), now=now)
        assert medical.repriced_by.count() == 0

    def test_the_database_lets_nothing_else_be_replaced(
        self, cast: Cast, now: dt.datetime, owing: Charge
    ) -> None:
        cover(cast.li_qiang, Insurance.MEDICAL, "wuhan", "2026-09", tier="60")
        charged("wuhan", "2026-09")
        medical = charge_of(cast.li_qiang, "2026-09", Insurance.MEDICAL)
        for replaced, by in ((medical, owing), (owing, medical)):
            with pytest.raises(IntegrityError), transaction.atomic():
                Repricing.objects.create(charge=by, replaces=replaced, priced_in=by.month, at=now)

    def test_the_audit_sees_written_off_medical_that_was_paid(
        self, cast: Cast, now: dt.datetime, owing: Charge, unguarded: None
    ) -> None:
        """The control: without the database's guards it could be paid, and the audit says so."""
        written_off(cast, owing, now=now)
        Charge.objects.filter(pk=owing.pk).update(live=False)
        charged("wuhan", "2026-09")
        receiving.receive(
            [charge_of(cast.li_qiang, "2026-09")],
            channel="counter",
            provider_number="1",
            at=now,
            by=User.objects.system(),
        )
        broken = {one.number for one in audit() if not one.holds}
        assert 9 in broken


class TestWuxi:
    @pytest.fixture
    def owed(self, cast: Cast) -> Charge:
        cover(cast.li_qiang, Insurance.PENSION, "wuxi", "2026-09", tier="60")
        charged("wuxi", "2026-09")
        return charge_of(cast.li_qiang, "2026-09")

    def test_an_order_takes_it_with_interest_to_today(
        self, cast: Cast, now: dt.datetime, owed: Charge
    ) -> None:
        case = file(cast.li_qiang_login, "wuxi", CODE, chosen(owed), now)
        order = Order.objects.get(number=case.outcome["order"])
        # 898.80 × 1.5 % × 48 ÷ 365 = 1.7730 → 1.77
        assert order.sum_fen == 89880 + 177
        receiving.receive(
            [owed],
            channel="card",
            provider_number="77",
            at=now,
            by=User.objects.system(),
            surcharges=order.lines.values_list("surcharge", flat=True),
        )
        ending.end(order, OrderStatus.PAID, by=User.objects.system(), now=now)
        owed.refresh_from_db()
        assert (owed.status, Surcharge.objects.get().status) == (ChargeStatus.PAID, SurchargeStatus.PAID)
        assert Receipt.objects.get().amount_fen == 90057
        case.refresh_from_db()
        assert (case.status, case.decided_at) == (Status.DONE, now)

    def test_an_order_that_expires_lets_the_interest_go(
        self, cast: Cast, now: dt.datetime, owed: Charge
    ) -> None:
        case = file(cast.li_qiang_login, "wuxi", CODE, chosen(owed), now)
        order = Order.objects.get(number=case.outcome["order"])
        ending.expire(order, by=User.objects.system(), now=now + dt.timedelta(hours=1))
        assert Surcharge.objects.get().status == SurchargeStatus.VOID
        case.refresh_from_db()
        assert (case.status, "已自动取消" in case.reason) == (Status.LAPSED, True)
        file(cast.li_qiang_login, "wuxi", CODE, chosen(owed), now + dt.timedelta(days=1))
        assert Surcharge.objects.get(live=True).amount_fen == 181
        assert whole() == []

    def test_twice_is_one_order(self, cast: Cast, now: dt.datetime, owed: Charge) -> None:
        case = file(cast.li_qiang_login, "wuxi", CODE, chosen(owed), now)
        assert file(cast.li_qiang_login, "wuxi", CODE, chosen(owed), now, key=case.key) == case
        assert "缴费订单" in reasons(cast.li_qiang_login, "wuxi", CODE, chosen(owed), now)["charges"]
        assert Order.objects.count() == 1
