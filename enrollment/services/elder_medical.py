"""超龄居民老人缴纳医疗保险(深圳): for those whose household moved in after the retirement age, at
the window."""

import datetime as dt
from collections.abc import Iterator

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrollment.own_enrol import OwnEnrolForm
from enrollment.residents import ELDER, ResidentEnrol, ResidentFacts
from enrollment.ways import RESIDENT_RESUME
from portal.hall.service import Ask, Bar, Finding, Mismatch
from portal.policy.book import book
from portal.policy.retirement import Retirement, retirement, worker_category
from portal.policy.terms.contribution import ContributionTerms
from portal.registers.models import PensionKind
from portal.shared.identity import Sex
from portal.shared.months import Month, day_zh, today_in_china


class ElderForm(OwnEnrolForm):
    def before_the_tiers(self) -> None:
        self.fields["settled_on"] = forms.DateField(
            label=_("入户日期"),
            widget=forms.DateInput(attrs={"type": "date"}),
            help_text=_("户口簿上迁入本市的日期。"),
        )
        self.fields["former_place"] = forms.CharField(
            label=_("原户籍所在地"), max_length=60, help_text=_("例如：湖南省长沙市。")
        )

    def clean_settled_on(self) -> dt.date:
        day: dt.date = self.cleaned_data["settled_on"]
        if day > today_in_china(self.now):
            raise forms.ValidationError(_("入户日期不能晚于今天。"), code="future")
        return day


class ElderMedical(ResidentEnrol):
    code = "elder-medical"
    title = gettext_lazy("超龄居民老人缴纳医疗保险")
    asks = ElderForm
    also_known_as = ("老人医保", "随迁老人医保", "超龄老人参保")

    def bars_of_person(self, ask: Ask, facts: ResidentFacts) -> Iterator[Bar]:
        yield from super().bars_of_person(ask, facts)
        retires = _retirement(ask)
        if Month.of(today_in_china(ask.filed_at)) < retires.month:
            way = RESIDENT_RESUME.at(ask.offer.city)
            why = _("您还没有达到法定退休年龄（{month}），请按居民医保参保：{way}。")
            yield Bar("", why.format(month=retires.month.zh, way=way), (way,))
        elif facts.pension and facts.pension.kind != PensionKind.RESIDENT:
            yield Bar(
                "",
                _("您在{payer}按月领取养老待遇，请在养老金领取地参加医疗保险。").format(
                    payer=facts.pension.payer
                ),
            )

    def findings(self, ask: Ask, facts: ResidentFacts) -> Iterator[Finding]:
        stated = dt.date.fromisoformat(str(ask.answers["settled_on"]))
        registered = facts.household.settled_on if facts.household else None
        if Month.of(registered or stated) < _retirement(ask).month:
            way = RESIDENT_RESUME.at(ask.offer.city)
            why = _("您达龄前已是{city}户籍，请按居民医保参保：{way}。")
            city = book().city(ask.offer.city).title
            yield Bar("settled_on", why.format(city=city, way=way), (way,))
        elif registered and registered != stated:
            yield Mismatch("settled_on", _("户籍登记中的入户日期与您填写的不一致。"))
        yield from super().findings(ask, facts)

    def whose(self, ask: Ask, facts: ResidentFacts, terms: ContributionTerms) -> tuple[str, ...]:
        return (ELDER,)

    def about_person(self, ask: Ask, facts: ResidentFacts) -> Iterator[tuple[str, str]]:
        yield _("入户日期"), day_zh(dt.date.fromisoformat(str(ask.answers["settled_on"])))
        yield _("原户籍所在地"), str(ask.answers["former_place"])

    def about_the_rest(self, ask: Ask, facts: ResidentFacts) -> Iterator[tuple[str, str]]:
        yield _("提示"), _("按月缴费才享受，停缴次月起停止待遇。")


def _retirement(ask: Ask) -> Retirement:
    """When the person reached the retirement age; of women the earlier one counts."""
    person = ask.person
    born = Month.of(person.archive_birth_date or person.birth_date)
    category = worker_category(Sex(person.sex))
    return retirement(book(), born=born, category=category, on=today_in_china(ask.filed_at))
