"""Quotes (缴费测算): what one month or a span of months costs, from what people type. The price
itself is the formula's."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.utils.translation import gettext as _

from contributions.prices.formula import Derivation, derivation, reckon
from contributions.prices.reckoned import Reckoned, percent_text
from portal.policy.book import Book, PolicyMissing, book
from portal.policy.terms.contribution import Charged, ContributionTerms, contribution_terms
from portal.shared import money
from portal.shared.characters import narrow
from portal.shared.insurance import CAPACITY_LABELS, INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import Month, month_span

LONGEST_SPAN = 600

# A share from here on can only be meant in percent: nobody pays on ten times the average wage.
_PERCENT_FROM = Decimal(10)


class NotQuoted(ValueError):
    """What was asked cannot be priced; the text says in Chinese what to do. ``about``: month,
    until, tier, base or grade."""

    def __init__(self, why: str, *, about: str) -> None:
        super().__init__(why)
        self.about = about


@dataclass(frozen=True, slots=True)
class PricedMonth:
    """One month of a quote; ``tier`` is the code of the city's tier that priced it, empty where a
    base did."""

    month: Month
    tier: str
    price: Reckoned
    terms: ContributionTerms


@dataclass(frozen=True, slots=True)
class Part:
    """Months in a row, [start, until), that cost the same for the same reasons."""

    start: Month
    until: Month
    price: Reckoned
    derivation: Derivation

    @property
    def count(self) -> int:
        return self.until - self.start

    @property
    def fen(self) -> int:
        return self.price.amount_fen * self.count

    @property
    def public_fen(self) -> int:
        return self.price.public_fen * self.count


@dataclass(frozen=True, slots=True)
class Quote:
    """The months asked for, each with its price; the sums are fen."""

    months: tuple[PricedMonth, ...]

    def sum_of(self, part: Callable[[Reckoned], int]) -> int:
        return sum(part(one.price) for one in self.months)

    @property
    def amount_fen(self) -> int:
        return self.sum_of(lambda price: price.amount_fen)

    @property
    def personal_fen(self) -> int:
        return self.sum_of(lambda price: price.personal_fen)

    @property
    def employer_fen(self) -> int:
        return self.sum_of(lambda price: price.employer_fen)

    @property
    def account_fen(self) -> int:
        return self.sum_of(lambda price: price.account_fen)

    @property
    def public_fen(self) -> int:
        """What public money pays beside it."""
        return self.sum_of(lambda price: price.public_fen)

    @property
    def yearly(self) -> bool:
        """Whether each charge is for a year."""
        return self.months[0].terms.charged == Charged.YEAR

    def parts(self, *, on: dt.date) -> list[Part]:
        """The months, those alike together, explained as on a day."""
        parts: list[Part] = []
        for priced in self.months:
            if parts and parts[-1].price == priced.price:
                last = parts.pop()
                parts.append(Part(last.start, priced.month + 1, last.price, last.derivation))
            else:
                parts.append(
                    Part(priced.month, priced.month + 1, priced.price, derivation(priced.price, on=on))
                )
        return parts


def quote_months(
    *,
    city: str,
    capacity: Capacity,
    insurance: Insurance,
    start: Month,
    until: Month | None = None,
    tier: str = "",
    base: str = "",
    industry_grade: int | None = None,
    policy: Book | None = None,
) -> Quote:
    """Price the months [start, until), or ``start`` alone, by the terms in force in each of them.
    What is paid by the year is priced in the first of them and in each January.

    Either ``tier`` (a tier's code, a share of the average wage such as 0.6 or 60, min or max) or
    ``base`` (yuan) as typed. Raises NotQuoted; UnknownCity.
    """
    known = policy or book()
    place = known.city(city)
    if start.year >= dt.MAXYEAR:
        raise NotQuoted(_("请填写实际的月份。"), about="month")
    end = start + 1 if until is None else until
    if end <= start:
        raise NotQuoted(_("结束月份应在起始月份之后（结束月份本身不计入）。"), about="until")
    if end - start > LONGEST_SPAN:
        raise NotQuoted(_("一次最多测算 %(count)s 个月。") % {"count": LONGEST_SPAN}, about="until")
    if bool(tier.strip()) == bool(base.strip()):
        raise NotQuoted(_("请填写缴费档次或缴费基数，二者选一。"), about="base")
    wage = _wage(base) if base.strip() else None
    months: list[PricedMonth] = []
    for month in month_span(start, end):
        try:
            terms = contribution_terms(known, city=city, capacity=capacity, insurance=insurance, month=month)
        except PolicyMissing as missing:
            raise NotQuoted(
                _("%(city)s没有 %(month)s 的%(capacity)s%(insurance)s缴费标准。%(earliest)s")
                % {
                    "city": place.title,
                    "month": month.zh,
                    "capacity": _(CAPACITY_LABELS[capacity]),
                    "insurance": _(INSURANCE_LABELS[insurance]),
                    "earliest": _earliest(known, city, capacity, insurance),
                },
                about="month",
            ) from missing
        if months and terms.charged == Charged.YEAR and terms.first_of_year(month) != month:
            continue  # paid with the year's first month
        months.append(_price(terms, month, tier.strip(), wage, industry_grade))
    return Quote(tuple(months))


def tier_of(terms: ContributionTerms, text: str) -> tuple[str, Decimal | None]:
    """What a typed tier stands for in the terms: a tier's code and no base, or, where the terms
    have no tiers, an exact base.

    min and max are the cheapest and the dearest tier, or the lowest and the highest base.
    """
    typed = text.strip().lower()
    if terms.tiers:
        if typed in ("min", "max"):
            by_price = sorted(terms.tiers, key=lambda tier: terms.tier_base(tier.code) * tier.rate)
            return (by_price[0] if typed == "min" else by_price[-1]).code, None
        for tier in terms.tiers:
            if typed == tier.code.lower() or typed in tier.instead_of:
                return tier.code, None
        share = _share(typed)
        for tier in terms.tiers:
            if tier.share == share:
                return tier.code, None
        raise NotQuoted(
            _("没有“%(tier)s”这一缴费档次。可选：%(tiers)s。")
            % {
                "tier": text.strip(),
                "tiers": "、".join(_tier_text(tier.title, tier.share) for tier in terms.tiers),
            },
            about="tier",
        )
    if typed in ("min", "max"):
        return "", terms.floor if typed == "min" else terms.ceiling
    share = _share(typed)
    if share is None or terms.average_wage is None:
        raise NotQuoted(
            _("没有“%(tier)s”这一缴费档次。可填平均工资的比例（如 0.6）、min 或 max。")
            % {"tier": text.strip()},
            about="tier",
        )
    return "", terms.average_wage * share


def _price(
    terms: ContributionTerms, month: Month, tier: str, wage: Decimal | None, grade: int | None
) -> PricedMonth:
    code = ""
    if wage is None:
        code, wage = tier_of(terms, tier)
    try:
        price = reckon(
            terms, tier=code, wage=wage, insurance=terms.insurance, month=month, industry_grade=grade
        )
    except PolicyMissing as missing:
        if terms.employer_rate is None:
            grades = "、".join(str(one) for one in sorted(terms.grade_rates))
            raise NotQuoted(
                _("请选择行业风险类别：%(grades)s。") % {"grades": grades}, about="grade"
            ) from missing
        titles = "、".join(one.title for one in terms.tiers)
        raise NotQuoted(
            _("这里按档次缴费，各档费率不同，不能自选基数。可选：%(tiers)s。") % {"tiers": titles},
            about="base",
        ) from missing
    return PricedMonth(month, code, price, terms)


def _wage(text: str) -> Decimal:
    try:
        fen = money.parse_yuan(text)
    except money.InvalidAmount as error:
        raise NotQuoted(
            _("“%(base)s”不是金额，请填写例如 4494 或 4494.50，最多两位小数。") % {"base": text.strip()},
            about="base",
        ) from error
    if fen <= 0:
        raise NotQuoted(_("缴费基数应大于 0 元。"), about="base")
    return money.yuan(fen)


def _share(typed: str) -> Decimal | None:
    plain = narrow(typed)
    percent = plain.endswith("%")
    try:
        number = Decimal(plain.removesuffix("%"))
    except InvalidOperation:
        return None
    if not number.is_finite() or number <= 0:
        return None
    return number / 100 if percent or number >= _PERCENT_FROM else number


def _tier_text(title: str, share: Decimal) -> str:
    percent = percent_text(share)
    return title if not share or percent in title else f"{title}({percent})"


def _earliest(known: Book, city: str, capacity: Capacity, insurance: Insurance) -> str:
    try:
        first = known.history(city, f"{capacity}_{insurance}")[0]
    except PolicyMissing:
        return ""
    return _("现有标准自%(month)s起。") % {"month": Month.of(first.since).zh}
