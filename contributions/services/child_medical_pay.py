"""少儿医保缴费: a guardian pays the rest of a child's insurance year at once, by an order."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contributions.charges import charging
from contributions.orders import insurance_year, placing
from contributions.orders.insurance_year import YearToPay
from contributions.orders.ordered_service import OrderedService
from contributions.orders.parts import Part
from contributions.prices.formula import derivation, quote
from enrollment import queries
from enrollment.ways import CHILD_ENROL, CHILD_UPKEEP
from portal.accounts.models import User
from portal.hall.desk import NotAccepted
from portal.hall.fields import MonthChoiceField
from portal.hall.models import Case
from portal.hall.service import Ask, Audience, Bar, Finding, ServiceForm, Theme
from portal.hall.ways import to_page
from portal.people.guardianship import comes_of_age
from portal.people.models import Person
from portal.policy.book import Offer, book
from portal.policy.terms.contribution import contribution_terms
from portal.shared import money
from portal.shared.insurance import INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import Month, moment_zh, periods_zh, runs, today_in_china
from portal.web.wards import address_for

MEDICAL = Insurance.MEDICAL


def _year(person: Person, offer: Offer, now: datetime) -> YearToPay | None:
    closes_on = offer.options.get("month_closes_on")
    return insurance_year.to_pay(person, offer.city, closes_on=closes_on, now=now)


class YearForm(ServiceForm):
    """The month from which the rest of the insurance year is paid."""

    def build(self) -> None:
        person = self.applicant.person
        year = _year(person, self.offer, self.now) if person else None
        if year is None or not year.months:
            return
        starts = [min(year.months), *([year.or_from] if year.or_from else [])]
        field = MonthChoiceField(
            label=_("从哪个月开始缴费"),
            months=starts,
            initial=str(starts[0]),
            help_text=_("保险年度：{first}至{last}，余下的月份一次缴清。").format(
                first=year.first.zh, last=year.last.zh
            ),
            error_messages={"required": _("请选择从哪个月开始缴费。")},
        )
        field.choice_hints = {str(start): _cost(year.from_month(start)) for start in starts}
        self.fields["start"] = field


def _cost(months: dict[Month, int]) -> str:
    return _("到{last}共 {count} 个月，{amount} 元").format(
        last=max(months).zh, count=len(months), amount=money.format_yuan(sum(months.values()))
    )


@dataclass(frozen=True)
class YearFacts:
    """What is left of the year, whether the school collects instead, and whether the person is not
    of age on the day of filing."""

    year: YearToPay | None
    at_school: bool
    minor: bool

    def frozen(self) -> dict[str, Any]:
        year = self.year
        return {
            "months": {str(month): fen for month, fen in year.months.items()} if year else {},
            "lapsed": [str(month) for month in year.lapsed] if year else [],
        }


class ChildMedicalPay(OrderedService):
    code = insurance_year.SERVICE
    title = gettext_lazy("少儿医保缴费")
    audience = Audience.PERSON
    theme = Theme.PAYMENT
    form = YearForm
    needs = ("payment",)
    for_wards = True
    submit_label = gettext_lazy("生成缴费订单")
    also_known_as = ("少儿医疗保险缴费", "缴少儿医保")

    def facts(self, ask: Ask, outside: Any) -> YearFacts:
        today = today_in_china(ask.filed_at)
        held = queries.held(ask.person.identity_number)
        students = queries.to_go_on(held, month=ask.month, capacity=Capacity.STUDENT)
        return YearFacts(
            year=_year(ask.person, ask.offer, ask.filed_at),
            at_school=any((one.city, one.insurance) == (ask.offer.city, MEDICAL) for one in students),
            minor=today < comes_of_age(ask.person.birth_date, on=today),
        )

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        yield from self._bars(ask, self.facts(ask, None))

    def rule(self, ask: Ask, facts: YearFacts) -> Iterator[Finding]:
        yield from self._bars(ask, facts)

    def _bars(self, ask: Ask, facts: YearFacts) -> Iterator[Bar]:
        """What bars it whatever month is chosen."""
        year, city, ward = facts.year, ask.offer.city, ask.applicant.ward
        if year is None and facts.at_school:
            yield Bar("", _("在校学生由学校统一收缴，请向学校缴费。"))
        elif year is None:
            first, again = CHILD_ENROL.at(city), CHILD_UPKEEP.at(city)
            again = replace(again, url=address_for(again.url, ward))
            yield Bar(
                "",
                _(
                    "{name}没有以少儿身份在保的医疗保险：从未参保的，请先{first}；停保以后再参保的，请{again}。"
                ).format(name=ask.person.name, first=first, again=again),
                (first, again),
            )
        elif facts.minor and ward is None:
            yield Bar("", _("您还未成年，缴费由登记的监护人登录办理。"))
        elif year.opens is not None:
            yield Bar(
                "",
                _("{first}至{last}的费用，从{day}起缴纳。").format(
                    first=year.first.zh, last=year.last.zh, day=f"{year.opens.zh}1日"
                ),
            )
        elif year.busy:
            orders = to_page("orders")
            yield Bar(
                "",
                _(
                    "{months}已下单或正在扣款。请等结果出来，或先取消订单，再来办理。可在{orders}中查看。"
                ).format(months=periods_zh(runs(year.busy)), orders=orders),
                (orders,),
            )
        elif not year.months:
            yield Bar("", _("本学年已缴费（缴到{last}）。").format(last=year.last.zh))

    def effect(self, case: Case, ask: Ask, facts: YearFacts, *, by: User, now: datetime) -> dict[str, Any]:
        year = facts.year
        if year is None:
            raise NotAccepted(list(self._bars(ask, facts)))
        try:
            charges = insurance_year.charged(year, _start(ask), by=by, now=now)
            order = placing.place_charges(
                city=ask.offer.city, charges=charges, key=case.key, by=by, now=now, person=ask.person
            )
        except charging.CannotCharge as why:
            raise NotAccepted([Bar("start", str(why))]) from why
        except placing.CannotOrder as refusal:
            raise NotAccepted([Bar("start", one.why) for one in refusal.refusals]) from refusal
        yuan = money.format_yuan(order.sum_fen)
        return {
            "order": order.number,
            "lines": [
                [_("缴费订单号"), order.number],
                [_("应付金额"), _("%(yuan)s 元") % {"yuan": yuan}],
                [_("请在此之前支付"), moment_zh(order.expires_at)],
            ],
            "links": [[_("去支付 %(yuan)s 元") % {"yuan": yuan}, reverse("order", args=[order.number])]],
        }

    def submit_words(self, ask: Ask, facts: YearFacts) -> str:
        total = sum(part.fen for part in _parts(ask, facts))
        return _("生成订单并支付 %(yuan)s 元") % {"yuan": money.format_yuan(total)}

    def summary(self, ask: Ask, facts: YearFacts) -> list[tuple[str, str]]:
        parts, year = _parts(ask, facts), facts.year
        lines = [(_("参保人"), ask.person.name)]
        if year:
            lines.append((_("保险年度"), _("{first}至{last}").format(first=year.first.zh, last=year.last.zh)))
            if year.lapsed:
                lapsed = _("{months}没有按期缴费，已失效，不补缴").format(
                    months=periods_zh(runs(year.lapsed))
                )
                lines.append((_("失效的月份"), lapsed))
        for part in parts:
            words = _("{months}，共 {count} 个月，每月 {each} 元").format(
                months=part.months, count=part.count, each=money.format_yuan(part.each_fen)
            )
            lines.append((part.insurance, words))
        total, public = sum(part.fen for part in parts), sum(part.public_fen for part in parts)
        lines.append((_("应付金额"), _("%(yuan)s 元") % {"yuan": money.format_yuan(total)}))
        if public:
            said = _("{yuan} 元，由财政承担，不向个人收取").format(yuan=money.format_yuan(public))
            lines.append((_("财政补助"), said))
        return [*lines, (_("缴费以后"), _("一次缴清，停保不退费"))]

    def preview(self, ask: Ask, facts: YearFacts) -> dict[str, Any]:
        return self.last_look(ask, _parts(ask, facts))


def _start(ask: Ask) -> Month | None:
    return Month.parse(ask.answers["start"]) if ask.answers.get("start") else None


def _parts(ask: Ask, facts: YearFacts) -> list[Part]:
    """The months from the chosen one on, those that cost the same together."""
    if facts.year is None:
        return []
    by_price: dict[int, list[Month]] = {}
    for month, fen in facts.year.from_month(_start(ask)).items():
        by_price.setdefault(fen, []).append(month)
    on, city, tier = today_in_china(ask.filed_at), ask.offer.city, facts.year.tier
    parts = []
    for fen, months in by_price.items():
        price = quote(city=city, capacity=Capacity.CHILD, insurance=MEDICAL, month=months[0], tier=tier)
        terms = contribution_terms(
            book(), city=city, capacity=Capacity.CHILD, insurance=MEDICAL, month=months[0]
        )
        parts.append(
            Part(
                insurance=str(INSURANCE_LABELS[MEDICAL]),
                tier=terms.tier(tier).title,
                months=periods_zh(runs(months)),
                count=len(months),
                each_fen=fen,
                fen=fen * len(months),
                derivation=derivation(price, on=on) if price.amount_fen == fen else None,
                public_fen=price.public_fen * len(months),
            )
        )
    return parts
