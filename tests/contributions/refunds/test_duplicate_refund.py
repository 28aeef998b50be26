"""养老保险重复缴费退费: what is paid twice is found or proven, confirmed at the counter, and goes
back by two hands, the personal account's part taken back with it."""

from uuid import UUID, uuid4

import pytest
from django.core.files.base import ContentFile
from django.db import IntegrityError, connection, transaction
from django.test import Client

from contributions.audit.looking import audit as books
from contributions.books import personal_account
from contributions.models import (
    AccountMovement,
    BroughtIn,
    BroughtInPeriod,
    Charge,
    ChargeStatus,
    MovementKind,
    Receipt,
    Refund,
    RefundStatus,
    TakenBack,
)
from contributions.orders import closing
from contributions.records.by_month import State, record
from contributions.refunds import doubled, drafting, insured_twice, refund_lifecycle, sending
from portal.accounts.models import User
from portal.hall import desk
from portal.hall.models import Attachment, Case, Draft
from portal.hall.routing import Status
from portal.people.models import Person
from portal.shared.insurance import Insurance
from portal.shared.months import Month
from tests.cast import NOW, cover
from tests.contributions.orders.conftest import PENSION, THIS, Provider, Till, audit, providers, till
from tests.contributions.refunds.test_refunds import checker
from tests.filing import file, reasons

__all__ = ["providers", "till"]

pytestmark = pytest.mark.django_db
CODE = "duplicate-refund"
# 9167.00 × 60 % × 20 %, of which 8 points go to the personal account.
PAID, ACCOUNT = 110004, 44002
HERE, LATER = str(THIS), str(THIS + 1)


@pytest.fixture
def chen(till: Till) -> User:
    return till.cast.chen_jing_login


def pay(till: Till, providers: dict[str, Provider], *months: Month) -> None:
    """陈静 pays these months in Shenzhen by card."""
    order = till.place(
        {PENSION: ("60", months)}, city="shenzhen", person=till.cast.chen_jing, by=till.cast.chen_jing_login
    )
    payment = till.start(order, "card")
    till.tell(providers["card"].pays(payment.number), "card")


def typed(*months: str, elsewhere: str = "湖南省长沙市，灵活就业") -> dict[str, object]:
    return {"months": list(months), "elsewhere": elsewhere}


def proof(user: User) -> Attachment:
    """A paper that was uploaded with the draft."""
    draft = Draft.objects.create(user=user, city="shenzhen", service=CODE, updated_at=NOW)
    return Attachment.objects.create(
        draft=draft,
        paper="payment-proof",
        name="凭证.pdf",
        content_type="application/pdf",
        size=4,
        digest="0" * 64,
        file=ContentFile(b"%PDF", name="proof.pdf"),
        uploaded_at=NOW,
    )


def apply(till: Till, chen: User, *months: str, key: UUID | None = None, **more: str) -> Case:
    Draft.objects.all().delete()
    return file(chen, "shenzhen", CODE, typed(*months, **more), till.now, key=key, attachments=[proof(chen)])


def confirm(till: Till, case: Case) -> Case:
    return desk.decide(case, approve=True, by=till.cast.shenzhen_reviewer, now=till.now)


def balance(who: Person) -> int:
    return personal_account.balance(who, "shenzhen", Insurance.PENSION)


# A month that a paper from elsewhere proves


def test_it_is_confirmed_at_the_counter_and_goes_back_by_two_hands(
    till: Till, chen: User, providers: dict[str, Provider]
) -> None:
    pay(till, providers, THIS, THIS + 1)
    assert balance(till.cast.chen_jing) == 2 * ACCOUNT
    case = apply(till, chen, HERE)
    assert case.status == Status.PRE_APPLIED
    parts = "个人账户扣回 440.02 元、统筹基金扣回 660.02 元"
    proven = "以外地缴费凭证核实：湖南省长沙市，灵活就业"
    assert ["2026年11月", f"退 1,100.04 元（{parts}）；{proven}"] in case.facts["summary"]
    assert not TakenBack.objects.exists()
    assert not Refund.objects.exists()
    case = confirm(till, case)
    assert case.status == Status.DONE
    refund = Refund.objects.get()
    assert (refund.status, refund.amount_fen, refund.drafted_by) == (
        RefundStatus.DRAFTED,
        PAID,
        till.cast.shenzhen_reviewer,
    )
    movement = AccountMovement.objects.get()
    assert (movement.kind, movement.amount_fen, movement.pooled_fen) == (
        MovementKind.DUPLICATE_TAKEN_BACK,
        -ACCOUNT,
        ACCOUNT - PAID,
    )
    assert balance(till.cast.chen_jing) == ACCOUNT
    audit()
    with pytest.raises(refund_lifecycle.CannotRefund, match="由您经办"):
        drafting.approve(refund, by=till.cast.shenzhen_reviewer, now=till.now)
    drafting.approve(refund, by=checker("shenzhen"), now=till.now)
    sending.send_due(by=till.system, now=till.now)
    refund.refresh_from_db()
    assert refund.status == RefundStatus.SUCCEEDED
    assert providers["card"].given == {refund.number: PAID}
    audit()


def test_the_month_counts_here_no_more_and_is_not_charged_again(
    till: Till, chen: User, providers: dict[str, Provider]
) -> None:
    pay(till, providers, THIS)
    confirm(till, apply(till, chen, HERE))
    [month] = [one for one in record(till.cast.chen_jing) if one.month == THIS and one.insurance == PENSION]
    assert month.state == State.TAKEN_BACK
    assert Charge.objects.get(person=till.cast.chen_jing, month=THIS).status == ChargeStatus.TAKEN_BACK
    with pytest.raises(Exception, match="重复缴费已清退"):
        pay(till, providers, THIS)


def test_a_second_application_is_refused_with_the_reason(
    till: Till, chen: User, providers: dict[str, Provider]
) -> None:
    pay(till, providers, THIS, THIS + 1)
    case = apply(till, chen, HERE)
    with pytest.raises(desk.NotAccepted, match="正在办理"):
        apply(till, chen, LATER)
    confirm(till, case)
    why = reasons(chen, "shenzhen", CODE, typed(HERE), till.now)["months"]
    assert Refund.objects.get().number in why
    assert reasons(chen, "shenzhen", CODE, typed(LATER), till.now) == {}


def test_where_else_it_is_paid_must_be_said_and_proven(
    till: Till, chen: User, providers: dict[str, Provider]
) -> None:
    pay(till, providers, THIS)
    assert "还在哪里缴费" in reasons(chen, "shenzhen", CODE, typed(HERE, elsewhere=""), till.now)["elsewhere"]
    with pytest.raises(desk.NotAccepted, match="请上传外地养老保险缴费凭证"):
        file(chen, "shenzhen", CODE, typed(HERE), till.now)


def test_a_refused_application_leaves_everything_as_it_was(
    till: Till, chen: User, providers: dict[str, Provider]
) -> None:
    pay(till, providers, THIS)
    case = apply(till, chen, HERE)
    desk.decide(case, approve=False, by=till.cast.shenzhen_reviewer, now=till.now, reason="凭证与本人不符")
    assert balance(till.cast.chen_jing) == ACCOUNT
    assert not Refund.objects.exists()
    assert apply(till, chen, HERE).status == Status.PRE_APPLIED
    audit()


def test_who_paid_nothing_here_has_nothing_to_ask_for(till: Till) -> None:
    assert "没有查到" in reasons(till.cast.liu_yang_login, "shenzhen", CODE, {}, till.now)[""]


def test_anothers_months_are_not_ones_own(till: Till, chen: User, providers: dict[str, Provider]) -> None:
    pay(till, providers, THIS)
    cover(till.cast.liu_yang, PENSION, "shenzhen", "2026-01", tier="60")
    assert reasons(till.cast.liu_yang_login, "shenzhen", CODE, typed(HERE), till.now) != {}
    assert insured_twice.find(till.cast.liu_yang, "shenzhen", now=till.now).months == {}


def test_an_account_that_was_emptied_meanwhile_bars_the_confirmation(
    till: Till, chen: User, providers: dict[str, Provider], monkeypatch: pytest.MonkeyPatch
) -> None:
    pay(till, providers, THIS)
    case = apply(till, chen, HERE)
    monkeypatch.setattr(personal_account, "balance", lambda *who: ACCOUNT - 1)
    with pytest.raises(desk.NotAccepted, match="个人账户余额不足"):
        confirm(till, case)
    case.refresh_from_db()
    assert case.status == Status.PRE_APPLIED
    assert Charge.objects.get(person=till.cast.chen_jing, month=THIS).status == ChargeStatus.PAID


# A month that the record shows twice


def test_a_month_that_was_brought_in_needs_no_paper(
    till: Till, chen: User, providers: dict[str, Provider]
) -> None:
    who = till.cast.chen_jing
    came = BroughtIn.objects.create(
        person=who, insurance=PENSION, city="shenzhen", from_place="湖南省长沙市", start=THIS, until=THIS + 1,
        months=1, wages={}, account_fen=0, pooled_fen=0, key="in-1", at=till.now, by=till.system,
    )  # fmt: skip
    BroughtInPeriod.objects.create(person=who, insurance=PENSION, start=THIS, until=THIS + 1, brought_in=came)
    pay(till, providers, THIS)
    [one] = insured_twice.find(who, "shenzhen", now=till.now).months.values()
    assert (one.proof, one.elsewhere) == (insured_twice.Proof.RECORD, "湖南省长沙市")
    case = file(chen, "shenzhen", CODE, typed(HERE, elsewhere=""), till.now)
    confirm(till, case)
    assert TakenBack.objects.get().elsewhere == "湖南省长沙市"
    audit()


def test_money_that_came_twice_within_the_hall_goes_back_whole_and_nothing_is_taken_from_the_account(
    till: Till, chen: User, providers: dict[str, Provider]
) -> None:
    late(till, providers)
    pay(till, providers, THIS)
    [one] = insured_twice.find(till.cast.chen_jing, "shenzhen", now=till.now).months.values()
    assert (one.proof, one.refund_fen, one.account_fen) == (insured_twice.Proof.HALL, PAID, 0)
    case = file(chen, "shenzhen", CODE, typed(HERE, elsewhere=""), till.now)
    assert doubled.draft_refunds(by=till.system, now=till.now) == 0, "it waits for the counter"
    confirm(till, case)
    assert Refund.objects.get().amount_fen == PAID
    assert balance(till.cast.chen_jing) == ACCOUNT
    assert not TakenBack.objects.exists()
    audit()


def test_what_the_hall_gives_back_by_itself_need_not_be_asked_for(
    till: Till, chen: User, providers: dict[str, Provider]
) -> None:
    late(till, providers)
    assert doubled.draft_refunds(by=till.system, now=till.now) == 1
    why = reasons(chen, "shenzhen", CODE, {}, till.now)
    assert f"2026年11月：已在退款 {Refund.objects.get().number} 中办理，不能重复申请" in why[""]


def late(till: Till, providers: dict[str, Provider]) -> None:
    """An order of this month that is cancelled, and paid all the same."""
    order = till.place(
        {PENSION: ("60", [THIS])}, city="shenzhen", person=till.cast.chen_jing, by=till.cast.chen_jing_login
    )
    payment = till.start(order, "card")
    till.tell(providers["card"].fails(payment.number), "card")
    closing.cancel(order, by=till.system, now=till.now)
    till.tell(providers["card"].pays(payment.number), "card")


# What the database and the audit keep


def test_the_database_takes_no_month_back_twice_and_no_more_than_was_paid(
    till: Till, chen: User, providers: dict[str, Provider]
) -> None:
    pay(till, providers, THIS)
    case = confirm(till, apply(till, chen, HERE))
    receipt = Receipt.objects.get()
    with pytest.raises(insured_twice.CannotTakeBack):
        insured_twice.take_back(receipt, elsewhere="长沙", case=case, by=till.system, now=till.now)
    back = TakenBack.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        TakenBack.objects.create(
            receipt=receipt,
            movement=back.movement,
            case=case,
            amount_fen=PAID + 1,
            elsewhere="长沙",
            at=till.now,
        )
    with pytest.raises(refund_lifecycle.CannotRefund):
        drafting.draft(
            receipt, amount_fen=1, reason="再退", key=uuid4(), by=till.cast.shenzhen_reviewer, now=till.now
        )


@pytest.mark.django_db(transaction=True)
def test_the_audit_finds_a_month_that_was_taken_back_and_stands_as_paid(
    till: Till, chen: User, providers: dict[str, Provider]
) -> None:
    pay(till, providers, THIS)
    confirm(till, apply(till, chen, HERE))
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE contributions_charge DISABLE TRIGGER USER")
        cursor.execute("UPDATE contributions_charge SET status = 'paid' WHERE status = 'taken_back'")
        cursor.execute("ALTER TABLE contributions_charge ENABLE TRIGGER USER")
    assert [one.number for one in books() if not one.holds] == [10]


# On the page


def test_the_form_to_print_tells_months_and_sums(
    till: Till, chen: User, providers: dict[str, Provider]
) -> None:
    pay(till, providers, THIS)
    case = apply(till, chen, HERE)
    client = Client()
    client.force_login(chen)
    page = client.get(f"/cases/{case.number}/form/").content.decode()
    assert "养老保险重复缴费退费申请表" in page
    assert "1,100.04" in page
    assert "湖南省长沙市" in page
    confirm(till, case)
    charge = Charge.objects.get(person=till.cast.chen_jing, month=THIS)
    assert "重复缴费已清退" in client.get(f"/record/charges/{charge.pk}/").content.decode()
    assert "重复缴费已清退" in client.get("/record/").content.decode()
