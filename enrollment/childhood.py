"""What services about children's and students' medical insurance share: when it begins, what the
months to August come to, and beginning it."""

from dataclasses import replace
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _

from enrollment import consequences, enrolling
from enrollment.enrolling import Wanted, terms_of
from enrollment.queries import Held
from enrollment.ways import to_stop
from portal.accounts.models import User
from portal.hall.desk import NotAccepted
from portal.hall.fields import MonthChoiceField
from portal.hall.models import Case
from portal.hall.service import Bar
from portal.people.models import Person
from portal.policy.book import Offer, book
from portal.policy.terms import offers
from portal.shared import money
from portal.shared.insurance import INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import Month, month_span, periods_zh, runs, today_in_china
from portal.web.wards import address_for

MEDICAL = Insurance.MEDICAL


def first_months(offer: Offer, *, filed_on: date) -> tuple[Month, ...]:
    """The months in which a child may begin: the one of filing, and where the offer closes it on an
    earlier day the next one too."""
    counted = offers.counted_month(offer, filed_on=filed_on)
    return tuple(month_span(Month.of(filed_on), counted + 1))


def first_month_field(offer: Offer, *, now: datetime, help_text: str = "") -> MonthChoiceField | None:
    """The choice of the first month; None where there is none."""
    months = first_months(offer, filed_on=today_in_china(now))
    if len(months) == 1:
        return None
    field = MonthChoiceField(
        label=_("从哪个月开始参保"), months=months, initial=str(months[0]), help_text=help_text
    )
    field.choice_hints = {str(month): costs(offer.city, month, filed_in=months[0]) for month in months}
    return field


def costs(city: str, start: Month, *, filed_in: Month) -> str:
    """What a child pays who begins with ``start``, in one sentence: 2026年9月至2027年8月，共 12
    个月，486.72 元，另有财政补助 973.44 元; "" where no figure says."""
    terms = terms_of(city, Capacity.CHILD, MEDICAL, start)
    if terms is None:
        return ""
    months = list(month_span(start, terms.first_of_year(max(start, filed_in)) + 12))
    prices = [
        consequences.quote(
            city=city, capacity=Capacity.CHILD, insurance=MEDICAL, tier=terms.tiers[0].code, month=month
        )
        for month in months
    ]
    said = _("{months}，共 {count} 个月，{amount} 元，另有财政补助 {public} 元").format(
        months=periods_zh(runs(months)),
        count=len(months),
        amount=money.format_yuan(sum(one.personal_fen for one in prices if one)),
        public=money.format_yuan(sum(one.public_fen for one in prices if one)),
    )
    mark = terms.leaf.reference.mark
    return said + (_("（{mark}）").format(mark=mark) if mark else "")


def still_insured(field: str, coverage: Held, name: str, ward: Person | None = None) -> Bar:
    """Why a child whom this coverage insures cannot be insured again, and what to do; the way is
    the ward's where there is one."""
    stop = to_stop(coverage.capacity).at(coverage.city)
    way = replace(stop, url=address_for(stop.url, ward))
    why = _("{name}在{city}的{insurance}仍在保，不能重复参保；改在别处参保的，请先{stop}。").format(
        name=name,
        city=book().city(coverage.city).title,
        insurance=INSURANCE_LABELS[coverage.insurance],
        stop=way,
    )
    return Bar(field, why, (way,))


def insure(
    child: Person, start: Month, *, field: str, offer: Offer, case: Case, by: User, now: datetime
) -> dict[str, Any]:
    """Begins the child's medical insurance; the outcome, its links for the ward. NotAccepted,
    beside ``field``, where no figure says what that month costs."""
    terms = terms_of(offer.city, Capacity.CHILD, MEDICAL, start)
    if terms is None:
        raise NotAccepted([Bar(field, _("{month}没有少儿医疗保险的缴费标准。").format(month=start.zh))])
    outcome = enrolling.insure(
        child,
        [Wanted(MEDICAL, terms.tiers[0].code, start)],
        offer=offer,
        capacity=Capacity.CHILD,
        case=case,
        by=by,
        now=now,
    )
    links = [[label, address_for(url, child)] for label, url in outcome.get("links", [])]
    return {**outcome, "links": links}
