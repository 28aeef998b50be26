"""The base of services by which people insure themselves.

A service says its code, title, capacity and words, and the bars of its own; it may ask for more
(``asks``). The city's offer says which insurances and months can be begun (``enrolling``). Each
insurance is taken at a tier, or left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrollment import enrolling, queries
from enrollment.about_coverage import AboutCoverage
from enrollment.enrolling import NOT_WANTED, Wanted, tier_answers
from enrollment.queries import Held
from portal.accounts.models import User
from portal.hall.fields import MonthChoiceField
from portal.hall.models import Case
from portal.hall.queries import open_about
from portal.hall.service import Ask, Audience, Bar, Finding, ServiceForm, Theme
from portal.policy.terms import offers
from portal.policy.terms.contribution import ContributionTerms, Tier
from portal.shared import identity
from portal.shared.insurance import INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import Month, today_in_china


class OwnEnrolForm(ServiceForm):
    """For each insurance of the offer its tiers, none preselected, and its first month where there
    is a choice; what is barred is shown with the reason. Then the account for the debit, where the
    offer asks for one."""

    service: ClassVar[type["OwnEnrol"]]

    def build(self) -> None:
        self.before_the_tiers()
        self._add_tiers()
        account = enrolling.account_field(
            self.offer, self.service.capacity, self.applicant.person, self.month, now=self.now
        )
        if account:
            self.fields["account_number"] = account
        self.after_the_tiers()

    def before_the_tiers(self) -> None:
        """Adds what is asked first."""

    def after_the_tiers(self) -> None:
        """Adds what is asked last."""

    def _add_tiers(self) -> None:
        service = self.service()
        ask = Ask(offer=self.offer, applicant=self.applicant, answers={}, filed_at=self.now)
        person = self.applicant.person
        facts = service.facts(ask, service.known_for_form(ask)) if person else None
        barred = service.barred(ask, facts) if person else {}
        offered = offers.offered_insurances(self.offer)
        for insurance in offered:
            months = service.first_months(ask, insurance)
            terms = enrolling.terms_of(self.offer.city, service.capacity, insurance, months[0])
            if terms is None:
                continue
            why = barred[insurance].why if insurance in barred else ""
            choices = service.choices(ask, facts, terms)
            hints = {code: service.cost(ask, facts, insurance, code, months[0]) for code, _title in choices}
            self.fields[f"tier_{insurance}"] = self._tiers(
                terms, choices, hints, months, why, several=len(offered) > 1
            )
            if len(months) > 1 and not why:
                self.fields[f"start_{insurance}"] = MonthChoiceField(
                    label=_("{insurance}：从哪个月开始").format(insurance=INSURANCE_LABELS[insurance]),
                    months=months,
                    required=False,
                    initial=str(months[0]),
                )
                self.fields[f"start_{insurance}"].always_answered = True  # type: ignore[attr-defined]

    def _tiers(
        self,
        terms: ContributionTerms,
        choices: Sequence[tuple[str, str]],
        hints: Mapping[str, str],
        months: Sequence[Month],
        why: str,
        *,
        several: bool,
    ) -> forms.ChoiceField:
        field = forms.ChoiceField(
            label=_("{insurance}缴费档次").format(insurance=INSURANCE_LABELS[terms.insurance]),
            choices=[*choices, *([(NOT_WANTED, _("不参保"))] if several else [])],
            widget=forms.RadioSelect,
            required=False,
            help_text=(_("从{month}起缴费。").format(month=months[0].zh) if len(months) == 1 else "")
            + terms.standard(today_in_china(self.now)),
        )
        field.choice_hints = {code: hint for code, hint in hints.items() if hint}  # type: ignore[attr-defined]
        field.always_answered = True  # type: ignore[attr-defined]
        field.not_allowed = dict.fromkeys((code for code, _title in choices), why) if why else {}  # type: ignore[attr-defined]
        return field

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        tiers = [name for name in self.fields if name.startswith("tier_")]
        cleaned.update({name: "" for name in tiers if cleaned.get(name) == NOT_WANTED})
        if not any(cleaned.get(name) or name in self.errors for name in tiers):
            self.add_error(tiers[0] if tiers else None, _("请至少选择一个险种的缴费档次。"))
        for name in tiers:
            start = name.replace("tier_", "start_")
            if start in self.fields and not cleaned.get(name):
                cleaned[start] = None
            elif start in self.fields and not cleaned.get(start) and start not in self.errors:
                self.add_error(start, _("请选择从哪个月开始。"))
        return cleaned


@dataclass(frozen=True, kw_only=True)
class EnrolFacts:
    """What the person holds, and whether an employer's stop of them is filed and not decided
    yet."""

    held: list[Held]
    stopping: bool = False

    def frozen(self) -> dict[str, Any]:
        return {"held": [one.described() for one in self.held]}


class OwnEnrol(AboutCoverage):
    """Insures the person as ``capacity`` in the offer's city, in the insurances that they choose.

    A service's own bars are those of a person (``bars_of_person``) and of an insurance
    (``bars_of``); its facts extend ``EnrolFacts``. ``facts`` is also asked with ``outside`` None,
    for the form: what outside registers say is then not known.
    """

    capacity: ClassVar[Capacity]
    asks: ClassVar[type[OwnEnrolForm]] = OwnEnrolForm
    audience = Audience.PERSON
    theme = Theme.ENROLLMENT
    conflicts = {
        "no_two_live_coverages_share_a_month": (
            "",
            gettext_lazy("您在所选月份刚刚已参保，不能重复参保。请在参保缴费记录中核对。"),
        )
    }

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.form = type(f"{cls.__name__}Form", (cls.asks,), {"service": cls})

    def facts(self, ask: Ask, outside: Any) -> Any:
        number = ask.person.identity_number
        return EnrolFacts(held=queries.held(number), stopping=bool(open_about(number, enrolling.STOP)))

    def first_months(self, ask: Ask, insurance: Insurance) -> tuple[Month, ...]:
        """The months that the insurance may begin with, earliest first."""
        return enrolling.first_months(ask.offer, insurance, self.capacity, filed_at=ask.filed_at)

    def tiers(self, ask: Ask, facts: Any, terms: ContributionTerms) -> Sequence[Tier]:
        """The tiers that can be chosen; ``facts`` are None where nobody is logged in as a
        person."""
        return terms.tiers

    def known_for_form(self, ask: Ask) -> Any:
        """What outside registers say, as far as the form needs it."""

    def choices(self, ask: Ask, facts: Any, terms: ContributionTerms) -> Sequence[tuple[str, str]]:
        """What can be chosen of an insurance: (code, title)."""
        return [(tier.code, tier.title) for tier in self.tiers(ask, facts, terms)]

    def cost(self, ask: Ask, facts: Any, insurance: Insurance, code: str, month: Month) -> str:
        """What a choice costs, in words; "" where no figure says."""
        return enrolling.cost(ask.offer.city, self.capacity, insurance, code, month)

    def bars_of_person(self, ask: Ask, facts: Any) -> Iterator[Bar]:
        """What bars this person, whatever the insurance and the answers."""
        yield from ()

    def bars_of(self, ask: Ask, facts: Any, insurance: Insurance) -> Iterator[Bar]:
        """What bars this person from the insurance, whatever the tier, beside its field."""
        yield from ()

    def findings(self, ask: Ask, facts: Any) -> Iterator[Finding]:
        """What else is found in the answers."""
        yield from ()

    def _bars_of(self, ask: Ask, facts: Any, insurance: Insurance) -> Iterator[Bar]:
        yield from self.bars_of(ask, facts, insurance)
        start = self.wanted_from(ask, insurance)
        yield from enrolling.already(facts.held, insurance, self.capacity, start, stopping=facts.stopping)

    def barred(self, ask: Ask, facts: Any) -> dict[Insurance, Bar]:
        """The insurances of the offer that this person cannot take, whatever the tier, with the
        first reason."""
        first_bars = {}
        for insurance in offers.offered_insurances(ask.offer):
            bars = list(self._bars_of(ask, facts, insurance))
            if bars:
                first_bars[insurance] = bars[0]
        return first_bars

    def known_beforehand(self, ask: Ask) -> Any:
        """What outside registers say, as far as it decides before the form."""
        return self.outside(ask)

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        """The person is barred, or every insurance of the offer is."""
        facts = self.facts(ask, self.known_beforehand(ask))
        if bars := list(self.bars_of_person(ask, facts)):
            yield from bars
            return
        barred = self.barred(ask, facts)
        if len(barred) == len(offers.offered_insurances(ask.offer)):
            yield from {bar.why: Bar("", bar.why, bar.ways) for bar in barred.values()}.values()

    def rule(self, ask: Ask, facts: Any) -> Iterator[Finding]:
        yield from self.bars_of_person(ask, facts)
        for insurance in tier_answers(ask):
            yield from self._bars_of(ask, facts, insurance)
        yield from self.findings(ask, facts)

    def wanted_from(self, ask: Ask, insurance: Insurance) -> Month:
        """The first month that was chosen, or the earliest one."""
        chosen = ask.answers.get(f"start_{insurance}")
        return Month.parse(chosen) if chosen else self.first_months(ask, insurance)[0]

    def wanted(self, ask: Ask, facts: Any) -> list[Wanted]:
        """The insurances that were chosen."""
        return [
            Wanted(insurance, tier, self.wanted_from(ask, insurance))
            for insurance, tier in tier_answers(ask).items()
        ]

    def effect(self, case: Case, ask: Ask, facts: Any, *, by: User, now: datetime) -> dict[str, Any]:
        return enrolling.insure(
            ask.person,
            self.wanted(ask, facts),
            offer=ask.offer,
            capacity=self.capacity,
            case=case,
            by=by,
            now=now,
            district=str(ask.answers.get("district", "")),
            account_number=str(ask.answers.get("account_number") or ""),
        )

    def summary(self, ask: Ask, facts: Any) -> list[tuple[str, str]]:
        return [
            (_("姓名"), ask.person.name),
            (_("身份证号码"), identity.mask(ask.person.identity_number)),
            *self.about_person(ask, facts),
            *self._insurances(ask, facts),
            *(
                [(_("缴费账号"), identity.mask_account(str(ask.answers["account_number"])))]
                if ask.answers.get("account_number")
                else []
            ),
            *self.about_the_rest(ask, facts),
        ]

    def about_person(self, ask: Ask, facts: Any) -> Iterator[tuple[str, str]]:
        """Lines of the summary before the insurances."""
        yield from ()

    def about_the_rest(self, ask: Ask, facts: Any) -> Iterator[tuple[str, str]]:
        """Lines of the summary after the insurances."""
        yield from ()

    def _insurances(self, ask: Ask, facts: Any) -> Iterator[tuple[str, str]]:
        chosen = tier_answers(ask)
        for insurance in offers.offered_insurances(ask.offer):
            if insurance in chosen:
                yield INSURANCE_LABELS[insurance], self._described(ask, facts, insurance, chosen[insurance])
            elif f"tier_{insurance}" in ask.answers:
                yield INSURANCE_LABELS[insurance], _("不参保")

    def _described(self, ask: Ask, facts: Any, insurance: Insurance, code: str) -> str:
        """60%档，2026年12月起，每月 393.04 元（起始日期为推定）."""
        start = self.wanted_from(ask, insurance)
        terms = enrolling.terms_of(ask.offer.city, self.capacity, insurance, start)
        titles = dict(self.choices(ask, facts, terms)) if terms else {}
        title = titles.get(code) or (terms.tier(code).title if terms else code)
        cost = self.cost(ask, facts, insurance, code, start)
        mark = terms.leaf.reference.mark if terms and cost else ""
        said = _("{tier}，{month}起").format(tier=title, month=start.zh)
        said += _("，{cost}").format(cost=cost) if cost else ""
        return said + (_("（{mark}）").format(mark=mark) if mark else "")
