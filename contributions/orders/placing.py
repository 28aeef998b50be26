"""Orders (缴费订单): what is chosen becomes charges at a fixed sum, held together until they are paid or let go.

Whoever changes an order takes its locks in this sequence: the person's, the city's (against a debit that is being opened),
the order's row, its payment's row, its charges' rows.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet, Sum
from django.utils.translation import gettext as _

from contributions import unpaid_cases
from contributions.assessments import assessment_lines
from contributions.charges import charging, surcharges
from contributions.locks import before_or_after_a_batch
from contributions.models import (
    UNDER_WAY,
    Charge,
    ChargeStatus,
    DebitLine,
    LineStatus,
    Order,
    OrderEvent,
    OrderLine,
    OrderStatus,
    Payment,
    Repricing,
    Surcharge,
    SurchargeStatus,
    TopUp,
)
from contributions.orders import bank_time
from contributions.planner import ids_of
from contributions.prices.formula import quote
from enrollment import actions
from enrollment.models import ContributionBase, Coverage
from enrollment.ways import ENROL
from portal.accounts.models import User
from portal.hall.desk import KeyReused
from portal.hall.models import Case
from portal.hall.numbers import case_number
from portal.people.locks import lock_subject
from portal.people.models import Employer, Person
from portal.policy.book import PolicyMissing, book
from portal.policy.terms import ContributionTerms, contribution_terms, pay_months
from portal.shared.insurance import INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import CHINA, Month, month_in_china, today_in_china

# The offer whose months an order may pay.
SERVICE = "flexible-pay"

Picks = Mapping[Insurance, tuple[str, Sequence[Month]]]

_AT_THE_BANK = (LineStatus.PENDING, LineStatus.MISSING)
_LINES_AT_A_TIME = 2000


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something cannot be ordered, in Chinese: which insurance's ("": the whole), and whether its tier or its months."""

    why: str
    insurance: str = ""
    about: str = ""


class CannotOrder(Exception):
    """What was chosen cannot be ordered; ``refusals`` say why."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        super().__init__("; ".join(one.why for one in refusals))
        self.refusals = list(refusals)


class StillPaying(Exception):
    """A payment of the order is under way, and its outcome is not known: the order stays as it is."""


@dataclass(frozen=True, slots=True)
class Payable:
    """What may be ordered of one insurance: the tiers, and the months, some of them barred with the reason.

    ``fixed`` are past months: they are owed at a tier that can no longer be chosen.
    """

    insurance: Insurance
    coverage_id: int
    tiers: tuple[tuple[str, str], ...]
    tier_now: str
    months: tuple[Month, ...]
    barred: Mapping[Month, str]
    fixed: Mapping[Month, str] = field(default_factory=dict)

    def price(self, city: str, tier: str, month: Month) -> int:
        """What the month costs at the tier, in fen. Raises PolicyMissing."""
        return quote(
            city=city, capacity=Capacity.FLEXIBLE, insurance=self.insurance, month=month, tier=tier
        ).amount_fen


# What may be ordered


def payable(person: Person, city: str, *, now: dt.datetime) -> list[Payable]:
    """What the person may order in the city now, as a flexible worker; nothing where the city takes no orders or does not insure
    them. The number of queries does not grow with the months."""
    place = book().city(city)
    if SERVICE not in place.offers:
        return []
    this = month_in_china(now)
    window = pay_months(place.offers[SERVICE], filed_in=this)
    coverages = (
        Coverage.objects.filter(
            Q(until__isnull=True) | Q(until__gt=window[0]),
            person=person,
            city=city,
            capacity=Capacity.FLEXIBLE,
            live=True,
            start__lte=window[-1],
        )
        .prefetch_related("bases")
        .order_by("start")
    )
    latest = {Insurance(one.insurance): one for one in coverages}
    charges = {
        (one.insurance, one.month): one
        for one in Charge.objects.filter(
            person=person, month__gte=window[0], month__lte=window[-1], live=True
        ).select_related("employer")
    }
    held = in_orders(charges.values())
    drawn = set(
        DebitLine.objects.filter(charge__in=charges.values(), status__in=_AT_THE_BANK).values_list(
            "charge_id", flat=True
        )
    )
    found = []
    for insurance in Insurance:
        if insurance in latest and (terms := _terms(city, insurance, this)):
            own = {month: charge for (kind, month), charge in charges.items() if kind == insurance}
            found.append(_payable(latest[insurance], terms, window, this, own, held, drawn))
    return found


def _payable(
    coverage: Coverage,
    terms: ContributionTerms,
    window: Sequence[Month],
    this: Month,
    charges: Mapping[Month, Charge],
    held: Mapping[int, str],
    drawn: set[int],
) -> Payable:
    bases = list(coverage.bases.all())
    barred: dict[Month, str] = {}
    fixed: dict[Month, str] = {}
    for month in window:
        charge = charges.get(month)
        if charge is None and month < this:
            # What was never charged is bought after the fact, which is not this hall's flexible-pay.
            continue
        why = _why_not(coverage, month, charge, held, drawn)
        if why:
            barred[month] = why
        elif charge is not None and month < this:
            fixed[month] = charge.basis
    return Payable(
        insurance=Insurance(coverage.insurance),
        coverage_id=coverage.pk,
        tiers=tuple((tier.code, tier.title) for tier in terms.tiers),
        tier_now=_tier_in(bases, max(this, coverage.start)),
        months=tuple(
            month for month in window if month not in barred and (month >= this or month in charges)
        ),
        barred=barred,
        fixed=fixed,
    )


def _why_not(
    coverage: Coverage, month: Month, charge: Charge | None, held: Mapping[int, str], drawn: set[int]
) -> str:
    if charge is None or charge.coverage_id != coverage.pk:
        covered = coverage.start <= month and (coverage.until is None or month < coverage.until)
        if not covered:
            return _("当月未以灵活就业身份参保")
        return _("当月已在其他参保地或单位缴费") if charge else ""
    if charge.status == ChargeStatus.PAID:
        return _("已缴费")
    if charge.status == ChargeStatus.WRITTEN_OFF:
        return _("已注销")
    if charge.status == ChargeStatus.TAKEN_BACK:
        return _("重复缴费已清退")
    if charge.pk in held:
        return _("已在订单 %(number)s 中") % {"number": held[charge.pk]}
    if charge.pk in drawn:
        return _("已送银行扣款，结果返回前请勿重复缴费")
    return ""


def refusals(found: Sequence[Payable], picks: Picks, city: str) -> list[Refusal]:
    """Why these picks cannot be ordered; empty where they can."""
    wanted = {insurance: (tier, months) for insurance, (tier, months) in picks.items() if months}
    if not wanted:
        return [Refusal(_("请至少选择一个险种的缴费月份。"))]
    by_insurance = {one.insurance: one for one in found}
    whys: list[Refusal] = []
    for insurance, (tier, months) in wanted.items():
        one = by_insurance.get(insurance)
        name = _(INSURANCE_LABELS[insurance])
        if one is None:
            why = _("%(name)s没有可以缴费的参保关系，请先%(enrol)s。") % {
                "name": name,
                "enrol": ENROL.at(city),
            }
            whys.append(Refusal(why, insurance))
        elif tier not in dict(one.tiers):
            why = _("%(name)s没有这一缴费档次，请重新选择。") % {"name": name}
            whys.append(Refusal(why, insurance, "tier"))
        else:
            whys += _month_refusals(one, city, name, tier, sorted(set(months)))
    return whys


def _month_refusals(
    one: Payable, city: str, name: str, tier: str, months: Sequence[Month]
) -> Iterator[Refusal]:
    titles = dict(one.tiers)
    for month in months:
        said = {"month": month.zh, "name": name}
        if month not in one.months:
            why = one.barred.get(month) or _("不在可缴费的月份之内")
            yield Refusal(_("%(month)s%(name)s：%(why)s。") % {**said, "why": why}, one.insurance, "months")
            continue
        fixed = one.fixed.get(month, tier)
        if fixed != tier:
            why = _("%(month)s%(name)s已按%(tier)s核定，以往月份不能改档，请按该档次另下一单。")
            yield Refusal(why % {**said, "tier": titles.get(fixed, fixed)}, one.insurance, "tier")
            continue
        try:
            one.price(city, tier, month)
        except PolicyMissing:
            why = _("%(month)s%(name)s没有这一档次的计费标准。")
            yield Refusal(why % said, one.insurance, "tier")


# Placing


def place(
    *,
    person: Person,
    city: str,
    picks: Picks,
    key: UUID,
    by: User,
    now: dt.datetime,
    case: Case | None = None,
) -> Order:
    """Order the chosen months: the tier becomes their base, their charges are made, and the sum stands until ``expires_at``.

    The same key with the same picks gives the same order, however often and however concurrently; KeyReused with others, or by
    another login. Raises CannotOrder, and then has done nothing; PolicyMissing where the city takes no orders.
    """
    content = {
        str(insurance): [tier, sorted(str(month) for month in months)]
        for insurance, (tier, months) in picks.items()
    }
    digest = _digest(city, person=person, content=content)

    def take() -> list[_Taken]:
        found = payable(person, city, now=now)
        whys = refusals(found, picks, city)
        if whys:
            raise CannotOrder(whys)
        coverages = {one.insurance: one.coverage_id for one in found}
        taken: list[_Taken] = []
        for insurance in Insurance:
            tier, months = picks.get(insurance, ("", ()))
            if months:
                coverage = Coverage.objects.get(pk=coverages[insurance])
                taken += _charge(coverage, tier, sorted(set(months)), by=by, now=now, case=case)
        return taken

    return _place(city, person, None, take, key=key, digest=digest, by=by, now=now)


def place_charges(
    *,
    city: str,
    charges: Iterable[Charge],
    key: UUID,
    by: User,
    now: dt.datetime,
    person: Person | None = None,
    employer: Employer | None = None,
) -> Order:
    """Order charges that stand and are owed by the person, or by the employer, whichever is given; else as ``place``. Of a query
    set no charge is loaded."""
    wanted = ids_of(charges)
    digest = _digest(city, person=person, employer=employer, content=wanted)
    return _place(
        city,
        person,
        employer,
        lambda: _owed(wanted, {}, city=city, person=person, employer=employer),
        key=key,
        digest=digest,
        by=by,
        now=now,
    )


def place_late(
    *,
    person: Person,
    city: str,
    take: Callable[[], tuple[Sequence[Charge], Mapping[int, Surcharge]]],
    content: object,
    key: UUID,
    by: User,
    now: dt.datetime,
) -> Order:
    """Order late charges of the person, which ``take`` gives under the person's lock with what is paid on top of each today; else
    as ``place``. The order ends with the day: what comes on top is another sum tomorrow. ``content`` is what was asked for.
    """
    digest = _digest(city, person=person, content={"late": content})

    def taken() -> list[_Taken]:
        charges, on_top = take()
        return _owed(sorted(one.pk for one in charges), on_top, city=city, person=person)

    tomorrow = dt.datetime.combine(today_in_china(now) + dt.timedelta(days=1), dt.time(), CHINA)
    return _place(city, person, None, taken, key=key, digest=digest, by=by, now=now, until=tomorrow)


def _owed(
    wanted: Sequence[int],
    on_top: Mapping[int, Surcharge],
    *,
    city: str,
    person: Person | None = None,
    employer: Employer | None = None,
) -> list["_Taken"]:
    """These charges, locked: owed by the person or employer, not at the bank, and not without what is laid on top of them."""
    owner = {"person": person, "employer__isnull": True} if person else {"employer": employer}
    owed = list(
        Charge.objects.select_for_update(no_key=True, of=("self",))
        .filter(pk__in=wanted, city=city, status=ChargeStatus.OWED, **owner)
        .order_by("pk")
        .values_list("pk", "amount_fen")
    )
    if len(owed) != len(wanted) or not wanted:
        raise CannotOrder([Refusal(_("所选的应缴中有的已缴、已作废或不属于本人，请刷新后重新选择。"))])
    drawn = DebitLine.objects.filter(charge__in=wanted, status__in=_AT_THE_BANK)
    if drawn.exists() or (employer is not None and _drawn_together(employer, wanted)):
        raise CannotOrder([Refusal(_("所选的应缴中有的已送银行扣款，结果返回前请勿重复缴费。"))])
    # What is priced together with a surcharge is not paid without it.
    alone = set(wanted) - set(on_top)
    if Surcharge.objects.filter(charge__in=alone, status=SurchargeStatus.OWED).exists():
        raise CannotOrder([Refusal(_("所选的应缴中有的正在补缴，请等待结果后再办理。"))])
    return [_Taken(pk, fen, surcharge=on_top.get(pk)) for pk, fen in owed]


def _drawn_together(employer: Employer, charges: Sequence[int]) -> bool:
    """Whether a debit of the employer's assessment draws one of these charges."""
    held = assessment_lines.held_by_the_bank(employer)
    return Charge.objects.filter(held, pk__in=charges, employer=employer).exists()


def place_top_up(
    *,
    person: Person,
    city: str,
    take: Callable[[], TopUp],
    content: Sequence[object],
    key: UUID,
    by: User,
    now: dt.datetime,
) -> Order:
    """Order a top-up of the person's account, which ``take`` gives under the person's lock; else as ``place``."""
    digest = _digest(city, person=person, content={"top_up": list(content)})
    return _place(city, person, None, list, key=key, digest=digest, by=by, now=now, top_up=take)


@dataclass(frozen=True, slots=True)
class _Taken:
    charge: int
    principal_fen: int
    made: bool = False
    replaced: Charge | None = None
    former_tier: str = ""
    surcharge: Surcharge | None = None

    @property
    def amount_fen(self) -> int:
        return self.principal_fen + (self.surcharge.amount_fen if self.surcharge else 0)


def _place(
    city: str,
    person: Person | None,
    employer: Employer | None,
    take: Callable[[], list[_Taken]],
    *,
    key: UUID,
    digest: str,
    by: User,
    now: dt.datetime,
    top_up: Callable[[], TopUp] | None = None,
    until: dt.datetime | None = None,
) -> Order:
    earlier = _earlier(key, digest, by)
    if earlier:
        return earlier
    expires_at = bank_time.pay_until(city, now)
    try:
        with transaction.atomic():
            if person is not None:
                lock_subject(person.identity_number)
            before_or_after_a_batch(city)
            taken = take()
            filled = [top_up()] if top_up else []
            order = Order.objects.create(
                number=case_number(book().city(city), now),
                city=city,
                person=person,
                employer=employer,
                line_count=len(taken) + len(filled),
                sum_fen=sum(one.amount_fen for one in taken) + sum(one.amount_fen for one in filled),
                key=key,
                digest=digest,
                placed_at=now,
                placed_by=by,
                expires_at=min(expires_at, until) if until else expires_at,
            )
            for start in range(0, len(taken), _LINES_AT_A_TIME):
                OrderLine.objects.bulk_create(
                    OrderLine(
                        order=order,
                        charge_id=one.charge,
                        surcharge=one.surcharge,
                        amount_fen=one.amount_fen,
                        made=one.made,
                        replaced=one.replaced,
                        former_tier=one.former_tier,
                    )
                    for one in taken[start : start + _LINES_AT_A_TIME]
                )
            for one in filled:
                one.order = order
                one.save(force_insert=True)
            OrderEvent.objects.create(order=order, at=now, by=by, status=OrderStatus.OPEN)
            return order
    except (IntegrityError, CannotOrder) as error:
        # The same order may have been placed meanwhile, and then it is itself what stands in the way.
        earlier = _earlier(key, digest, by)
        if earlier:
            return earlier
        if isinstance(error, CannotOrder):
            raise
        name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
        if name not in ("a_charge_is_in_one_live_order", "one_live_surcharge_per_charge"):
            raise
        raise CannotOrder([Refusal(_("所选月份刚刚已在另一份订单中，请在缴费订单中查看。"))]) from error


def _charge(
    coverage: Coverage, tier: str, months: Sequence[Month], *, by: User, now: dt.datetime, case: Case | None
) -> list[_Taken]:
    """The charges of these months at this tier: those that stand at it, and new ones, some in place of one at another tier."""
    standing = {
        one.month: one
        for one in Charge.objects.select_for_update(no_key=True)
        .filter(coverage=coverage, month__in=months, live=True)
        .order_by("pk")
    }
    bases = list(ContributionBase.objects.filter(coverage=coverage))
    former = {month: _tier_in(bases, month) for month in months}
    replaced = {month: one for month, one in standing.items() if one.basis != tier}
    charging.void(replaced.values(), why=_("改按所选档次缴费"), by=by, now=now)
    new = [month for month in months if month not in standing or month in replaced]
    for first, last in stretches(new):
        actions.set_base(coverage, start=first, until=last + 1, tier=tier, case=case)
    try:
        charges = charging.charge_months(coverage, months, now=now)
    except charging.CannotCharge as why:
        raise CannotOrder([Refusal(str(why), coverage.insurance, "months")]) from why
    return [
        _Taken(
            charge.pk,
            charge.amount_fen,
            made=charge.month in new,
            replaced=replaced.get(charge.month),
            former_tier=former[charge.month] if charge.month in new and former[charge.month] != tier else "",
        )
        for charge in charges
    ]


# Ending


def end(order: Order, status: OrderStatus, *, by: User, now: dt.datetime, note: str = "") -> bool:
    """Move an open order to an end, and the case that placed it; whether it was this call that did. Inside a transaction, the
    order ``locked``.

    An order that ends unpaid lets its charges go: months to come that only it had made are void and have their former base
    again, and a month of now that it charged anew is owed as before. What is paid stays.
    """
    moved = Order.objects.filter(pk=order.pk, status=OrderStatus.OPEN).update(status=status, ended_at=now)
    if not moved:
        return False
    OrderEvent.objects.create(order=order, at=now, by=by, status=status, note=note)
    order.status, order.ended_at = str(status), now
    if status != OrderStatus.PAID:
        OrderLine.objects.filter(order=order, live=True).update(live=False)
        _let_go(order, by=by, now=now)
        on_top = OrderLine.objects.filter(order=order, surcharge__isnull=False)
        surcharges.let_go(on_top.values_list("charge_id", flat=True), by=by, now=now)
    unpaid_cases.end_with_order(order, note=note, by=by, now=now)
    return True


def _let_go(order: Order, *, by: User, now: dt.datetime) -> None:
    this = month_in_china(now)
    made = list(
        order.lines.filter(made=True, charge__status=ChargeStatus.OWED)
        .select_related("charge__coverage")
        .order_by("charge__month")
    )
    going = [
        line for line in made if line.charge.month > this or line.replaced_id is not None or line.former_tier
    ]
    charging.void(
        [line.charge for line in going],
        why=_("订单 %(number)s 未支付") % {"number": order.number},
        by=by,
        now=now,
    )
    for line in going:
        _as_before(line, owed=line.replaced_id is not None or line.charge.month <= this, now=now)


def undo(order: Order, *, by: User, now: dt.datetime, note: str) -> None:
    """Undo a paid order whose money goes back: its charges no longer count, and each month is owed as it was, at its former tier;
    months to come that only the order had charged are not, and what had been written off is that again. Inside a transaction, the
    order ``locked``."""
    lines = list(
        order.lines.filter(live=True).select_related("charge__coverage").order_by("charge__month", "pk")
    )
    charges = [line.charge_id for line in lines]
    Order.objects.filter(pk=order.pk, status=OrderStatus.PAID).update(status=OrderStatus.REVERSED)
    OrderEvent.objects.create(order=order, at=now, by=by, status=OrderStatus.REVERSED, note=note[:200])
    OrderLine.objects.filter(order=order, live=True).update(live=False)
    Charge.objects.filter(pk__in=charges, status=ChargeStatus.PAID).update(
        status=ChargeStatus.REVERSED, live=False
    )
    Surcharge.objects.filter(charge__in=charges, status=SurchargeStatus.PAID).update(
        status=SurchargeStatus.REVERSED, live=False
    )
    order.refresh_from_db()
    this = month_in_china(now)
    given_up = dict(
        Repricing.objects.filter(charge__in=charges, replaces__isnull=False).values_list(
            "charge_id", "replaces_id"
        )
    )
    Charge.objects.filter(pk__in=given_up.values(), status=ChargeStatus.WRITTEN_OFF).update(live=True)
    for line in lines:
        if line.charge_id not in given_up:
            owed = not line.made or line.replaced_id is not None or line.charge.month <= this
            _as_before(line, owed=owed, now=now)


def _as_before(line: OrderLine, *, owed: bool, now: dt.datetime) -> None:
    """Give a line's month its former tier again, and charge it where it is ``owed``, as far as it is still covered."""
    coverage, month = line.charge.coverage, line.charge.month
    if not (coverage.live and coverage.start <= month and (not coverage.until or month < coverage.until)):
        return
    if line.former_tier:
        actions.set_base(coverage, start=month, until=month + 1, tier=line.former_tier)
    if owed:
        charging.charge_months(coverage, [month], now=now)


def cancel_unpaid(order: Order, *, by: User, now: dt.datetime, note: str = "") -> Order:
    """Cancel an open order of which no payment is under way; one that has ended stays as it is. Raises StillPaying.

    ``paying.cancel`` first ends what is under way.
    """
    return _end_unpaid(order, OrderStatus.CANCELLED, by=by, now=now, note=note)


def expire(order: Order, *, by: User, now: dt.datetime) -> Order:
    """End an open order whose time is over; before that, nothing. Raises StillPaying while a payment of it is under way."""
    return order if now < order.expires_at else _end_unpaid(order, OrderStatus.EXPIRED, by=by, now=now)


@transaction.atomic
def _end_unpaid(order: Order, status: OrderStatus, *, by: User, now: dt.datetime, note: str = "") -> Order:
    current = locked(order.pk)
    if not current.is_open or (status == OrderStatus.EXPIRED and now < current.expires_at):
        return current
    if Payment.objects.filter(order=current, live=True).exists():
        raise StillPaying(current.number)
    end(current, status, by=by, now=now, note=note)
    return current


def locked(pk: int) -> Order:
    """The order, held until the transaction ends, after its person's lock."""
    number = Order.objects.filter(pk=pk).values_list("person__identity_number", flat=True).get()
    lock_subject(number or "")
    return Order.objects.select_for_update(no_key=True, of=("self",)).select_related("person").get(pk=pk)


# Reading


def orders_of(user: User) -> QuerySet[Order]:
    """The orders of whom the login acts for, newest first; none for staff."""
    orders = Order.objects.select_related("person", "employer").order_by("-placed_at", "-pk")
    if user.is_person and user.person_id:
        return orders.filter(person_id=user.person_id)
    if user.is_clerk and user.employer_id:
        return orders.filter(employer_id=user.employer_id)
    return orders.none()


def in_orders(charges: Iterable[Charge]) -> dict[int, str]:
    """The open orders that hold these charges: charge id → order number."""
    return dict(
        OrderLine.objects.filter(charge__in=list(charges), live=True, order__status=OrderStatus.OPEN)
        .order_by("pk")
        .values_list("charge_id", "order__number")
    )


def to_give_back() -> QuerySet[Payment]:
    """Payments that hold money which paid nothing: for an order that had ended, for a charge that another road had paid, or in
    another sum than was asked for. ``over_fen`` is how much, by the receipts in suspense under ``payment.entry``; what has been
    given back already is not taken off."""
    return (
        Payment.objects.filter(entry__receipts__applied=False)
        .annotate(over_fen=Sum("entry__receipts__amount_fen", filter=Q(entry__receipts__applied=False)))
        .select_related("order")
        .order_by("ended_at", "pk")
    )


def under_way(order: Order) -> Payment | None:
    """The payment of the order whose end is not known yet."""
    return order.payments.filter(status__in=UNDER_WAY).first()


def _earlier(key: UUID, digest: str, by: User) -> Order | None:
    order = Order.objects.filter(key=key).first()
    if order and (order.digest != digest or order.placed_by_id != by.pk):
        raise KeyReused
    return order


def _digest(
    city: str, *, content: object, person: Person | None = None, employer: Employer | None = None
) -> str:
    whole = [city, person.pk if person else None, employer.pk if employer else None, content]
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def _terms(city: str, insurance: Insurance, month: Month) -> ContributionTerms | None:
    try:
        return contribution_terms(
            book(), city=city, capacity=Capacity.FLEXIBLE, insurance=insurance, month=month
        )
    except PolicyMissing:
        return None


def _tier_in(bases: Iterable[ContributionBase], month: Month) -> str:
    return next(
        (one.tier for one in bases if one.start <= month and (one.until is None or month < one.until)), ""
    )


def stretches(months: Sequence[Month]) -> list[tuple[Month, Month]]:
    """Months in order as (first, last) of each run without a gap."""
    runs: list[tuple[Month, Month]] = []
    for month in months:
        if runs and runs[-1][1] + 1 == month:
            runs[-1] = (runs[-1][0], month)
        else:
            runs.append((month, month))
    return runs
