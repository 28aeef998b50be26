"""What a login has to do about what it owes, and by which day."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.db import connection
from django.db.models import Max, Sum
from django.urls import reverse
from django.utils.translation import gettext as _

from contributions.charges import periods
from contributions.debit import how_to_pay, recollecting
from contributions.models import Assessment, AssessmentStatus, Charge, ChargeStatus, LumpSum, OrderLine
from contributions.orders import lump_sums
from contributions.records.by_month import IN_ORDER, MonthRecord, State, owed
from portal.accounts.models import User
from portal.people.models import Employer, Person
from portal.shared import money
from portal.shared.insurance import INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import (
    Month,
    month_in_china,
    periods_zh,
    runs,
    short_day_zh,
    short_moment_zh,
    today_in_china,
)


@dataclass(frozen=True, slots=True)
class Due:
    """Something that waits for the person, for the home page."""

    title: str
    text: str
    days_left: int
    url: str


def due_for(user: User, now: dt.datetime) -> list[Due]:
    """What the home page shows as due for a login: a person's own charges, an employer's month.
    Empty for any other login."""
    today = today_in_china(now)
    if user.is_person and user.person is not None:
        return due_of(user.person, now)
    if user.is_clerk and user.employer is not None:
        return _due_for_employer(user.employer, today)
    return []


@dataclass(frozen=True, slots=True)
class Next:
    """What a person does about a month that they owe, and where. ``asked`` says that the next debit
    will collect it on request."""

    text: str
    url: str
    asked: bool = False


def what_next(
    records: Sequence[MonthRecord], person: Person, now: dt.datetime, *, suspended: set[int] | None = None
) -> dict[int, Next]:
    """What to do about each month that the person owes themselves, by charge id. The number of
    queries does not grow with the months. ``suspended`` are the ids of the suspended coverages;
    None where the caller does not know them."""
    own_months = [
        one
        for one in records
        if not one.employer and one.state in (State.OWED, State.FAILED) and one.charge_id is not None
    ]
    if not own_months:
        return {}
    ordered = dict(
        OrderLine.objects.filter(charge__in=[one.charge_id for one in own_months], live=True).values_list(
            "charge_id", "order__number"
        )
    )
    requested, ways = asked_for(own_months), how_to_pay.Ways(person, now, suspended=suspended)
    firsts = _firsts(own_months)
    steps: dict[int, Next] = {}
    for record in own_months:
        charge = record.charge_id or 0
        if charge in ordered:
            how = _("已在订单 %(number)s 中，请在订单中支付。") % {"number": ordered[charge]}
            steps[charge] = Next(how, reverse("order", args=[ordered[charge]]))
        elif charge in requested:
            due = _due_in_next_debit(record.city, {"month": record.month.zh, "names": ""}, 0, now)
            steps[charge] = Next(due.text, due.url, asked=True)
        else:
            way = ways.way(
                record.city,
                firsts[charge],
                capacity=record.capacity,
                failed=record.state == State.FAILED,
            )
            steps[charge] = Next(way.text, way.url)
    return steps


def due_of(person: Person, now: dt.datetime) -> list[Due]:
    """What a person owes themselves: open orders, lump sums, and months that wait."""
    today = today_in_china(now)
    with connection.cursor() as cursor:
        cursor.execute(_OPEN_ORDERS, [person.pk])
        orders = [_OpenOrder(*row) for row in cursor.fetchall()]
    items = [_due_order(order, today) for order in orders if order.expires_at > now]
    items += [_due_lump_sum(bill, today) for bill in lump_sums.to_pay(person)]
    in_orders = {charge for order in orders for charge in order.charges}
    waiting = [one for one in owed(person) if one.state != State.IN_DEBIT and one.charge_id not in in_orders]
    requested_fen = asked_for(waiting)
    ways = how_to_pay.Ways(person, now)
    firsts = _firsts(waiting)
    months: dict[tuple[Month, str, bool, Capacity], list[MonthRecord]] = {}
    for record in sorted(waiting, key=lambda one: (one.month, IN_ORDER[one.insurance])):
        asked = record.charge_id in requested_fen
        key = (firsts[record.charge_id or 0], record.city, asked, record.capacity)
        months.setdefault(key, []).append(record)
    for (month, city, requested, capacity), records in sorted(months.items()):
        names = "、".join(dict.fromkeys(INSURANCE_LABELS[one.insurance] for one in records))
        words = {"month": periods_zh(runs(sorted({one.month for one in records}))), "names": names}
        fen = sum(one.amount_fen or 0 for one in records)
        if requested:
            fen += sum(requested_fen[one.charge_id] for one in records if one.charge_id)
            items.append(_due_in_next_debit(city, words, fen, now))
            continue
        failed = next((one.reason for one in records if one.reason), "")
        way = ways.way(city, month, capacity=capacity, failed=records[0].state == State.FAILED)
        how = way.text
        items.append(
            Due(
                title=_("%(month)s %(names)s待缴 %(yuan)s 元") % {**words, "yuan": money.format_yuan(fen)},
                text=_("%(failed)s。%(how)s") % {"failed": failed, "how": how} if failed else how,
                days_left=(way.by - today).days,
                url=way.url,
            )
        )
    return items


def _firsts(records: Sequence[MonthRecord]) -> dict[int, Month]:
    """By charge: the month with which it is paid; the first that is owed where the insurance year
    is paid at once, else its own."""
    at_once: dict[tuple[str, Capacity, Insurance], Month] = {}
    firsts = {}
    for one in sorted(records, key=lambda one: one.month):
        first = one.month
        if periods.year_at_once(one.city, one.capacity, one.insurance, one.month):
            first = at_once.setdefault((one.city, one.capacity, one.insurance), one.month)
        firsts[one.charge_id or 0] = first
    return firsts


class _OpenOrder(NamedTuple):
    number: str
    sum_fen: int
    expires_at: dt.datetime
    charges: list[int]
    queued_until: dt.datetime | None


_OPEN_ORDERS = """
    SELECT number, sum_fen, expires_at,
        ARRAY(SELECT charge_id FROM contributions_orderline line WHERE line.order_id = orders.id AND line.live),
        (SELECT start_at FROM contributions_payment payment WHERE payment.order_id = orders.id AND payment.status = 'queued')
    FROM contributions_order orders WHERE person_id = %s AND status = 'open' ORDER BY expires_at
"""


def _due_order(order: _OpenOrder, today: dt.date) -> Due:
    words = {"number": order.number, "until": short_moment_zh(order.expires_at)}
    text = _("订单 %(number)s，请在 %(until)s 前支付，逾期自动取消。")
    if order.queued_until:
        words["begins"] = short_moment_zh(order.queued_until)
        text = _("订单 %(number)s 已预约，%(begins)s 自动发起；请在 %(until)s 前完成支付，逾期自动取消。")
    return Due(
        title=_("缴费订单待支付 %(yuan)s 元") % {"yuan": money.format_yuan(order.sum_fen)},
        text=text % words,
        days_left=(today_in_china(order.expires_at) - today).days,
        url=reverse("order", args=[order.number]),
    )


def _due_lump_sum(bill: LumpSum, today: dt.date) -> Due:
    return Due(
        title=_("%(what)s待缴 %(yuan)s 元")
        % {"what": bill.case.offer.title, "yuan": money.format_yuan(bill.amount_fen)},
        text=_("请在 %(day)s前整笔缴清，逾期缴费单失效，年限不计入。") % {"day": short_day_zh(bill.pay_by)},
        days_left=(bill.pay_by - today).days,
        url=reverse("lump-sum", args=[bill.case.number]),
    )


def asked_for(records: Sequence[MonthRecord]) -> dict[int, int]:
    """The charges of these records that the next debit was asked to collect, each with its
    surcharge in fen. One query, or none."""
    if not records:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_ASKED_FOR, [[one.charge_id for one in records]])
        return dict(cursor.fetchall())


# The requests of ``recollecting.waiting``; the home page asks each time.
_ASKED_FOR = """
    SELECT request.charge_id, coalesce(surcharge.amount_fen, 0)
    FROM contributions_recollectrequest request
    LEFT JOIN contributions_surcharge surcharge ON surcharge.id = request.surcharge_id
    WHERE request.charge_id = ANY(%s) AND request.live
"""


def _due_in_next_debit(city: str, words: dict[str, str], fen: int, now: dt.datetime) -> Due:
    """Charges that the next debit was asked to collect: the person only has to deposit the
    money."""
    month = recollecting.next_debit(city, now)
    terms = recollecting.terms_of(city, month) if month else None
    on = terms.debit_on(month) if terms and month else month_in_china(now).last_day
    return Due(
        title=_("%(month)s %(names)s待扣款 %(yuan)s 元") % {**words, "yuan": money.format_yuan(fen)},
        text=_("已申请补缴，%(day)s扣款，请在此之前在扣款账户足额存款。") % {"day": short_day_zh(on)},
        days_left=(on - today_in_china(now)).days,
        url=reverse("record"),
    )


def _due_for_employer(employer: Employer, today: dt.date) -> list[Due]:
    """Assessments to confirm or to pay, late months, and charged months without an assessment."""
    unpaid = list(
        Assessment.objects.filter(employer=employer, status__in=["drawn_up", "confirmed"]).order_by(
            "month", "round"
        )
    )
    items = [_due_assessment(one, today) for one in unpaid if one.due_on >= today]
    owed = (
        Charge.objects.filter(employer=employer, status=ChargeStatus.OWED)
        .values("month")
        .annotate(fen=Sum("amount_fen"), by=Max("due_on"))
        .order_by("month")
    )
    assessed = {one.month for one in unpaid if one.due_on >= today}
    for sums in owed:
        if sums["month"] in assessed:
            continue
        words = {"month": sums["month"].zh, "yuan": money.format_yuan(sums["fen"])}
        late = sums["by"] < today
        items.append(
            Due(
                title=_("%(month)s单位欠缴 %(yuan)s 元") % words
                if late
                else _("%(month)s单位应缴 %(yuan)s 元") % words,
                text=_("已过缴费期限，请连同滞纳金补缴；滞纳金按日增加。")
                if late
                else _("含单位缴纳和代扣的个人缴纳部分，请按期足额划转。"),
                days_left=(sums["by"] - today).days,
                url=reverse("employer-assessments"),
            )
        )
    return items


def _due_assessment(assessment: Assessment, today: dt.date) -> Due:
    words = {"month": assessment.month.zh, "yuan": money.format_yuan(assessment.sum_fen)}
    to_confirm = assessment.status == AssessmentStatus.DRAWN_UP
    return Due(
        title=_("确认%(month)s单位应缴 %(yuan)s 元") % words
        if to_confirm
        else _("缴纳%(month)s单位应缴 %(yuan)s 元") % words,
        text=_("请核对与上月相比的变动，确认后在缴费期限前缴款。")
        if to_confirm
        else _("已确认，请按核定单的汇款附言在缴费期限前一次汇足。"),
        days_left=(assessment.due_on - today).days,
        url=reverse("employer-assessment", args=[assessment.pk]),
    )
