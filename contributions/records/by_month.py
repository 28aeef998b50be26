"""Reading what is owed and paid. The number of queries does not grow with the length of the history."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Max, QuerySet, Sum
from django.urls import reverse
from django.utils.translation import gettext as _

from contributions.bank_files.results import REASON_LABELS, Reason
from contributions.debit import how_to_pay, recollecting
from contributions.models import (
    Assessment,
    AssessmentStatus,
    BatchStatus,
    Charge,
    ChargeStatus,
    LineStatus,
    OrderLine,
)
from enrollment.models import Coverage
from portal.accounts.models import User
from portal.people.models import Employer, Person
from portal.prepared import Prepared
from portal.shared import money
from portal.shared.insurance import INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import CHINA, Month, month_in_china, today_in_china


class State(StrEnum):
    """Where a month stands."""

    PAID = "paid"
    OWED = "owed"
    IN_DEBIT = "in_debit"
    FAILED = "failed"
    WRITTEN_OFF = "written_off"
    TAKEN_BACK = "taken_back"
    COVERED = "covered"


STATE_LABELS = {
    State.PAID: "已缴",
    State.OWED: "待缴",
    State.IN_DEBIT: "扣款中",
    State.FAILED: "扣款失败",
    State.WRITTEN_OFF: "已注销",
    State.TAKEN_BACK: "重复缴费已清退",
    State.COVERED: "已参保，待计费",
}


@dataclass(frozen=True, slots=True)
class MonthRecord:
    """One month of one insurance of a person. ``base`` is yuan, the amounts are fen; both are None until it is charged.

    ``reason`` says in Chinese why a debit failed; ``charge_id`` is None until the month is charged.
    """

    city: str
    insurance: Insurance
    capacity: Capacity
    employer: str
    month: Month
    state: State
    base: Decimal | None = None
    amount_fen: int | None = None
    personal_fen: int | None = None
    employer_fen: int | None = None
    account_fen: int | None = None
    charge_id: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Due:
    """Something that waits for the person, for the home page."""

    title: str
    text: str
    days_left: int
    url: str


def record(
    person: Person,
    *,
    since: Month | None = None,
    until: Month | None = None,
    cities: Iterable[str] | None = None,
    coverages: Sequence[Coverage] | None = None,
    this: Month | None = None,
) -> list[MonthRecord]:
    """All months [since, until) of a person, charged or covered, by month, then insurance. One query, one more where something
    is owed, and one for ``coverages_of`` the person where they are not given.

    Without ``until``, covered months that are not charged are told up to the insurance's latest charged one, and with ``this``,
    the month that it is now, up to that and at least the first of each coverage. A void charge is no month: where the month is
    covered again it stands as covered.
    """
    places = None if cities is None else list(cities)
    charged = _charged(person, since=since, until=until, cities=places)
    records = {(one.insurance, one.month): one for one in charged}
    latest: dict[Insurance, Month] = {}
    for one in charged:
        latest[one.insurance] = one.month
    for coverage in coverages_of(person) if coverages is None else coverages:
        horizon = until or told_until(coverage, latest.get(Insurance(coverage.insurance)), this)
        if horizon is None:
            continue
        if places is not None and coverage.city not in places:
            continue
        month = max(coverage.start, since) if since else coverage.start
        end = min(coverage.until, horizon) if coverage.until else horizon
        insurance = Insurance(coverage.insurance)
        while month < end:
            if (insurance, month) not in records:
                employer = coverage.employer.name if coverage.employer else ""
                records[insurance, month] = MonthRecord(
                    coverage.city, insurance, Capacity(coverage.capacity), employer, month, State.COVERED
                )
            month += 1
    return sorted(records.values(), key=lambda one: (one.month, _ORDER[one.insurance]))


def told_until(coverage: Coverage, latest: Month | None, this: Month | None) -> Month | None:
    """The month before which the coverage's months are told, charged or not: after the insurance's latest charged one, and after
    ``this`` and the coverage's first. None where neither is there."""
    known = [month + 1 for month in (latest, max(this, coverage.start) if this else None) if month]
    return max(known, default=None)


_ORDER = {insurance: number for number, insurance in enumerate(Insurance)}


def coverages_of(person: Person) -> list[Coverage]:
    """The person's coverages that stand or stood, with their employers. One query."""
    return _COVERAGES(person.pk)


_COVERAGES = Prepared(lambda: Coverage.objects.filter(person=0, live=True).select_related("employer"))


def owed(person: Person) -> list[MonthRecord]:
    """Charges owed that are the person's own to pay, oldest first, with the reason where a debit failed."""
    return _charged(person, owed=True)


def employer_record(employer: Employer, months: Sequence[Month]) -> QuerySet[Charge]:
    """An employer's charges of the months, with their persons, latest month first."""
    return (
        Charge.objects.filter(employer=employer, month__in=months, live=True)
        .select_related("person")
        .order_by("-month", "person__name", "person_id", "insurance")
    )


def due_for(user: User, now: dt.datetime) -> list[Due]:
    """What the home page says is due for a login: a person's own charges, an employer's month. Nothing for anyone else."""
    today = today_in_china(now)
    if user.is_person and user.person is not None:
        return _due_for_person(user.person, now)
    if user.is_clerk and user.employer is not None:
        return _due_for_employer(user.employer, today)
    return []


@dataclass(frozen=True, slots=True)
class Next:
    """What a person does about a month that they owe, and where; ``asked``: the next debit was asked to collect it."""

    text: str
    url: str
    asked: bool = False


def what_next(
    records: Sequence[MonthRecord], person: Person, now: dt.datetime, *, suspended: set[int] | None = None
) -> dict[int, Next]:
    """By charge, what is to be done about those of the months that the person owes themselves. The number of queries does not
    grow with them. ``suspended``: the coverages that are, where they are known."""
    mine = [
        one
        for one in records
        if not one.employer and one.state in (State.OWED, State.FAILED) and one.charge_id is not None
    ]
    if not mine:
        return {}
    ordered = dict(
        OrderLine.objects.filter(charge__in=[one.charge_id for one in mine], live=True).values_list(
            "charge_id", "order__number"
        )
    )
    asked, roads = asked_for(mine), how_to_pay.Ways(person, now, suspended=suspended)
    found: dict[int, Next] = {}
    for one in mine:
        charge = one.charge_id or 0
        if charge in ordered:
            how = _("已在订单 %(number)s 中，请在订单中支付。") % {"number": ordered[charge]}
            found[charge] = Next(how, reverse("order", args=[ordered[charge]]))
        elif charge in asked:
            due = _due_in_next_debit(one.city, {"month": one.month.zh, "names": ""}, 0, now)
            found[charge] = Next(due.text, due.url, asked=True)
        else:
            way = roads.way(one.city, one.month, failed=one.state == State.FAILED)
            found[charge] = Next(way.text, way.url)
    return found


def _due_for_person(person: Person, now: dt.datetime) -> list[Due]:
    today = today_in_china(now)
    with connection.cursor() as cursor:
        cursor.execute(_OPEN_ORDERS, [person.pk])
        orders = [_OpenOrder(*row) for row in cursor.fetchall()]
    items = [_due_order(order, today) for order in orders if order.expires_at > now]
    in_orders = {charge for order in orders for charge in order.charges}
    waiting = [one for one in owed(person) if one.state != State.IN_DEBIT and one.charge_id not in in_orders]
    asked = asked_for(waiting)
    roads = how_to_pay.Ways(person, now)
    months: dict[tuple[Month, str, bool], list[MonthRecord]] = {}
    for one in sorted(waiting, key=lambda one: (one.month, _ORDER[one.insurance])):
        months.setdefault((one.month, one.city, one.charge_id in asked), []).append(one)
    for (month, city, requested), records in sorted(months.items()):
        words = {"month": month.zh, "names": "、".join(INSURANCE_LABELS[one.insurance] for one in records)}
        fen = sum(one.amount_fen or 0 for one in records)
        if requested:
            fen += sum(asked[one.charge_id] for one in records if one.charge_id)
            items.append(_due_in_next_debit(city, words, fen, now))
            continue
        failed = next((one.reason for one in records if one.reason), "")
        way = roads.way(city, month, failed=records[0].state == State.FAILED)
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
    until = order.expires_at.astimezone(CHINA)
    words = {"number": order.number, "month": until.month, "day": until.day, "time": f"{until:%H:%M}"}
    text = _("订单 %(number)s，请在 %(month)s月%(day)s日 %(time)s 前支付，逾期自动取消。")
    if order.queued_until:
        begins = order.queued_until.astimezone(CHINA)
        words |= {"begin_month": begins.month, "begin_day": begins.day, "begin_time": f"{begins:%H:%M}"}
        text = _(
            "订单 %(number)s 已预约，%(begin_month)s月%(begin_day)s日 %(begin_time)s 自动发起；"
            "请在 %(month)s月%(day)s日 %(time)s 前完成支付，逾期自动取消。"
        )
    return Due(
        title=_("缴费订单待支付 %(yuan)s 元") % {"yuan": money.format_yuan(order.sum_fen)},
        text=text % words,
        days_left=(until.date() - today).days,
        url=reverse("order", args=[order.number]),
    )


def asked_for(records: Sequence[MonthRecord]) -> dict[int, int]:
    """Which of these the next debit was asked to collect, with what it takes on top, in fen. One query, or none."""
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
    """What the next debit was asked to collect: only the money has to be there."""
    month = recollecting.next_debit(city, now)
    terms = recollecting.terms_of(city, month) if month else None
    on = terms.debit_on(month) if terms and month else month_in_china(now).last_day
    return Due(
        title=_("%(month)s %(names)s待扣款 %(yuan)s 元") % {**words, "yuan": money.format_yuan(fen)},
        text=_("已申请补缴，%(month)s月%(day)s日扣款，请在此之前在扣款账户足额存款。")
        % {"month": on.month, "day": on.day},
        days_left=(on - today_in_china(now)).days,
        url=reverse("record"),
    )


def _due_for_employer(employer: Employer, today: dt.date) -> list[Due]:
    """Assessments to confirm or to pay; late months; and months that are charged and not assessed yet."""
    standing = list(
        Assessment.objects.filter(employer=employer, status__in=["drawn_up", "confirmed"]).order_by(
            "month", "round"
        )
    )
    items = [_due_assessment(one, today) for one in standing if one.due_on >= today]
    owed = (
        Charge.objects.filter(employer=employer, status=ChargeStatus.OWED)
        .values("month")
        .annotate(fen=Sum("amount_fen"), by=Max("due_on"))
        .order_by("month")
    )
    assessed = {one.month for one in standing if one.due_on >= today}
    for one in owed:
        if one["month"] in assessed:
            continue
        words = {"month": one["month"].zh, "yuan": money.format_yuan(one["fen"])}
        late = one["by"] < today
        items.append(
            Due(
                title=_("%(month)s单位欠缴 %(yuan)s 元") % words
                if late
                else _("%(month)s单位应缴 %(yuan)s 元") % words,
                text=_("已过缴费期限，请连同滞纳金补缴；滞纳金按日增加。")
                if late
                else _("含单位缴纳和代扣的个人缴纳部分，请按期足额划转。"),
                days_left=(one["by"] - today).days,
                url=reverse("employer-assessments"),
            )
        )
    return items


def _due_assessment(one: Assessment, today: dt.date) -> Due:
    words = {"month": one.month.zh, "yuan": money.format_yuan(one.sum_fen)}
    to_confirm = one.status == AssessmentStatus.DRAWN_UP
    return Due(
        title=_("确认%(month)s单位应缴 %(yuan)s 元") % words
        if to_confirm
        else _("缴纳%(month)s单位应缴 %(yuan)s 元") % words,
        text=_("请核对与上月相比的变动，确认后在缴费期限前缴款。")
        if to_confirm
        else _("已确认，请按核定单的汇款附言在缴费期限前一次汇足。"),
        days_left=(one.due_on - today).days,
        url=reverse("employer-assessment", args=[one.pk]),
    )


def _charged(
    person: Person,
    *,
    owed: bool = False,
    since: Month | None = None,
    until: Month | None = None,
    cities: list[str] | None = None,
) -> list[MonthRecord]:
    """Live charges as months, by month, then insurance, with the last debit line of what is owed. One query, and one where
    something is owed; no models: a history has hundreds of months, and nearly every page of a person asks what is owed."""
    with connection.cursor() as cursor:
        cursor.execute(
            _OWED if owed else _CHARGED,
            {
                "person": person.pk,
                "since": since.first_day if since else None,
                "until": until.first_day if until else None,
                "cities": cities,
            },
        )
        charges = [_Row(*row) for row in cursor.fetchall()]
        owing = [one.id for one in charges if one.status == ChargeStatus.OWED]
        lines: dict[int, Sequence[Any]] = {}
        if owing:
            cursor.execute(_LAST_LINES, [owing])
            lines = {charge: line for charge, *line in cursor.fetchall()}
    return [_record(one, lines.get(one.id)) for one in charges]


class _Row(NamedTuple):
    id: int
    city: str
    insurance: str
    capacity: str
    employer: str | None
    month: dt.date
    status: str
    base: Decimal
    amount_fen: int
    personal_fen: int
    employer_fen: int
    account_fen: int


_CHARGED = """
    SELECT charge.id, charge.city, charge.insurance, charge.capacity, employer.name, charge.month, charge.status, charge.base,
        charge.amount_fen, charge.personal_fen, charge.employer_fen, charge.account_fen
    FROM contributions_charge charge
    LEFT JOIN people_employer employer ON employer.id = charge.employer_id
    WHERE charge.person_id = %(person)s AND charge.live
        AND charge.month >= coalesce(%(since)s::date, '-infinity') AND charge.month < coalesce(%(until)s::date, 'infinity')
        AND (%(cities)s::varchar[] IS NULL OR charge.city = ANY(%(cities)s))
    ORDER BY charge.month, charge.insurance
"""

_OWED = """
    SELECT id, city, insurance, capacity, NULL, month, status, base, amount_fen, personal_fen, employer_fen, account_fen
    FROM contributions_charge
    WHERE person_id = %(person)s AND live AND status = 'owed' AND employer_id IS NULL ORDER BY month, insurance
"""

_LAST_LINES = """
    SELECT DISTINCT ON (line.charge_id) line.charge_id, line.status, line.reason_code, batch.month, batch.status
    FROM contributions_debitline line JOIN contributions_debitbatch batch ON batch.id = line.batch_id
    WHERE line.charge_id = ANY(%s) ORDER BY line.charge_id, line.id DESC
"""


def _record(row: _Row, line: Sequence[Any] | None) -> MonthRecord:
    state, reason = State(row.status), ""
    if line is not None:
        status, reason_code, debited, batch_status = line
        state, reason = _of_line(status, reason_code, Month.of(debited), batch_status)
    return MonthRecord(
        row.city,
        Insurance(row.insurance),
        Capacity(row.capacity),
        row.employer or "",
        Month.of(row.month),
        state,
        row.base,
        row.amount_fen,
        row.personal_fen,
        row.employer_fen,
        row.account_fen,
        row.id,
        reason,
    )


def _of_line(status: str, reason_code: str, debited: Month, batch_status: str) -> tuple[State, str]:
    if status == LineStatus.FAILED:
        return State.FAILED, _("%(month)s银行扣款失败：%(reason)s") % {
            "month": debited.zh,
            "reason": REASON_LABELS[Reason(reason_code)],
        }
    if status == LineStatus.MISSING:
        return State.IN_DEBIT, _("银行尚未返回扣款结果，正在核实，请勿重复缴费")
    if batch_status in (BatchStatus.OPENED, BatchStatus.RELEASED):
        return State.IN_DEBIT, _("已列入扣款批次，待送银行")
    return State.IN_DEBIT, _("已送银行扣款，结果待返回")
