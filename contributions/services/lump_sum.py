"""个人趸缴登记: the months that are missing past the retirement age, paid in one sum."""

from collections.abc import Iterator
from datetime import date

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contributions.late_pension import asking, price
from contributions.late_pension import record as late_record
from contributions.late_pension.asking import AsksLate, LateFacts
from contributions.orders.billed_service import BilledService
from contributions.orders.lump_sums import Sum
from contributions.ways import DEFER
from enrollment.households import categories
from enrollment.residents import Registered
from portal.hall.service import Ask, Audience, Bar, Finding, Theme
from portal.policy.book import book
from portal.policy.terms.late_pension import late_terms
from portal.shared.months import today_in_china

GROUNDS = {
    "deferred": gettext_lazy("2011年7月以前参保，延缴满 5 年仍不足"),
    "early": gettext_lazy("1998年6月底以前参保，退休时缴费满 10 年，延缴满 1 年（本省户籍）"),
    "aged": gettext_lazy("男满 65 周岁、女满 60 周岁（本省户籍）"),
}


class LumpSumForm(AsksLate):
    def build(self) -> None:
        self.add_late_fields()
        self.fields["ground"] = forms.ChoiceField(
            label=_("趸缴依据"),
            choices=[(code, str(words)) for code, words in GROUNDS.items()],
            widget=forms.RadioSelect,
            help_text=_("选择符合的一项，按缴费记录核对。"),
            error_messages={"required": _("请选择趸缴依据。")},
        )


class LumpSumService(BilledService):
    code = "lump-sum"
    title = gettext_lazy("个人趸缴登记")
    audience = Audience.PERSON
    theme = Theme.PAYMENT
    form = LumpSumForm
    needs = ("lump_sum", "payment", "late_pension", "lump_sum_price")
    also_known_as = ("趸缴", "一次性缴费")

    def outside(self, ask: Ask) -> Registered:
        return Registered.of(ask.person)

    def facts(self, ask: Ask, outside: Registered | None) -> LateFacts:
        return asking.read(ask, outside)

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        facts = self.facts(ask, self.outside(ask))
        yield from asking.bars(ask, facts.record, facts.registered)

    def established(self, ask: Ask, facts: LateFacts) -> set[str]:
        return {"deemed"} if facts.record.deemed else set()

    def rule(self, ask: Ask, facts: LateFacts) -> Iterator[Finding]:
        bars = list(asking.bars(ask, facts.record, facts.registered))
        if bars:
            yield from bars
            return
        if not facts.record.counted:
            yield Bar("", _("没有查到您的养老保险缴费记录，不能趸缴。"))
            return
        on = today_in_china(ask.filed_at)
        lacks = late_record.what_lacks(
            late_terms(book(), city=ask.offer.city, on=on),
            facts.record,
            ask.person,
            ground=str(ask.answers["ground"]),
            household=str(ask.answers["household"]),
            on=on,
        )
        if lacks:
            defer = DEFER.at(ask.offer.city)
            why = _("您还不满足趸缴条件：{lacks}。可先{defer}。")
            yield Bar("ground", why.format(lacks="；".join(lacks), defer=defer), (defer,))
            return
        yield from asking.place(ask, facts.record, facts.registered, doing=_("趸缴"))

    def sum_of(self, ask: Ask, facts: LateFacts, *, on: date) -> Sum | None:
        if not facts.record.missing:
            return None
        return price.missing_months(
            facts.record,
            city=ask.offer.city,
            household=str(ask.answers["household"]),
            now=ask.filed_at,
        )

    def about(self, ask: Ask, facts: LateFacts) -> list[tuple[str, str]]:
        return [
            (_("户籍类别"), categories(book().city(ask.offer.city))[str(ask.answers["household"])]),
            *facts.record.lines(),
            (_("趸缴依据"), str(GROUNDS[str(ask.answers["ground"])])),
        ]
