"""Orders (缴费订单): the chosen months become charges, held together at a fixed sum.

Code that changes an order takes its locks in this sequence: the person's, the city's (against a
debit that is being opened), the order's row, its payment's row, its charges' rows.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from contributions.assessments import assessment_lines
from contributions.charges import charging
from contributions.locks import before_or_after_a_batch
from contributions.models import (
    Charge,
    ChargeStatus,
    DebitLine,
    LineStatus,
    LumpSumPart,
    Order,
    OrderEvent,
    OrderLine,
    OrderStatus,
    Surcharge,
    SurchargeStatus,
    TopUp,
)
from contributions.orders import bank_time
from contributions.orders.payable import Picks, Refusal, payable, refusals, tier_in
from contributions.planner import ids_of
from enrollment import actions
from enrollment.models import ContributionBase, Coverage
from portal.accounts.models import User
from portal.columns import broken_constraint
from portal.hall.models import Case
from portal.hall.numbers import case_number
from portal.people.locks import lock_subject
from portal.people.models import Employer, Person
from portal.policy.book import book
from portal.shared.insurance import Insurance
from portal.shared.keys import KeyReused
from portal.shared.months import CHINA, Month, runs, today_in_china

_AT_THE_BANK = (LineStatus.PENDING, LineStatus.MISSING)
_LINES_AT_A_TIME = 2000


class CannotOrder(Exception):
    """What was chosen cannot be ordered; ``refusals`` say why."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        super().__init__("; ".join(one.why for one in refusals))
        self.refusals = list(refusals)


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
    """Order the chosen months: the tier becomes their base, their charges are made, and the sum
    stands until ``expires_at``.

    The same key with the same picks gives the same order, however often and however concurrently;
    KeyReused with others, or by another login. Raises CannotOrder, and then has done nothing;
    PolicyMissing where the city takes no orders.
    """
    content = {
        str(insurance): [tier, sorted(str(month) for month in months)]
        for insurance, (tier, months) in picks.items()
    }
    digest = _digest(city, person=person, content=content)

    def take() -> list[_Taken]:
        payables = payable(person, city, now=now)
        whys = refusals(payables, picks, city)
        if whys:
            raise CannotOrder(whys)
        coverages = {one.insurance: one.coverage_id for one in payables}
        taken: list[_Taken] = []
        for insurance in Insurance:
            tier, months = picks.get(insurance, ("", ()))
            if months:
                coverage = Coverage.objects.get(pk=coverages[insurance])
                taken += charge_at_tier(coverage, tier, sorted(set(months)), by=by, now=now, case=case)
        return taken

    return place_taken(city, person, None, take, key=key, digest=digest, by=by, now=now)


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
    """Order existing charges that the given person or employer owes; else as ``place``. A query set
    of ``charges`` is read by its ids only."""
    wanted = ids_of(charges)
    digest = _digest(city, person=person, employer=employer, content=wanted)
    return place_taken(
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
    """Order late charges of the person; else as ``place``. ``take`` gives the charges and their
    surcharges of today, under the person's lock. The order ends with the day, because the
    surcharges change daily. ``content`` is what was asked for.
    """
    digest = _digest(city, person=person, content={"late": content})

    def taken() -> list[_Taken]:
        charges, on_top = take()
        return _owed(sorted(one.pk for one in charges), on_top, city=city, person=person)

    tomorrow = dt.datetime.combine(today_in_china(now) + dt.timedelta(days=1), dt.time(), CHINA)
    return place_taken(city, person, None, taken, key=key, digest=digest, by=by, now=now, until=tomorrow)


def _owed(
    wanted: Sequence[int],
    on_top: Mapping[int, Surcharge],
    *,
    city: str,
    person: Person | None = None,
    employer: Employer | None = None,
) -> list["_Taken"]:
    """These charges, locked, each with its surcharge. Raises CannotOrder where one is not owed by
    the person or employer, is at the bank, or has a surcharge that ``on_top`` leaves out."""
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
    # A charge that is priced together with a surcharge is not paid without it.
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
    """Order a top-up of the person's account, which ``take`` gives under the person's lock; else as
    ``place``."""
    digest = _digest(city, person=person, content={"top_up": list(content)})
    return place_taken(city, person, None, list, key=key, digest=digest, by=by, now=now, other=take)


def place_lump_sum(
    *,
    person: Person,
    city: str,
    take: Callable[[], LumpSumPart],
    content: object,
    key: UUID,
    by: User,
    now: dt.datetime,
    until: dt.datetime,
) -> Order:
    """Order a lump sum of the person, which ``take`` gives under the person's lock, to be paid
    before ``until`` at the latest; else as ``place``."""
    digest = _digest(city, person=person, content={"lump_sum": content})
    return place_taken(
        city, person, None, list, key=key, digest=digest, by=by, now=now, other=take, until=until
    )


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


def place_taken(
    city: str,
    person: Person | None,
    employer: Employer | None,
    take: Callable[[], list[_Taken]],
    *,
    key: UUID,
    digest: str,
    by: User,
    now: dt.datetime,
    other: Callable[[], TopUp | LumpSumPart] | None = None,
    until: dt.datetime | None = None,
) -> Order:
    """Place an order of what ``take`` or ``other`` gives under the locks; once for each key."""
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
            filled = [other()] if other else []
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
            for line in filled:
                line.order = order
                line.save(force_insert=True)
            OrderEvent.objects.create(order=order, at=now, by=by, status=OrderStatus.OPEN)
            return order
    except (IntegrityError, CannotOrder) as error:
        # The same order may have been placed meanwhile; then it is the cause of the error.
        earlier = _earlier(key, digest, by)
        if earlier:
            return earlier
        if isinstance(error, CannotOrder):
            raise
        if broken_constraint(error) not in (
            "a_charge_is_in_one_live_order",
            "one_live_surcharge_per_charge",
            "a_lump_sum_is_in_one_live_order",
        ):
            raise
        raise CannotOrder([Refusal(_("所选的刚刚已在另一份订单中，请在缴费订单中查看。"))]) from error


def charge_at_tier(
    coverage: Coverage, tier: str, months: Sequence[Month], *, by: User, now: dt.datetime, case: Case | None
) -> list[_Taken]:
    """The charges of these months at this tier: existing charges at this tier, and new ones. A new
    charge may replace one at another tier."""
    standing = {
        one.month: one
        for one in Charge.objects.select_for_update(no_key=True)
        .filter(coverage=coverage, month__in=months, live=True)
        .order_by("pk")
    }
    bases = list(ContributionBase.objects.filter(coverage=coverage))
    former = {month: tier_in(bases, month) for month in months}
    replaced = {month: one for month, one in standing.items() if one.basis != tier}
    charging.void(replaced.values(), why=_("改按所选档次缴费"), by=by, now=now)
    new = [month for month in months if month not in standing or month in replaced]
    for start, until in runs(new):
        actions.set_base(coverage, start=start, until=until, tier=tier, case=case)
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
