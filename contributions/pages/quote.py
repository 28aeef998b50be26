"""算一算: anyone may ask what a month or several cost in a city, and why. Nothing is kept, nobody
is asked who they are."""

from typing import Any, TypeVar

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from contributions.prices.quoting import NotQuoted, Quote, quote_months
from portal.policy.book import City, PolicyMissing, book
from portal.policy.terms.contribution import ContributionTerms, contribution_terms
from portal.shared.insurance import CAPACITY_LABELS, INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import Month, month_in_china, today_in_china

# What one quote may span on the page: a year, as the longest that is paid at once.
MOST_MONTHS = 12

OTHER_BASE = "base"

Word = TypeVar("Word", Capacity, Insurance)


class QuoteForm(forms.Form):
    """Months, and a tier or a base, of one capacity and insurance; what may be chosen follows the
    terms of ``terms``."""

    use_required_attribute = False

    def __init__(
        self,
        data: Any,
        *,
        city: City,
        capacity: Capacity,
        insurance: Insurance,
        terms: ContributionTerms,
        now: Month,
    ) -> None:
        super().__init__(data, initial={"year": str(now.year), "month": str(now.month), "count": "1"})
        self.city, self.capacity, self.insurance = city, capacity, insurance
        self.quote: Quote | None = None
        first = book().history(city.slug, f"{capacity}_{insurance}")[0].since.year
        years = range(now.year + 1, first - 1, -1)
        self.fields["year"] = forms.ChoiceField(
            label=_("起始年份"),
            choices=[(str(year), _("%(year)s年") % {"year": year}) for year in years],
            error_messages={"invalid_choice": _("没有这一年的缴费标准，请从列表中选择。")},
        )
        self.fields["month"] = forms.ChoiceField(
            label=_("起始月份"),
            choices=[(str(month), _("%(month)s月") % {"month": month}) for month in range(1, 13)],
        )
        self.fields["count"] = forms.ChoiceField(
            label=_("缴几个月"),
            choices=[(str(n), _("%(count)s 个月") % {"count": n}) for n in range(1, MOST_MONTHS + 1)],
        )
        by_tier_only = not terms.takes_base
        if terms.tiers:
            choices = [(tier.code, tier.title) for tier in terms.tiers]
            if not by_tier_only:
                choices.append((OTHER_BASE, _("自选基数")))
            self.fields["tier"] = forms.ChoiceField(
                label=_("缴费档次"),
                choices=choices,
                widget=forms.RadioSelect,
                initial=terms.tiers[0].code,
                error_messages={
                    "required": _("请选择缴费档次。"),
                    "invalid_choice": _("没有这一缴费档次，请从下列档次中选择。"),
                },
            )
        if not by_tier_only:
            base = forms.CharField(
                label=_("自选基数") if terms.tiers else _("每月工资"),
                required=not terms.tiers,
                max_length=20,
                help_text=_("选择“自选基数”时填写。超出上下限的，按上下限计。")
                if terms.tiers
                else _("超出缴费基数上下限的，按上下限计。"),
                error_messages={"required": _("请填写每月工资。")},
                widget=forms.TextInput(
                    attrs={"class": "w-11", "inputmode": "decimal", "autocomplete": "off"}
                ),
            )
            base.suffix = _("元")  # type: ignore[attr-defined]
            self.fields["base"] = base
        if terms.employer_rate is None:
            self.fields["grade"] = forms.ChoiceField(
                label=_("行业风险类别"),
                choices=[
                    (str(grade), _("第 %(grade)s 类") % {"grade": grade})
                    for grade in sorted(terms.grade_rates)
                ],
                help_text=_("由社保经办机构按单位所属行业核定，可向本单位询问。"),
            )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        tier = cleaned.get("tier", "")
        by_base = tier in ("", OTHER_BASE)
        if by_base and not cleaned.get("base"):
            self.add_error("base", _("请填写自选基数。"))
            return cleaned
        start = Month(int(cleaned["year"]), int(cleaned["month"]))
        grade = cleaned.get("grade")
        try:
            self.quote = quote_months(
                city=self.city.slug,
                capacity=self.capacity,
                insurance=self.insurance,
                start=start,
                until=start + int(cleaned["count"]),
                tier="" if by_base else tier,
                base=cleaned["base"] if by_base else "",
                industry_grade=int(grade) if grade else None,
            )
        except NotQuoted as refusal:
            about = refusal.about if refusal.about in self.fields else None
            self.add_error(about, str(refusal))
        return cleaned


@require_safe
def quote(request: HttpRequest, city: str) -> HttpResponse:
    """The amount with its reasons, for a capacity and insurance that the city has figures for."""
    place, now = book().city(city), timezone.now()
    capacities = {capacity: insurances for capacity in Capacity if (insurances := _priced(place, capacity))}
    if not capacities:
        raise Http404
    capacity = _chosen(Capacity, request.GET.get("capacity"), list(capacities), first=Capacity.FLEXIBLE)
    insurance = _chosen(
        Insurance, request.GET.get("insurance"), capacities[capacity], first=Insurance.PENSION
    )
    this_month = month_in_china(now)
    form = QuoteForm(
        request.GET if "year" in request.GET else None,
        city=place,
        capacity=capacity,
        insurance=insurance,
        terms=_terms(place, capacity, insurance, _typed_month(request) or this_month),
        now=this_month,
    )
    priced = form.quote if form.is_bound and form.is_valid() else None
    return render(
        request,
        "contributions/quote.html",
        {
            "city": place,
            "form": form,
            "capacity": capacity,
            "insurance": insurance,
            "title": _(CAPACITY_LABELS[capacity]) + _(INSURANCE_LABELS[insurance]),
            "capacities": [
                {"label": _(CAPACITY_LABELS[one]), "url": f"?capacity={one}", "current": one == capacity}
                for one in capacities
            ],
            "insurances": [
                {
                    "label": _(INSURANCE_LABELS[one]),
                    "url": f"?capacity={capacity}&insurance={one}",
                    "current": one == insurance,
                }
                for one in capacities[capacity]
            ],
            "quote": priced,
            "parts": priced.parts(on=today_in_china(now)) if priced else [],
        },
    )


def _priced(place: City, capacity: Capacity) -> list[Insurance]:
    names = book().names(place.slug)
    return [insurance for insurance in Insurance if f"{capacity}_{insurance}" in names]


def _chosen(words: type[Word], text: str | None, allowed: list[Word], *, first: Word) -> Word:
    """The one asked for; where none is asked for, the usual one. Http404 for what the city has no
    figures for."""
    if text is None:
        return first if first in allowed else allowed[0]
    if text not in allowed:
        raise Http404
    return words(text)


def _terms(place: City, capacity: Capacity, insurance: Insurance, month: Month) -> ContributionTerms:
    """The terms of the month; before the first ones, those: the form can be shown, and says that
    the month has none."""
    try:
        return contribution_terms(
            book(), city=place.slug, capacity=capacity, insurance=insurance, month=month
        )
    except PolicyMissing:
        since = book().history(place.slug, f"{capacity}_{insurance}")[0].since
        first = Month.of(since) + (1 if since.day > 1 else 0)
        return contribution_terms(
            book(), city=place.slug, capacity=capacity, insurance=insurance, month=first
        )


def _typed_month(request: HttpRequest) -> Month | None:
    try:
        return Month.parse(f"{request.GET.get('year', '')}-{request.GET.get('month', ''):0>2}")
    except ValueError:
        return None
