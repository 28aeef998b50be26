"""单位联系人维护（宁波）: whom an employer lets get its proofs by the personal login."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts import notices
from portal.accounts.fields import IdentityNumberField, NameField
from portal.accounts.models import User
from portal.hall.models import Case
from portal.hall.service import Ask, Audience, Bar, Finding, Service, ServiceForm, Theme
from portal.people import contacts
from portal.people.models import Person
from portal.shared import identity, names

NAME, END = "name", "end"
NOTICE_KIND = "employer-contact"


class ContactForm(ServiceForm):
    action = forms.ChoiceField(label=gettext_lazy("办理什么"), widget=forms.RadioSelect)
    identity_number = IdentityNumberField(label=gettext_lazy("联系人身份证号码"), required=False)
    name = NameField(label=gettext_lazy("联系人姓名"), required=False)

    def build(self) -> None:
        employer = self.applicant.employer
        present = contacts.contact_of(employer) if employer else None
        choices = [(NAME, _("指定联系人"))]
        if present:
            choices.append((END, _("终止{name}的联系人资格").format(name=present.name)))
        self.fields["action"].choices = choices  # type: ignore[attr-defined]
        self.fields["identity_number"].help_text = _("终止的不用填写。指定新的联系人后，原来的随即终止。")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("action") == END:
            cleaned["identity_number"] = cleaned["name"] = ""
            for field in ("identity_number", "name"):
                self.errors.pop(field, None)
            return cleaned
        for field, why in (
            ("identity_number", _("请填写联系人的身份证号码。")),
            ("name", _("请填写联系人的姓名。")),
        ):
            if not cleaned.get(field) and field not in self.errors:
                self.add_error(field, why)
        return cleaned


@dataclass(frozen=True)
class ContactFacts:
    """The person who was named, None where the register has none of this number and name; and who
    is the contact now."""

    person: Person | None
    present: Person | None

    def frozen(self) -> dict[str, Any]:
        return {"present": self.present.name if self.present else ""}


class EmployerContactService(Service):
    code = "employer-contact"
    title = gettext_lazy("单位联系人维护")
    audience = Audience.EMPLOYER
    theme = Theme.DETAILS
    form = ContactForm
    also_known_as = ("单位联系人", "指定联系人", "变更联系人", "个人开单位证明")
    conflicts = {
        "one_contact_of_an_employer": ("", gettext_lazy("刚刚已指定了联系人，请刷新页面后核对。")),
    }

    def facts(self, ask: Ask, outside: Any) -> ContactFacts:
        number, name = str(ask.answers.get("identity_number", "")), str(ask.answers.get("name", ""))
        found = Person.objects.filter(identity_number=number).first() if number else None
        return ContactFacts(
            person=found if found and names.agree(found.name, name) else None,
            present=contacts.contact_of(ask.employer),
        )

    def rule(self, ask: Ask, facts: ContactFacts) -> Iterator[Finding]:
        if ask.answers["action"] == END:
            if facts.present is None:
                yield Bar("action", _("单位现在没有指定联系人。"))
        elif facts.person is None:
            # The same for an unknown number and for another name: a number tells nobody's name.
            yield Bar("identity_number", _("没有查到这个号码和姓名的参保登记，请核对。"))
        elif facts.person == facts.present:
            yield Bar("identity_number", _("与现在的登记相同，不需要变更。"))

    def effect(self, case: Case, ask: Ask, facts: ContactFacts, *, by: User, now: datetime) -> dict[str, Any]:
        contacts.name(ask.employer, facts.person, now=now)
        unit = ask.employer.name
        for person, text in (
            (facts.person, _("{unit}指定您为单位联系人，您可以用个人账号开具它的参保证明。")),
            (facts.present, _("{unit}已终止您的单位联系人资格，您不能再开具它的参保证明。")),
        ):
            if person is not None:
                notices.tell(
                    person,
                    kind=NOTICE_KIND,
                    reference=f"{case.number}/{person.pk}",
                    title=_("单位联系人"),
                    text=text.format(unit=unit),
                    now=now,
                )
        return {"lines": [[_("联系人"), facts.person.name if facts.person else _("无")]]}

    def summary(self, ask: Ask, facts: ContactFacts) -> list[tuple[str, str]]:
        lines = [(_("单位名称"), ask.employer.name)]
        if facts.present is not None:
            lines.append((_("现在的联系人"), _("{name}（随即终止）").format(name=facts.present.name)))
        if ask.answers["action"] == NAME:
            lines.append((_("新的联系人"), str(ask.answers["name"])))
            lines.append((_("身份证号码"), identity.mask(str(ask.answers["identity_number"]))))
        lines.append((_("请注意"), _("联系人可以用个人账号开具本单位的参保证明，开具的证明单位也能看到。")))
        return lines
