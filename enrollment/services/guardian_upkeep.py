"""监护人信息维护: becoming a guardian, naming the second one, ending a guardianship.

A parent is compared with the household register or the birth certificate and done at once; all that
concerns another guardian, or rests on another paper, ends at the counter.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrollment.ward_fields import CertificateField, WardNumberField, recorded
from portal.accounts.fields import NameField
from portal.accounts.models import User
from portal.hall.desk import NotAccepted
from portal.hall.models import Case
from portal.hall.service import Ask, Audience, Bar, Finding, Mismatch, Service, ServiceForm, Theme
from portal.people import guardianship, persons
from portal.people.models import PLACES, PROOF_LABELS, RELATION_LABELS, Guardianship, Person, Proof, Relation
from portal.policy.book import book
from portal.policy.terms.people import adulthood
from portal.registers.parentage import Parentage, Source, parentage
from portal.shared import ages, identity, names
from portal.shared.months import day_zh, today_in_china

JOIN, SECOND, END = "join", "second", "end"
ACTIONS = {
    JOIN: gettext_lazy("登记我为监护人"),
    SECOND: gettext_lazy("登记另一名监护人"),
    END: gettext_lazy("终止一名监护人的监护关系"),
}
# The proofs that this service takes; of adults only a court's judgment counts, at the window.
PROOFS = (Proof.HOUSEHOLD, Proof.BIRTH, Proof.ADOPTION, Proof.APPOINTED)
RELATIONS = (Relation.PARENT, Relation.GRANDPARENT, Relation.OTHER)
COMPARED = (str(Proof.HOUSEHOLD), str(Proof.BIRTH))


class GuardianForm(ServiceForm):
    action = forms.ChoiceField(
        label=gettext_lazy("办理什么"), choices=list(ACTIONS.items()), widget=forms.RadioSelect, initial=JOIN
    )
    ward_number = WardNumberField(label=gettext_lazy("被监护人身份证号码"))
    ward_name = NameField(label=gettext_lazy("被监护人姓名"))
    relation = forms.ChoiceField(
        label=gettext_lazy("监护人与被监护人的关系"),
        choices=[(one, RELATION_LABELS[one]) for one in RELATIONS],
        widget=forms.RadioSelect,
        required=False,
        initial=Relation.PARENT,
        help_text=gettext_lazy("登记监护人时填写，指监护人是被监护人的什么人。"),
    )
    proof = forms.ChoiceField(
        label=gettext_lazy("依据"),
        choices=[(one, PROOF_LABELS[one]) for one in PROOFS],
        widget=forms.RadioSelect,
        required=False,
        initial=Proof.HOUSEHOLD,
        help_text=gettext_lazy("户口簿和出生医学证明在网上比对；其他依据到窗口核对原件。"),
    )
    certificate_number = CertificateField(
        help_text=gettext_lazy("依据是出生医学证明时填写：一个字母加 9 位数字。")
    )
    other_number = WardNumberField(
        label=gettext_lazy("监护人身份证号码"),
        required=False,
        help_text=gettext_lazy("登记另一名监护人，或终止监护关系时填写那名监护人的号码。"),
    )
    other_name = NameField(label=gettext_lazy("监护人姓名"), required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        action = cleaned.get("action")
        if action in (JOIN, SECOND):
            self._need("relation", _("请选择监护人与被监护人的关系。"))
            self._need("proof", _("请选择依据。"))
            if cleaned.get("proof") == Proof.BIRTH:
                self._need("certificate_number", _("请填写出生医学证明编号。"))
        if action in (SECOND, END):
            self._need("other_number", _("请填写那名监护人的身份证号码。"))
            self._need("other_name", _("请填写那名监护人的姓名。"))
        return cleaned

    def _need(self, name: str, why: str) -> None:
        if name not in self.errors and not self.cleaned_data.get(name):
            self.add_error(name, why)

    def answers(self) -> dict[str, Any]:
        """Only what the action asks for."""
        answers = super().answers()
        without = {
            JOIN: ("other_number", "other_name"),
            SECOND: (),
            END: ("relation", "proof", "certificate_number"),
        }[answers["action"]]
        if answers["proof"] != Proof.BIRTH:
            without = (*without, "certificate_number")
        return {name: value for name, value in answers.items() if name not in without}


@dataclass(frozen=True)
class GuardianFacts:
    """The ward's guardians today, (person id, name, number) each, and what the registers say.

    ``proven``: a register names the applicant as a parent of a child of this number and name.
    ``file_agrees``: the hall's own file of the number, where there is one, has the name.
    """

    guardians: tuple[tuple[int, str, str], ...]
    parentage: Parentage
    proven: bool
    file_agrees: bool
    of_age: bool
    years: int
    applicant_of_age: bool

    def is_guardian(self, person: Person) -> bool:
        return any(one[0] == person.pk for one in self.guardians)

    def frozen(self) -> dict[str, Any]:
        return {"guardians": [one[1] for one in self.guardians], "proven": self.proven}


class GuardianUpkeep(Service):
    code = "guardian-upkeep"
    title = gettext_lazy("监护人信息维护")
    audience = Audience.PERSON
    theme = Theme.DETAILS
    form = GuardianForm
    also_known_as = ("监护人登记", "监护人变更", "给孩子办社保", "添加孩子")

    def subject(self, ask: Ask) -> str:
        return str(ask.answers["ward_number"])

    def ward(self, ask: Ask) -> Person | None:
        return persons.find(self.subject(ask))

    def outside(self, ask: Ask) -> Parentage:
        return parentage(
            child=str(ask.answers["ward_number"]),
            adult=ask.person.identity_number,
            certificate=str(ask.answers.get("certificate_number", "")),
        )

    def facts(self, ask: Ask, outside: Parentage) -> GuardianFacts:
        # Not the day of filing: until the window decides, a guardian may have ended, or the ward
        # come of age.
        today = today_in_china(timezone.now())
        ward, name = self.ward(ask), str(ask.answers["ward_name"])
        years = adulthood(book(), on=today)
        standing = guardianship.guardians_of(ward, on=today) if ward else []
        file_agrees = ward is None or names.agree(ward.name, name)
        born = identity.parse(self.subject(ask)).birth_date
        return GuardianFacts(
            guardians=tuple(
                (one.guardian_id, one.guardian.name, one.guardian.identity_number) for one in standing
            ),
            parentage=outside,
            proven=outside.source is not None and file_agrees and names.agree(outside.name, name),
            file_agrees=file_agrees,
            of_age=ages.has_reached(born, years, on=today),
            years=years,
            applicant_of_age=ages.has_reached(ask.person.birth_date, years, on=today),
        )

    def rule(self, ask: Ask, facts: GuardianFacts) -> Iterator[Finding]:
        name = str(ask.answers["ward_name"])
        if self.subject(ask) == ask.person.identity_number:
            yield Bar("ward_number", _("被监护人不能是您本人。"))
        elif facts.of_age:
            yield Bar(
                "ward_number",
                _(
                    "{name}已满{years}周岁，请由本人登录办理。监护关系已终止；"
                    "经法院认定无民事行为能力或限制民事行为能力的，请持判决书到窗口登记监护人。"
                ).format(name=name, years=facts.years),
            )
        elif ask.answers["action"] == JOIN:
            yield from self._joining(ask, facts)
        else:
            yield from self._about_another(ask, facts, name)

    def _joining(self, ask: Ask, facts: GuardianFacts) -> Iterator[Finding]:
        """Of a child that is not proven theirs the applicant learns nothing."""
        name = str(ask.answers["ward_name"])
        if facts.is_guardian(ask.person):
            yield Bar("ward_number", _("您已是{name}的登记监护人，不需要再登记。").format(name=name))
        elif facts.proven and len(facts.guardians) >= len(PLACES):
            yield Bar("", _("已登记两名监护人，请先变更其中一名。"))
        elif not facts.applicant_of_age and ask.answers["relation"] != Relation.PARENT:
            yield Bar("", _("未满{years}周岁的，不能登记为监护人。").format(years=facts.years))
        elif not facts.applicant_of_age:
            yield Mismatch("", _("您未满{years}周岁，请到窗口核对后登记。").format(years=facts.years))
        elif ask.answers["proof"] not in COMPARED:
            yield Mismatch("proof", _("这种依据须到窗口核对原件。"))
        elif not facts.proven:
            yield Mismatch("proof", _("户籍登记或出生登记中没有查到您是这名未成年人的父母。"))

    def _about_another(self, ask: Ask, facts: GuardianFacts, name: str) -> Iterator[Finding]:
        named = str(ask.answers["other_number"])
        of_named = [one for one in facts.guardians if one[2] == named]
        if not facts.is_guardian(ask.person):
            yield Bar(
                "ward_number",
                _("您不是{name}的登记监护人。请先登记您为监护人，或由已登记的监护人办理。").format(name=name),
            )
        elif ask.answers["action"] == END:
            if not of_named or not names.agree(of_named[0][1], str(ask.answers["other_name"])):
                yield Bar("other_number", _("这不是{name}的登记监护人，请核对号码和姓名。").format(name=name))
            else:
                yield Mismatch("action", _("终止监护关系须到窗口核对法院、民政部门或居（村）委会的文书。"))
        elif named == self.subject(ask):
            yield Bar("other_number", _("监护人和被监护人不能是同一个人。"))
        elif of_named:
            yield Bar("other_number", _("这名人员已是{name}的登记监护人，不需要再登记。").format(name=name))
        elif len(facts.guardians) >= len(PLACES):
            yield Bar("", _("已登记两名监护人，请先变更其中一名。"))
        else:
            yield Mismatch("action", _("为他人登记监护关系须到窗口核对；对方也可以自己登录，登记为监护人。"))

    def established(self, ask: Ask, facts: GuardianFacts) -> set[str]:
        if not any(isinstance(finding, Mismatch) for finding in self.rule(ask, facts)):
            return set()
        return {"guardian-end" if ask.answers["action"] == END else "guardian-mismatch"}

    def effect(
        self, case: Case, ask: Ask, facts: GuardianFacts, *, by: User, now: dt.datetime
    ) -> dict[str, Any]:
        today = today_in_china(now)
        if ask.answers["action"] == END:
            return self._ended(ask, today)
        one = self._begun(case, ask, facts, today)
        lines = [
            [_("被监护人"), one.ward.name],
            [one.get_place_display(), one.guardian.name],
            [_("依据"), one.proof],
            [_("期限"), _period(one)],
        ]
        return {"guardianship": one.pk, "lines": [*lines, [_("接下来"), _consequence()]]}

    def _begun(self, case: Case, ask: Ask, facts: GuardianFacts, today: dt.date) -> Guardianship:
        joins = ask.answers["action"] == JOIN
        ward = recorded("ward_name", self.subject(ask), str(ask.answers["ward_name"]))
        guardian = (
            ask.person
            if joins
            else recorded("other_name", str(ask.answers["other_number"]), str(ask.answers["other_name"]))
        )
        source = facts.parentage.source if joins and facts.proven else None
        kind = {
            Source.HOUSEHOLD: Proof.HOUSEHOLD,
            Source.BIRTH: Proof.BIRTH,
            None: Proof(ask.answers["proof"]),
        }[source]
        shown = (_("{kind}，登记比对一致") if source else _("{kind}，窗口核对（办件 {number}）")).format(
            kind=PROOF_LABELS[kind], number=case.number
        )
        try:
            return guardianship.begin(
                guardian=guardian,
                ward=ward,
                relation=Relation.PARENT if source else Relation(ask.answers["relation"]),
                proof_kind=kind,
                proof=shown,
                start=today,
                on=today,
            )
        except guardianship.NoPlace as error:
            raise NotAccepted([Bar("", _("已登记两名监护人，请先变更其中一名。"))]) from error
        except guardianship.IsGuardian as error:
            raise NotAccepted([Bar("", _("这一监护关系已经登记。"))]) from error

    def _ended(self, ask: Ask, today: dt.date) -> dict[str, Any]:
        """The guardianship ends on the day of completion."""
        ward, named = self.ward(ask), str(ask.answers["other_number"])
        row = next(
            (
                one
                for one in guardianship.guardians_of(ward, on=today)
                if one.guardian.identity_number == named
            )
            if ward
            else iter(()),
            None,
        )
        if row is None:
            raise NotAccepted([Bar("other_number", _("这一监护关系已经终止。"))])
        Guardianship.objects.filter(pk=row.pk).update(ends_on=today)
        return {
            "guardianship": row.pk,
            "lines": [
                [_("被监护人"), row.ward.name],
                [_("不再是监护人"), row.guardian.name],
                [_("终止日期"), day_zh(today)],
            ],
        }

    def summary(self, ask: Ask, facts: GuardianFacts) -> list[tuple[str, str]]:
        lines = [
            (_("办理什么"), str(ACTIONS[ask.answers["action"]])),
            (_("被监护人"), f"{ask.answers['ward_name']} {identity.mask(self.subject(ask))}"),
        ]
        if ask.answers["action"] == JOIN:
            lines.append((_("监护人"), ask.person.name))
        else:
            number = identity.mask(str(ask.answers["other_number"]))
            lines.append((_("监护人"), f"{ask.answers['other_name']} {number}"))
        if ask.answers["action"] == END:
            return lines
        of_age = guardianship.comes_of_age(
            identity.parse(self.subject(ask)).birth_date, on=today_in_china(ask.filed_at)
        )
        return [
            *lines,
            (_("监护关系"), RELATION_LABELS[Relation(ask.answers["relation"])]),
            (_("依据"), PROOF_LABELS[Proof(ask.answers["proof"])]),
            (_("期限"), _("自办结之日起，到{day}成年为止").format(day=day_zh(of_age))),
            (_("办结以后"), _consequence()),
        ]

    def staff_facts(self, ask: Ask, facts: GuardianFacts) -> list[tuple[str, list[tuple[str, str]]]]:
        held = [
            (f"{place}", f"{name} {identity.mask(number)}")
            for place, (_pk, name, number) in enumerate(facts.guardians, start=1)
        ] or [(_("监护人"), _("无"))]
        return [(_("现有的监护人"), held), *super().staff_facts(ask, facts)]


def _period(one: Guardianship) -> str:
    return _("{start}起，到{ends}为止").format(
        start=day_zh(one.start), ends=day_zh(one.ends_on) if one.ends_on else "—"
    )


def _consequence() -> str:
    return _("登记后可代办缴费、停保和信息维护，另一名监护人会收到通知。")
