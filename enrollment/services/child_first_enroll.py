"""深户非在园在校少儿首次参保: a guardian insures a child who is not at school, compared with the
household register: place, name, day of settling, and who the parents are."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrollment import child_account, childhood, queries
from enrollment.about_coverage import AboutCoverage
from enrollment.child_account import ChildAccount
from enrollment.households import categories, category
from enrollment.queries import Held
from enrollment.ward_fields import CertificateField, WardNumberField, recorded
from portal.accounts.fields import NameField, PhoneField
from portal.accounts.models import User
from portal.hall.desk import NotAccepted
from portal.hall.models import Case
from portal.hall.service import Ask, Audience, Bar, Finding, Mismatch, ServiceForm, Theme
from portal.people import guardianship, persons
from portal.people.models import PLACES, RELATION_LABELS, Person, Proof, Relation
from portal.policy.book import book
from portal.policy.terms.children import newborn_terms
from portal.policy.terms.people import adulthood
from portal.registers.parentage import Parentage, Source, parentage
from portal.shared import ages, identity, names
from portal.shared.insurance import CAPACITY_LABELS, INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import Month, day_zh, today_in_china

MEDICAL = Insurance.MEDICAL
HERE, NOT_HERE = "city", "elsewhere"
RELATIONS = (Relation.PARENT, Relation.GRANDPARENT, Relation.OTHER)


class FirstEnrolForm(ServiceForm):
    def build(self) -> None:
        city, person = book().city(self.offer.city), self.applicant.person
        here = categories(city)[HERE]
        self.fields["child_number"] = WardNumberField(label=_("孩子的身份证号码"))
        self.fields["child_name"] = NameField(label=_("孩子的姓名"))
        self.fields["household"] = forms.ChoiceField(
            label=_("孩子的户籍"),
            choices=[(HERE, here), (NOT_HERE, _("不是{here}").format(here=here))],
            widget=forms.RadioSelect,
        )
        self.fields["settled_on"] = forms.DateField(
            label=_("入户日期"),
            widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            help_text=_("孩子的户口登记到{city}的日期，见户口簿；提交后与户籍登记比对。").format(
                city=city.title
            ),
        )
        self.fields["relation"] = forms.ChoiceField(
            label=_("您与孩子的关系"),
            choices=[(str(one), RELATION_LABELS[one]) for one in RELATIONS],
            widget=forms.RadioSelect,
            initial=str(Relation.PARENT),
            help_text=_("您是孩子的什么人；不是父母的，须到窗口核对。"),
        )
        self.fields["certificate_number"] = CertificateField(
            help_text=_("您与孩子不在同一户口簿的填写：一个字母加 9 位数字。")
        )
        self.fields["second_number"] = WardNumberField(
            label=_("另一名监护人的身份证号码"),
            required=False,
            help_text=_("可以不填。填写的是父亲或母亲，与登记比对一致的，一并登记为监护人。"),
        )
        self.fields["second_name"] = NameField(label=_("另一名监护人的姓名"), required=False)
        start = childhood.first_month_field(
            self.offer, now=self.now, help_text=_("新生儿从出生当月开始参保，不按这里的选择。")
        )
        if start:
            self.fields["start"] = start
        account = child_account.field(city, self.month, now=self.now)
        if account:
            self.fields["account_number"] = account
        self.fields["phone"] = PhoneField(label=_("联系手机号码"), initial=person.phone if person else "")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        number, settled = cleaned.get("child_number"), cleaned.get("settled_on")
        if settled and settled > today_in_china(self.now):
            self.add_error("settled_on", _("入户日期不能晚于今天。"))
        elif settled and number and settled < identity.parse(number).birth_date:
            self.add_error("settled_on", _("入户日期不能早于孩子的出生日期。"))
        if cleaned.get("second_number") and not cleaned.get("second_name"):
            self.add_error("second_name", _("请填写另一名监护人的姓名。"))
        elif (
            cleaned.get("second_name")
            and not cleaned.get("second_number")
            and "second_number" not in self.errors
        ):
            self.add_error("second_number", _("请填写另一名监护人的身份证号码。"))
        return cleaned


@dataclass(frozen=True)
class Registered:
    """What the registers say of the applicant and of the second guardian, and the banks of the
    account."""

    parentage: Parentage
    second: Parentage | None
    account: ChildAccount


@dataclass(frozen=True)
class FirstEnrolFacts:
    """The registers' answers, the child's guardians today (numbers), what the child holds, and the
    first month that follows.

    ``known``: the applicant is the child's guardian, or a register names them as the parent of a
    child of this number and name. ``second_proven`` likewise of the second guardian.
    """

    registered: Registered
    guardians: tuple[str, ...]
    known: bool
    second_proven: bool
    file_agrees: bool
    held: list[Held]
    start: Month
    newborn: bool
    of_age: bool
    years: int
    applicant_of_age: bool

    def running(self) -> Held | None:
        """The medical coverage that runs in the first month, or later."""
        return next(
            (one for one in self.held if one.insurance == MEDICAL and one.runs_from(self.start)), None
        )

    def frozen(self) -> dict[str, Any]:
        household = self.registered.parentage.household
        return {
            "known": self.known,
            "household": household.place_code if household else None,
            "settled_on": household.settled_on.isoformat() if household and household.settled_on else None,
            "start": str(self.start),
            "newborn": self.newborn,
        }


class ChildFirstEnroll(AboutCoverage):
    code = "child-first-enroll"
    title = gettext_lazy("深户非在园在校少儿首次参保")
    audience = Audience.PERSON
    theme = Theme.ENROLLMENT
    form = FirstEnrolForm
    needs = ("newborn",)
    also_known_as = ("少儿参保登记", "给孩子参保", "新生儿参保")
    conflicts = {
        "no_two_live_coverages_share_a_month": (
            "child_number",
            gettext_lazy("孩子在所选月份刚刚已参保，不能重复参保。请在“我的家人”中核对。"),
        )
    }

    def subject(self, ask: Ask) -> str:
        return str(ask.answers["child_number"])

    def ward(self, ask: Ask) -> Person | None:
        return persons.find(self.subject(ask))

    def outside(self, ask: Ask) -> Registered:
        child, certificate = self.subject(ask), str(ask.answers.get("certificate_number", ""))
        second = str(ask.answers.get("second_number", ""))
        return Registered(
            parentage=parentage(child=child, adult=ask.person.identity_number, certificate=certificate),
            second=parentage(child=child, adult=second, certificate=certificate) if second else None,
            account=child_account.look_up(
                book().city(ask.offer.city),
                child,
                str(ask.answers.get("account_number") or ""),
                month=ask.month,
            ),
        )

    def facts(self, ask: Ask, outside: Registered) -> FirstEnrolFacts:
        today, child = today_in_china(ask.filed_at), self.ward(ask)
        name, born = str(ask.answers["child_name"]), identity.parse(self.subject(ask)).birth_date
        years = adulthood(book(), on=today)
        standing = guardianship.guardians_of(child, on=today) if child else []
        guardians = tuple(one.guardian.identity_number for one in standing)
        file_agrees = child is None or names.agree(child.name, name)
        settled = dt.date.fromisoformat(str(ask.answers["settled_on"]))
        newborn = newborn_terms(book(), city=ask.offer.city, on=today).from_birth(
            born, settled, filed_on=today
        )
        chosen = ask.answers.get("start")
        return FirstEnrolFacts(
            registered=outside,
            guardians=guardians,
            known=file_agrees
            and (ask.person.identity_number in guardians or _proven(outside.parentage, name)),
            second_proven=outside.second is not None and _proven(outside.second, name),
            file_agrees=file_agrees,
            held=queries.held(self.subject(ask)),
            start=Month.of(born) if newborn else Month.parse(str(chosen)) if chosen else ask.month,
            newborn=newborn,
            of_age=ages.has_reached(born, years, on=today),
            years=years,
            applicant_of_age=ages.has_reached(ask.person.birth_date, years, on=today),
        )

    def rule(self, ask: Ask, facts: FirstEnrolFacts) -> Iterator[Finding]:
        name, number = str(ask.answers["child_name"]), ask.person.identity_number
        if facts.of_age:
            yield Bar(
                "child_number",
                _("{name}已满{years}周岁，请由本人登录办理。").format(name=name, years=facts.years),
            )
        elif ask.answers["household"] != HERE:
            city = book().city(ask.offer.city)
            yield Bar(
                "household",
                _("本事项只面向{here}；其他户籍的在校少儿由学校参保。").format(here=categories(city)[HERE]),
            )
        elif facts.known and (running := facts.running()):
            yield _insured(running, name)
        elif facts.known and number not in facts.guardians and len(facts.guardians) >= len(PLACES):
            yield Bar("child_number", _("已登记两名监护人，请先变更其中一名。"))
        elif ask.answers.get("second_number") in (number, self.subject(ask)):
            yield Bar("second_number", _("另一名监护人不能是您本人，也不能是孩子。"))
        else:
            yield from self._compare(ask, facts)
            yield from child_account.findings(facts.registered.account, self._holders(ask))

    def _holders(self, ask: Ask) -> set[str]:
        second = str(ask.answers.get("second_number", ""))
        return {self.subject(ask), ask.person.identity_number} | ({second} if second else set())

    def _compare(self, ask: Ask, facts: FirstEnrolFacts) -> Iterator[Finding]:
        """How the child and the guardians differ from the registers. Of a child that is not proven
        theirs the applicant learns no more than that."""
        city, household = book().city(ask.offer.city), facts.registered.parentage.household
        settled = dt.date.fromisoformat(str(ask.answers["settled_on"]))
        if not facts.known:
            yield Mismatch("child_number", _("户籍登记或出生登记中没有查到您是这名孩子的父母。"))
        elif household is None:
            yield Mismatch("child_number", _("户籍登记中没有查到孩子的信息。"))
        elif category(city, household.place_code) != HERE:
            yield Mismatch("household", _("户籍登记显示孩子的户籍不在{city}。").format(city=city.title))
        elif not names.agree(household.name, str(ask.answers["child_name"])):
            yield Mismatch("child_name", _("户籍登记中的姓名与您填写的不一致。"))
        elif household.settled_on != settled:
            yield Mismatch("settled_on", _("入户日期与户籍登记不一致。"))
        if not facts.applicant_of_age:
            why = _("您未满{years}周岁，请到窗口核对后登记为监护人。")
            yield Mismatch("", why.format(years=facts.years))
        if ask.answers.get("second_number") in facts.guardians:
            return
        if ask.answers.get("second_number") and not facts.second_proven:
            yield Mismatch("second_number", _("登记中没有查到这名人员是孩子的父母。"))

    def established(self, ask: Ask, facts: FirstEnrolFacts) -> set[str]:
        fields = {one.field for one in self.rule(ask, facts) if isinstance(one, Mismatch)}
        found = {"mismatch"} if fields else set()
        return found | ({"account-mismatch"} if "account_number" in fields else set())

    def effect(
        self, case: Case, ask: Ask, facts: FirstEnrolFacts, *, by: User, now: dt.datetime
    ) -> dict[str, Any]:
        city, today = book().city(ask.offer.city), today_in_china(now)
        if running := facts.running():
            raise NotAccepted([_insured(running, str(ask.answers["child_name"]))])
        household = facts.registered.parentage.household
        here = household is not None and category(city, household.place_code) == HERE
        child = recorded(
            "child_name",
            self.subject(ask),
            str(ask.answers["child_name"]),
            household_code=household.place_code if household and here else city.code,
            phone=str(ask.answers["phone"]),
        )
        lines = [[_("参保人"), child.name]]
        lines += self._guardians(case, ask, facts, child, today)
        account = child_account.draw_on(
            child, city, facts.registered.account, holder=ask.person.name, now=now
        )
        outcome = childhood.insure(child, facts.start, field="", offer=ask.offer, case=case, by=by, now=now)
        if account:
            lines.append([_("缴费账户"), identity.mask_account(account.number)])
        outcome["lines"] = [*lines, *outcome["lines"]]
        return outcome

    def _guardians(
        self, case: Case, ask: Ask, facts: FirstEnrolFacts, child: Person, today: dt.date
    ) -> list[list[str]]:
        """Registers the applicant, and the second guardian that was named, where they are none."""
        second = str(ask.answers.get("second_number", ""))
        found = [(ask.person, facts.registered.parentage, Relation(ask.answers["relation"]))]
        if second and facts.registered.second:
            other = recorded("second_name", second, str(ask.answers["second_name"]))
            found.append((other, facts.registered.second, Relation.PARENT))
        lines = []
        for guardian, registered, relation in found:
            if guardian.identity_number in facts.guardians:
                continue
            kind = Proof.BIRTH if registered.source == Source.BIRTH else Proof.HOUSEHOLD
            proof = (
                _("登记比对一致")
                if registered.source
                else _("窗口核对（办件 {number}）").format(number=case.number)
            )
            try:
                one = guardianship.begin(
                    guardian=guardian,
                    ward=child,
                    relation=Relation.PARENT if registered.source else relation,
                    proof_kind=kind,
                    proof=proof,
                    start=today,
                    on=today,
                )
            except guardianship.NoPlace as error:
                raise NotAccepted([Bar("", _("已登记两名监护人，请先变更其中一名。"))]) from error
            lines.append([one.get_place_display(), guardian.name])
        return lines

    def summary(self, ask: Ask, facts: FirstEnrolFacts) -> list[tuple[str, str]]:
        settled = dt.date.fromisoformat(str(ask.answers["settled_on"]))
        lines = [
            (_("孩子"), f"{ask.answers['child_name']} {identity.mask(self.subject(ask))}"),
            (_("入户日期"), day_zh(settled)),
            (_("监护人"), f"{ask.person.name}（{RELATION_LABELS[Relation(ask.answers['relation'])]}）"),
        ]
        if ask.answers.get("second_number"):
            number = identity.mask(str(ask.answers["second_number"]))
            lines.append((_("另一名监护人"), f"{ask.answers['second_name']} {number}"))
        why = _("（新生儿，从出生当月起）") if facts.newborn else ""
        return [
            *lines,
            (_("参保身份"), str(CAPACITY_LABELS[Capacity.CHILD])),
            (_("开始月份"), facts.start.zh + why),
            (
                str(INSURANCE_LABELS[MEDICAL]),
                childhood.costs(ask.offer.city, facts.start, filed_in=ask.month),
            ),
            (_("缴费账户"), child_account.described(facts.registered.account)),
            (_("联系手机号码"), identity.mask_phone(str(ask.answers["phone"]))),
            (_("办结以后"), _("一次缴到8月，请保证账户余额；每年9月自动续保，不再参保请办理停保。")),
        ]


def _proven(found: Parentage, name: str) -> bool:
    return found.source is not None and names.agree(found.name, name)


def _insured(coverage: Held, name: str) -> Bar:
    """Why a child who is insured cannot be insured again, and what to do."""
    if coverage.capacity == Capacity.STUDENT:
        return Bar("child_number", _("{name}在校参保。在园在校的少儿由学校统一参保。").format(name=name))
    return childhood.still_insured("child_number", coverage, name)
