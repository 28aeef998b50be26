"""少儿、学生参保信息维护: the account that is drawn on, a new name, from the school to a child's
insurance, and insured again after a stop."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrollment import actions, child_account, childhood, consequences, queries
from enrollment.about_coverage import AboutCoverage
from enrollment.child_account import ChildAccount
from enrollment.households import category
from enrollment.models import Coverage
from enrollment.queries import Held
from enrollment.ways import CHILD_ENROL, MEND_HOUSEHOLD
from portal.accounts.fields import NameField
from portal.accounts.models import User
from portal.hall.models import Case
from portal.hall.service import Ask, Audience, Bar, Finding, Mismatch, ServiceForm, Theme
from portal.people import corrections, guardianship, papers
from portal.people.models import BankAccount, Person
from portal.policy.book import book
from portal.registers.household import Household, household_register
from portal.shared import identity, names
from portal.shared.insurance import INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import Month, today_in_china

MEDICAL = Insurance.MEDICAL
ACCOUNT, NAME, LEFT, RESUME = "account", "name", "left-school", "resume"
ACTIONS = {
    ACCOUNT: gettext_lazy("登记或变更缴费账户"),
    NAME: gettext_lazy("变更姓名（已在公安机关变更）"),
    LEFT: gettext_lazy("离校，由学生改为少儿参保"),
    RESUME: gettext_lazy("恢复少儿参保"),
}


class UpkeepForm(ServiceForm):
    def build(self) -> None:
        city, person = book().city(self.offer.city), self.applicant.person
        self.fields["action"] = forms.ChoiceField(
            label=_("办理什么"), choices=list(ACTIONS.items()), widget=forms.RadioSelect
        )
        account = child_account.field(city, self.month, now=self.now)
        if account:
            account.help_text = _("登记或变更缴费账户的填写。") + str(account.help_text)
            self.fields["account_number"] = account
        self.fields["name"] = NameField(
            label=_("新的姓名"),
            required=False,
            help_text=_("变更姓名的填写。现在登记的是{now}；提交后与户籍登记比对。").format(
                now=person.name if person else ""
            ),
        )
        start = childhood.first_month_field(self.offer, now=self.now, help_text=_("恢复参保的选择。"))
        if start:
            start.required = False
            self.fields["start"] = start

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        action = cleaned.get("action")
        if action == NAME and not cleaned.get("name") and "name" not in self.errors:
            self.add_error("name", _("请填写新的姓名。"))
        if action == RESUME and "start" in self.fields and not cleaned.get("start"):
            self.add_error("start", _("请选择从哪个月开始参保。"))
        # What was not chosen is no part of the application.
        for name, of in (("account_number", ACCOUNT), ("name", NAME), ("start", RESUME)):
            if name in cleaned and action != of:
                cleaned[name] = None if name == "start" else ""
        return cleaned


@dataclass(frozen=True)
class Registered:
    """What the household register and the banks say; ``account`` is None where none is asked
    about."""

    household: Household | None
    account: ChildAccount | None


@dataclass(frozen=True)
class UpkeepFacts:
    """The person on file, the registers, what is held, the account that is drawn on now ("": none)
    and whose it may be; when the action takes effect, and what stands against that."""

    name: str
    registered: Registered
    held: list[Held]
    current: str
    holders: frozenset[str]
    start: Month
    student: Held | None
    barriers: tuple[str, ...]
    of_age: bool

    def frozen(self) -> dict[str, Any]:
        household = self.registered.household
        return {"start": str(self.start), "household": household.place_code if household else None}


class ChildStudentUpkeep(AboutCoverage):
    code = "child-student-upkeep"
    title = gettext_lazy("少儿、学生参保信息维护")
    audience = Audience.PERSON
    theme = Theme.DETAILS
    form = UpkeepForm
    for_wards = True
    also_known_as = ("少儿恢复参保", "学生转少儿", "孩子缴费账户")
    conflicts = {
        "no_two_live_coverages_share_a_month": (
            "action",
            gettext_lazy("在所选月份刚刚已参保，不能重复参保。请在参保缴费记录中核对。"),
        )
    }

    def outside(self, ask: Ask) -> Registered:
        number, named = ask.person.identity_number, str(ask.answers.get("account_number") or "")
        city = book().city(ask.offer.city)
        asked = ask.answers.get("action") == ACCOUNT
        return Registered(
            household=None if asked else household_register().find(number),
            account=child_account.look_up(city, number, named, month=ask.month) if asked else None,
        )

    def facts(self, ask: Ask, outside: Any) -> UpkeepFacts:
        person, today = Person.objects.get(pk=ask.person.pk), today_in_china(ask.filed_at)
        held = [one for one in queries.held(person.identity_number) if one.insurance == MEDICAL]
        going_on = queries.to_go_on(held, month=ask.month, capacity=Capacity.STUDENT)
        student = next((one for one in going_on if one.city == ask.offer.city), None)
        start = Month.parse(ask.answers["start"]) if ask.answers.get("start") else ask.month
        barriers: tuple[str, ...] = ()
        if student and ask.answers.get("action") == LEFT:
            after_paid = consequences.paid_until([student.pk]).get(student.pk)
            start = max(ask.month, student.start, after_paid or ask.month)
            coverage = Coverage.objects.get(pk=student.pk)
            barriers = tuple(consequences.stop_barriers(coverage, start))
        current = BankAccount.objects.filter(person=person, city=ask.offer.city, until__isnull=True).first()
        guardians = guardianship.guardians_of(person, on=today)
        return UpkeepFacts(
            name=person.name,
            registered=outside or Registered(None, None),
            held=held,
            current=current.number if current else "",
            holders=frozenset({person.identity_number, *(one.guardian.identity_number for one in guardians)}),
            start=start,
            student=student,
            barriers=barriers,
            of_age=today >= guardianship.comes_of_age(person.birth_date, on=today),
        )

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        yield from self._who(ask, self.facts(ask, None))

    def _who(self, ask: Ask, facts: UpkeepFacts) -> Iterator[Bar]:
        """What bars it whatever is chosen."""
        of_child = [one for one in facts.held if one.capacity in (Capacity.CHILD, Capacity.STUDENT)]
        if not of_child:
            first = CHILD_ENROL.at(ask.offer.city)
            why = _("{name}没有以少儿或学生身份参加过医疗保险：非在园在校的，请{first}；在校的由学校参保。")
            yield Bar("", why.format(name=facts.name, first=first), (first,))
        elif not facts.of_age and ask.applicant.ward is None:
            yield Bar("", _("您还未成年，由登记的监护人登录办理。"))

    def rule(self, ask: Ask, facts: UpkeepFacts) -> Iterator[Finding]:
        if bars := list(self._who(ask, facts)):
            yield from bars
            return
        match ask.answers["action"]:
            case "account":
                yield from self._about_account(facts)
            case "name":
                yield from self._about_name(ask, facts)
            case action:
                yield from self._about_coverage(ask, facts, action)

    def _about_account(self, facts: UpkeepFacts) -> Iterator[Finding]:
        account = facts.registered.account
        if account is None or not account.number:
            yield Bar("account_number", _("请填写缴费账号。"))
        elif account.number == facts.current and account.named in ("", account.number):
            yield Bar("account_number", _("与现在的登记相同，不需要变更。"))
        else:
            yield from child_account.findings(account, facts.holders)

    def _about_name(self, ask: Ask, facts: UpkeepFacts) -> Iterator[Finding]:
        registered = facts.registered.household
        if names.agree(facts.name, str(ask.answers["name"])):
            yield Bar("name", _("与现在的登记相同，不需要变更。"))
        elif registered is None:
            yield Mismatch("name", _("户籍登记中没有查到{name}的信息。").format(name=facts.name))
        elif not names.agree(registered.name, str(ask.answers["name"])):
            yield Mismatch("name", _("户籍登记中的姓名与您填写的不一致。"))

    def _about_coverage(self, ask: Ask, facts: UpkeepFacts, action: str) -> Iterator[Finding]:
        city, household = book().city(ask.offer.city), facts.registered.household
        leaves = facts.student if action == LEFT else None
        running = next((one for one in facts.held if one.runs_from(facts.start) and one != leaves), None)
        if facts.of_age:
            yield Bar("action", _("已满18周岁的，不能以少儿身份参保。"))
        elif action == LEFT and facts.student is None:
            yield Bar("action", _("{name}现在没有以学生身份参保，不需要变更。").format(name=facts.name))
        elif action == LEFT and facts.barriers:
            yield from (Bar("action", why) for why in facts.barriers)
        elif running is not None:
            yield childhood.still_insured("action", running, facts.name, ask.applicant.ward)
        elif household is None:
            yield Mismatch("action", _("户籍登记中没有查到{name}的信息。").format(name=facts.name))
        elif category(city, household.place_code) != "city":
            mend = MEND_HOUSEHOLD.at(city.slug)
            why = _("户籍登记显示{name}不是{city}户籍。户籍信息有误的，请先{mend}。")
            yield Bar("action", why.format(name=facts.name, city=city.title, mend=mend))

    def established(self, ask: Ask, facts: UpkeepFacts) -> set[str]:
        fields = {one.field for one in self.rule(ask, facts) if isinstance(one, Mismatch)}
        if not fields:
            return set()
        return {"mismatch", "account-mismatch" if "account_number" in fields else "household-mismatch"}

    def effect(self, case: Case, ask: Ask, facts: UpkeepFacts, *, by: User, now: datetime) -> dict[str, Any]:
        lines = [list(line) for line in self.summary(ask, facts)]
        person, action = Person.objects.select_for_update().get(pk=ask.person.pk), ask.answers["action"]
        if action == ACCOUNT and facts.registered.account:
            child_account.draw_on(
                person,
                book().city(ask.offer.city),
                facts.registered.account,
                holder=case.filed_by.name,
                now=now,
            )
        elif action == NAME:
            after = papers.of_person(person)
            name = str(ask.answers["name"])
            corrections.correct(person, after=after, name=name, reference=case.number, at=now)
        else:
            return self._insured(case, ask, facts, person, lines, by=by, now=now)
        return {"lines": lines}

    def _insured(
        self,
        case: Case,
        ask: Ask,
        facts: UpkeepFacts,
        person: Person,
        lines: list[list[str]],
        *,
        by: User,
        now: datetime,
    ) -> dict[str, Any]:
        """Ends the student's coverage, where one runs, and begins the child's in its place."""
        if facts.student and ask.answers["action"] == LEFT:
            coverage = Coverage.objects.get(pk=facts.student.pk)
            actions.close_coverage(coverage, until=facts.start, by=by, now=now, case=case)
        outcome = childhood.insure(
            person, facts.start, field="action", offer=ask.offer, case=case, by=by, now=now
        )
        outcome["lines"] = [*lines, *outcome["lines"]]
        return outcome

    def summary(self, ask: Ask, facts: UpkeepFacts) -> list[tuple[str, str]]:
        action = ask.answers["action"]
        lines = [(_("参保人"), facts.name), (_("办理什么"), str(ACTIONS[action]))]
        if action == ACCOUNT:
            account = facts.registered.account
            before = identity.mask_account(facts.current) if facts.current else _("无")
            after = child_account.described(account) if account else ""
            return [*lines, (_("原缴费账户"), before), (_("新缴费账户"), after)]
        if action == NAME:
            return [
                *lines,
                (_("姓名"), _("{before} → {after}").format(before=facts.name, after=ask.answers["name"])),
            ]
        costs = childhood.costs(ask.offer.city, facts.start, filed_in=ask.month)
        return [*lines, (_("开始月份"), facts.start.zh), (str(INSURANCE_LABELS[MEDICAL]), costs)]
