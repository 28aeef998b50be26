"""职工暂停参保(宁波:社会保险职工暂停参保;武汉:减员)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrollment import queries, stopping
from enrollment.about_coverage import AboutCoverage
from enrollment.insurance_choice import chosen, stop_field, stop_word
from enrollment.stopping import StopFacts
from portal.accounts.fields import IdentityNumberField
from portal.accounts.lookups import look_up
from portal.accounts.models import User
from portal.hall.models import Case
from portal.hall.service import Applicant, Ask, Audience, Bar, Finding, ServiceForm, Theme
from portal.people import persons
from portal.policy.book import Offer
from portal.policy.terms import offers
from portal.shared import identity
from portal.shared.months import month_in_china

REASONS = [
    ("", gettext_lazy("请选择")),
    ("ended", gettext_lazy("劳动合同期满终止")),
    ("dissolved", gettext_lazy("解除劳动合同")),
    ("resigned", gettext_lazy("职工辞职")),
    ("retired", gettext_lazy("退休")),
    ("deceased", gettext_lazy("死亡")),
    ("other", gettext_lazy("其他")),
]


class StopStaffForm(ServiceForm):
    identity_number = IdentityNumberField(
        label=gettext_lazy("社会保障号（身份证号码）"),
        help_text=gettext_lazy("输入后点“搜索”，会读取这名职工在本单位参保的险种。"),
    )
    name = forms.CharField(
        label=gettext_lazy("姓名"),
        max_length=60,
        required=False,
        disabled=True,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("搜索后自动读取。"),
    )
    reason = forms.ChoiceField(label=gettext_lazy("停保原因"), choices=REASONS)

    def build(self) -> None:
        insured = self.known.get("insured")
        barred = self.known.get("barred", {})
        for insurance in offers.offered_insurances(self.offer):
            if insured is None or insurance in insured:
                self.fields[f"stop_{insurance}"] = stop_field(
                    self.offer, insurance, self.month, barred=barred.get(insurance)
                )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        stops = [name for name in self.fields if name.startswith("stop_")]
        if stops and not any(cleaned.get(name) or name in self.errors for name in stops):
            self.add_error(stops[0], _("请至少选择一个险种的停保月份。"))
        return cleaned


class EmployerStopStaff(AboutCoverage):
    code = "employer-stop-staff"
    title = gettext_lazy("职工暂停参保")
    audience = Audience.EMPLOYER
    theme = Theme.ENROLLMENT
    form = StopStaffForm
    searches = "identity_number"
    finds_nobody = gettext_lazy("这个号码没有由本单位参保的职工，不能停保。请逐位核对号码。")
    also_known_as = ("减员", "职工停保", "职工减少", "职工中断")

    def subject(self, ask: Ask) -> str:
        return str(ask.answers["identity_number"])

    def known(self, *, offer: Offer, applicant: Applicant, sought: str, now: datetime) -> dict[str, Any]:
        try:
            number = IdentityNumberField().clean(sought)
        except forms.ValidationError:
            return {}
        person = look_up(user=applicant.user, identity_number=number, purpose=str(self.title), now=now)
        employer = applicant.employer
        if person is None or employer is None:
            return {}
        # Clerks learn nothing about people who are not on their employer's staff, not even the
        # name.
        coverages = [
            one
            for one in queries.held(number)
            if one.employer_id == employer.pk and one.runs_from(month_in_china(now) - 1)
        ]
        if not coverages:
            return {}
        insured = {one.insurance for one in coverages}
        month = month_in_china(now)
        in_city = [one for one in coverages if one.city == offer.city]
        barred = stopping.barred_stops(in_city, offer, insured, month=month, word=stop_word(offer))
        return {"name": person.name, "insured": insured, "barred": barred}

    def facts(self, ask: Ask, outside: Any) -> StopFacts:
        number = self.subject(ask)
        coverages = [
            one
            for one in queries.held(number)
            if one.employer_id == ask.employer.pk and one.city == ask.offer.city
        ]
        return stopping.facts(coverages, chosen(ask, "stop"), month=ask.month)

    def rule(self, ask: Ask, facts: StopFacts) -> Iterator[Finding]:
        if not facts.held:
            yield Bar("identity_number", _("这名人员没有由本单位参保，不需要停保。请核对号码。"))
            return
        yield from stopping.rule(chosen(ask, "stop"), facts, word=stop_word(ask.offer))

    def effect(self, case: Case, ask: Ask, facts: StopFacts, *, by: User, now: datetime) -> dict[str, Any]:
        return stopping.stop(case, facts, chosen(ask, "stop"), word=stop_word(ask.offer), by=by, now=now)

    def summary(self, ask: Ask, facts: StopFacts) -> list[tuple[str, str]]:
        number = self.subject(ask)
        person = persons.find(number)
        return [
            (_("姓名"), person.name if person else ""),
            (_("社会保障号"), identity.mask(number)),
            (_("停保原因"), str(dict(REASONS)[ask.answers["reason"]])),
            *stopping.summary(chosen(ask, "stop"), word=stop_word(ask.offer)),
        ]
