"""灵活就业人员参保登记(宁波;武汉:新参保及接续;深圳:个人缴费人员参保登记)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrollment import households, queries
from enrollment.cards import applying
from enrollment.enrolling import STOP, tier_answers
from enrollment.households import categories, category
from enrollment.own_enrol import EnrolFacts, OwnEnrol, OwnEnrolForm
from enrollment.ways import MEND_HOUSEHOLD
from portal.accounts.fields import PhoneField
from portal.accounts.models import User
from portal.hall.models import Case
from portal.hall.queries import open_about
from portal.hall.service import Applicant, Ask, Bar, Finding, Mismatch
from portal.hall.ways import linked
from portal.people.models import Person
from portal.policy.book import City, Offer, book
from portal.policy.retirement import flexible_category, retirement
from portal.policy.terms import offers, people
from portal.registers.bank import SecurityCard, bank_register
from portal.registers.household import Household, household_register
from portal.shared import identity
from portal.shared.ages import has_reached
from portal.shared.characters import narrow
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month, month_in_china, today_in_china

# The number of a residence permit: the identity number, or the permit's own.
_PERMIT = re.compile(r"[0-9A-Z]{8,18}")


def _by_site(offer: Offer) -> bool:
    """Whether one is insured in the district of one's household."""
    return offer.options.get("site") == "household"


def _registered(identity_number: str) -> Household | None:
    return household_register().find(identity_number)


def _not_registered(city: City) -> str:
    """The message for a person whose household is not registered in the city."""
    return _("本事项只面向{city}户籍人员。如户籍登记有误，请先{mend}，再来参保。").format(
        city=city.title, mend=MEND_HOUSEHOLD.at(city.slug)
    )


def _on_file_elsewhere(city: City) -> str:
    """The message for a person whose file is behind the household register."""
    return _(
        "参保登记中您的户籍类别不是{city}户籍，户籍登记已是。请先{mend}，再回来继续，填写的内容已保存。"
    ).format(city=city.title, mend=MEND_HOUSEHOLD.at(city.slug))


class FlexibleForm(OwnEnrolForm):
    def before_the_tiers(self) -> None:
        city = book().city(self.offer.city)
        person = self.applicant.person
        if _by_site(self.offer):
            registered = None if self.is_bound or person is None else _registered(person.identity_number)
            place = registered.place_code if registered else person.household_code if person else ""
            self.fields["district"] = forms.ChoiceField(
                label=_("参保地（户籍所在区县）"),
                choices=[("", _("请选择")), *((d.code, d.title) for d in city.districts)],
                initial=place if city.has_district(place) else "",
                help_text=_("请按户籍所在地选择。"),
            )
            if offers.enrols_by_permit(book(), city=city.slug, on=today_in_china(self.now)):
                self.fields["permit_number"] = forms.CharField(
                    label=_("居住证号码"),
                    required=False,
                    max_length=40,
                    help_text=_(
                        "户籍不在{city}的填写，参保地选择居住的区县（示例值）；户籍在{city}的不填。"
                    ).format(city=city.title),
                )
        if offers.household_terms(self.offer):
            self.fields["household"] = forms.ChoiceField(
                label=_("户籍类别"),
                # Only people registered in the city can enrol. Others read what to do, instead of
                # choosing a category and being refused.
                choices=list(categories(city).items())[:1],
                widget=forms.RadioSelect,
                help_text=_("提交后与户籍登记信息比对。")
                + linked(_not_registered(city), [MEND_HOUSEHOLD.at(city.slug)]),
                error_messages={"invalid_choice": _not_registered(city)},
            )

    def clean_permit_number(self) -> str:
        number = narrow(str(self.cleaned_data["permit_number"])).upper()
        if number and not _PERMIT.fullmatch(number):
            raise forms.ValidationError(_("居住证号码是 8 至 18 位数字和字母，请核对。"))
        return number

    def after_the_tiers(self) -> None:
        person = self.applicant.person
        self.fields["phone"] = PhoneField(label=_("手机号码"), initial=person.phone if person else "")


@dataclass(frozen=True)
class Registered:
    """What the registers outside say: the household where it is compared, and the person's
    social-security card where a first medical enrolment asks for one."""

    household: Household | None = None
    card: SecurityCard | None = None


@dataclass(frozen=True, kw_only=True)
class EnrollFacts(EnrolFacts):
    """Also their age, and what the registers say that are compared."""

    compared: bool
    household: Household | None
    name: str
    min_age: int
    old_enough: bool
    retires: Month
    had_medical: bool
    has_card: bool
    # The place of household registration on file.
    household_code: str = ""

    def frozen(self) -> dict[str, Any]:
        return {
            **super().frozen(),
            "household": self.household.place_code if self.household else None,
            "compared": self.compared,
            "retires": str(self.retires),
            "had_medical": self.had_medical,
        }


class FlexibleEnroll(OwnEnrol):
    code = "flexible-enroll"
    title = gettext_lazy("灵活就业人员参保登记")
    capacity = Capacity.FLEXIBLE
    asks = FlexibleForm
    also_known_as = ("自由职业者参保", "个体参保", "新参保", "接续", "续保")

    def leads_to(self, *, offer: Offer, applicant: Applicant, now: datetime) -> str:
        partner = offer.options.get("entrance_with", self.code)
        if applicant.person is None:
            return self.code
        month = month_in_china(now)
        going_on = queries.to_go_on(
            queries.held(applicant.person.identity_number), month=month, capacity=Capacity.FLEXIBLE
        )
        return str(partner) if any(one.city == offer.city for one in going_on) else self.code

    def outside(self, ask: Ask) -> Registered:
        household, number = offers.household_terms(ask.offer), ask.person.identity_number
        asked = _by_site(ask.offer) or (household and household.compare)
        return Registered(
            household=_registered(number) if asked else None,
            card=bank_register().card(number) if offers.first_medical_terms(ask.offer) else None,
        )

    def facts(self, ask: Ask, outside: Registered | None) -> EnrollFacts:
        person, today = ask.person, today_in_china(ask.filed_at)
        household = offers.household_terms(ask.offer)
        min_age = household.min_age if household else people.working_age(book(), on=today)
        held = queries.held(person.identity_number)
        born = person.archive_birth_date or person.birth_date
        return EnrollFacts(
            held=held,
            compared=bool(household and household.compare),
            household=outside.household if outside else None,
            name=person.name,
            household_code=Person.objects.values_list("household_code", flat=True).get(pk=person.pk),
            min_age=min_age,
            old_enough=has_reached(person.birth_date, min_age, on=today),
            retires=retirement(
                book(), born=Month.of(born), category=flexible_category(identity.Sex(person.sex)), on=today
            ).month,
            stopping=bool(open_about(person.identity_number, STOP)),
            had_medical=any(one.insurance == Insurance.MEDICAL for one in held),
            has_card=bool(outside and outside.card),
        )

    def known_beforehand(self, ask: Ask) -> None:
        """The household is compared with what the form asks for."""

    def bars_of_person(self, ask: Ask, facts: EnrollFacts) -> Iterator[Bar]:
        if not facts.old_enough:
            yield Bar("", _("年满 {age} 周岁才能以灵活就业人员身份参保。").format(age=facts.min_age))

    def bars_of(self, ask: Ask, facts: EnrollFacts, insurance: Insurance) -> Iterator[Bar]:
        if self.wanted_from(ask, insurance) >= facts.retires:
            yield Bar(
                f"tier_{insurance}",
                _("您已达到法定退休年龄（{month}），不能再新参保。").format(month=facts.retires.zh),
            )

    def findings(self, ask: Ask, facts: EnrollFacts) -> Iterator[Finding]:
        city = book().city(ask.offer.city)
        household = offers.household_terms(ask.offer)
        if _by_site(ask.offer):
            yield from self._site(ask, city, facts)
        if household:
            if ask.answers["household"] != "city":
                yield Bar("household", _not_registered(city), (MEND_HOUSEHOLD.at(city.slug),))
            elif facts.compared and self._mended_first(city, facts):
                yield Bar("household", _on_file_elsewhere(city), (MEND_HOUSEHOLD.at(city.slug),))
            elif facts.compared:
                yield from households.differences(city, facts.household, facts.name)

    def _site(self, ask: Ask, city: City, facts: EnrollFacts) -> Iterator[Bar]:
        """What bars whoever is registered outside the city from enrolling in it."""
        if facts.household is None or category(city, facts.household.place_code) == "city":
            return
        if not offers.enrols_by_permit(book(), city=city.slug, on=today_in_china(ask.filed_at)):
            yield Bar(
                "district",
                _("请选择户籍所在区县；户籍不在{city}的请在户籍地办理。").format(city=city.title),
            )
        elif not ask.answers.get("permit_number"):
            yield Bar(
                "permit_number",
                _("户籍登记显示您的户籍不在{city}，请填写{city}的居住证号码，或在户籍地办理。").format(
                    city=city.title
                ),
            )

    def _other_site(self, ask: Ask, facts: EnrollFacts) -> str:
        """That another district was chosen than that of the household, in words; "" where not."""
        city, chosen = book().city(ask.offer.city), str(ask.answers.get("district", ""))
        place = facts.household.place_code if facts.household else ""
        if not chosen or place == chosen or not city.has_district(place):
            return ""
        titles = {one.code: one.title for one in city.districts}
        return _("户籍登记在{registered}，您选择了{chosen}，按您选择的参保地办理。").format(
            registered=titles[place], chosen=titles[chosen]
        )

    def _mended_first(self, city: City, facts: EnrollFacts) -> bool:
        """Whether only the file is behind: it names another place, and the register this city."""
        on_file = category(city, facts.household_code)
        registered = category(city, facts.household.place_code) if facts.household else ""
        return on_file not in ("", "city") and registered == "city"

    def established(self, ask: Ask, facts: EnrollFacts) -> set[str]:
        names = set()
        first_medical = offers.first_medical_terms(ask.offer)
        if (
            first_medical
            and first_medical.photo
            and Insurance.MEDICAL in tier_answers(ask)
            and not facts.had_medical
            and not facts.has_card
        ):
            names.add("first-medical")
        if any(isinstance(finding, Mismatch) for finding in self.rule(ask, facts)):
            names.add("household-mismatch")
        return names

    def effect(self, case: Case, ask: Ask, facts: EnrollFacts, *, by: User, now: datetime) -> dict[str, Any]:
        outcome = super().effect(case, ask, facts, by=by, now=now)
        if other := self._other_site(ask, facts):
            outcome["lines"].append([_("参保地"), other])
        if "first-medical" in self.established(ask, facts):
            outcome["lines"].append([_("制卡"), applying.with_enrolment(case, ask.applicant, now=now)])
        return outcome

    def about_person(self, ask: Ask, facts: EnrollFacts) -> Iterator[tuple[str, str]]:
        city = book().city(ask.offer.city)
        if ask.answers.get("district"):
            yield _("参保地"), next(d.title for d in city.districts if d.code == ask.answers["district"])
            if other := self._other_site(ask, facts):
                yield _("请注意"), other
        if ask.answers.get("permit_number"):
            yield _("居住证号码"), identity.mask_account(str(ask.answers["permit_number"]))
        if ask.answers.get("household"):
            yield _("户籍类别"), categories(city)[str(ask.answers["household"])]

    def about_the_rest(self, ask: Ask, facts: EnrollFacts) -> Iterator[tuple[str, str]]:
        yield _("手机号码"), identity.mask_phone(str(ask.answers["phone"]))
