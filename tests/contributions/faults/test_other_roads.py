"""A month that is at the bank and paid by another road, or whose coverage ends: the money comes,
and is kept apart.

Orders and batches keep away from each other's months; what meets all the same began before the
other did.
"""

from uuid import uuid4

import pytest

from contributions.audit.looking import audit
from contributions.books import ledger
from contributions.charges.charging import charge
from contributions.debit import opening, posting, sending
from contributions.models import Charge, DebitBatch, Order, Payment, Receipt, RefundWay
from contributions.orders import placing
from contributions.refunds import drafting, held_money, transferring
from enrollment import actions
from portal.accounts.roles import COLLECTOR
from portal.hall import desk
from portal.shared.insurance import Insurance
from tests.cast import staff
from tests.contributions.flexible import account
from tests.contributions.flexible import collector as collector_of
from tests.contributions.money_cast import OCTOBER, Road, worker
from tests.contributions.orders.conftest import THIS, Provider, Till
from tests.filing import file

pytestmark = pytest.mark.django_db


def sound() -> bool:
    broken = [found for found in audit() if not found.holds]
    assert not broken, broken
    return True


@pytest.fixture
def late(till: Till, exchange: object) -> Payment:
    """陈静 of Shenzhen ordered November and let the order expire; the provider was told to close
    the payment."""
    account(till.cast.chen_jing, city="shenzhen")
    order = till.place(city="shenzhen", person=till.cast.chen_jing, by=till.cast.chen_jing_login)
    payment = till.start(order, "card")
    till.clock.step(minutes=31)
    till.rings()
    till.rings()
    order.refresh_from_db()
    assert order.status == "expired"
    return payment


def at_the_bank(till: Till, road: Road) -> DebitBatch:
    batch = opening.open_batch(city="shenzhen", month=THIS, by=till.system, now=till.now)
    assert batch is not None
    sending.write_file(batch, by=till.system, now=till.now)
    return batch


def answered(till: Till, road: Road, batch: DebitBatch) -> None:
    road.bank()
    assert [read.outcome for read in road.read()] == ["accepted"]
    batch.refresh_from_db()
    posting.post(batch, by=till.system, now=till.now)


@pytest.mark.parametrize("first", ["callback", "bank"])
def test_paid_online_after_all_while_the_month_is_in_the_banks_file(
    till: Till, providers: dict[str, Provider], road: Road, late: Payment, first: str
) -> None:
    batch = at_the_bank(till, road)
    steps = [
        lambda: till.tell(providers["card"].pays(late.number), "card"),
        lambda: answered(till, road, batch),
    ]
    for step in steps if first == "callback" else steps[::-1]:
        step()
    # The order had ended, so the debit pays the month, whichever came first; the card's money goes
    # back to the card.
    assert list(Receipt.objects.filter(applied=True).values_list("channel", flat=True)) == ["debit:psbc"]
    kept = Receipt.objects.get(applied=False)
    assert (kept.channel, kept.amount_fen) == ("card", late.amount_fen)
    assert held_money.road(kept).way == RefundWay.CHANNEL
    assert Charge.objects.get(live=True).status == "paid"
    assert sound()


def test_a_month_in_an_open_order_is_not_drawn_and_one_at_the_bank_is_not_ordered(
    till: Till, road: Road
) -> None:
    who, login = till.cast.chen_jing, till.cast.chen_jing_login
    account(who, city="shenzhen")
    order = till.place(city="shenzhen", person=who, by=login)
    assert opening.open_batch(city="shenzhen", month=THIS, by=till.system, now=till.now) is None
    till.clock.step(minutes=31)
    till.rings()
    at_the_bank(till, road)
    with pytest.raises(placing.CannotOrder, match="已送银行扣款"):
        till.place(city="shenzhen", person=who, by=login)
    assert Order.objects.get() == order


# Coverage that ends


def test_a_pause_is_refused_from_the_month_that_is_at_the_bank_on(till: Till, road: Road) -> None:
    """Shenzhen lets stop in the month itself, or in the next."""
    who, login = till.cast.chen_jing, till.cast.chen_jing_login
    account(who, city="shenzhen")
    charge(city="shenzhen", month=THIS, by=till.system, now=till.now)
    at_the_bank(till, road)
    with pytest.raises(desk.NotAccepted, match="已送银行扣款"):
        file(login, "shenzhen", "flexible-pause", {"stop_pension": str(THIS)}, till.now)
    file(login, "shenzhen", "flexible-pause", {"stop_pension": str(THIS + 1)}, till.now)
    assert {one.until for one in who.coverages.filter(insurance=Insurance.PENSION)} == {THIS + 1}


def test_what_the_bank_pays_for_coverage_that_ended_goes_back_to_the_account_that_was_drawn(
    road: Road,
) -> None:
    """The stop was on its way when the batch was opened: its barriers had been asked before."""
    who = worker(1)
    road.charge()
    batch = road.open()
    path = road.send(batch)
    assert path.exists()
    actions.close_coverage(who.coverages.get(), until=OCTOBER, by=road.by, now=road.now)
    assert Charge.objects.get().status == "void"
    who.bank_accounts.update(number="6217990000777788")
    road.bank()
    road.read()
    batch.refresh_from_db()
    road.close(road.post(batch))
    kept = Receipt.objects.get()
    assert not kept.applied
    refund = drafting.draft(
        kept,
        amount_fen=kept.amount_fen,
        reason="停保后扣款",
        key=uuid4(),
        by=collector_of("wuhan"),
        now=road.now,
    )
    assert (refund.way, refund.account_number) == (RefundWay.BANK, batch.lines.get().account_number)
    drafting.approve(refund, by=staff("wuhan-checker", "何秀", "wuhan", COLLECTOR), now=road.now)
    transferring.confirm_transfer(refund, bank_number="B1", by=collector_of("wuhan"), now=road.now)
    assert all(not one.balance_fen for one in ledger.trial_balance(cities=["wuhan"]))
    assert sound()
