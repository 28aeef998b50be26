"""单位参保证明（宁波，个人入口）: for the person whom an employer has named as its contact."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from certificates.employer_proving import EmployerProofForm, EmployerProving
from portal.hall.desk import NotAccepted
from portal.hall.service import Ask, Audience, Bar
from portal.hall.ways import To
from portal.people.contacts import employers_of
from portal.people.models import Employer


class ContactProofForm(EmployerProofForm):
    def build(self) -> None:
        person, city = self.applicant.person, self.offer.city
        self._employers = list(employers_of(person).filter(city=city)) if person else []
        self.fields = {
            "employer": forms.ChoiceField(
                label=_("单位"),
                choices=[(one.credit_code, one.name) for one in self._employers],
                widget=forms.RadioSelect,
                initial=self._employers[0].credit_code if len(self._employers) == 1 else None,
                error_messages={"invalid_choice": _NOT_CONTACT},
            ),
            **self.fields,
        }
        super().build()

    def employer(self) -> Employer | None:
        return self._employers[0] if len(self._employers) == 1 else None


NAMING = To("employer-contact", what=gettext_lazy("登记联系人"))
_NOT_CONTACT = gettext_lazy("您不是这家单位登记的联系人，请由单位指定后再办理。")


class EmployerProofContact(EmployerProving):
    code = "employer-proof-contact"
    title = gettext_lazy("单位参保证明（单位联系人办理）")
    audience = Audience.PERSON
    form = ContactProofForm
    another_number = gettext_lazy("这不是所选单位的社保编号或统一社会信用代码，请核对。")

    def employer_of(self, ask: Ask) -> Employer:
        employer = (
            employers_of(ask.person).filter(city=ask.offer.city, credit_code=ask.answers["employer"]).first()
        )
        if employer is None:
            raise NotAccepted([Bar("employer", str(_NOT_CONTACT))])
        return employer

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        if not employers_of(ask.person).filter(city=ask.offer.city).exists():
            way = NAMING.at(ask.offer.city)
            why = _("您不是本市任何单位登记的联系人。请由单位的经办人{way}，指定您为联系人。")
            yield Bar("", why.format(way=way), (way,))

    def summary(self, ask: Ask, facts: Any) -> list[tuple[str, str]]:
        return [*super().summary(ask, facts), (_("经办人"), ask.person.name)]
