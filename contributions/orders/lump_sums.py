"""Lump sums (一次性缴费): drawn for a case, ordered whole, and counted once they are booked; those
that are not paid in time lapse."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from contributions import unpaid_cases
from contributions.books import ledger, personal_account
from contributions.books.receiving import Money
from contributions.charges import brought_in
from contributions.models import (
    AccountKind,
    AccountMovement,
    BillStatus,
    Charge,
    ChargeStatus,
    LumpSum,
    LumpSumPart,
    MovementKind,
    Order,
    Origin,
)
from contributions.orders import bank_time, placing
from contributions.orders.payable import Refusal
from contributions.orders.placing import CannotOrder
from contributions.prices.formula import Derivation
from portal.accounts import notices
from portal.accounts.models import Notice, User
from portal.hall.models import Case
from portal.people.locks import lock_subject
from portal.people.models import Person
from portal.policy.book import PolicyMissing, book
from portal.policy.terms.payment import lump_sum_terms
from portal.shared import money
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import CHINA, Month, day_zh, month_span, periods_zh, runs, today_in_china
from portal.watch.failures import Watch

ENDING, LAPSED = "lump-sum-ending", "lump-sum-lapsed"


@dataclass(frozen=True, slots=True)
class Sum:
    """What is to be paid, in fen, and what for: ``months`` in number; which months they are, where
    they are months of the employees' pension; ``wages`` yuan by year; why it is that sum."""

    months: int
    which: tuple[Month, ...]
    wages: Mapping[str, str]
    amount_fen: int
    account_fen: int
    derivation: Derivation


def draw(
    case: Case,
    person: Person,
    wanted: Sum,
    *,
    capacity: Capacity = Capacity.DEFERRED,
    by: User,
    now: dt.datetime,
) -> LumpSum:
    """The bill of a case, payable until its city's days from now are over. Must run in a
    transaction. IntegrityError by ``one_live_lump_sum_of_a_case`` where the case has one."""
    today = today_in_china(now)
    return LumpSum.objects.create(
        case=case,
        city=case.city,
        person=person,
        insurance=Insurance.PENSION,
        capacity=capacity,
        months=wanted.months,
        periods=[[str(start), str(until)] for start, until in runs(set(wanted.which))],
        wages=dict(wanted.wages),
        amount_fen=wanted.amount_fen,
        account_fen=wanted.account_fen,
        derivation=_frozen(wanted.derivation),
        pay_by=pay_by(case.city, today),
        drawn_at=now,
        drawn_by=by,
    )


def _frozen(why: Derivation) -> dict[str, Any]:
    return {
        "lines": [
            {"label": str(one.label), "value": str(one.value), "note": str(one.note)} for one in why.lines
        ],
        "since": why.since.isoformat(),
        "reference": why.reference.basis,
        "illustrative": why.illustrative,
        "mark": str(why.mark),
    }


def derivation_of(bill: LumpSum) -> dict[str, Any]:
    """Why it is that sum, as the page shows it."""
    return {**bill.derivation, "since": dt.date.fromisoformat(bill.derivation["since"])}


def pay_by(city: str, today: dt.date) -> dt.date:
    """The last day to pay what is drawn on a day. PolicyMissing where the city has no lump sums."""
    return today + dt.timedelta(days=lump_sum_terms(book(), city=city, on=today).pay_days)


def months_of(bill: LumpSum) -> set[Month]:
    """The months that it buys; none of residents' years."""
    return {
        month for start, until in bill.periods for month in month_span(Month.parse(start), Month.parse(until))
    }


def what(bill: LumpSum) -> str:
    """What it pays, in words: 2026年11月至2027年12月，共 14 个月; 9 年."""
    if not bill.periods:
        return _("{years} 年").format(years=bill.months // 12)
    return _("{span}，共 {count} 个月").format(span=periods_zh(runs(months_of(bill))), count=bill.months)


def of_person(person: Person) -> QuerySet[LumpSum]:
    """The person's lump sums, the latest first."""
    return LumpSum.objects.filter(person=person).select_related("case").order_by("-drawn_at", "-pk")


def to_pay(person: Person) -> QuerySet[LumpSum]:
    """Those that are open and stand in no open order."""
    ordered = LumpSumPart.objects.filter(bill=OuterRef("pk"), live=True)
    return of_person(person).filter(~Exists(ordered), status=BillStatus.OPEN).order_by("pay_by", "pk")


def open_order(bill: LumpSum) -> Order | None:
    """The order in which it stands, open or paid."""
    part = bill.parts.filter(live=True).select_related("order").first()
    return part.order if part else None


def why_not_credit(bill: LumpSum) -> str:
    """Why its money would pay nothing: it is over, or a month of it has been paid otherwise."""
    if bill.status != BillStatus.OPEN:
        return _("缴费单已不能缴费")
    return why_not_counted(bill.person, months_of(bill))


def why_not_counted(person: Person, months: Iterable[Month]) -> str:
    """Which of the months count already, by a payment or a record, wherever; "" where none does."""
    wanted = set(months)
    if not wanted:
        return ""
    paid = Charge.objects.filter(
        person=person, insurance=Insurance.PENSION, live=True, status=ChargeStatus.PAID
    )
    gone = brought_in.gone_months(person, insurance=Insurance.PENSION)
    came = brought_in.standing(person, insurance=Insurance.PENSION).prefetch_related("periods")
    counted = set(paid.values_list("month", flat=True)) - gone | brought_in.months_brought_in(came)
    doubled = wanted & counted
    return _("{months}已经缴费或计入").format(months=periods_zh(runs(doubled))) if doubled else ""


def last_moment(bill: LumpSum) -> dt.datetime:
    """The end of the last day to pay it."""
    return dt.datetime.combine(bill.pay_by + dt.timedelta(days=1), dt.time(), CHINA)


def why_not_order(bill: LumpSum, now: dt.datetime) -> str:
    """Why it cannot be ordered now; "" where it can."""
    if bill.status != BillStatus.OPEN:
        return _("这份缴费单已是“{state}”，不能再下单。").format(state=bill.get_status_display())
    if bank_time.opening(bill.city, now) >= last_moment(bill):
        return _("缴费期限（{day}）内银行不再营业，不能再下单；缴费单到期失效，可以重新申请。").format(
            day=day_zh(bill.pay_by)
        )
    if why := why_not_counted(bill.person, months_of(bill)):
        return _("{why}，这份缴费单不能再缴，请到窗口核对。").format(why=why)
    return ""


def place(bill: LumpSum, *, key: UUID, by: User, now: dt.datetime) -> Order:
    """Orders the whole sum; else as ``placing.place``. Raises CannotOrder."""

    def take() -> LumpSumPart:
        current = LumpSum.objects.select_for_update(no_key=True).get(pk=bill.pk)
        if why := why_not_order(current, now):
            raise CannotOrder([Refusal(why)])
        return LumpSumPart(bill=current, amount_fen=current.amount_fen)

    return placing.place_lump_sum(
        person=bill.person,
        city=bill.city,
        take=take,
        content=bill.pk,
        # An order by its case's own key would end the case with itself.
        key=uuid5(key, f"lump-sum/{bill.pk}"),
        by=by,
        now=now,
        until=last_moment(bill),
    )


def of_order(order: Order) -> LumpSumPart | None:
    """The lump sum that the order pays; None where it is of something else."""
    return LumpSumPart.objects.select_related("bill__case", "bill__person").filter(order=order).first()


def credit(part: LumpSumPart, paid: Money, *, by: User, now: dt.datetime) -> AccountMovement:
    """Books a paid lump sum, once: its part of the personal account, the rest to the pooled fund,
    and its months; its case is done. Must run in the transaction that marks the order paid."""
    bill = LumpSum.objects.select_for_update(no_key=True).get(pk=part.bill_id)
    clearing = ledger.account(city=bill.city, kind=AccountKind.CLEARING, channel=paid.channel)
    movement = personal_account.book_movement(
        person=bill.person,
        city=bill.city,
        insurance=Insurance(bill.insurance),
        kind=MovementKind.LUMP_SUM,
        amount_fen=bill.account_fen,
        pooled_fen=bill.amount_fen - bill.account_fen,
        against=clearing,
        key=paid.reference,
        by=by,
        now=now,
    )
    bill.movement, bill.status, bill.ended_at = movement, BillStatus.PAID, now
    if months := months_of(bill):
        bill.brought_in = brought_in.add(
            bill.person,
            city=bill.city,
            insurance=Insurance(bill.insurance),
            origin=Origin.LUMP_SUM,
            what=str(bill.case.offer.title),
            months=months,
            wages=bill.wages,
            account_fen=bill.account_fen,
            pooled_fen=bill.amount_fen - bill.account_fen,
            key=f"lump-sum/{bill.pk}",
            by=by,
            now=now,
        )
    bill.save(update_fields=["movement", "status", "ended_at", "brought_in"])
    unpaid_cases.end_with_lump_sum(bill, by=by, now=now)
    return movement


def resident_years(person: Person, city: str) -> int:
    """The years of residents' pension that were bought and paid."""
    paid = LumpSum.objects.filter(
        person=person, city=city, capacity=Capacity.RESIDENT, status=BillStatus.PAID
    )
    return sum(paid.values_list("months", flat=True)) // 12


def lapse(*, by: User, now: dt.datetime) -> int:
    """Ends those whose last day is over, and their cases; how many. One that stands in an open
    order waits for the order's end; one that fails keeps no other. Run twice, the second finds
    nothing."""
    ended, watch = 0, Watch("lapse_lump_sums", now=now)
    ordered = LumpSumPart.objects.filter(bill=OuterRef("pk"), live=True)
    over = LumpSum.objects.filter(~Exists(ordered), status=BillStatus.OPEN, pay_by__lt=today_in_china(now))
    rows = over.order_by("pk").values_list("pk", "city", "case__number", "person__identity_number")
    for pk, city, number, identity_number in list(rows):
        with watch.item(number, city=city), transaction.atomic():
            # An order is placed, and money booked, under the same lock.
            lock_subject(identity_number)
            bill = over.filter(pk=pk).select_related("case", "person").first()
            if bill is not None:
                _end(bill, by=by, now=now)
                ended += 1
    watch.only(
        lambda numbers: list(over.filter(case__number__in=numbers).values_list("case__number", flat=True))
    )
    return ended


def _end(bill: LumpSum, *, by: User, now: dt.datetime) -> None:
    bill.status, bill.ended_at = BillStatus.LAPSED, now
    bill.save(update_fields=["status", "ended_at"])
    unpaid_cases.end_with_lump_sum(bill, by=by, now=now)
    notices.tell(
        bill.person,
        kind=LAPSED,
        reference=str(bill.pk),
        title=_("一次性缴费单已失效"),
        text=_(
            "办件 {number}（{title}）的 {yuan} 元没有在 {day}前缴清，缴费单已失效，所购年限不计入。"
            "仍要办理的，可以重新申请，金额按新的日期计算。"
        ).format(**_words(bill)),
        now=now,
    )


def tell_ending(*, now: dt.datetime) -> int:
    """Tells whose bill is about to lapse, before the city's days; how many notices there are. Run
    twice, it says nothing new."""
    told, watch, today = 0, Watch("tell_ending_lump_sums", now=now), today_in_china(now)
    for city in book().cities:
        with watch.item(city.title, city=city.slug):
            try:
                days = lump_sum_terms(book(), city=city.slug, on=today).told_days
            except PolicyMissing:
                continue
            ending = LumpSum.objects.filter(
                city=city.slug,
                status=BillStatus.OPEN,
                pay_by__gte=today,
                pay_by__lte=today + dt.timedelta(days=days),
            )
            told += len(
                Notice.objects.bulk_create(
                    _ending(list(ending.select_related("case", "person")), now), ignore_conflicts=True
                )
            )
    watch.finished()
    return told


def _ending(bills: Sequence[LumpSum], now: dt.datetime) -> list[Notice]:
    text = _(
        "办件 {number}（{title}）的 {yuan} 元请在 {day}前整笔缴清，可以在办件页面生成订单支付；"
        "逾期缴费单失效，所购年限不计入。"
    )
    return [
        notices.drafted(
            bill.person,
            kind=ENDING,
            reference=str(bill.pk),
            title=_("一次性缴费单即将到期"),
            text=text.format(**_words(bill)),
            now=now,
        )
        for bill in bills
    ]


def _words(bill: LumpSum) -> dict[str, Any]:
    return {
        "number": bill.case.number,
        "title": bill.case.offer.title,
        "yuan": money.format_yuan(bill.amount_fen),
        "day": day_zh(bill.pay_by),
    }
