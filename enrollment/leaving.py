"""The base of services by which a child's or a student's coverage ends: with a reason, after the
months that are paid.

A service says its code, title, capacity and reasons. The first month without coverage follows: the
month after the last paid one, at the earliest the month of filing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrollment import consequences, queries, stopping
from enrollment.about_coverage import AboutCoverage
from enrollment.insurance_choice import stop_costs, stop_word
from enrollment.own_stop import running
from enrollment.queries import Held
from portal.accounts.models import User
from portal.hall.fields import MonthChoiceField
from portal.hall.models import Case
from portal.hall.service import Ask, Audience, Bar, Finding, ServiceForm, Theme
from portal.hall.ways import to_page
from portal.people.guardianship import comes_of_age
from portal.people.models import Person
from portal.shared.insurance import CAPACITY_LABELS, INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import Month, today_in_china
from portal.web.wards import address_for

# The reason by which other insurance follows, from a month that is asked for.
ELSEWHERE = "insured-elsewhere"
# So many months ahead other insurance may begin.
MONTHS_AHEAD = 12


class LeavingForm(ServiceForm):
    """Asks why, and that the consequence is understood."""

    reasons: ClassVar[Sequence[tuple[str, Any]]]

    def build(self) -> None:
        self.fields["reason"] = forms.ChoiceField(
            label=_("停保原因"), choices=list(self.reasons), widget=forms.RadioSelect
        )
        self.fields["elsewhere_from"] = MonthChoiceField(
            label=_("其他医疗保险从哪个月开始"),
            months=[self.month + ahead for ahead in range(MONTHS_AHEAD)],
            required=False,
            help_text=_("停保原因是参加其他医疗保险时选择。"),
        )
        self.fields["understood"] = forms.BooleanField(
            label=_("我知道停保后不再享受医保待遇"),
            error_messages={"required": _("请先确认停保的后果。")},
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("reason") == ELSEWHERE and not cleaned.get("elsewhere_from"):
            if "elsewhere_from" not in self.errors:
                self.add_error("elsewhere_from", _("请选择其他医疗保险开始的月份。"))
        elif cleaned.get("reason") != ELSEWHERE:
            cleaned["elsewhere_from"] = None
        return cleaned


@dataclass(frozen=True)
class LeavingFacts(stopping.StopFacts):
    """``until`` is the first month without coverage; ``paid_to`` the last paid month, None where
    none is; ``minor``: not of age on the day of filing."""

    until: Month
    paid_to: Month | None
    minor: bool

    def frozen(self) -> dict[str, Any]:
        return {**super().frozen(), "until": str(self.until), "paid_to": str(self.paid_to or "")}


class Leaving(AboutCoverage):
    """Ends the medical coverage of ``capacity`` in the offer's city after what is paid."""

    capacity: ClassVar[Capacity]
    reasons: ClassVar[Sequence[tuple[str, Any]]]
    insurance = Insurance.MEDICAL
    audience = Audience.PERSON
    theme = Theme.ENROLLMENT
    for_wards = True
    dangerous = True
    submit_label = gettext_lazy("确认停保")

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.form = type(f"{cls.__name__}Form", (LeavingForm,), {"reasons": cls.reasons})

    def running(self, person: Person, city: str, month: Month) -> list[Held]:
        held = running(queries.held(person.identity_number), city, month, self.capacity)
        return [one for one in held if one.insurance == self.insurance and one.runs_from(month)]

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        yield from self._nothing(ask, self.running(ask.person, ask.offer.city, ask.month), minor=minor(ask))

    def _nothing(self, ask: Ask, held: list[Held], *, minor: bool) -> Iterator[Bar]:
        """What bars whatever is answered: nothing runs, or a minor files alone."""
        if not held:
            record = to_page("record")
            record = replace(record, url=address_for(record.url, ask.applicant.ward))
            why = _(
                "{name}在本市没有以{capacity}身份在保的{insurance}，不需要办理。参保情况可在{record}中查看。"
            )
            yield Bar(
                "",
                why.format(
                    name=ask.person.name,
                    capacity=_(CAPACITY_LABELS[self.capacity]),
                    insurance=_(INSURANCE_LABELS[self.insurance]),
                    record=record,
                ),
                (record,),
            )
        elif minor and ask.applicant.ward is None:
            yield Bar("", _("您还未成年，停保由登记的监护人登录办理。"))

    def facts(self, ask: Ask, outside: Any) -> LeavingFacts:
        held = self.running(ask.person, ask.offer.city, ask.month)
        until, paid_to = ask.month, None
        if held:
            after_paid = consequences.paid_until([held[0].pk]).get(held[0].pk)
            paid_to = after_paid - 1 if after_paid else None
            until = max(ask.month, held[0].start, after_paid or ask.month)
        if ask.answers.get("elsewhere_from"):
            until = max(ask.month, Month.parse(ask.answers["elsewhere_from"]))
        stops = {self.insurance: until} if held else {}
        found = stopping.facts(held, stops, month=ask.month)
        return LeavingFacts(
            held=found.held, barriers=found.barriers, until=until, paid_to=paid_to, minor=minor(ask)
        )

    def rule(self, ask: Ask, facts: LeavingFacts) -> Iterator[Finding]:
        if bars := list(self._nothing(ask, facts.held, minor=facts.minor)):
            yield from bars
        elif facts.paid_to and facts.paid_to >= facts.until:
            yield Bar(
                "elsewhere_from",
                _(
                    "{month}及以后的月份已缴费，停保要退费的，请到窗口办理；"
                    "也可以从{next}起停保，已缴月份照常享受。"
                ).format(month=facts.until.zh, next=(facts.paid_to + 1).zh),
            )
        else:
            for finding in stopping.rule({self.insurance: facts.until}, facts, word=stop_word(ask.offer)):
                yield Bar("", finding.why)

    def effect(self, case: Case, ask: Ask, facts: LeavingFacts, *, by: User, now: datetime) -> dict[str, Any]:
        word = stop_word(ask.offer)
        outcome = stopping.stop(case, facts, {self.insurance: facts.until}, word=word, by=by, now=now)
        return {**outcome, "until": str(facts.until)}

    def preview(self, ask: Ask, facts: LeavingFacts) -> dict[str, Any]:
        costs = [(INSURANCE_LABELS[self.insurance], list(stop_costs(ask.offer, self.insurance)))]
        return {"template": "enrollment/stop_costs.html", "costs": costs, "word": stop_word(ask.offer)}

    def summary(self, ask: Ask, facts: LeavingFacts) -> list[tuple[str, str]]:
        return [
            (_("参保人"), ask.person.name),
            (_("停保原因"), str(dict(self.reasons)[ask.answers["reason"]])),
            (_("已缴费到"), facts.paid_to.zh if facts.paid_to else _("没有已缴的月份")),
            *stopping.summary({self.insurance: facts.until}, word=stop_word(ask.offer)),
            (_("退费"), _("已缴月份照常享受，不退费")),
            *((_("提示"), said) for said in self.advice(ask, facts)),
        ]

    def advice(self, ask: Ask, facts: LeavingFacts) -> Iterator[str]:
        """What the applicant may do instead, in words."""
        yield from ()


def minor(ask: Ask) -> bool:
    """Whether the person is not of age on the day of filing."""
    today = today_in_china(ask.filed_at)
    return today < comes_of_age(ask.person.birth_date, on=today)
