"""居民养老参保登记(深圳): a first enrolment in the residents' pension insurance, at the window."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrollment import enrolling
from enrollment.own_enrol import OwnEnrolForm
from enrollment.residents import SUPPORTED, ResidentEnrol, ResidentFacts
from portal.hall.service import Ask, Bar, Finding
from portal.policy.book import book
from portal.policy.terms import offers
from portal.policy.terms.contribution import ContributionTerms
from portal.shared.ages import has_reached
from portal.shared.insurance import Insurance
from portal.shared.months import day_zh, today_in_china

NONE = "none"
# Whose contributions public money pays.
GROUPS = {
    NONE: gettext_lazy("不属于"),
    "severely-disabled": gettext_lazy("重度残疾人"),
    "minimum-living": gettext_lazy("最低生活保障对象"),
    "destitute": gettext_lazy("特困人员"),
}
# What kind of household somebody had before it moved into the city.
NATIVE = "native"
FORMER = {
    NATIVE: gettext_lazy("出生就是本市户籍"),
    "rural": gettext_lazy("农村户籍迁入"),
    "urban": gettext_lazy("城镇户籍迁入"),
}


class PensionForm(OwnEnrolForm):
    def before_the_tiers(self) -> None:
        self.fields["group"] = forms.ChoiceField(
            label=_("是否属于由财政代缴的人员"),
            choices=list(GROUPS.items()),
            widget=forms.RadioSelect,
            initial=NONE,
            help_text=_("属于的，不用选择缴费档次，也不用缴费；请带相应证件到窗口核对。"),
        )

    def after_the_tiers(self) -> None:
        self.fields["former"] = forms.ChoiceField(
            label=_("本市户籍的来历"),
            choices=list(FORMER.items()),
            widget=forms.RadioSelect,
        )
        self.fields["settled_on"] = forms.DateField(
            label=_("入户日期"),
            required=False,
            widget=forms.DateInput(attrs={"type": "date"}),
            help_text=_("从外地迁入的填写：户口簿上迁入本市的日期。"),
        )

    def clean(self) -> dict[str, Any]:
        supported = self.data.get(self.add_prefix("group"), NONE) not in ("", NONE)
        if supported and "account_number" in self.errors:
            del self.errors["account_number"]
        cleaned = super().clean()
        today = today_in_china(self.now)
        if supported and (code := self._supported_tier()):
            self.errors.pop("tier_pension", None)
            cleaned["tier_pension"], cleaned["account_number"] = code, ""
        if cleaned.get("former") == NATIVE:
            cleaned["settled_on"] = None
        elif cleaned.get("former") and not cleaned.get("settled_on") and "settled_on" not in self.errors:
            self.add_error("settled_on", _("请填写入户日期。"))
        elif cleaned.get("settled_on") and cleaned["settled_on"] > today:
            self.add_error("settled_on", _("入户日期不能晚于今天。"))
        return cleaned

    def _supported_tier(self) -> str:
        """The code of the tier that public money pays; "" where there is none."""
        ask = Ask(offer=self.offer, applicant=self.applicant, answers={}, filed_at=self.now)
        service = self.service()
        [start, *_rest] = service.first_months(ask, Insurance.PENSION)
        terms = enrolling.terms_of(self.offer.city, service.capacity, Insurance.PENSION, start)
        return next((tier.code for tier in terms.tiers if tier.only_for == SUPPORTED), "") if terms else ""


class ResidentPensionEnroll(ResidentEnrol):
    code = "resident-pension-enroll"
    title = gettext_lazy("居民养老参保登记")
    asks = PensionForm
    also_known_as = ("城乡居民养老保险参保", "居民养老参保")

    def findings(self, ask: Ask, facts: ResidentFacts) -> Iterator[Finding]:
        age = self._settled_before(ask)
        settled = settled_on(ask, facts)
        if age and settled and has_reached(ask.person.birth_date, age, on=settled):
            yield Bar(
                "settled_on",
                _("{age}周岁以后迁入{city}户籍的，不纳入本市居民养老，请在原参保地参保或领取。").format(
                    age=age, city=book().city(ask.offer.city).title
                ),
            )
        yield from super().findings(ask, facts)

    def _settled_before(self, ask: Ask) -> int | None:
        """Until which age somebody has to have moved in; None where that does not matter."""
        terms = self._terms(ask)
        return terms.settled_before if terms else None

    def _terms(self, ask: Ask) -> ContributionTerms | None:
        start = self.wanted_from(ask, Insurance.PENSION)
        return enrolling.terms_of(ask.offer.city, self.capacity, Insurance.PENSION, start)

    def established(self, ask: Ask, facts: ResidentFacts) -> set[str]:
        """Whoever moved in late shows that they draw nothing elsewhere; whose contributions public
        money pays, that they are one of those."""
        names = set()
        settled = settled_on(ask, facts)
        late = offers.late_settlers(ask.offer).get(str(ask.answers["former"]))
        if (
            late
            and settled
            and settled >= late.since
            and has_reached(ask.person.birth_date, late.age[ask.person.sex], on=settled)
        ):
            names.add("moved-in-late")
        if ask.answers["group"] != NONE:
            names.add("supported")
        return names

    def about_person(self, ask: Ask, facts: ResidentFacts) -> Iterator[tuple[str, str]]:
        settled = settled_on(ask, facts)
        former = str(FORMER[ask.answers["former"]])
        yield _("本市户籍"), f"{former}，{day_zh(settled)}" if settled else former
        if ask.answers["group"] != NONE:
            yield _("由财政代缴"), str(GROUPS[ask.answers["group"]])


def settled_on(ask: Ask, facts: ResidentFacts) -> dt.date | None:
    """When the household moved into the city: by the register where it says so, else as stated."""
    if facts.household and facts.household.settled_on:
        return facts.household.settled_on
    stated = ask.answers.get("settled_on")
    return dt.date.fromisoformat(stated) if stated else None
