"""What a person and an employer can look up about their contributions. Whatever is not theirs
answers 404."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
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
from portal.accounts.permissions import clerk_required, person_required
from portal.people.models import Employer, Person
from portal.policy.book import PolicyMissing, book
from portal.policy.terms.personal_account import account_interest_terms, account_interest_years
from portal.shared import money
from portal.shared.insurance import CAPACITY_LABELS, INSURANCE_LABELS, Insurance
from portal.shared.months import Month, month_in_china, today_in_china
from portal.shared.tables import Some

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


# So many of the latest years are shown month by month; of those before only what they come to.
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
    # Why the amount is what it is; "" until the month is charged. What a screen reader says in
    # place of the amount.
    url: str
    link_said: str


@require_safe
@person_required
def record(request: HttpRequest) -> HttpResponse:
    """参保缴费记录: a grid of years × 12 for each insurance, and the months of one year as a list.

    Of a long history the grid has the last years' months and what each year before comes to;
    ``?all=months`` has all months.
    """
    person = _person(request)
    coverages = by_month.coverages_of(person)
    now = timezone.now()
    this = month_in_china(now)
    by_insurance = years_of(person, coverages, this=this)
    years = _all_years(by_insurance.values())
    year = _chosen(request.GET.get("year"), years)
    whole = request.GET.get("all") == WHOLE
    since = Month(years[0] - YEARS_BY_MONTH + 1, 1) if len(years) > YEARS_BY_MONTH and not whole else None
    records = by_month.record(person, since=since, coverages=coverages, this=this)
    owed_before = since is not None and any(one.owed_before(since.year) for one in by_insurance.values())
    listed = (
        by_month.record(
            person, since=Month(year, 1), until=Month(year + 1, 1), coverages=coverages, this=this
        )
        if year and since and year < since.year
        else [one for one in records if one.month.year == year]
    )
    moved = brought_in.elsewhere(person)
    suspended = suspending.standing(person)
    failed = [one for one in (by_month.owed(person) if owed_before else records) if one.state == State.FAILED]
    steps = what_is_due.what_next(failed, person, now, suspended={one.coverage_id for one in suspended})
    more = f"all={WHOLE}&" if whole else ""
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
                        by_insurance[insurance], [one for one in records if one.insurance == insurance], since
                    ),
                    "paid": by_insurance[insurance].paid,
                    "moved": moved.get(insurance),
                }
                for insurance in Insurance
                if insurance in by_insurance
            ],
            "all_months": f"?all={WHOLE}" if since else "",
            "years": [
                {
                    "label": _("%(year)s年") % {"year": one},
                    "url": f"?{more}year={one}#list",
                    "current": one == year,
                }
                for one in years
            ],
            "year": year,
            "rows": _rows(reversed(listed)),
            "failed": [_failed(one, steps.get(one.charge_id or 0)) for one in failed],
            "suspended": [_suspended(one) for one in suspended],
        },
    )


def _all_years(found: Iterable[Years]) -> list[int]:
    """Every year of any insurance's, the latest first."""
    known = list(found)
    if not known:
        return []
    first, last = min(one.first.year for one in known), max(one.last.year for one in known)
    return list(range(last, first - 1, -1))


@require_safe
@person_required
def charge(request: HttpRequest, pk: int) -> HttpResponse:
    """One charge of one's own: the amount, why it is that amount, how it was drawn and paid."""
    person = _person(request)
    found = get_object_or_404(Charge.objects.select_related("employer", "cancellation"), pk=pk, person=person)
    try:
        derivation = explain(found, on=today_in_china(timezone.now()))
    except PolicyMissing:
        derivation = None
    surcharge = found.surcharges.filter(live=True).first()
    # A void charge is in no record; it has only its own status.
    month = next(
        (
            one
            for one in by_month.record(person, since=found.month, until=found.month + 1)
            if one.charge_id == found.pk
        ),
        None,
    )
    state, tone, reason = (
        (_(STATE_LABELS[month.state]), STATE_TONES[month.state], month.reason)
        if month
        else (found.get_status_display(), CHARGE_LIFE_CYCLE.tone(found.status), "")
    )
    receipts = list(Receipt.objects.filter(charge=found).order_by("received_at", "pk"))
    returned = held_money.returned(receipts)
    return render(
        request,
        "contributions/charge.html",
        {
            "charge": found,
            "city_title": book().city(found.city).title,
            "insurance": _(INSURANCE_LABELS[Insurance(found.insurance)]),
            "capacity": found.get_capacity_display(),
            "derivation": derivation,
            "surcharge": surcharge,
            "surcharge_why": surcharges.explain(surcharge, on=today_in_china(timezone.now()))
            if surcharge
            else None,
            "state": state,
            "tone": tone,
            "reason": reason,
            "what_next": what_is_due.what_next([month], person, timezone.now()).get(found.pk)
            if month
            else None,
            "receipts": [(one, returned.get(one.pk)) for one in receipts],
        },
    )


@require_safe
@person_required
def account(request: HttpRequest) -> HttpResponse:
    """个人账户: the statement of one's own accounts, by year."""
    person = _person(request)
    today = today_in_china(timezone.now())
    return render(
        request,
        "contributions/account.html",
        {
            "person": person,
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
    """What the balance does not hold yet: the interest of which years, and what it waits for."""
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
    """本单位应缴: a year of months as sums, and the people of one month. ``before`` asks for the
    year before a month."""
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


def _person(request: HttpRequest) -> Person:
    """Whose login it is: ``person_required`` has let nobody else pass, and the database knows no
    personal login without one."""
    return cast(Person, cast(User, request.user).person)


def _before(asked: str | None, charges: QuerySet[Charge]) -> Month:
    """The month that was asked for, or the one after the latest charged; 404 for what is no
    month."""
    if asked:
        try:
            return Month.parse(asked)
        except ValueError:
            raise Http404 from None
    latest = charges.order_by("-month").values_list("month", flat=True).first()
    return (latest or month_in_china(timezone.now())) + 1


def _chosen(asked: str | None, possible: list[Any]) -> Any:
    """What was asked for, the first where nothing was; 404 for what is not there."""
    if not asked:
        return possible[0] if possible else None
    for one in possible:
        if str(one) == asked:
            return one
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
            reason=one.reason,
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


@cache
def _charges_url() -> str:
    """What the address of every charge begins with."""
    return reverse("record-charge", args=[0]).removesuffix("0/")


def _failed(one: MonthRecord, step: what_is_due.Next | None) -> dict[str, str]:
    """A month whose debit failed: why, what is to be done about it, and where (an address, may be
    empty)."""
    asked = bool(step and step.asked)
    return {
        "tone": "info" if asked else "error",
        "title": (_("%(month)s%(insurance)s待扣款") if asked else _("%(month)s%(insurance)s扣款失败"))
        % {"month": one.month.zh, "insurance": _(INSURANCE_LABELS[one.insurance])},
        "text": _("。").join(part for part in (one.reason, step.text if step else "") if part),
        "url": step.url if step and step.url != reverse("record") else "",
    }


def _suspended(one: Suspension) -> dict[str, str]:
    """A suspension that stands, and where it can be settled (an address, may be empty)."""
    city = one.coverage.city
    service = suspending.service_to_settle(city)
    return {
        "title": _("%(insurance)s暂停缴费")
        % {"insurance": _(INSURANCE_LABELS[Insurance(one.coverage.insurance)])},
        "text": _("%(why)s，自%(start)s起暂停缴费，不再自动扣款。%(to_do)s")
        % {"why": one.why, "start": one.start.zh, "to_do": suspending.what_to_do(city)},
        "url": reverse("service", args=[city, service]) if service else "",
        "label": book().city(city).offers[service].title if service else "",
    }


def _grid(years: Years, records: list[MonthRecord], since: Month | None) -> list[dict[str, Any]]:
    """Rows for the ``months`` component, latest year first: month by month from ``since``, before
    it what a year comes to."""
    of_month = {one.month: one for one in records}
    first_cell = since or Month(years.first.year, 1)
    words = {state: (_(label), _(SHORT_LABELS.get(state, label))) for state, label in STATE_LABELS.items()}
    sums, gap, nothing, yuan = _SumWords.now(), _("中断"), _("无记录"), _("元")
    rows: list[dict[str, Any]] = []
    for year in range(years.last.year, years.first.year - 1, -1):
        if year < first_cell.year:
            rows.append({"year": year, **_sum_of(years, year, sums)})
            continue
        cells = []
        for number in range(1, 13):
            month = Month(year, number)
            one = of_month.get(month)
            if one is not None:
                state, short = words[one.state]
                cells.append(Cell(number, one.state, short, f"{month.zh} {state}{_amount(one, yuan)}"))
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


def _amount(one: MonthRecord, yuan: str) -> str:
    return "" if one.amount_fen is None else f" {money.format_yuan(one.amount_fen)} {yuan}"


class _SumWords(NamedTuple):
    """The words for what years come to, looked up once for a page."""

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


def _sum_of(years: Years, year: int, words: _SumWords) -> dict[str, Any]:
    """What a year comes to, in words, and how it looks: as its most pressing months do."""
    states, gaps = years.states.get(year, Counter()), years.gaps(year)
    counted = [(word, states[state]) for state, word in words.states if states.get(state)]
    if gaps:
        counted.append((words.gap, gaps))
    look = next((state for state in (State.OWED, State.COVERED) if states.get(state)), None)
    said = words.between.join(words.months % {"state": state, "count": count} for state, count in counted)
    return {
        "sum": said or words.nothing,
        "state": look or ("missing" if gaps else State.PAID if states.get(State.PAID) else "none"),
        "url": f"?year={year}#list",
        "link_said": words.link % {"year": year},
    }


# In the order in which a year tells them.
SUMMED_LABELS = Some(
    {
        state: STATE_LABELS[state]
        for state in (State.PAID, State.OWED, State.COVERED, State.WRITTEN_OFF, State.TAKEN_BACK)
    }
)
