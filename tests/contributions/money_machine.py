"""A machine that does anything to the money in any order: orders, callbacks, debits, refunds,
pauses, write-offs, months passing.

Three people: 王芳 of Wuxi orders and pays, 李强 of Wuhan is debited, 陈静 of Shenzhen is both, in
her bank's hours. What the providers and the bank took is known here apart from the hall's own rows,
and compared with them.
"""

import datetime as dt
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from contributions.arrears import paying_late
from contributions.arrears.gaps import gap_months
from contributions.audit.looking import audit
from contributions.bank_files import stand_in
from contributions.books import receiving
from contributions.channels.protocol import Answer, Outcome, Refused
from contributions.charges import charging
from contributions.debit import closing, opening, releasing
from contributions.models import (
    UNDER_WAY,
    BankFile,
    BatchStatus,
    Charge,
    ChargeStatus,
    DebitBatch,
    Entry,
    Order,
    OrderStatus,
    Payment,
    PaymentStatus,
    Receipt,
    Refund,
    RefundStatus,
    RefundWay,
    Reversal,
    Way,
)
from contributions.orders import asking, payable, paying, placing, queries
from contributions.orders.closing import cancel, drop
from contributions.orders.ending import StillPaying
from contributions.partners import differences, late_reversals, ordering
from contributions.refunds import drafting, held_money, refund_lifecycle, sending, transferring
from contributions.tasks import debit, orders
from enrollment import actions
from enrollment.models import Coverage
from portal.accounts.models import User
from portal.hall import desk
from portal.partners.models import Partner
from portal.people.models import Person
from portal.shared.insurance import Capacity, Insurance
from portal.shared.keys import KeyReused
from portal.shared.months import CHINA, Month, month_in_china, today_in_china
from tests.cast import Cast
from tests.conftest import Clock
from tests.contributions.orders.conftest import CARD, Provider
from tests.filing import file

FIRST = Month(2026, 8)
LAST = Month(2027, 3)
PENSION, MEDICAL = Insurance.PENSION, Insurance.MEDICAL
BELLS = (
    debit.charge_due,
    debit.resume_settled,
    debit.open_due_batches,
    debit.send_batches,
    debit.read_answers,
    debit.post_answers,
    orders.ask_payments,
    orders.end_overdue_orders,
    orders.start_queued_payments,
    orders.send_refunds,
)
# What the bank may say of an account: paid, too little money, frozen.
MOODS = ("00", "51", "62")

which = st.integers(0, 5)
T = TypeVar("T")


class World:
    """What all examples share: the cast, a clock, the providers, and where files are exchanged."""

    def __init__(
        self,
        *,
        cast: Cast,
        clock: Clock,
        providers: dict[str, Provider],
        partner: Partner,
        root: Path,
        settings: Any,
    ) -> None:
        self.cast = cast
        self.partner = partner
        self.clock = clock
        self.providers = providers
        self.root = root
        self.settings = settings
        self.examples = 0
        self.moods: dict[str, str] = {}

        # What the examples came to, so that a run that never gets anywhere is seen.
        self.reached: Counter[str] = Counter()

    def mood(self, account: str) -> str:
        """What the bank says of a debit from the account."""
        return self.moods.get(account, stand_in.PAID)

    def fresh(self) -> None:
        """Providers and bank know nothing; the clock stands at the beginning."""
        self.examples += 1
        self.settings.BANK_EXCHANGE_DIR = self.root / str(self.examples)
        self.moods.clear()
        for code, provider in self.providers.items():
            provider.__init__(code, provider.title)  # type: ignore[misc]
        self.clock.set(dt.datetime(FIRST.year, FIRST.month, 3, 10, tzinfo=CHINA))


def step(**drawn: st.SearchStrategy[Any]) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Marks what one of the groups of rules may do, with what is drawn for it."""

    def mark(method: Callable[..., T]) -> Callable[..., T]:
        method.drawn = drawn  # type: ignore[attr-defined]
        return method

    return mark


def one(rows: Iterable[T], pick: int) -> T | None:
    """One of the rows, in their order; None of none."""
    listed = list(rows)
    return listed[pick % len(listed)] if listed else None


class MoneyMoves(RuleBasedStateMachine):
    """One example: a transaction of its own, rolled back at the end. Here is what can be done, and
    what must hold; a machine draws which of it is done."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.cast = world.cast
        world.fresh()
        self.example = transaction.atomic()
        self.example.__enter__()
        self.people = {
            "wuxi": (self.cast.wang_fang, self.cast.wang_fang_login),
            "wuhan": (self.cast.li_qiang, self.cast.li_qiang_login),
            "shenzhen": (self.cast.chen_jing, self.cast.chen_jing_login),
        }
        self.system = User.objects.system()
        self.keys: list[tuple[UUID, dict[str, Any]]] = []
        # The bank's answers as they left it, and how much it paid by them, by batch number.
        self.answers: dict[str, tuple[str, bytes]] = {}
        self.paid_by_bank: dict[str, int] = {}
        self.sums: dict[str, int] = {}
        self.counter = 0
        # What the partner took and gave back, by its own numbers.
        self.partner_took: dict[str, int] = {}
        self.partner_gave: dict[str, int] = {}

    @property
    def now(self) -> dt.datetime:
        return self.world.clock.now

    @property
    def inbox(self) -> Path:
        return Path(self.world.settings.BANK_EXCHANGE_DIR) / "inbox"

    def staff(self, city: str, name: str) -> User:
        return User.objects.get(username=f"{name}-{city}")

    def attempt(self, call: Callable[[], T], *refusals: type[Exception]) -> T | None:
        """What the call gave; None where it refused in one of the ways in which it may. Nothing may
        be half done then."""
        try:
            return call()
        except refusals as why:
            note(f"  refused: {why!r}")
            return None

    @initialize(medical=st.booleans(), arrears=st.booleans())
    def begin(self, medical: bool, arrears: bool) -> None:
        """Everyone is insured since August, 李强 since June where he comes with arrears; those who
        are debited have accounts."""
        for city, (person, _login) in self.people.items():
            start = FIRST - 2 if arrears and city == "wuhan" else FIRST
            for insurance in (PENSION, MEDICAL) if medical or city == "wuhan" else (PENSION,):
                if insurance == PENSION or city != "shenzhen":
                    self._cover(person, insurance, city, start)
            if city != "wuxi":
                self._account(person, city, f"62179900000000{len(city):02d}01")
        debit.charge_due()
        if arrears:
            for back in (2, 1):
                self._charge("wuhan", FIRST - back)

    def _cover(
        self, person: Person, insurance: Insurance, city: str, start: Month, tier: str = "60"
    ) -> Coverage:
        return actions.open_coverage(
            person=person,
            insurance=insurance,
            capacity=Capacity.FLEXIBLE,
            city=city,
            start=start,
            tier=tier,
            now=self.now,
        )

    def _account(self, person: Person, city: str, number: str) -> None:
        actions.draw_on(person=person, city=city, bank="psbc", number=number, start=month_in_china(self.now))

    def _charge(self, city: str, month: Month) -> None:
        charging.charge(city=city, month=month, by=self.system, now=self.now)

    # Time

    @step(minutes=st.sampled_from([1, 5, 31, 600]))
    def a_while_passes(self, minutes: int) -> None:
        self.world.clock.step(minutes=minutes)
        self._ring_for_orders()

    def _ring_for_orders(self) -> None:
        orders.start_queued_payments()
        orders.ask_payments()
        orders.end_overdue_orders()
        orders.send_refunds()

    @step()
    def the_month_ends(self) -> None:
        last = month_in_china(self.now).last_day
        self.world.clock.set(max(self.now, dt.datetime.combine(last, dt.time(20), CHINA)))
        debit.open_due_batches()

    @step()
    def the_next_month_begins(self) -> None:
        following = month_in_china(self.now) + 1
        if following < LAST:
            self.world.clock.set(dt.datetime.combine(following.first_day, dt.time(10), CHINA))
            debit.charge_due()

    @step(bell=st.sampled_from(BELLS), times=st.integers(1, 2))
    def a_bell_rings(self, bell: Any, times: int) -> None:
        for _time in range(times):
            bell()

    # Coverage

    @step(city=st.sampled_from(["wuhan", "shenzhen"]), insurance=st.sampled_from([PENSION, MEDICAL]))
    def someone_pauses(self, city: str, insurance: Insurance) -> None:
        _person, login = self.people[city]
        this = month_in_china(self.now)
        for stop in (this, this + 1):
            pause = partial(file, login, city, "flexible-pause", {f"stop_{insurance}": str(stop)}, self.now)
            if self.attempt(pause, desk.NotAccepted):
                return

    @step(
        city=st.sampled_from(["wuxi", "wuhan", "shenzhen"]),
        insurance=st.sampled_from([PENSION, MEDICAL]),
        after=st.integers(1, 2),
    )
    def someone_joins_again(self, city: str, insurance: Insurance, after: int) -> None:
        person, _login = self.people[city]
        start = month_in_china(self.now) + after
        covered = Coverage.objects.filter(person=person, insurance=insurance, live=True)
        if all(old.until is not None and old.until <= start for old in covered):
            self._cover(person, insurance, city, start)

    @step(tier=st.sampled_from(["60", "80", "100"]))
    def the_tier_changes(self, tier: str) -> None:
        _person, login = self.people["wuhan"]
        self.attempt(lambda: file(login, "wuhan", "pension-tier", {"tier": tier}, self.now), desk.NotAccepted)

    @step(city=st.sampled_from(["wuhan", "shenzhen"]), number=st.integers(1, 3))
    def someone_changes_the_account(self, city: str, number: int) -> None:
        self._account(self.people[city][0], city, f"62179900000000{len(city):02d}{number:02d}")

    # Late months

    @step(picks=st.sets(which, min_size=1, max_size=3))
    def months_are_given_up(self, picks: set[int]) -> None:
        """Of those that were due; the others are refused by the form."""
        person, login = self.people["wuhan"]
        owed = Charge.objects.filter(person=person, live=True, status=ChargeStatus.OWED)
        months = list(owed.filter(due_on__lt=today_in_china(self.now)).order_by("pk"))
        chosen = [str(months[pick].pk) for pick in sorted(picks) if pick < len(months)]
        typed = {"charges": chosen, "confirmation": "注销"}
        self.attempt(lambda: file(login, "wuhan", "arrears-write-off", typed, self.now), desk.NotAccepted)

    @step(city=st.sampled_from(["wuhan", "wuhan", "wuxi"]), picks=st.sets(which, min_size=1, max_size=3))
    def late_months_are_paid(self, city: str, picks: set[int]) -> None:
        person, login = self.people[city]
        months = list(
            Charge.objects.filter(
                person=person, live=True, status__in=[ChargeStatus.OWED, ChargeStatus.WRITTEN_OFF]
            ).order_by("status", "pk")
        )
        chosen = [str(months[-1 - pick].pk) for pick in sorted(picks) if pick < len(months)]
        self.attempt(
            lambda: file(login, city, "arrears-pay", {"charges": chosen}, self.now), desk.NotAccepted
        )

    @step(pick=which, tier=st.sampled_from(["60", "100"]))
    def a_gap_is_paid_back(self, pick: int, tier: str) -> None:
        person, login = self.people["wuhan"]
        month = one(gap_months(person, until=month_in_china(self.now)), pick)
        typed = {"insurance": "pension", "months": [str(month)], "tier": tier}
        self.attempt(lambda: file(login, "wuhan", "pension-gap", typed, self.now), desk.NotAccepted)

    @step(pick=which)
    def a_failed_debit_is_asked_for_again(self, pick: int) -> None:
        person, login = self.people["shenzhen"]
        charge = one(Charge.objects.filter(person=person, status=ChargeStatus.OWED).order_by("pk"), pick)
        typed = {"charges": [str(charge.pk)] if charge else []}
        self.attempt(lambda: file(login, "shenzhen", "recollect", typed, self.now), desk.NotAccepted)

    @step(city=st.sampled_from(["wuxi", "wuhan", "shenzhen"]), pick=which, again=st.booleans())
    def a_month_is_paid_at_the_counter(self, city: str, pick: int, again: bool) -> None:
        """By another road than the hall's own; of late months only those that nothing is paid on
        top of."""
        person, _login = self.people[city]
        charge = one(
            Charge.objects.filter(
                person=person, status=ChargeStatus.OWED, surcharges=None, repricing=None
            ).order_by("pk"),
            pick,
        )
        if charge is None:
            return
        self.counter += 1
        for _time in range(2 if again else 1):
            receiving.receive(
                [charge], channel="counter", provider_number=str(self.counter), at=self.now, by=self.system
            )

    # Orders

    @step(
        city=st.sampled_from(["wuxi", "wuxi", "shenzhen"]),
        insurances=st.integers(1, 3),
        tier=st.sampled_from(["", "", "60", "100"]),
        ahead=st.sets(st.integers(0, 4), min_size=1, max_size=3),
    )
    def months_are_ordered(self, city: str, insurances: int, tier: str, ahead: set[int]) -> Order | None:
        """Of one insurance or two, at the tier that they have or another; mostly months that can be
        had."""
        person, login = self.people[city]
        found = payable.payable(person, city, now=self.now)
        picks = {
            one.insurance: (
                tier or one.tier_now,
                [one.months[n] for n in sorted(ahead) if n < len(one.months)],
            )
            for number, one in enumerate(found, 1)
            if number & insurances
        }
        given: dict[str, Any] = {"person": person, "city": city, "picks": picks, "by": login}
        key = uuid4()
        self.keys.append((key, given))
        order = self.attempt(lambda: placing.place(**given, key=key, now=self.now), placing.CannotOrder)
        if order is not None:
            self.sums[order.number] = order.sum_fen
            assert placing.place(**given, key=key, now=self.now) == order
        return order

    @step(pick=which, other=st.booleans())
    def an_order_is_sent_again(self, pick: int, other: bool) -> None:
        sent = one(self.keys, pick)
        if sent is None:
            return
        key, given = sent
        before = Order.objects.filter(key=key).first()
        other = other and before is not None
        changed = {**given, "picks": {PENSION: ("80", [LAST])}} if other else given
        again = self.attempt(
            lambda: placing.place(**changed, key=key, now=self.now), placing.CannotOrder, KeyReused
        )
        if before is not None:
            assert again == (None if other else before)
        elif again is not None:
            self.sums[again.number] = again.sum_fen

    def _open_orders(self) -> list[Order]:
        return list(Order.objects.filter(status=OrderStatus.OPEN).order_by("pk"))

    @step(
        pick=which,
        channel=st.sampled_from(["wechat", "alipay", "card"]),
        fault=st.sampled_from(["", "", "cut", "down", "refused"]),
    )
    def a_payment_is_begun(self, pick: int, channel: str, fault: str) -> None:
        order = one(self._open_orders(), pick) or self._order()
        if order is None:
            return
        provider = self.world.providers[channel]
        provider.cut = {"start"} if fault == "cut" else set()
        provider.down |= {"start"} if fault == "down" else set()
        provider.refuses = Refused("余额不足") if fault == "refused" else None
        self.attempt(
            lambda: paying.start_payment(
                order=order, channel=channel, payer=CARD if channel == "card" else {},
                by=order.placed_by, now=self.now,
            ),
            paying.PaymentUnderWay, paying.OrderEnded, paying.NotOffered, Refused,
        )  # fmt: skip
        provider.cut, provider.refuses = set(), None
        provider.down -= {"start"}

    def _order(self) -> Order | None:
        """An open order that nobody is paying yet, placed now where there is none."""
        idle = [
            order
            for order in self._open_orders()
            if queries.under_way(order) is None and self.now < order.expires_at
        ]
        return one(idle, 0) or self.months_are_ordered("wuxi", 3, "", {0, 1})

    def _begun(self, order: Order, channel: str) -> Payment | None:
        return self.attempt(
            lambda: paying.start_payment(order=order, channel=channel, payer={}, by=order.placed_by, now=self.now),
            paying.PaymentUnderWay, paying.OrderEnded, paying.NotOffered,
        )  # fmt: skip

    @step(first=st.booleans())
    def it_is_paid_by_two_channels(self, first: bool) -> None:
        """WeChat is said to have failed, so it is paid by Alipay; and WeChat has the money all the
        same."""
        order = self._order()
        before = self._begun(order, "wechat") if order is not None else None
        if order is None or before is None or before.channel != "wechat":
            return
        wechat, alipay = self.world.providers["wechat"], self.world.providers["alipay"]
        self._tell("wechat", wechat.fails(before.number))
        after = self._begun(order, "alipay")
        if after is None or before.number not in wechat.announced:
            return
        told = [("wechat", wechat.pays(before.number))]
        if after.channel == "alipay" and after.number in alipay.announced:
            told.append(("alipay", alipay.pays(after.number)))
        for code, answer in told if first else told[::-1]:
            assert self._tell(code, answer) == 200

    @step(told=st.booleans())
    def it_is_paid_too_late(self, told: bool) -> None:
        """The order expires, and then its payer pays."""
        order = self._order()
        payment = self._begun(order, "alipay") if order is not None else None
        provider = self.world.providers["alipay"]
        if payment is None or payment.number not in provider.announced or payment.number in provider.paid:
            return
        self.a_while_passes(31)
        self.a_while_passes(31)
        answer = provider.pays(payment.number)
        if told:
            assert self._tell("alipay", answer) == 200

    @step(moods=st.lists(st.sampled_from(MOODS), min_size=6, max_size=6), missing=st.integers(0, 6))
    def a_month_is_debited(self, moods: list[str], missing: int) -> None:
        """The whole road: the month ends, batches are released, sent, answered, read and posted."""
        self.the_month_ends()
        for batch in self._batches(BatchStatus.OPENED):
            releasing.release(batch, by=self.staff(batch.city, "checker"), now=self.now)
        self.the_bank_answers(moods, missing)
        debit.read_answers()
        debit.post_answers()
        self.the_next_month_begins()

    def _announced(self) -> list[tuple[str, str]]:
        return [(code, number) for code, one in self.world.providers.items() for number in one.announced]

    @step(
        pick=st.integers(0, 40),
        off_by=st.sampled_from([0, 0, 0, -1, 1]),
        told=st.integers(0, 3),
        late=st.booleans(),
    )
    def the_payer_pays(self, pick: int, off_by: int, told: int, late: bool) -> None:
        """At the provider's, even after it was closed there where ``late``; the hall is told so
        many times."""
        waiting = [
            (code, number)
            for code, number in self._announced()
            if number not in self.world.providers[code].paid
            and (late or number not in self.world.providers[code].ended)
        ]
        chosen = one(waiting, -1 - pick)
        if chosen is None:
            return
        code, number = chosen
        provider = self.world.providers[code]
        provider.pays(number, fen=provider.announced[number].amount_fen + off_by)
        for _time in range(told):
            assert self._tell(code, provider.paid[number]) == 200

    def _tell(self, channel: str, answer: Answer, signature: str = "good") -> int:
        said = {
            "number": answer.number,
            "outcome": str(answer.outcome),
            "amount": answer.amount_fen,
            "mark": answer.provider_number,
        }
        return (
            Client()
            .post(
                reverse("payment-callback", args=[channel]),
                data=json.dumps(said),
                content_type="application/json",
                headers={"Signature": signature},
            )
            .status_code
        )

    @step(
        pick=st.integers(0, 40),
        said=st.sampled_from(
            ["truth", "truth", "failed", "pending", "unknown", "no sum", "forged", "stranger"]
        ),
    )
    def a_callback_comes(self, pick: int, said: str) -> None:
        """The truth again, or a failure although it may have been paid, or what nobody of the
        providers said."""
        chosen = one(self._announced(), -1 - pick)
        if chosen is None:
            return
        code, number = chosen
        provider = self.world.providers[code]
        paid = provider.paid.get(number)
        before = (Entry.objects.count(), Receipt.objects.count())
        forged = Answer(number, Outcome.SUCCEEDED, provider.announced[number].amount_fen, "X1")
        if said == "truth":
            self._tell(code, paid or provider.fails(number))
            return
        if said == "forged":
            assert self._tell(code, forged, "bad") != 200
        elif said == "stranger":
            self._tell(code, Answer(f"P{'9' * 26}", Outcome.SUCCEEDED, 1, "X2"))
        elif said == "no sum":
            self._tell(code, Answer(number, Outcome.SUCCEEDED))
        else:
            self._tell(code, Answer(number, Outcome(said)))
        assert before == (Entry.objects.count(), Receipt.objects.count())

    @step(pick=which, what=st.sampled_from(["drop", "cancel", "watch"]))
    def the_payer_changes_their_mind(self, pick: int, what: str) -> None:
        order = one(self._open_orders(), pick)
        if order is None:
            return
        payment = order.payments.filter(status__in=UNDER_WAY).first()
        if what == "cancel":
            self.attempt(lambda: cancel(order, by=order.placed_by, now=self.now), StillPaying)
        elif payment is not None and what == "drop":
            self.attempt(lambda: drop(payment, by=order.placed_by, now=self.now), StillPaying)
        elif payment is not None:
            asking.ask_watched(payment, by=self.system, now=self.now)

    @step(
        channel=st.sampled_from(["wechat", "alipay", "card"]),
        calls=st.sampled_from([(), ("ask", "close"), ("refund", "ask_refund")]),
    )
    def a_provider_stops_answering_or_is_back(self, channel: str, calls: tuple[str, ...]) -> None:
        self.world.providers[channel].down = set(calls)

    # A partner, which places orders, is paid for them, and tells

    def _of_partner(self, *statuses: OrderStatus) -> list[Order]:
        placed = ordering.orders_of(self.world.partner)
        return list(placed.filter(status__in=[str(one) for one in statuses]).order_by("pk"))

    def _partner_number(self) -> str:
        self.counter += 1
        return f"BANK-{self.counter:04d}"

    @step(late=st.booleans(), picks=st.sets(which, min_size=1, max_size=2))
    def the_partner_orders(self, late: bool, picks: set[int]) -> Order | None:
        """王芳's late months at what they cost today, or this month and the next at her tier."""
        person, _login = self.people["wuxi"]
        given: dict[str, Any] = {"key": uuid4(), "by": self.world.partner.user, "now": self.now}
        if late:
            months = [one.month for one in paying_late.orderable(person, "wuxi", now=self.now)]
            chosen = [months[pick] for pick in sorted(picks) if pick < len(months)]
            wanted: dict[Insurance, list[Month]] = {}
            for month in chosen:
                wanted.setdefault(month.insurance, []).append(month.month)
            order = self.attempt(
                lambda: paying_late.order_months(person, "wuxi", wanted, **given), placing.CannotOrder
            )
        else:
            this = month_in_china(self.now)
            pay = {PENSION: ("60", [this + pick for pick in picks])}
            order = self.attempt(
                lambda: placing.place(person=person, city="wuxi", picks=pay, **given), placing.CannotOrder
            )
        if order is not None:
            self.sums[order.number] = order.sum_fen
        return order

    @step(pick=which, off_by=st.sampled_from([0, 0, 0, 1]), again=st.booleans(), ended=st.booleans())
    def the_partner_is_paid(self, pick: int, off_by: int, again: bool, ended: bool) -> None:
        """It tells, once or twice, by one number; also for an order that has ended."""
        order = one(self._of_partner(*(OrderStatus if ended else [OrderStatus.OPEN])), -1 - pick)
        order = order or self.the_partner_orders(False, {0})
        if order is None:
            return
        number, fen = self._partner_number(), order.sum_fen + off_by
        self.partner_took[number] = fen
        told = [
            ordering.confirm(
                order=order, partner=self.world.partner, amount_fen=fen, provider_number=number,
                taken_at=self.now, by=self.world.partner.user, now=self.now,
            )
            for _time in range(2 if again else 1)
        ]  # fmt: skip
        assert len(set(told)) == 1

    @step(pick=which)
    def the_partner_reverses(self, pick: int) -> None:
        """The same day; later it asks, and staff grant it."""
        payment = self._credited(pick)
        if payment is None:
            self.the_partner_is_paid(0, 0, False, False)
            payment = self._credited(0)
        if payment is None:
            return
        partner, number = self.world.partner, self._partner_number()
        fen = payment.received_fen or 0
        done = self.attempt(
            lambda: ordering.reverse(
                payment=payment, provider_number=number, reason="撤销", by=partner.user, now=self.now
            ),
            ordering.CannotReverse,
        )
        if done is not None:
            self.partner_gave[number] = fen
            return
        asked = self.attempt(
            lambda: late_reversals.ask(payment=payment, partner=partner, reason="撤销", now=self.now),
            ordering.CannotReverse,
        )
        if asked is not None:
            maker, checker = self.staff("wuxi", "maker"), self.staff("wuxi", "checker")
            differences.propose(asked, way=Way.REFUND, reason="核实", by=maker, now=self.now)
            self.attempt(
                lambda: differences.approve(asked, by=checker, now=self.now), differences.CannotSettle
            )

    def _credited(self, pick: int) -> Payment | None:
        paid = Payment.objects.filter(
            channel=self.world.partner.channel, credited=True, status=PaymentStatus.SUCCEEDED
        )
        return one(paid.order_by("pk"), pick)

    @step(pick=which)
    def the_partner_gives_back(self, pick: int) -> None:
        """What the hall has decided to."""
        refund = one(self._to_give_back(), pick)
        if refund is not None:
            self._given_back(refund)

    def _to_give_back(self) -> list[Refund]:
        return [one for one in self._refunds(RefundStatus.SENT) if one.channel == self.world.partner.channel]

    def _given_back(self, refund: Refund) -> None:
        number = self._partner_number()
        self.partner_gave[number] = refund.amount_fen
        answer = Answer(refund.number, Outcome.SUCCEEDED, refund.amount_fen, number)
        sending.take_answer(refund, answer, by=self.world.partner.user, now=self.now)

    # The bank

    @step(city=st.sampled_from(["wuhan", "shenzhen"]), back=st.integers(0, 1), round_number=st.integers(1, 2))
    def a_batch_is_opened(self, city: str, back: int, round_number: int) -> None:
        opening.open_batch(
            city=city, month=month_in_china(self.now) - back, round_number=round_number, by=self.staff(city, "maker"),
            now=self.now,
        )  # fmt: skip

    def _batches(self, *statuses: BatchStatus) -> list[DebitBatch]:
        return list(DebitBatch.objects.filter(status__in=[str(one) for one in statuses]).order_by("pk"))

    @step(pick=which, name=st.sampled_from(["maker", "checker", "checker"]))
    def a_batch_is_released(self, pick: int, name: str) -> None:
        batch = one(self._batches(BatchStatus.OPENED), pick)
        if batch is None:
            return
        by = self.staff(batch.city, name)
        released = self.attempt(
            lambda: releasing.release(batch, by=by, now=self.now), releasing.CannotRelease
        )
        assert (released is None) == (batch.opened_by_id == by.pk and batch.second_person)

    @step(moods=st.lists(st.sampled_from(MOODS), min_size=6, max_size=6), missing=st.integers(0, 6))
    def the_bank_answers(self, moods: list[str], missing: int) -> None:
        """Whatever lies in the outbox; each account fares by itself. Now and then a row of a postal
        answer is left out."""
        debit.send_batches()
        for number, code in enumerate(moods):
            city, ending = ("wuhan", "shenzhen")[number % 2], number // 2 + 1
            self.world.moods[f"62179900000000{len(city):02d}{ending:02d}"] = code
        self._bank(missing)

    def _bank(self, missing: int = 0) -> None:
        self.inbox.mkdir(parents=True, exist_ok=True)
        stand_in.serve(Path(self.world.settings.BANK_EXCHANGE_DIR), once=True, delay=0, say=note)
        for path in sorted(self.inbox.iterdir()):
            number = path.name.partition(".")[0]
            if number in self.answers:
                continue
            if path.suffix == ".txt" and missing in (1, 2):
                path.write_bytes(without_row(path.read_bytes(), missing))
            self.answers[number] = (path.name, path.read_bytes())
            self.paid_by_bank[number] = paid_by(path)

    @step(
        pick=which,
        damage=st.sampled_from(["none", "cut", "flip", "renamed", "another", "late"]),
        place=st.integers(0, 2000),
    )
    def an_answer_arrives_again(self, pick: int, damage: str, place: int) -> None:
        """Before or after it was read: the same, under another name, damaged, or with other content
        for the same batch."""
        found = one(sorted(self.answers.values()), pick)
        if found is None:
            return
        name, content = found
        if damage == "cut":
            content = content[: place % (len(content) - 3)]
        elif damage == "flip" and not name.endswith(".xml"):
            # An XML answer has no check over its bytes: a flipped letter may lie where nobody
            # reads.
            place %= len(content) - 2
            content = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        elif damage == "another":
            if DebitBatch.objects.get(number=name.partition(".")[0]).status in (
                BatchStatus.SENT, BatchStatus.HELD,
            ):  # fmt: skip
                return
            content = content.replace(b"PS", b"QS")
        (self.inbox / (f"again-{name}" if damage == "renamed" else name)).write_bytes(content)
        debit.read_answers()

    @step(pick=which)
    def a_batch_is_closed(self, pick: int) -> None:
        batch = one(self._batches(BatchStatus.ANSWERED, BatchStatus.POSTED, BatchStatus.SENT), pick)
        if batch is not None:
            self.attempt(
                lambda: closing.close(batch, by=self.staff(batch.city, "maker"), now=self.now),
                closing.CannotClose,
            )

    # Refunds

    @step(pick=which, part=st.sampled_from(["whole", "whole", "part", "too much"]), twice=st.booleans())
    def a_refund_is_drafted(self, pick: int, part: str, twice: bool) -> None:
        receipt = one((held for held in held_money.to_draft() if held.channel != "counter"), pick)
        if receipt is None:
            return
        fen = {
            "whole": receipt.amount_fen,
            "part": receipt.amount_fen // 3,
            "too much": receipt.amount_fen + 1,
        }[part]
        key, by = uuid4(), self.staff(receipt.entry.city, "maker")
        drafted = [
            self.attempt(
                lambda: drafting.draft(
                    receipt, amount_fen=fen, reason="重复缴费", key=key, by=by, now=self.now
                ),
                refund_lifecycle.CannotRefund,
            )
            for _time in range(2 if twice else 1)
        ]
        assert len(set(drafted)) == 1
        assert part != "too much" or drafted[0] is None

    def _refunds(self, *statuses: RefundStatus) -> list[Refund]:
        return list(Refund.objects.filter(status__in=[str(one) for one in statuses]).order_by("pk"))

    @step(
        pick=which,
        name=st.sampled_from(["maker", "checker", "checker"]),
        approve=st.sampled_from([True, True, False]),
    )
    def a_refund_is_decided(self, pick: int, name: str, approve: bool) -> None:
        if not self._refunds(RefundStatus.DRAFTED):
            self.a_refund_is_drafted(pick, "whole", False)
        refund = one(self._refunds(RefundStatus.DRAFTED), pick)
        if refund is None:
            return
        by = self.staff(refund.city, name)
        for _time in range(2):
            if approve:
                self.attempt(
                    lambda: drafting.approve(refund, by=by, now=self.now), refund_lifecycle.CannotRefund
                )
            else:
                self.attempt(
                    lambda: drafting.refuse(refund, why="核实", by=by, now=self.now),
                    refund_lifecycle.CannotRefund,
                )
        refund.refresh_from_db()
        assert (refund.status == RefundStatus.DRAFTED) == (name == "maker")

    @step(channel=st.sampled_from(["wechat", "alipay", "card"]), fault=st.sampled_from(["", "", "cut", "no"]))
    def refunds_are_sent(self, channel: str, fault: str) -> None:
        if not self._refunds(RefundStatus.APPROVED, RefundStatus.SENT):
            self.a_refund_is_decided(0, "checker", True)
        provider = self.world.providers[channel]
        provider.cut = {"refund"} if fault == "cut" else set()
        provider.no_refund = Answer("", Outcome.FAILED, why="余额不足") if fault == "no" else None
        orders.send_refunds()
        provider.cut, provider.no_refund = set(), None

    @step(pick=which, made=st.booleans())
    def a_transfer_is_recorded(self, pick: int, made: bool) -> None:
        if not self._refunds(RefundStatus.APPROVED):
            self.a_refund_is_decided(pick, "checker", True)
        refund = one((r for r in self._refunds(RefundStatus.APPROVED) if r.way == RefundWay.BANK), pick)
        if refund is None:
            return
        by = self.staff(refund.city, "maker")
        if made:
            for _time in range(2):
                transferring.confirm_transfer(refund, bank_number=f"B{refund.pk}", by=by, now=self.now)
        else:
            transferring.report_bounce(refund, why="账号已销户", by=by, now=self.now)
            transferring.fail_transfer(refund, by=self.staff(refund.city, "checker"), now=self.now)

    def _do(self, data: st.DataObject, what: str) -> None:
        method = getattr(self, what)
        method(**{name: data.draw(strategy, label=name) for name, strategy in method.drawn.items()})

    # What holds after every step

    @invariant()
    def the_books_are_sound(self) -> None:
        with connection.cursor() as cursor:
            # What the database looks at only when a transaction ends.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
            for what, query in CHEAP.items():
                cursor.execute(query)
                rows = cursor.fetchall()
                assert not rows, f"{what}: {rows}"
        # The price of an order stands.
        assert self.sums == dict(Order.objects.filter(number__in=self.sums).values_list("number", "sum_fen"))
        # What providers took and gave back is what was booked.
        for payment in Payment.objects.filter(entry__isnull=False):
            took = (
                self.partner_took[payment.provider_number]
                if payment.channel == self.world.partner.channel
                else self.world.providers[payment.channel].paid[payment.number].amount_fen
            )
            assert payment.received_fen == took, f"{took} came, {payment.received_fen} is booked"
        for refund in Refund.objects.filter(status=RefundStatus.SUCCEEDED, way=RefundWay.CHANNEL):
            gave = (
                self.partner_gave[refund.provider_number]
                if refund.channel == self.world.partner.channel
                else self.world.providers[refund.channel].given[refund.number]
            )
            assert refund.amount_fen == gave, f"{gave} went back, {refund.amount_fen} is booked"

    # The end

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                self._settle()
                self._prove()
                self.world.reached.update(reached())
        finally:
            transaction.set_rollback(True)
            self.example.__exit__(None, None, None)

    def _settle(self) -> None:
        """Everyone answers again, everything that was done is told, and the schedule rings for some
        days."""
        for code, provider in self.world.providers.items():
            provider.down = set()
            for answer in provider.paid.values():
                assert self._tell(code, answer) == 200
        for batch in self._batches(BatchStatus.OPENED):
            releasing.release(batch, by=self.staff(batch.city, "checker"), now=self.now)
        debit.send_batches()
        self._bank()
        for name, content in self.answers.values():
            (self.inbox / name).write_bytes(content)
        debit.read_answers()
        debit.post_answers()
        for _half_day in range(10):
            self.world.clock.step(hours=12)
            self._ring_for_orders()
            for refund in self._to_give_back():
                self._given_back(refund)
        debit.resume_settled()

    def _prove(self) -> None:
        assert not self._open_orders()
        assert not Payment.objects.filter(live=True).exists()
        for code, provider in self.world.providers.items():
            took = sum(answer.amount_fen or 0 for answer in provider.paid.values())
            booked = sum(Receipt.objects.filter(channel=code).values_list("amount_fen", flat=True))
            assert took == booked, f"{code} took {took}, {booked} is booked"
            gave = sum(provider.given.values())
            returned = Refund.objects.filter(
                status=RefundStatus.SUCCEEDED, way=RefundWay.CHANNEL, channel=code
            )
            assert gave == sum(returned.values_list("amount_fen", flat=True))
        channel = self.world.partner.channel
        booked = sum(Receipt.objects.filter(channel=channel).values_list("amount_fen", flat=True))
        assert sum(self.partner_took.values()) == booked
        gone = Refund.objects.filter(status=RefundStatus.SUCCEEDED, channel=channel)
        reversed_fen = [one.payment.received_fen or 0 for one in Reversal.objects.select_related("payment")]
        assert sum(self.partner_gave.values()) == sum(gone.values_list("amount_fen", flat=True)) + sum(
            reversed_fen
        )
        for batch in DebitBatch.objects.all():
            assert batch.status in (BatchStatus.POSTED, BatchStatus.CLOSED)
            drawn = Receipt.objects.filter(debit_line__batch=batch).values_list("amount_fen", flat=True)
            assert sum(drawn) == self.paid_by_bank[batch.number]
        assert BankFile.objects.filter(direction="out").count() == DebitBatch.objects.count()
        broken = [found for found in audit() if not found.holds]
        assert not broken, broken


class MoneyMachine(MoneyMoves):
    """Everything may happen."""

    # The rules: an example leaves some of them out by itself, so each is a whole group, and what
    # happens is drawn within it

    @rule(
        data=st.data(),
        what=st.sampled_from(["a_while_passes", "a_while_passes", "the_month_ends", "the_next_month_begins"]),
    )
    def time(self, data: st.DataObject, what: str) -> None:
        self._do(data, what)

    @rule(
        data=st.data(),
        what=st.sampled_from(
            [
                "someone_pauses",
                "someone_joins_again",
                "the_tier_changes",
                "someone_changes_the_account",
                "months_are_given_up",
                "late_months_are_paid",
                "late_months_are_paid",
                "a_gap_is_paid_back",
                "a_failed_debit_is_asked_for_again",
                "a_month_is_paid_at_the_counter",
            ]
        ),
    )
    def the_insured(self, data: st.DataObject, what: str) -> None:
        self._do(data, what)

    @rule(
        data=st.data(),
        what=st.sampled_from(
            [
                "months_are_ordered",
                "an_order_is_sent_again",
                "a_payment_is_begun",
                "a_payment_is_begun",
                "the_payer_pays",
                "the_payer_pays",
                "the_payer_changes_their_mind",
                "it_is_paid_by_two_channels",
                "it_is_paid_too_late",
            ]
        ),
    )
    def the_payer(self, data: st.DataObject, what: str) -> None:
        self._do(data, what)

    @rule(
        data=st.data(),
        what=st.sampled_from(
            ["a_callback_comes", "a_callback_comes", "a_provider_stops_answering_or_is_back"]
        ),
    )
    def the_provider(self, data: st.DataObject, what: str) -> None:
        self._do(data, what)

    @rule(
        data=st.data(),
        what=st.sampled_from(
            [
                "a_batch_is_opened",
                "a_batch_is_released",
                "the_bank_answers",
                "the_bank_answers",
                "an_answer_arrives_again",
                "a_batch_is_closed",
                "a_month_is_debited",
            ]
        ),
    )
    def the_bank(self, data: st.DataObject, what: str) -> None:
        self._do(data, what)

    @rule(
        data=st.data(),
        what=st.sampled_from(
            ["a_refund_is_drafted", "a_refund_is_decided", "refunds_are_sent", "a_transfer_is_recorded"]
        ),
    )
    def the_agency(self, data: st.DataObject, what: str) -> None:
        self._do(data, what)

    @rule(
        data=st.data(),
        what=st.sampled_from(
            ["the_partner_orders", "the_partner_is_paid", "the_partner_reverses", "the_partner_gives_back"]
        ),
    )
    def the_partner(self, data: st.DataObject, what: str) -> None:
        self._do(data, what)

    @rule(data=st.data())
    def the_schedule(self, data: st.DataObject) -> None:
        self._do(data, "a_bell_rings")


class TillMachine(MoneyMoves):
    """Only orders are placed and paid: what seldom comes about among everything is soon come to."""

    @rule(
        data=st.data(),
        what=st.sampled_from(
            ["months_are_ordered", "a_payment_is_begun", "the_payer_pays", "a_callback_comes"]
        ),
    )
    def the_payer(self, data: st.DataObject, what: str) -> None:
        self._do(data, what)


def reached() -> Iterator[str]:
    """What happened in this example, each once."""
    with connection.cursor() as cursor:
        cursor.execute(_REACHED)
        yield from (row[0] for row in cursor.fetchall())


_REACHED = """
    SELECT DISTINCT 'order ' || status FROM contributions_order
    UNION SELECT DISTINCT 'payment ' || status || CASE WHEN credited THEN ', credited' ELSE '' END FROM contributions_payment
    UNION SELECT DISTINCT 'line ' || status FROM contributions_debitline
    UNION SELECT DISTINCT 'charge ' || status FROM contributions_charge
    UNION SELECT DISTINCT 'refund ' || status || ' by ' || way FROM contributions_refund
    UNION SELECT DISTINCT 'request ' || kind || ' ' || status FROM contributions_recollectrequest
    UNION SELECT DISTINCT 'surcharge ' || status FROM contributions_surcharge
    UNION SELECT DISTINCT 'file ' || status FROM contributions_bankfile
    UNION SELECT DISTINCT 'in suspense by ' || split_part(channel, ':', 1) FROM contributions_receipt WHERE NOT applied
    UNION SELECT DISTINCT CASE WHEN resumed_at IS NULL THEN 'suspended' ELSE 'resumed' END FROM contributions_suspension
    UNION SELECT DISTINCT 'given up and ' || charge.status || ' after all' FROM contributions_repricing later
        JOIN contributions_charge charge ON charge.id = later.charge_id WHERE later.replaces_id IS NOT NULL
"""


def without_row(content: bytes, sequence: int) -> bytes:
    """A postal answer whose row of that sequence the bank left out; head, foot and check fit."""
    lines = content.decode("gb18030").replace("\r\n", "\n").splitlines()
    head, rows = lines[0].split("|"), [line for line in lines[1:-1] if line.split("|")[1] != str(sequence)]
    if not rows:
        return content
    paid = [int(row.split("|")[3]) for row in rows if row.split("|")[4] == stand_in.PAID]
    failed = [int(row.split("|")[3]) for row in rows if row.split("|")[4] != stand_in.PAID]
    head[4:] = [str(n) for n in (len(rows), len(paid), sum(paid), len(failed), sum(failed))]
    body = "".join(f"{line}\n" for line in ["|".join(head), *rows])
    check = hashlib.sha256(body.encode()).hexdigest()
    return (body + f"T|{len(rows)}|{sum(paid) + sum(failed)}|{check}\n").encode("gb18030")


def paid_by(path: Path) -> int:
    """What the bank paid by an answer, in fen, read without the hall's own reader."""
    text = path.read_text(encoding="gb18030" if path.suffix == ".txt" else "utf-8")
    if path.suffix == ".txt":
        return int(text.splitlines()[0].split("|")[6])
    part = text.partition("<DtldSts>ACSC</DtldSts><DtldCtrlSum>")[2].partition("<")[0]
    return int(part.replace(".", ""))


CHEAP = {
    "paid twice": """
        SELECT charge_id, count(*) FROM contributions_receipt WHERE applied GROUP BY charge_id HAVING count(*) > 1
    """,
    "paid without a receipt, or the other way round": """
        SELECT charge.id, charge.status FROM contributions_charge charge
        WHERE (charge.status IN ('paid', 'reversed')) <> EXISTS (
            SELECT 1 FROM contributions_receipt receipt WHERE receipt.charge_id = charge.id AND receipt.applied
        )
    """,
    "ordered and at the bank": """
        SELECT line.charge_id FROM contributions_orderline line
        JOIN contributions_order orders ON orders.id = line.order_id AND orders.status = 'open'
        JOIN contributions_debitline drawn ON drawn.charge_id = line.charge_id AND drawn.status IN ('pending', 'missing')
        WHERE line.live
    """,
    "received is not applied, in suspense or given back": """
        SELECT city, booked.clearing, booked.suspense, moved.received, moved.held, moved.given, moved.reversed, moved.back
        FROM (
            SELECT account.city,
                coalesce(sum(leg.amount_fen) FILTER (WHERE account.kind = 'clearing'), 0) AS clearing,
                coalesce(-sum(leg.amount_fen) FILTER (WHERE account.kind = 'suspense'), 0) AS suspense
            FROM contributions_leg leg JOIN contributions_ledgeraccount account ON account.id = leg.account_id
            GROUP BY account.city
        ) booked
        FULL JOIN (
            SELECT charge.city, sum(receipt.amount_fen) AS received,
                coalesce(sum(receipt.amount_fen) FILTER (WHERE NOT receipt.applied), 0) AS held,
                coalesce(sum(refund.fen), 0) AS given,
                -coalesce(sum(reversal.fen) FILTER (WHERE back.id IS NULL), 0) AS reversed,
                coalesce(sum(back.amount_fen), 0) AS back
            FROM contributions_receipt receipt JOIN contributions_charge charge ON charge.id = receipt.charge_id
            LEFT JOIN (
                SELECT receipt_id, sum(part.amount_fen) AS fen
                FROM contributions_refundpart part JOIN contributions_refund ON contributions_refund.id = refund_id
                WHERE status = 'succeeded' GROUP BY receipt_id
            ) refund ON refund.receipt_id = receipt.id
            LEFT JOIN (
                SELECT key, amount_fen + pooled_fen + surcharge_fen AS fen FROM contributions_accountmovement
            ) reversal ON reversal.key = 'reversal/' || receipt.id
            LEFT JOIN contributions_takenback back ON back.receipt_id = receipt.id
            GROUP BY charge.city
        ) moved USING (city)
        WHERE (booked.clearing, booked.suspense)
            IS DISTINCT FROM (moved.received - moved.given - moved.reversed, moved.held + moved.back - moved.given)
    """,
    "more goes back than came": """
        SELECT receipt.id FROM contributions_receipt receipt JOIN contributions_refundpart part ON part.receipt_id = receipt.id
        JOIN contributions_refund refund ON refund.id = part.refund_id
        LEFT JOIN contributions_takenback back ON back.receipt_id = receipt.id
        WHERE refund.status NOT IN ('refused', 'failed')
        GROUP BY receipt.id, back.amount_fen
        HAVING sum(part.amount_fen) > CASE WHEN receipt.applied THEN coalesce(back.amount_fen, 0) ELSE receipt.amount_fen END
    """,
    "on top of a month that nobody is paying": """
        SELECT surcharge.id, surcharge.charge_id FROM contributions_surcharge surcharge
        WHERE surcharge.status = 'owed' AND NOT EXISTS (
            SELECT 1 FROM contributions_orderline line JOIN contributions_order orders ON orders.id = line.order_id
            WHERE line.surcharge_id = surcharge.id AND orders.status = 'open'
        ) AND NOT EXISTS (
            SELECT 1 FROM contributions_recollectrequest request WHERE request.surcharge_id = surcharge.id AND request.live
        ) AND NOT EXISTS (
            SELECT 1 FROM contributions_debitline line JOIN contributions_debitbatch batch ON batch.id = line.batch_id
            WHERE line.surcharge_id = surcharge.id AND (line.status = 'missing' OR batch.status NOT IN ('posted', 'closed'))
        )
    """,
    "a month that was given up is paid as if it had not been": """
        SELECT old.id, new.id FROM contributions_charge old JOIN contributions_charge new
            ON (new.person_id, new.insurance, new.month) = (old.person_id, old.insurance, old.month)
        WHERE old.status = 'written_off' AND new.status = 'paid'
            AND (old.insurance = 'medical' OR new.id NOT IN (
                SELECT charge_id FROM contributions_receipt WHERE applied AND surcharge_id IS NOT NULL
            ))
    """,
    "an entry that does not balance": """
        SELECT entry_id FROM contributions_leg GROUP BY entry_id HAVING sum(amount_fen) <> 0
    """,
}
