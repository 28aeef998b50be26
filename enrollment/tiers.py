"""What flexible workers pay by: the tiers of an insurance that runs, and taking another one."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from enrollment import actions, consequences, queries
from enrollment.models import ContributionBase, Coverage
from enrollment.queries import Held
from portal.accounts.models import User
from portal.columns import runs_in
from portal.hall.desk import NotAccepted
from portal.hall.models import Case
from portal.hall.service import Bar
from portal.people.models import Person
from portal.policy.book import Offer, PolicyMissing, book
from portal.policy.terms import contribution, offers
from portal.shared import money
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month, today_in_china


def changeable(
    person: Person, offer: Offer, month: Month, insurance: Insurance = Insurance.PENSION
) -> tuple[Held, Month] | None:
    """The person's running flexible coverage of the insurance in the city, and the first month that
    another tier can apply to."""
    start = offers.counts_from(offer, filed_in=month)
    held = queries.to_go_on(queries.held(person.identity_number), month=start, capacity=Capacity.FLEXIBLE)
    for coverage in held:
        if coverage.city == offer.city and coverage.insurance == insurance:
            return coverage, max(start, coverage.start)
    return None


def tier_of(coverage_id: int, month: Month) -> str:
    """The tier that the coverage has in the month; "" where it has none."""
    base = ContributionBase.objects.filter(runs_in(month), coverage=coverage_id).first()
    return base.tier if base else ""


def tiers_in(
    city: str, month: Month, insurance: Insurance = Insurance.PENSION
) -> tuple[contribution.Tier, ...]:
    """The city's tiers of the insurance in the month."""
    try:
        return contribution.contribution_terms(
            book(), city=city, capacity=Capacity.FLEXIBLE, insurance=insurance, month=month
        ).tiers
    except PolicyMissing:
        return ()


def cost(city: str, tier: str, month: Month, insurance: Insurance = Insurance.PENSION) -> int | None:
    """What a month of the insurance costs at the tier, in fen."""
    price = consequences.quote(
        city=city, capacity=Capacity.FLEXIBLE, insurance=insurance, tier=tier, month=month
    )
    return price.personal_fen if price else None


def described(city: str, code: str, month: Month, insurance: Insurance = Insurance.PENSION) -> str:
    """A tier as it is told: 60%档，每月 393.04 元."""
    title = next((tier.title for tier in tiers_in(city, month, insurance) if tier.code == code), code)
    fen = cost(city, code, month, insurance)
    return (
        title
        if fen is None
        else _("{tier}，每月 {amount} 元").format(tier=title, amount=money.format_yuan(fen))
    )


def tier_field(
    *,
    city: str,
    insurance: Insurance,
    start: Month,
    tier_now: str,
    now: datetime,
    label: str,
    **kwargs: Any,
) -> forms.ChoiceField:
    """The choice of a tier from ``start`` on, each with what a month costs."""
    tiers = tiers_in(city, start, insurance)
    field = forms.ChoiceField(
        label=label,
        choices=[(tier.code, tier.title) for tier in tiers],
        widget=forms.RadioSelect,
        help_text=_("从{month}起按新的档次缴费，之前的月份不变。").format(month=start.zh)
        + contribution.flexible_standard(
            book(), city=city, insurance=insurance, month=start, on=today_in_china(now)
        ),
        **kwargs,
    )
    hints = {}
    for tier in tiers:
        fen = cost(city, tier.code, start, insurance)
        amount = _("每月 {amount} 元").format(amount=money.format_yuan(fen)) if fen is not None else ""
        hints[tier.code] = (
            _("{amount}（现在的档次）").format(amount=amount) if tier.code == tier_now else amount
        )
    field.choice_hints = hints  # type: ignore[attr-defined]
    return field


def take(held: Held, *, tier: str, start: Month, case: Case, field: str, by: User, now: datetime) -> Coverage:
    """Gives the coverage another tier from ``start`` on. NotAccepted, beside ``field``, where a
    room above bars it."""
    coverage = Coverage.objects.select_for_update().get(pk=held.pk)
    try:
        consequences.base_changed(coverage, start, by=by, now=now)
    except consequences.Barred as barred:
        raise NotAccepted([Bar(field, why) for why in barred.whys]) from barred
    actions.set_base(coverage, start=start, tier=tier, case=case)
    consequences.base_taken(coverage, start, now=now)
    return coverage
