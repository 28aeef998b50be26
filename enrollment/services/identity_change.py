"""个人基本信息变更: household and name by the household register; the archive's birth date at the
counter."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrollment import queries
from enrollment.about_coverage import AboutCoverage
from enrollment.households import categories, category
from portal.accounts.fields import NameField
from portal.accounts.models import User
from portal.accounts.person_changes import to_renew
from portal.hall import drafts
from portal.hall.desk import NotAccepted
from portal.hall.models import Case
from portal.hall.queries import others_open_about
from portal.hall.service import Ask, Audience, Bar, Finding, Mismatch, ServiceForm, Theme
from portal.hall.ways import Way, quoted
from portal.people import corrections, papers
from portal.people.models import Person
from portal.policy.book import book
from portal.policy.retirement import Retirement, flexible_category, retirement
from portal.registers.household import Household, household_register
from portal.shared import identity, names
from portal.shared.insurance import Capacity
from portal.shared.months import FIRST_YEAR, Month, day_zh, today_in_china

HOUSEHOLD, NAME, ARCHIVE, NUMBER, SEX = "household", "name", "archive", "number", "sex"
WHAT = {
    HOUSEHOLD: gettext_lazy("户籍类别"),
    NAME: gettext_lazy("姓名"),
    ARCHIVE: gettext_lazy("档案出生日期"),
    NUMBER: gettext_lazy("证件号码"),
    SEX: gettext_lazy("性别或出生日期"),
}
# The field that each change is told in.
_FIELDS = {HOUSEHOLD: "household", NAME: "name", ARCHIVE: "archive_birth_date"}
# The service that a household on file keeps people from.
_KEPT_FROM = "flexible-enroll"


class IdentityForm(ServiceForm):
    what = forms.ChoiceField(
        label=gettext_lazy("变更什么"), choices=list(WHAT.items()), widget=forms.RadioSelect
    )

    def build(self) -> None:
        person = self.applicant.person
        if person is None:
            return
        city = book().city(self.offer.city)
        titles = categories(city)
        on_file = titles.get(category(city, person.household_code), _("未登记"))
        self.fields["household"] = forms.ChoiceField(
            label=_("新的户籍类别"),
            choices=list(titles.items()),
            widget=forms.RadioSelect,
            required=False,
            help_text=_("变更户籍类别的选这一项。现在登记的是{now}；提交后与户籍登记比对。").format(
                now=on_file
            ),
        )
        self.fields["name"] = NameField(
            label=_("新的姓名"),
            required=False,
            help_text=_("变更姓名的填这一项，与身份证一致。现在登记的是{now}；提交后与户籍登记比对。").format(
                now=person.name
            ),
        )
        archived = person.archive_birth_date
        self.fields["archive_birth_date"] = forms.DateField(
            label=_("档案中最早记载的出生日期"),
            required=False,
            widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            help_text=_("变更档案出生日期的填这一项，须到窗口核对档案。现在登记的是{now}。").format(
                now=day_zh(archived) if archived else _("未登记")
            ),
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        field = _FIELDS.get(cleaned.get("what", ""), "")
        if field and not cleaned.get(field) and field not in self.errors:
            self.add_error(field, _("请填写新的{what}。").format(what=WHAT[cleaned["what"]]))
        told = cleaned.get("archive_birth_date")
        if told and told > today_in_china(self.now):
            self.add_error("archive_birth_date", _("档案出生日期不能晚于今天。"))
        elif told and told.year < FIRST_YEAR:
            self.add_error("archive_birth_date", _("档案出生日期的年份不正确，请核对。"))
        # What was not chosen is no part of the application.
        for name in _FIELDS.values():
            if name != field:
                cleaned[name] = None if name == "archive_birth_date" else ""
        return cleaned


@dataclass(frozen=True)
class IdentityFacts:
    """The person on file, what the household register says (None: it has no entry), the case that
    goes on with the old data, and when the person retires by the present and by the new date."""

    name: str
    household_code: str
    archive_birth_date: date | None
    household: Household | None
    open_case: str
    retired: bool
    retires: Retirement
    would_retire: Retirement

    def frozen(self) -> dict[str, Any]:
        return {
            "household_code": self.household_code,
            "household": self.household.place_code if self.household else None,
            "archive_birth_date": self.archive_birth_date.isoformat() if self.archive_birth_date else None,
            "retires": str(self.retires.month),
            "would_retire": str(self.would_retire.month),
        }


class IdentityChange(AboutCoverage):
    code = "identity-change"
    title = gettext_lazy("个人基本信息变更")
    audience = Audience.PERSON
    theme = Theme.DETAILS
    form = IdentityForm
    for_wards = True
    submit_label = gettext_lazy("变更基本信息")
    also_known_as = ("改户籍", "非深户改深户", "改名", "户籍信息变更", "档案出生日期")

    def outside(self, ask: Ask) -> Household | None:
        return household_register().find(ask.person.identity_number)

    def facts(self, ask: Ask, outside: Household | None) -> IdentityFacts:
        person, today = Person.objects.get(pk=ask.person.pk), today_in_china(ask.filed_at)
        told = str(ask.answers.get("archive_birth_date") or "")
        present = person.archive_birth_date or person.birth_date
        held = queries.held(person.identity_number)
        others = others_open_about(person.identity_number, city=ask.offer.city, but=self.code)
        return IdentityFacts(
            name=person.name,
            household_code=person.household_code,
            archive_birth_date=person.archive_birth_date,
            household=outside,
            open_case=others[0].number if others else "",
            retired=bool(queries.to_go_on(held, month=ask.month, capacity=Capacity.RETIREE)),
            retires=_retires(person, present, today),
            would_retire=_retires(person, date.fromisoformat(told) if told else present, today),
        )

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        yield from self._open(self.facts(ask, None))

    def rule(self, ask: Ask, facts: IdentityFacts) -> Iterator[Finding]:
        yield from self._open(facts)
        what = ask.answers["what"]
        if what == SEX:
            yield Bar("what", _("性别、出生日期由身份证号码确定，请先到公安机关更正证件。"))
            return
        if what == NUMBER:
            yield Bar(
                "what",
                _(
                    "证件号码不在网上变更：请本人带身份证和公安机关的变更证明，到社保经办机构窗口办理身份信息更正。"
                ),
            )
            return
        if _is_on_file(ask, facts):
            yield Bar(_FIELDS[what], _("与现在的登记相同，不需要变更。"))
        elif what == ARCHIVE and facts.retired:
            yield Bar("archive_birth_date", _("您已按月领取养老待遇，请到养老待遇核发窗口办理。"))
        elif ask.applicant.ward is not None:
            yield Mismatch("", _("为被监护人变更的，请监护人带材料到窗口办理。"))
        elif what == ARCHIVE:
            yield Mismatch("archive_birth_date", _("档案出生日期须到窗口核对职工档案，以最早的记载为准。"))
        else:
            yield from self._compare(ask, facts)

    def _open(self, facts: IdentityFacts) -> Iterator[Bar]:
        if facts.open_case:
            number = facts.open_case
            way = Way(number, number, reverse("case", args=[number]))
            yield Bar(
                "", _("您有办件按现在的登记在办，请先办结或撤回：{number}。").format(number=number), (way,)
            )

    def _compare(self, ask: Ask, facts: IdentityFacts) -> Iterator[Finding]:
        registered, field = facts.household, _FIELDS[ask.answers["what"]]
        if registered is None:
            yield Mismatch(field, _("户籍登记中没有查到您的信息。"))
        elif ask.answers["what"] == NAME:
            if not names.agree(registered.name, str(ask.answers["name"])):
                yield Mismatch("name", _("户籍登记中的姓名与您填写的不一致。"))
        elif category(book().city(ask.offer.city), registered.place_code) != ask.answers["household"]:
            yield Mismatch("household", _("户籍登记显示的户籍地与您填写的不一致。"))

    def established(self, ask: Ask, facts: IdentityFacts) -> set[str]:
        if not any(isinstance(finding, Mismatch) for finding in self.rule(ask, facts)):
            return set()
        return {"mismatch", f"{ask.answers['what']}-mismatch"}

    def effect(
        self, case: Case, ask: Ask, facts: IdentityFacts, *, by: User, now: datetime
    ) -> dict[str, Any]:
        lines = [list(line) for line in self.summary(ask, facts)]
        person, what = Person.objects.select_for_update().get(pk=ask.person.pk), ask.answers["what"]
        if what == NAME:
            corrections.correct(
                person,
                after=papers.of_person(person),
                name=str(ask.answers["name"]),
                reference=case.number,
                at=now,
            )
            if renew := to_renew(person):
                lines.append([_("下一步"), renew])
        elif what == ARCHIVE:
            person.archive_birth_date = date.fromisoformat(str(ask.answers["archive_birth_date"]))
            person.save(update_fields=["archive_birth_date"])
        else:
            person.household_code = _place(ask, facts)
            person.save(update_fields=["household_code"])
        return {"lines": lines, **_back(ask)}

    def summary(self, ask: Ask, facts: IdentityFacts) -> list[tuple[str, str]]:
        what = ask.answers["what"]
        change = _("{before} → {after}")
        if what == NAME:
            return [(_("姓名"), change.format(before=facts.name, after=ask.answers["name"]))]
        if what == ARCHIVE:
            before = day_zh(facts.archive_birth_date) if facts.archive_birth_date else _("未登记")
            after = day_zh(date.fromisoformat(str(ask.answers["archive_birth_date"])))
            moved = _("由{before}（{age}）变更为{after}（{new_age}）").format(
                before=facts.retires.month.zh,
                age=facts.retires.zh,
                after=facts.would_retire.month.zh,
                new_age=facts.would_retire.zh,
            )
            return [
                (_("档案出生日期"), change.format(before=before, after=after)),
                (_("退休时间"), moved),
            ]
        if what != HOUSEHOLD:
            return []
        city = book().city(ask.offer.city)
        titles = categories(city)
        before = titles.get(category(city, facts.household_code), _("未登记"))
        return [(_("户籍类别"), change.format(before=before, after=titles[str(ask.answers["household"])]))]


def _retires(person: Person, born: date, today: date) -> Retirement:
    sex = identity.Sex(person.sex)
    return retirement(book(), born=Month.of(born), category=flexible_category(sex), on=today)


def _is_on_file(ask: Ask, facts: IdentityFacts) -> bool:
    what = ask.answers["what"]
    if what == NAME:
        return names.agree(facts.name, str(ask.answers["name"]))
    if what == ARCHIVE:
        on_file = facts.archive_birth_date.isoformat() if facts.archive_birth_date else ""
        return str(ask.answers["archive_birth_date"]) == on_file
    return category(book().city(ask.offer.city), facts.household_code) == ask.answers["household"]


def _place(ask: Ask, facts: IdentityFacts) -> str:
    """The code of the place of household registration: the register's where it agrees. NotAccepted
    where staff overrule the register and the category alone names no place."""
    city, told = book().city(ask.offer.city), ask.answers["household"]
    if facts.household and category(city, facts.household.place_code) == told:
        return facts.household.place_code
    if told == "city":
        return city.code
    why = _("户籍登记中没有这一户籍地的区划代码：请不予通过，在人员档案中登记区划代码（两人复核）。")
    raise NotAccepted([Bar("household", why)])


def _back(ask: Ask) -> dict[str, Any]:
    """The link back to the kept form that the former data kept the person from; empty where there
    is none."""
    offer = book().city(ask.offer.city).offers.get(_KEPT_FROM)
    if offer is None or not drafts.find(user=ask.applicant.user, offer=offer, ward=ask.applicant.ward):
        return {}
    text = _("继续办理{service}").format(service=quoted(offer.title))
    return {"links": [[text, reverse("apply", args=[ask.offer.city, _KEPT_FROM])]]}
