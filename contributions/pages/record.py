"""What a person and an employer can look up about their contributions. Pages about others answer
404."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple, cast

from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from contributions.books import account_interest
from contributions.books.personal_account import Account, accounts_of
from contributions.charges import brought_in, surcharges, suspending
from contributions.models import CHARGE_LIFE_CYCLE, Charge, ChargeStatus, Receipt, Suspension
from contributions.prices.formula import explain
from contributions.records import by_month, what_is_due
from contributions.records.by_month import STATE_LABELS, MonthRecord, State
from contributions.records.years import Years, years_of
from contributions.refunds import held_money
from portal.accounts.models import User
from portal.accounts.permissions import WARD, clerk_required, person_required, persons_of, whose
from portal.people.models import Employer, Person
from portal.policy.book import PolicyMissing, book
from portal.policy.terms.personal_account import account_interest_terms, account_interest_years
from portal.shared import money
from portal.shared.insurance import CAPACITY_LABELS, INSURANCE_LABELS, Insurance
from portal.shared.months import Month, month_in_china, today_in_china
from portal.shared.tables import Some
from portal.web.wards import address_for

ROWS_PER_PAGE = 50

STATE_TONES = {
    State.PAID: "good",
    State.OWED: "warn",
    State.IN_DEBIT: "info",
    State.FAILED: "bad",
    State.WRITTEN_OFF: "quiet",
    State.TAKEN_BACK: "quiet",
    State.COVERED: "info",
}


# This many of the latest years are shown month by month; each earlier year is shown as a sum.
YEARS_BY_MONTH = 3
WHOLE = "months"


@dataclass(frozen=True, slots=True)
class Row:
    """A month of one insurance in the list."""

    month: Month
    insurance: str
    capacity: str
    employer: str
    city: str
    amount_fen: int | None
    personal_fen: int | None
    employer_fen: int | None
    state: str
    tone: str
    reason: str
    # ``url`` is the page that explains the amount; "" until the month is charged. A screen reader
    # reads ``link_said`` in place of the amount.
    url: str
    link_said: str


@require_safe
@person_required
def record(request: HttpRequest) -> HttpResponse:
    """参保缴费记录: a grid of years × 12 for each insurance, and the months of one year as a list.

    For a long history the grid shows the months of the last years and a sum for each earlier year;
    ``?all=months`` shows all months.
    """
    person = whose(request)
    coverages = by_month.coverages_of(person)
    now = timezone.now()
    this_month = month_in_china(now)
    by_insurance = years_of(person, coverages, this=this_month)
    years = _all_years(by_insurance.values())
    year = _chosen(request.GET.get("year"), years)
    whole = request.GET.get("all") == WHOLE
    since = Month(years[0] - YEARS_BY_MONTH + 1, 1) if len(years) > YEARS_BY_MONTH and not whole else None
    records = by_month.record(person, since=since, coverages=coverages, this=this_month)
    owed_before = since is not None and any(one.owed_before(since.year) for one in by_insurance.values())
    listed = (
        by_month.record(
            person, since=Month(year, 1), until=Month(year + 1, 1), coverages=coverages, this=this_month
        )
        if year and since and year < since.year
        else [one for one in records if one.month.year == year]
    )
    moved = brought_in.elsewhere(person)
    suspended = suspending.standing(person)
    failed = [one for one in (by_month.owed(person) if owed_before else records) if one.state == State.FAILED]
    steps = what_is_due.what_next(failed, person, now, suspended={one.coverage_id for one in suspended})
    ward = _ward_of(request, person)
    of_ward = f"{WARD}={ward.pk}&" if ward else ""
    kept_query = f"{of_ward}all={WHOLE}&" if whole else of_ward
    return render(
        request,
        "contributions/record.html",
        {
            "person": person,
            "grids": [
                {
                    "insurance": insurance,
                    "title": _(INSURANCE_LABELS[insurance]),
                    "rows": _grid(
                        by_insurance[insurance],
                        [one for one in records if one.insurance == insurance],
                        since,
                        of_ward,
                    ),
                    "paid": by_insurance[insurance].paid,
                    "moved": moved.get(insurance),
                }
                for insurance in Insurance
                if insurance in by_insurance
            ],
            "all_months": f"?{of_ward}all={WHOLE}" if since else "",
            "ward": ward,
            "account_url": address_for(reverse("record-account"), ward),
            "years": [
                {
                    "label": _("%(year)s年") % {"year": one},
                    "url": f"?{kept_query}year={one}#list",
                    "current": one == year,
                }
                for one in years
            ],
            "year": year,
            "rows": _rows(reversed(listed)),
            "failed": [_failed(one, steps.get(one.charge_id or 0), ward) for one in failed],
            "suspended": [_suspended(one, ward) for one in suspended],
        },
    )


def _all_years(histories: Iterable[Years]) -> list[int]:
    """Every year that the history of any insurance covers, the latest first."""
    listed = list(histories)
    if not listed:
        return []
    first, last = min(one.first.year for one in listed), max(one.last.year for one in listed)
    return list(range(last, first - 1, -1))


@require_safe
@person_required
def charge(request: HttpRequest, pk: int) -> HttpResponse:
    """One charge of the person, or of a ward: the amount, why it is that amount, how it was drawn
    and paid."""
    charge = get_object_or_404(
        Charge.objects.select_related("employer", "cancellation", "person", "public_share"),
        pk=pk,
        person__in=persons_of(cast(User, request.user)),
    )
    person, ward = charge.person, _ward_of(request, charge.person)

    try:
        derivation = explain(charge, on=today_in_china(timezone.now()))
    except PolicyMissing:
        derivation = None
    surcharge = charge.surcharges.filter(live=True).first()
    # No record contains a void charge; it has only its own status.
    month = next(
        (
            one
            for one in by_month.record(person, since=charge.month, until=charge.month + 1)
            if one.charge_id == charge.pk
        ),
        None,
    )
    state, tone, reason = (
        (_(STATE_LABELS[month.state]), STATE_TONES[month.state], month.reason)
        if month
        else (charge.get_status_display(), CHARGE_LIFE_CYCLE.tone(charge.status), "")
    )
    receipts = list(Receipt.objects.filter(charge=charge).order_by("received_at", "pk"))
    returned = held_money.returned(receipts)
    return render(
        request,
        "contributions/charge.html",
        {
            "charge": charge,
            "public_share": getattr(charge, "public_share", None),
            "city_title": book().city(charge.city).title,
            "insurance": _(INSURANCE_LABELS[Insurance(charge.insurance)]),
            "capacity": charge.get_capacity_display(),
            "derivation": derivation,
            "surcharge": surcharge,
            "surcharge_why": surcharges.explain(surcharge, on=today_in_china(timezone.now()))
            if surcharge
            else None,
            "state": state,
            "tone": tone,
            "reason": reason,
            "record_url": address_for(reverse("record"), ward),
            "what_next": _for_ward(
                what_is_due.what_next([month], person, timezone.now()).get(charge.pk), ward
            )
            if month
            else None,
            "receipts": [(one, returned.get(one.pk)) for one in receipts],
        },
    )


@require_safe
@person_required
def account(request: HttpRequest) -> HttpResponse:
    """个人账户: the statement of the person's accounts, by year."""
    person = whose(request)
    today = today_in_china(timezone.now())
    return render(
        request,
        "contributions/account.html",
        {
            "person": person,
            "record_url": address_for(reverse("record"), _ward_of(request, person)),
            "accounts": [
                {
                    "title": _("%(city)s %(insurance)s个人账户")
                    % {"city": book().city(one.city).title, "insurance": _(INSURANCE_LABELS[one.insurance])},
                    "account": one,
                    "waits": _waits(one, today),
                    "bears": one.insurance in account_interest_terms(book(), year=today.year).insurances,
                    "years": [
                        (
                            year,
                            [(paid, account_interest.derivation(paid, on=today)) for paid in year.interests],
                        )
                        for year in one.years
                    ],
                }
                for one in accounts_of(person)
            ],
        },
    )


def _waits(account: Account, today: dt.date) -> str:
    """The years whose interest the balance does not contain yet, and what that interest waits
    for."""
    terms = account_interest_terms(book(), year=today.year)
    if account.insurance not in terms.insurances:
        return _("余额。这个险种的个人账户不按记账利率计息。")
    credited = {year.year for year in account.years if year.interests}
    since = min(year.year for year in account.years)
    published = [year for year in account_interest_years(book()) if since <= year < today.year]
    out = [str(year) for year in published if year not in credited]
    parts = [_("余额，含已结的记账利息。")]
    if out:
        parts.append(_("%(years)s年的利率已公布，尚未结息。") % {"years": _("、").join(out)})
    parts.append(
        _("%(year)s年的记账利率公布后结息，最近一次公布的是%(last)s年 %(rate)s%%。")
        % {
            "year": terms.rate_leaf.values["year"] + 1,
            "last": terms.rate_leaf.values["year"],
            "rate": f"{(terms.rate * 100).normalize():f}",
        }
    )
    return "".join(parts)


# An employer of ten thousand has half a million charges a year.
_MONTHS_SHOWN = 12


@require_safe
@clerk_required
def employer_charges(request: HttpRequest) -> HttpResponse:
    """本单位应缴: twelve months as sums, and the people of one month. ``before`` asks for the
    twelve months before a month."""
    employer = cast(Employer, cast(User, request.user).employer)
    charges = Charge.objects.filter(employer=employer, live=True)
    before = _before(request.GET.get("before"), charges)
    months = list(
        charges.filter(month__gte=before - _MONTHS_SHOWN, month__lt=before)
        .values("month")
        .annotate(
            people=Count("person", distinct=True),
            personal=Sum("personal_fen"),
            employer_share=Sum("employer_fen"),
            total=Sum("amount_fen"),
            owed=Sum("amount_fen", filter=Q(status=ChargeStatus.OWED), default=0),
        )
        .order_by("-month")
    )
    month = _chosen(request.GET.get("month"), [one["month"] for one in months])
    page = Paginator(
        by_month.employer_record(employer, [month]) if month else Charge.objects.none(), ROWS_PER_PAGE
    ).get_page(request.GET.get("page"))
    return render(
        request,
        "contributions/employer_charges.html",
        {
            "employer": employer,
            "city": book().city(employer.city),
            "months": months,
            "before": before,
            "earlier": before - _MONTHS_SHOWN
            if charges.filter(month__lt=before - _MONTHS_SHOWN).exists()
            else None,
            "month": month,
            "page_obj": page,
            "rows": [(one, CHARGE_LIFE_CYCLE.tone(one.status), one.get_status_display()) for one in page],
        },
    )


def _ward_of(request: HttpRequest, person: Person) -> Person | None:
    """The person, where it is not the login's own."""
    return None if person.pk == cast(User, request.user).person_id else person


def _for_ward(step: what_is_due.Next | None, ward: Person | None) -> what_is_due.Next | None:
    """What to do about a ward's month, at an address that names the ward."""
    return replace(step, url=address_for(step.url, ward)) if step and ward else step


def _before(month: str | None, charges: QuerySet[Charge]) -> Month:
    """The month in the request, or the month after the latest charge; 404 for text that is no
    month."""
    if month:
        try:
            return Month.parse(month)
        except ValueError:
            raise Http404 from None
    latest = charges.order_by("-month").values_list("month", flat=True).first()
    return (latest or month_in_china(timezone.now())) + 1


def _chosen(chosen: str | None, possible: list[Any]) -> Any:
    """The value that the request chose, or the first without a choice; 404 for any other value."""
    if not chosen:
        return possible[0] if possible else None
    for value in possible:
        if str(value) == chosen:
            return value
    raise Http404


def _rows(records: Iterable[MonthRecord]) -> list[Row]:
    insurances, capacities, states = (
        {code: _(label) for code, label in labels.items()}
        for labels in (INSURANCE_LABELS, CAPACITY_LABELS, STATE_LABELS)
    )
    why = _("%(month)s%(insurance)s %(amount)s 元，查看为什么是这个数")
    return [
        Row(
            month=one.month,
            insurance=insurances[one.insurance],
            capacity=capacities[one.capacity],
            employer=one.employer,
            city=book().city(one.city).title,
            amount_fen=one.amount_fen,
            personal_fen=one.personal_fen,
            employer_fen=one.employer_fen,
            state=states[one.state],
            tone=STATE_TONES[one.state],
            reason=_beside(one),
            url="" if one.charge_id is None else f"{_charges_url()}{one.charge_id}/",
            link_said=why
            % {
                "month": one.month.zh,
                "insurance": insurances[one.insurance],
                "amount": "" if one.amount_fen is None else money.format_yuan(one.amount_fen),
            },
        )
        for one in records
    ]


def _beside(record: MonthRecord) -> str:
    """The reason of its state, and what public money pays beside it."""
    share = (
        _("财政补助 %(amount)s 元") % {"amount": money.format_yuan(record.public_fen)}
        if record.public_fen
        else ""
    )
    return _("；").join(part for part in (record.reason, share) if part)


@cache
def _charges_url() -> str:
    """The part with which the address of every charge begins."""
    return reverse("record-charge", args=[0]).removesuffix("0/")


def _failed(record: MonthRecord, step: what_is_due.Next | None, ward: Person | None) -> dict[str, str]:
    """A month whose debit failed: the reason, what to do, and where (an address, may be empty)."""
    requested = bool(step and step.asked)
    return {
        "tone": "info" if requested else "error",
        "title": (_("%(month)s%(insurance)s待扣款") if requested else _("%(month)s%(insurance)s扣款失败"))
        % {"month": record.month.zh, "insurance": _(INSURANCE_LABELS[record.insurance])},
        "text": _("。").join(part for part in (record.reason, step.text if step else "") if part),
        "url": address_for(step.url, ward) if step and step.url != reverse("record") else "",
    }


def _suspended(suspension: Suspension, ward: Person | None) -> dict[str, str]:
    """A suspension in force, and where it can be settled (an address, may be empty)."""
    city = suspension.coverage.city
    service = suspending.service_to_settle(city)
    return {
        "title": _("%(insurance)s暂停缴费")
        % {"insurance": _(INSURANCE_LABELS[Insurance(suspension.coverage.insurance)])},
        "text": _("%(why)s，自%(start)s起暂停缴费，不再自动扣款。%(to_do)s")
        % {"why": suspension.why, "start": suspension.start.zh, "to_do": suspending.what_to_do(city)},
        "url": address_for(reverse("service", args=[city, service]), ward) if service else "",
        "label": book().city(city).offers[service].title if service else "",
    }


def _grid(
    years: Years, records: list[MonthRecord], since: Month | None, of_ward: str
) -> list[dict[str, Any]]:
    """Rows for the ``months`` component, latest year first: the months of each year from ``since``
    on, and a sum for each year before."""
    of_month = {one.month: one for one in records}
    first_cell = since or Month(years.first.year, 1)
    words = {state: (_(label), _(SHORT_LABELS.get(state, label))) for state, label in STATE_LABELS.items()}
    sums, gap, nothing, yuan = _SumWords.now(), _("中断"), _("无记录"), _("元")
    rows: list[dict[str, Any]] = []
    for year in range(years.last.year, years.first.year - 1, -1):
        if year < first_cell.year:
            rows.append({"year": year, **_sum_of(years, year, sums, of_ward)})
            continue
        cells = []
        for number in range(1, 13):
            month = Month(year, number)
            record = of_month.get(month)
            if record is not None:
                state, short = words[record.state]
                cells.append(Cell(number, record.state, short, f"{month.zh} {state}{_amount(record, yuan)}"))
            elif years.first < month < years.last:
                cells.append(Cell(number, "missing", gap, f"{month.zh} {gap}"))
            else:
                cells.append(Cell(number, "none", "", f"{month.zh} {nothing}"))
        rows.append({"year": year, "cells": cells})
    return rows


class Cell(NamedTuple):
    """A cell of the ``months`` component."""

    month: int
    state: str
    label: str
    text: str


SHORT_LABELS = Some(
    {
        State.COVERED: "参保",
        State.WRITTEN_OFF: "注销",
        State.FAILED: "失败",
        State.TAKEN_BACK: "清退",
    }
)


def _amount(record: MonthRecord, yuan: str) -> str:
    return "" if record.amount_fen is None else f" {money.format_yuan(record.amount_fen)} {yuan}"


class _SumWords(NamedTuple):
    """The words for the sums of years, looked up once for a page."""

    states: list[tuple[State, str]]
    gap: str
    nothing: str
    months: str
    between: str
    link: str

    @classmethod
    def now(cls) -> "_SumWords":
        states = [(state, _(word)) for state, word in SUMMED_LABELS.items()]
        return cls(
            states, _("中断"), _("无记录"), _("%(state)s %(count)s 个月"), _("，"), _("查看%(year)s年各月")
        )


def _sum_of(years: Years, year: int, words: _SumWords, of_ward: str) -> dict[str, Any]:
    """The sum of a year in words. The row has the look of the year's most urgent months."""
    states, gaps = years.states.get(year, Counter()), years.gaps(year)
    counted = [(word, states[state]) for state, word in words.states if states.get(state)]
    if gaps:
        counted.append((words.gap, gaps))
    look = next((state for state in (State.OWED, State.COVERED) if states.get(state)), None)
    text = words.between.join(words.months % {"state": state, "count": count} for state, count in counted)
    return {
        "sum": text or words.nothing,
        "state": look or ("missing" if gaps else State.PAID if states.get(State.PAID) else "none"),
        "url": f"?{of_ward}year={year}#list",
        "link_said": words.link % {"year": year},
    }


# In the order in which the sum of a year names them.
SUMMED_LABELS = Some(
    {
        state: STATE_LABELS[state]
        for state in (State.PAID, State.OWED, State.COVERED, State.WRITTEN_OFF, State.TAKEN_BACK)
    }
)
