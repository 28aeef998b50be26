"""Reading what is owed and paid, month by month.

The number of queries does not grow with the length of the history.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from contributions.bank_files.results import REASON_LABELS, Reason
from contributions.charges import periods
from contributions.charges.public_shares import SUBSIDISED
from contributions.models import BatchStatus, Charge, ChargeStatus, LineStatus, PublicShare
from enrollment.models import Coverage
from portal.people.models import Employer, Person
from portal.prepared import Prepared
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month


class State(StrEnum):
    """The state of a month."""

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
    """One month of one insurance of a person. ``base`` is yuan, the amounts are fen; both are None
    until it is charged.

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
    # What public money (财政补助) pays beside it, in fen.
    public_fen: int = 0


def record(
    person: Person,
    *,
    since: Month | None = None,
    until: Month | None = None,
    cities: Iterable[str] | None = None,
    coverages: Sequence[Coverage] | None = None,
    this: Month | None = None,
) -> list[MonthRecord]:
    """All months [since, until) of a person, charged or covered, by month, then insurance. One
    query, one more where something is owed, one more where public money is paid, and one for
    ``coverages_of`` the person where they are not given.

    Without ``until``, covered months without a charge are listed up to the insurance's latest
    charged month; with ``this``, the present month, also up to that month and at least the first
    month of each coverage. A void charge is left out: its month is listed as covered where it is.
    """
    places = None if cities is None else list(cities)
    held = coverages_of(person) if coverages is None else coverages
    subsidised = any(one.capacity in SUBSIDISED for one in held)
    charged = _charged(person, subsidised=subsidised, since=since, until=until, cities=places)
    records = {(one.insurance, one.month): one for one in charged}
    latest: dict[Insurance, Month] = {}
    years: dict[tuple[Insurance, int], MonthRecord] = {}
    for month_record in charged:
        years.setdefault((month_record.insurance, month_record.month.year), month_record)
        latest[month_record.insurance] = month_record.month
    for coverage in held:
        horizon = until or told_until(coverage, latest.get(Insurance(coverage.insurance)), this)
        if horizon is None:
            continue
        if places is not None and coverage.city not in places:
            continue
        month = max(coverage.start, since) if since else coverage.start
        end = min(coverage.until, horizon) if coverage.until else horizon
        insurance = Insurance(coverage.insurance)
        yearly = periods.is_yearly(coverage.city, Capacity(coverage.capacity), insurance, end - 1)
        while month < end:
            if yearly and (year := years.get((insurance, month.year))) and year.month < month:
                # Paid with the year, whose sum stands at its first month.
                told = _("按年缴费，已计入%(month)s") % {"month": year.month.zh}
                records.setdefault(
                    (insurance, month),
                    MonthRecord(coverage.city, insurance, year.capacity, "", month, year.state, reason=told),
                )
            elif (insurance, month) not in records:
                employer = coverage.employer.name if coverage.employer else ""
                records[insurance, month] = MonthRecord(
                    coverage.city, insurance, Capacity(coverage.capacity), employer, month, State.COVERED
                )
            month += 1
    return sorted(records.values(), key=lambda one: (one.month, IN_ORDER[one.insurance]))


def told_until(coverage: Coverage, latest: Month | None, this: Month | None) -> Month | None:
    """The month before which the coverage's months are listed, charged or not: the month after the
    latest of the insurance's last charged month, ``this`` and the coverage's first month. The last
    two count only where ``this`` is given. None where there is none of them."""
    known = [month + 1 for month in (latest, max(this, coverage.start) if this else None) if month]
    return max(known, default=None)


IN_ORDER = {insurance: number for number, insurance in enumerate(Insurance)}


def coverages_of(person: Person) -> list[Coverage]:
    """The person's present and past coverages, with their employers. One query."""
    return _COVERAGES(person.pk)


_COVERAGES = Prepared(lambda: Coverage.objects.filter(person=0, live=True).select_related("employer"))


def owed(person: Person) -> list[MonthRecord]:
    """Charges owed that are the person's own to pay, oldest first, with the reason where a debit
    failed."""
    return _charged(person, owed=True)


def employer_record(employer: Employer, months: Sequence[Month]) -> QuerySet[Charge]:
    """An employer's charges of the months, with their persons, latest month first."""
    return (
        Charge.objects.filter(employer=employer, month__in=months, live=True)
        .select_related("person")
        .order_by("-month", "person__name", "person_id", "insurance")
    )


def _charged(
    person: Person,
    *,
    owed: bool = False,
    subsidised: bool = False,
    since: Month | None = None,
    until: Month | None = None,
    cities: list[str] | None = None,
) -> list[MonthRecord]:
    """Live charges as months, by month, then insurance, with the last debit line of each owed one.
    One query, and one more where something is owed. No models are made: a history has hundreds of
    months, and nearly every page of a person reads what is owed."""
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
    records = [_record(one, lines.get(one.id)) for one in charges]
    if owed or not subsidised:
        return records
    return _with_public_shares(person, records, since=since, until=until, cities=cities)


def _with_public_shares(
    person: Person,
    records: list[MonthRecord],
    *,
    since: Month | None,
    until: Month | None,
    cities: list[str] | None,
) -> list[MonthRecord]:
    """The records with what public money pays beside them, and the months that it pays alone. One
    query."""
    shares = list(PublicShare.objects.filter(person=person, live=True).order_by("month"))
    beside = {one.charge_id: one.amount_fen for one in shares if one.charge_id}
    told = [
        replace(one, public_fen=beside[one.charge_id]) if one.charge_id in beside else one for one in records
    ]
    told += [
        MonthRecord(
            city=one.city,
            insurance=Insurance(one.insurance),
            capacity=Capacity(one.capacity),
            employer="",
            month=one.month,
            state=State.PAID,
            base=one.base,
            amount_fen=0,
            personal_fen=0,
            employer_fen=0,
            account_fen=0,
            reason=_("费用由财政代缴"),
            public_fen=one.amount_fen,
        )
        for one in shares
        if one.charge_id is None
        and (since is None or one.month >= since)
        and (until is None or one.month < until)
        and (cities is None or one.city in cities)
    ]
    return sorted(told, key=lambda one: (one.month, one.insurance))


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
