"""Charging, asking providers and sending text messages, killed with SIGKILL at random points:
nothing lost, nothing doubled.

The debit's own steps are killed in tests/contributions/debit/test_killed.py.
"""

import datetime as dt

import pytest

from contributions.audit.looking import audit
from contributions.models import (
    Charge,
    ChargeStatus,
    ChargingRun,
    Entry,
    Order,
    OrderStatus,
    Payment,
    Receipt,
)
from contributions.orders import paying
from portal.accounts.models import Notice, OutboxMessage, User
from tests.cast import NOW, ZHENHAI, cover, person
from tests.contributions.faults.killing import killed_until_done
from tests.contributions.money_cast import NOVEMBER, POOR, Road, account
from tests.contributions.orders.conftest import PENSION, THIS, Provider, Till
from tests.workers import Worker, start

pytestmark = pytest.mark.django_db(transaction=True)


def sound() -> bool:
    return not [found for found in audit() if not found.holds]


# Charging

SLOW_CHARGING = """
import time
from contributions.charges import charging
from contributions.tasks import debit as tasks
insert = charging.charge_tiers
def slowly(*args):
    time.sleep(0.1)
    made = insert(*args)
    time.sleep(0.1)
    return made
charging.charge_tiers = slowly
say("ready")
tasks.charge_due()
say("done")
"""


def test_charging_killed_again_and_again_charges_each_month_once(db: None) -> None:
    for order in range(1, 41):
        cover(person(f"工人{order}", ZHENHAI, "1985-01-01", order), PENSION, "wuhan", "2026-11", tier="60")
    User.objects.system()

    def all_or_nothing() -> None:
        assert Charge.objects.count() in (0, 40)

    killed = killed_until_done(
        lambda _run: start(SLOW_CHARGING, now=NOW),
        seed=20261121,
        between=(0.02, 0.5),
        kills=5,
        after_kill=all_or_nothing,
    )
    assert killed.kills == 5
    assert Charge.objects.filter(month=NOVEMBER, live=True).count() == 40
    assert ChargingRun.objects.filter(city="wuhan", month=NOVEMBER, created=40).count() == 1
    assert sound()


# Orders

# A provider that has every payment, and takes its time to say so. The worker is ready when it has
# come to that question: by time alone it would be killed before the first one wherever the machine
# is slow.
ASKING = """
import time
from contributions import channels
from contributions.tasks import orders as order_tasks
from contributions.channels.protocol import Answer, Outcome
from contributions.models import Payment
asked = 0
class Provider:
    code = "wechat"
    def ask(self, number):
        global asked
        asked += 1
        if asked == {question}:
            say("ready")
        time.sleep(0.02)
        return Answer(number, Outcome.SUCCEEDED, Payment.objects.get(number=number).amount_fen, f"W{{number}}")
    close = ask
channels.channel = lambda code: Provider()
if {question} == 0:
    say("ready")
order_tasks.ask_payments()
say("done")
"""


def test_whoever_asks_the_providers_is_killed_and_each_payment_is_booked_once(
    till: Till, providers: dict[str, Provider]
) -> None:
    count, kills = 20, 5
    for order in range(1, count + 1):
        who = person(f"缴费人{order}", ZHENHAI, "1990-01-01", order)
        cover(who, PENSION, "wuxi", "2026-01", tier="60")
        login = User.objects.create_person(who, password="Ningbo-1127-hall")
        placed = till.place({PENSION: ("60", [THIS])}, person=who, by=login)
        paying.start_payment(order=placed, channel="wechat", by=login, now=till.now)

    def begin(run: int) -> Worker:
        # What a killed worker had claimed comes up again after its time.
        at = till.now + dt.timedelta(minutes=1 + run * 15)
        return start(ASKING.format(question=run % 3 if run < kills else 0), now=at)

    seen: list[int] = []
    killed = killed_until_done(
        begin,
        seed=17,
        between=(0, 0.06),
        kills=kills,
        after_kill=lambda: seen.append(Entry.objects.count()),
    )
    assert killed.kills == kills
    assert any(0 < booked < count for booked in seen), "killed in the middle"
    assert Entry.objects.count() == Receipt.objects.filter(applied=True).count() == count
    assert Payment.objects.filter(credited=True).count() == count
    assert set(Order.objects.values_list("status", flat=True)) == {OrderStatus.PAID}
    assert set(Charge.objects.values_list("status", flat=True)) == {ChargeStatus.PAID}
    assert sound()


# Notices

TELLING = """
import time
from portal.accounts import messages, tasks
send = messages.send
def slowly(**what):
    time.sleep(0.02)
    return send(**what)
messages.send = slowly
say("ready")
tasks.send_text_messages()
say("done")
"""


def test_whoever_sends_text_messages_is_killed_and_none_goes_out_twice(road: Road) -> None:
    """Each is claimed before it goes out: one that a worker was killed over is lost as a text
    message, and stands as a notice."""
    count = 20
    for order in range(1, count + 1):
        who = person(f"工人{order}", ZHENHAI, "1985-01-01", order, phone=f"1380001{order:04d}")
        cover(who, PENSION, "wuhan", "2026-01", tier="60")
        account(who, f"6217990000{order:04d}{POOR}")
        User.objects.create_person(who, password="Ningbo-1127-hall")
    road.post(road.answered())
    assert Notice.objects.count() == count
    killed = killed_until_done(
        lambda _run: start(TELLING, now=NOW),
        seed=3,
        between=(0.05, 0.3),
        kills=3,
    )
    assert killed.kills == 3
    told = list(OutboxMessage.objects.values_list("phone", flat=True))
    assert len(set(told)) == len(told)
    assert count - killed.kills <= len(told) <= count
    assert Notice.objects.count() == count
