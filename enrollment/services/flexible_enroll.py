"""灵活就业人员参保登记(宁波;武汉:新参保及接续;深圳:个人缴费人员参保登记)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrollment import actions, consequences, queries
from enrollment.about_coverage import AboutCoverage
from enrollment.households import categories, category
from enrollment.queries import Held
from enrollment.ways import MEND_HOUSEHOLD, to_stop
from portal.accounts.fields import PhoneField
from portal.accounts.models import User
from portal.hall.fields import AccountNumberField
from portal.hall.models import Case
from portal.hall.queries import open_about
from portal.hall.service import Applicant, Ask, Audience, Bar, Finding, Mismatch, ServiceForm, Theme
from portal.hall.ways import linked, to_page
from portal.people.models import BankAccount, Person
from portal.policy.book import City, Offer, PolicyMissing, book
from portal.policy.retirement import flexible_category, retirement
from portal.policy.terms import contribution, offers, people
from portal.policy.terms.debit import DebitTerms, debit_terms
from portal.registers.household import Household, household_register
from portal.shared import identity, money, names
from portal.shared.ages import has_reached
from portal.shared.insurance import CAPACITY_LABELS, INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import Month, day_zh, month_in_china, today_in_china

# The choice for an insurance that the person does not want; the answer then holds no tier.
NOT_WANTED = "none"
# The service that an employer files when a member of staff leaves.
STOP = "employer-stop-staff"


def first_month(offer: Offer, insurance: Insurance, month: Month) -> Month:
    """The first covered month for an enrolment in ``month``. Flexible workers cannot choose it."""
    return offers.start_months(offer, insurance, filed_in=month)[0]


def debit_of(city: City, month: Month) -> DebitTerms | None:
    """The city's monthly debit, if it draws on flexible workers' accounts."""
    try:
        debit = debit_terms(book(), city=city.slug, on=month.first_day)
    except PolicyMissing:
        return None
    return debit if Capacity.FLEXIBLE in debit.capacities else None


def has_account(person: Person, city: City, month: Month) -> bool:
    """Whether the debit of the city has an account of the person to draw on."""
    return BankAccount.objects.filter(
        person=person, city=city.slug, until__isnull=True, start__lte=month
    ).exists()


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


class EnrollForm(ServiceForm):
    def build(self) -> None:
        city = book().city(self.offer.city)
        person = self.applicant.person
        if self.offer.options.get("site") == "household":
            district = person.household_code if person and city.has_district(person.household_code) else ""
            self.fields["district"] = forms.ChoiceField(
                label=_("参保地（户籍所在区县）"),
                choices=[("", _("请选择")), *((d.code, d.title) for d in city.districts)],
                initial=district,
                help_text=_("请按户籍所在地选择。"),
            )
        household = offers.household_terms(self.offer)
        if household:
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
        barred = barred_insurances(self.offer, self.applicant, self.now) if person else {}
        offered = offers.offered_insurances(self.offer)
        for insurance in offered:
            self._add_insurance(city, insurance, barred.get(insurance, ""), several=len(offered) > 1)
        asks_account = self.offer.options.get("account_at_enrolment", False)
        if (
            asks_account
            and person
            and debit_of(city, self.month)
            and not has_account(person, city, self.month + 1)
        ):
            debit = debit_of(city, self.month)
            self.fields["account_number"] = AccountNumberField(
                numbers=people.account_numbers(book(), on=today_in_china(self.now)),
                label=_("{bank}缴费账号").format(bank=debit.bank_title if debit else ""),
                help_text=_("每月托收从这个账户扣款，户名必须是您本人。"),
            )
        self.fields["phone"] = PhoneField(label=_("手机号码"), initial=person.phone if person else "")

    def _add_insurance(self, city: City, insurance: Insurance, barred: str, *, several: bool) -> None:
        """Adds the choice of an insurance's tiers, none preselected. Where ``several`` insurances
        are offered, 不参保 is a choice too."""
        start = first_month(self.offer, insurance, self.month)
        try:
            standard = contribution.contribution_terms(
                book(), city=city.slug, capacity=Capacity.FLEXIBLE, insurance=insurance, month=start
            )
        except PolicyMissing:
            return
        tiers = standard.tiers
        hints = {}
        for tier in tiers:
            fen = consequences.quote(
                city=city.slug, capacity=Capacity.FLEXIBLE, insurance=insurance, tier=tier.code, month=start
            )
            if fen is not None:
                hints[tier.code] = _("每月 {amount} 元").format(amount=money.format_yuan(fen))
        field = forms.ChoiceField(
            label=_("{insurance}缴费档次").format(insurance=INSURANCE_LABELS[insurance]),
            choices=[(tier.code, tier.title) for tier in tiers]
            + ([(NOT_WANTED, _("不参保"))] if several else []),
            widget=forms.RadioSelect,
            required=False,
            help_text=_("从{month}起缴费。").format(month=start.zh)
            + standard.standard(today_in_china(self.now)),
        )
        field.choice_hints = hints  # type: ignore[attr-defined]
        field.always_answered = True  # type: ignore[attr-defined]
        field.not_allowed = dict.fromkeys((tier.code for tier in tiers), barred) if barred else {}  # type: ignore[attr-defined]
        self.fields[f"tier_{insurance}"] = field

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        tiers = [name for name in self.fields if name.startswith("tier_")]
        cleaned.update({name: "" for name in tiers if cleaned.get(name) == NOT_WANTED})
        if not any(cleaned.get(name) or name in self.errors for name in tiers):
            self.add_error(tiers[0] if tiers else None, _("请至少选择一个险种的缴费档次。"))
        return cleaned


@dataclass(frozen=True)
class EnrollFacts:
    """Plain values: what the person holds, their age, and what the household register says where it
    is compared."""

    held: list[Held]
    compared: bool
    household: Household | None
    name: str
    min_age: int
    old_enough: bool
    retires: Month
    had_medical: bool
    # The place of household registration on file.
    household_code: str = ""
    # Whether an employer's stop of this person is filed and not decided yet.
    stopping: bool = False

    def frozen(self) -> dict[str, Any]:
        return {
            "held": [one.described() for one in self.held],
            "household": self.household.place_code if self.household else None,
            "compared": self.compared,
            "retires": str(self.retires),
            "had_medical": self.had_medical,
        }


class FlexibleEnroll(AboutCoverage):
    code = "flexible-enroll"
    title = gettext_lazy("灵活就业人员参保登记")
    audience = Audience.PERSON
    theme = Theme.ENROLLMENT
    form = EnrollForm
    also_known_as = ("自由职业者参保", "个体参保", "新参保", "接续", "续保")
    conflicts = {
        "no_two_live_coverages_share_a_month": (
            "",
            gettext_lazy("您在所选月份刚刚已参保，不能重复参保。请在参保缴费记录中核对。"),
        )
    }

    def leads_to(self, *, offer: Offer, applicant: Applicant, now: datetime) -> str:
        partner = offer.options.get("entrance_with", self.code)
        if applicant.person is None:
            return self.code
        month = month_in_china(now)
        going_on = queries.to_go_on(
            queries.held(applicant.person.identity_number), month=month, capacity=Capacity.FLEXIBLE
        )
        return str(partner) if any(one.city == offer.city for one in going_on) else self.code

    def outside(self, ask: Ask) -> Household | None:
        household = offers.household_terms(ask.offer)
        return (
            household_register().find(ask.person.identity_number) if household and household.compare else None
        )

    def facts(self, ask: Ask, outside: Household | None) -> EnrollFacts:
        person, today = ask.person, today_in_china(ask.filed_at)
        household = offers.household_terms(ask.offer)
        min_age = household.min_age if household else people.working_age(book(), on=today)
        held = queries.held(person.identity_number)
        born = person.archive_birth_date or person.birth_date
        return EnrollFacts(
            held=held,
            compared=bool(household and household.compare),
            household=outside,
            name=person.name,
            household_code=Person.objects.values_list("household_code", flat=True).get(pk=person.pk),
            min_age=min_age,
            old_enough=has_reached(person.birth_date, min_age, on=today),
            retires=retirement(
                book(), born=Month.of(born), category=flexible_category(identity.Sex(person.sex)), on=today
            ).month,
            stopping=bool(open_about(person.identity_number, STOP)),
            had_medical=any(one.insurance == Insurance.MEDICAL for one in held),
        )

    def rule(self, ask: Ask, facts: EnrollFacts) -> Iterator[Finding]:
        city = book().city(ask.offer.city)
        if not facts.old_enough:
            yield Bar("", _("年满 {age} 周岁才能以灵活就业人员身份参保。").format(age=facts.min_age))
        for insurance in _chosen(ask):
            start = first_month(ask.offer, insurance, ask.month)
            yield from self._retired(insurance, start, facts)
            yield from self._already(insurance, start, facts)
        household = offers.household_terms(ask.offer)
        if household:
            if ask.answers["household"] != "city":
                yield Bar("household", _not_registered(city), (MEND_HOUSEHOLD.at(city.slug),))
            elif facts.compared and self._mended_first(city, facts):
                yield Bar("household", _on_file_elsewhere(city), (MEND_HOUSEHOLD.at(city.slug),))
            elif facts.compared:
                yield from self._compare(city, household.city, facts)

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        """The person is too young, or every insurance of the offer is barred."""
        facts = self.facts(ask, None)
        if not facts.old_enough:
            yield Bar("", _("年满 {age} 周岁才能以灵活就业人员身份参保。").format(age=facts.min_age))
            return
        barred = self.barred(ask, facts)
        if len(barred) == len(offers.offered_insurances(ask.offer)):
            yield from {bar.why: Bar("", bar.why, bar.ways) for bar in barred.values()}.values()

    def barred(self, ask: Ask, facts: EnrollFacts) -> dict[Insurance, Bar]:
        """The insurances of the offer that this person cannot take, whatever the tier, with the
        first reason."""
        first_bars = {}
        for insurance in offers.offered_insurances(ask.offer):
            start = first_month(ask.offer, insurance, ask.month)
            bars = [*self._retired(insurance, start, facts), *self._already(insurance, start, facts)]
            if bars:
                first_bars[insurance] = bars[0]
        return first_bars

    def _retired(self, insurance: Insurance, start: Month, facts: EnrollFacts) -> Iterator[Bar]:
        if start >= facts.retires:
            yield Bar(
                f"tier_{insurance}",
                _("您已达到法定退休年龄（{month}），不能再新参保。").format(month=facts.retires.zh),
            )

    def _already(self, insurance: Insurance, start: Month, facts: EnrollFacts) -> Iterator[Bar]:
        for coverage in facts.held:
            if not coverage.runs_from(start):
                continue
            if coverage.capacity == Capacity.EMPLOYEE:
                record = to_page("record")
                yield Bar(
                    "" if coverage.insurance != insurance else f"tier_{insurance}",
                    _employed(coverage, facts.stopping).format(record=record),
                    (record,),
                )
                return
            if coverage.insurance == insurance:
                yield _covered(coverage)
                return

    def _mended_first(self, city: City, facts: EnrollFacts) -> bool:
        """Whether only the file is behind: it names another place, and the register this city."""
        on_file = category(city, facts.household_code)
        registered = category(city, facts.household.place_code) if facts.household else ""
        return on_file not in ("", "city") and registered == "city"

    def _compare(self, city: City, required: str, facts: EnrollFacts) -> Iterator[Finding]:
        if facts.household is None:
            yield Mismatch("household", _("户籍登记中没有查到您的信息。"))
        elif facts.household.place_code[:4] != required[:4]:
            yield Mismatch("household", _("户籍登记显示您的户籍不在{city}。").format(city=city.title))
        elif not names.agree(facts.household.name, facts.name):
            yield Mismatch("household", _("户籍登记中的姓名与您的参保登记不一致。"))

    def established(self, ask: Ask, facts: EnrollFacts) -> set[str]:
        names = set()
        first_medical = offers.first_medical_terms(ask.offer)
        if (
            first_medical
            and first_medical.photo
            and Insurance.MEDICAL in _chosen(ask)
            and not facts.had_medical
        ):
            names.add("first-medical")
        if any(isinstance(finding, Mismatch) for finding in self.rule(ask, facts)):
            names.add("household-mismatch")
        return names

    def effect(self, case: Case, ask: Ask, facts: EnrollFacts, *, by: User, now: datetime) -> dict[str, Any]:
        person, city = ask.person, book().city(ask.offer.city)
        opened = [
            actions.open_coverage(
                person=person,
                insurance=insurance,
                capacity=Capacity.FLEXIBLE,
                city=city.slug,
                district=str(ask.answers.get("district", "")),
                start=first_month(ask.offer, insurance, ask.month),
                tier=tier,
                case=case,
                now=now,
            )
            for insurance, tier in _chosen(ask).items()
        ]
        start = min(one.start for one in opened)
        debit = debit_of(city, ask.month)
        if debit and ask.answers.get("account_number"):
            actions.draw_on(
                person=person,
                city=city.slug,
                bank=debit.bank,
                number=str(ask.answers["account_number"]),
                start=start,
            )
        lines = [
            [INSURANCE_LABELS[Insurance(one.insurance)], _("{month}起参保").format(month=one.start.zh)]
            for one in opened
        ]
        step = consequences.enrolled(opened, by=by, now=now)
        if step:
            lines.append([_("下一步"), step.text])
        if "first-medical" in self.established(ask, facts):
            card = offers.first_medical_terms(ask.offer)
            if card:
                by_day = card.card_by(today_in_china(now))
                notice = _("请在{day}前到辖区经办机构办理制卡申请。")
                lines.append([_("制卡"), notice.format(day=day_zh(by_day))])
        return {
            "coverages": [one.pk for one in opened],
            "lines": lines,
            **(
                {"links": [[step.label, step.url]], "links_until": step.until.isoformat()}
                if step and step.url
                else {}
            ),
        }

    def summary(self, ask: Ask, facts: EnrollFacts) -> list[tuple[str, str]]:
        city = book().city(ask.offer.city)
        lines = [(_("姓名"), ask.person.name), (_("身份证号码"), identity.mask(ask.person.identity_number))]
        if ask.answers.get("district"):
            lines.append(
                (_("参保地"), next(d.title for d in city.districts if d.code == ask.answers["district"]))
            )
        if ask.answers.get("household"):
            lines.append((_("户籍类别"), categories(city)[str(ask.answers["household"])]))
        tiers = _chosen(ask)
        for insurance in offers.offered_insurances(ask.offer):
            if insurance not in tiers:
                if f"tier_{insurance}" in ask.answers:
                    lines.append((INSURANCE_LABELS[insurance], _("不参保")))
                continue
            code = tiers[insurance]
            start = first_month(ask.offer, insurance, ask.month)
            standard = contribution.contribution_terms(
                book(), city=city.slug, capacity=Capacity.FLEXIBLE, insurance=insurance, month=start
            )
            mark = standard.leaf.reference.mark
            fen = consequences.quote(
                city=city.slug, capacity=Capacity.FLEXIBLE, insurance=insurance, tier=code, month=start
            )
            cost = _("，每月 {amount} 元").format(amount=money.format_yuan(fen)) if fen is not None else ""
            cost += _("（{mark}）").format(mark=mark) if cost and mark else ""
            lines.append(
                (
                    INSURANCE_LABELS[insurance],
                    _("{tier}，{month}起").format(tier=standard.tier(code).title, month=start.zh) + cost,
                )
            )
        if ask.answers.get("account_number"):
            lines.append((_("缴费账号"), identity.mask_account(str(ask.answers["account_number"]))))
        lines.append((_("手机号码"), identity.mask_phone(str(ask.answers["phone"]))))
        return lines


def _chosen(ask: Ask) -> dict[Insurance, str]:
    """The tiers that were chosen, by insurance."""
    return {
        insurance: str(ask.answers[f"tier_{insurance}"])
        for insurance in Insurance
        if ask.answers.get(f"tier_{insurance}")
    }


def barred_insurances(offer: Offer, applicant: Applicant, now: datetime) -> dict[Insurance, str]:
    """The insurances that the applicant cannot take now, with the reason: the form shows them, and
    offers no tier."""
    service = FlexibleEnroll()
    ask = Ask(offer=offer, applicant=applicant, answers={}, filed_at=now)
    return {insurance: bar.why for insurance, bar in service.barred(ask, service.facts(ask, None)).items()}


def _employed(coverage: Held, stopping: bool) -> str:
    """Why a person whom an employer insures cannot enrol, and what they can do. The text holds the
    placeholder ``{record}``."""
    if coverage.until is not None:
        return _(
            "您由单位参保，单位已办理停保，缴费到{last}为止。请从{month}起再来办理；目前可以查看{{record}}。"
        ).format(last=(coverage.until - 1).zh, month=coverage.until.zh)
    if stopping:
        return _("您由单位参保，单位的停保申报正在审核，审核通过后再来办理；目前可以查看{record}。")
    return _("您由单位参保，社会保险业务由所在单位办理，您可以查看{record}。离职后请先由单位办理停保。")


def _covered(coverage: Held) -> Bar:
    """Why a person who pays the insurance on their own cannot enrol in it, and what they can
    do."""
    field = f"tier_{coverage.insurance}"
    words = {
        "city": book().city(coverage.city).title,
        "insurance": INSURANCE_LABELS[coverage.insurance],
        "capacity": CAPACITY_LABELS[coverage.capacity],
    }
    if coverage.until is not None:
        why = _(
            "您在{city}的{insurance}缴费到{last}为止，之后才停保。需要继续参保的，请从{month}起再来办理。"
        )
        return Bar(field, why.format(last=(coverage.until - 1).zh, month=coverage.until.zh, **words))
    if coverage.capacity == Capacity.FLEXIBLE:
        return Bar(field, _("您已在{city}参加{insurance}，不需要重复参保。").format(**words))
    stop = to_stop(coverage.capacity).at(coverage.city)
    why = _("您正以{capacity}身份在{city}参加{insurance}。请先{stop}，再从停保的月份起参保。")
    return Bar(field, why.format(stop=stop, **words), (stop,))
