"""What a person and an employer can look up about their contributions. Whatever is not theirs answers 404."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any, cast

from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from contributions import brought_in, interest, queries, refunds, surcharges, suspending
from contributions.models import Charge, ChargeStatus, Receipt, Suspension
from contributions.personal_account import Account, accounts_of
from contributions.queries import STATE_LABELS, MonthRecord, State
from contributions.reckoning import explain
from portal.accounts.models import User
from portal.accounts.permissions import clerk_required, person_required
from portal.people.models import Employer, Person
from portal.policy.book import PolicyMissing, book
from portal.policy.terms import account_interest_terms, account_interest_years
from portal.shared import money
from portal.shared.insurance import CAPACITY_LABELS, INSURANCE_LABELS, Insurance
from portal.shared.months import Month, month_in_china, today_in_china

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

CHARGE_TONES = {
    ChargeStatus.OWED: "warn",
    ChargeStatus.PAID: "good",
    ChargeStatus.WRITTEN_OFF: "quiet",
    ChargeStatus.TAKEN_BACK: "quiet",
    ChargeStatus.VOID: "quiet",
}


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
    charge_id: int | None
    # What a screen reader says in place of the amount, which is a link.
    link_said: str


@require_safe
@person_required
def record(request: HttpRequest) -> HttpResponse:
    """参保缴费记录: a grid of years × 12 for each insurance, and the months of one year as a list."""
    person = _person(request)
    records = queries.record(person)
    years = sorted({one.month.year for one in records}, reverse=True)
    year = _chosen(request.GET.get("year"), years)
    listed = [_row(one) for one in reversed(records) if one.month.year == year]
    moved = brought_in.elsewhere(person)
    return render(
        request,
        "contributions/record.html",
        {
            "person": person,
            "grids": [
                {
                    "insurance": insurance,
                    "title": _(INSURANCE_LABELS[insurance]),
                    "rows": _grid(months),
                    "paid": _paid(months),
                    "moved": moved.get(insurance),
                }
                for insurance in Insurance
                if (months := [one for one in records if one.insurance == insurance])
            ],
            "years": [
                {"label": _("%(year)s年") % {"year": one}, "url": f"?year={one}#list", "current": one == year}
                for one in years
            ],
            "year": year,
            "rows": listed,
            "failed": [_row(one) for one in records if one.state == State.FAILED],
            "suspended": [_suspended(one) for one in suspending.standing(person)],
        },
    )


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
    shown = [
        (_(STATE_LABELS[one.state]), STATE_TONES[one.state], one.reason)
        for one in queries.record(person, since=found.month, until=found.month + 1)
        if one.charge_id == found.pk
    ]
    state, tone, reason = (
        shown[0] if shown else (found.get_status_display(), CHARGE_TONES[ChargeStatus(found.status)], "")
    )
    receipts = list(Receipt.objects.filter(charge=found).order_by("received_at"))
    returned = refunds.returned(receipts)
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
                    "years": [
                        (year, [(paid, interest.derivation(paid, on=today)) for paid in year.interests])
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
    """本单位应缴: a year of months as sums, and the people of one month. ``before`` asks for the year before a month."""
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
        queries.employer_record(employer, [month]) if month else Charge.objects.none(), ROWS_PER_PAGE
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
            "rows": [(one, CHARGE_TONES[ChargeStatus(one.status)], one.get_status_display()) for one in page],
        },
    )


def _person(request: HttpRequest) -> Person:
    """Whose login it is: ``person_required`` has let nobody else pass, and the database knows no personal login without one."""
    return cast(Person, cast(User, request.user).person)


def _before(asked: str | None, charges: QuerySet[Charge]) -> Month:
    """The month that was asked for, or the one after the latest charged; 404 for what is no month."""
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


def _row(one: MonthRecord) -> Row:
    return Row(
        month=one.month,
        insurance=_(INSURANCE_LABELS[one.insurance]),
        capacity=_(CAPACITY_LABELS[one.capacity]),
        employer=one.employer,
        city=book().city(one.city).title,
        amount_fen=one.amount_fen,
        personal_fen=one.personal_fen,
        employer_fen=one.employer_fen,
        state=_(STATE_LABELS[one.state]),
        tone=STATE_TONES[one.state],
        reason=one.reason,
        charge_id=one.charge_id,
        link_said=_("%(month)s%(insurance)s %(amount)s 元，查看为什么是这个数")
        % {
            "month": one.month.zh,
            "insurance": _(INSURANCE_LABELS[one.insurance]),
            "amount": "" if one.amount_fen is None else money.format_yuan(one.amount_fen),
        },
    )


def _paid(records: Iterable[MonthRecord]) -> int:
    return sum(one.state == State.PAID for one in records)


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


def _grid(records: list[MonthRecord]) -> list[dict[str, Any]]:
    """Rows for the ``months`` component, latest year first; a month between the first and the last without record is missing."""
    by_month = {one.month: one for one in records}
    first, last = records[0].month, records[-1].month
    rows = []
    for year, months in groupby(_all_months(first.year, last.year), key=lambda month: month.year):
        rows.append(
            {
                "year": year,
                "cells": [_cell(month, by_month.get(month), first < month < last) for month in months],
            }
        )
    return rows[::-1]


def _all_months(first_year: int, last_year: int) -> Iterable[Month]:
    return (Month(year, number) for year in range(first_year, last_year + 1) for number in range(1, 13))


def _cell(month: Month, one: MonthRecord | None, inside: bool) -> dict[str, Any]:
    if one is None:
        state, label = ("missing", _("中断")) if inside else ("none", _("无记录"))
        return {
            "month": month.month,
            "state": state,
            "label": label if inside else "",
            "text": f"{month.zh} {label}",
        }
    label = _(STATE_LABELS[one.state])
    amount = "" if one.amount_fen is None else _("%(yuan)s 元") % {"yuan": money.format_yuan(one.amount_fen)}
    short = {
        State.COVERED: _("参保"),
        State.WRITTEN_OFF: _("注销"),
        State.FAILED: _("失败"),
        State.TAKEN_BACK: _("清退"),
    }.get(one.state, label)
    return {
        "month": month.month,
        "state": str(one.state),
        "label": short,
        "text": f"{month.zh} {label} {amount}".strip(),
    }
