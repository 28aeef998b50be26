"""What may be ordered of the months to pay: by insurance, at which tiers, and why not."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from contributions.models import Charge, ChargeStatus, DebitLine, LineStatus
from contributions.orders.queries import in_orders
from contributions.prices.formula import quote
from enrollment.models import ContributionBase, Coverage
from enrollment.ways import ENROL
from portal.columns import overlapping
from portal.people.models import Person
from portal.policy.book import PolicyMissing, book
from portal.policy.terms.contribution import ContributionTerms, contribution_terms
from portal.policy.terms.offers import pay_months
from portal.shared.insurance import INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import Month, Period, month_in_china

# The offer whose months an order may pay.
SERVICE = "flexible-pay"

Picks = Mapping[Insurance, tuple[str, Sequence[Month]]]

_AT_THE_BANK = (LineStatus.PENDING, LineStatus.MISSING)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something cannot be ordered, in Chinese. ``insurance``: which it concerns ("": the whole
    order); ``about``: its "tier" or its "months", or ""."""

    why: str
    insurance: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True)
class Payable:
    """What may be ordered of one insurance: the tiers, and the months, some of them barred with the
    reason.

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


def payable(person: Person, city: str, *, now: dt.datetime) -> list[Payable]:
    """What the person may order in the city now, as a flexible worker; empty where the city takes
    no orders or does not insure them. The number of queries does not grow with the months."""
    place = book().city(city)
    if SERVICE not in place.offers:
        return []
    this_month = month_in_china(now)
    window = pay_months(place.offers[SERVICE], filed_in=this_month)
    coverages = (
        Coverage.objects.filter(
            overlapping(Period(window[0], window[-1] + 1)),
            person=person,
            city=city,
            capacity=Capacity.FLEXIBLE,
            live=True,
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
    order_of_charge = in_orders(charges.values())
    drawn = set(
        DebitLine.objects.filter(charge__in=charges.values(), status__in=_AT_THE_BANK).values_list(
            "charge_id", flat=True
        )
    )
    payables = []
    for insurance in Insurance:
        if insurance in latest and (terms := _terms(city, insurance, this_month)):
            of_insurance = {month: charge for (kind, month), charge in charges.items() if kind == insurance}
            payables.append(
                _payable(latest[insurance], terms, window, this_month, of_insurance, order_of_charge, drawn)
            )
    return payables


def _payable(
    coverage: Coverage,
    terms: ContributionTerms,
    window: Sequence[Month],
    this_month: Month,
    charges: Mapping[Month, Charge],
    order_of_charge: Mapping[int, str],
    drawn: set[int],
) -> Payable:
    bases = list(coverage.bases.all())
    barred: dict[Month, str] = {}
    fixed: dict[Month, str] = {}
    for month in window:
        charge = charges.get(month)
        if charge is None and month < this_month:
            # A past month without a charge would be paid in arrears; flexible-pay does not offer
            # that.
            continue
        why = _why_not(coverage, month, charge, order_of_charge, drawn)
        if why:
            barred[month] = why
        elif charge is not None and month < this_month:
            fixed[month] = charge.basis
    return Payable(
        insurance=Insurance(coverage.insurance),
        coverage_id=coverage.pk,
        tiers=tuple((tier.code, tier.title) for tier in terms.tiers),
        tier_now=tier_in(bases, max(this_month, coverage.start)),
        months=tuple(
            month for month in window if month not in barred and (month >= this_month or month in charges)
        ),
        barred=barred,
        fixed=fixed,
    )


def _why_not(
    coverage: Coverage,
    month: Month,
    charge: Charge | None,
    order_of_charge: Mapping[int, str],
    drawn: set[int],
) -> str:
    if charge is None or charge.coverage_id != coverage.pk:
        if not coverage.runs_in(month):
            return _("当月未以灵活就业身份参保")
        return _("当月已在其他参保地或单位缴费") if charge else ""
    if charge.status == ChargeStatus.PAID:
        return _("已缴费")
    if charge.status == ChargeStatus.WRITTEN_OFF:
        return _("已注销")
    if charge.status == ChargeStatus.TAKEN_BACK:
        return _("重复缴费已清退")
    if charge.pk in order_of_charge:
        return _("已在订单 %(number)s 中") % {"number": order_of_charge[charge.pk]}
    if charge.pk in drawn:
        return _("已送银行扣款，结果返回前请勿重复缴费")
    return ""


def refusals(payables: Sequence[Payable], picks: Picks, city: str) -> list[Refusal]:
    """Why these picks cannot be ordered; empty where they can."""
    wanted = {insurance: (tier, months) for insurance, (tier, months) in picks.items() if months}
    if not wanted:
        return [Refusal(_("请至少选择一个险种的缴费月份。"))]
    by_insurance = {one.insurance: one for one in payables}
    whys: list[Refusal] = []
    for insurance, (tier, months) in wanted.items():
        choice = by_insurance.get(insurance)
        name = _(INSURANCE_LABELS[insurance])
        if choice is None:
            why = _("%(name)s没有可以缴费的参保关系，请先%(enrol)s。") % {
                "name": name,
                "enrol": ENROL.at(city),
            }
            whys.append(Refusal(why, insurance))
        elif tier not in dict(choice.tiers):
            why = _("%(name)s没有这一缴费档次，请重新选择。") % {"name": name}
            whys.append(Refusal(why, insurance, "tier"))
        else:
            whys += _month_refusals(choice, city, name, tier, sorted(set(months)))
    return whys


def _month_refusals(
    choice: Payable, city: str, name: str, tier: str, months: Sequence[Month]
) -> Iterator[Refusal]:
    titles = dict(choice.tiers)
    for month in months:
        words = {"month": month.zh, "name": name}
        if month not in choice.months:
            why = choice.barred.get(month) or _("不在可缴费的月份之内")
            yield Refusal(
                _("%(month)s%(name)s：%(why)s。") % {**words, "why": why}, choice.insurance, "months"
            )
            continue
        fixed = choice.fixed.get(month, tier)
        if fixed != tier:
            why = _("%(month)s%(name)s已按%(tier)s核定，以往月份不能改档，请按该档次另下一单。")
            yield Refusal(why % {**words, "tier": titles.get(fixed, fixed)}, choice.insurance, "tier")
            continue
        try:
            choice.price(city, tier, month)
        except PolicyMissing:
            why = _("%(month)s%(name)s没有这一档次的计费标准。")
            yield Refusal(why % words, choice.insurance, "tier")


def _terms(city: str, insurance: Insurance, month: Month) -> ContributionTerms | None:
    try:
        return contribution_terms(
            book(), city=city, capacity=Capacity.FLEXIBLE, insurance=insurance, month=month
        )
    except PolicyMissing:
        return None


def tier_in(bases: Iterable[ContributionBase], month: Month) -> str:
    """The tier in force in the month; "" where there is none."""
    return next((base.tier for base in bases if base.runs_in(month)), "")
