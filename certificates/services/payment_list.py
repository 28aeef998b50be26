"""缴费清单（无锡）: a sealed list of all payments for a person's months, by the person or an
employer."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from certificates.kinds import CertificateKind
from certificates.payment_document import PaymentDocument, PaymentFacts
from certificates.payment_facts import PAYMENT_LIST_SCHEMA, payment_facts
from contributions.records.payments import paid_months
from portal.hall.service import Ask, ServiceForm
from portal.policy.book import book
from portal.shared.months import Month

ALL_YEARS = "all"


class PaymentListForm(ServiceForm):
    """Asks for one of the years with paid months, or for all years."""

    year = forms.ChoiceField(
        label=gettext_lazy("所属年份"),
        widget=forms.RadioSelect,
        help_text=gettext_lazy("按缴费所属的月份归入年份。"),
        error_messages={"required": gettext_lazy("请选择年份。")},
    )

    def build(self) -> None:
        person = self.applicant.person
        paid = paid_months(person, city=self.offer.city) if person else []
        years = sorted({one.month.year for one in paid}, reverse=True) or [self.month.year]
        self.fields["year"].choices = [  # type: ignore[attr-defined]
            *((str(year), _("%(year)s年") % {"year": year}) for year in years),
            (ALL_YEARS, _("全部年份")),
        ]
        self.fields["year"].initial = str(years[0])


class PaymentList(PaymentDocument):
    code = "payment-list"
    title = gettext_lazy("缴费清单")
    form = PaymentListForm
    also_known_as = ("缴费明细打印", "社保缴费清单", "缴费流水")
    kind = CertificateKind.PAYMENT_LIST
    asked_in = "year"
    submit_label = gettext_lazy("开具清单")

    def facts(self, ask: Ask, outside: bool) -> PaymentFacts:
        year = ask.answers["year"]
        span = {} if year == ALL_YEARS else {"start": Month(int(year), 1), "until": Month(int(year) + 1, 1)}
        selection: dict[str, Any] = {"city": ask.offer.city, **span}
        proof = payment_facts(
            ask.person,
            paid_months(ask.person, **selection),
            schema=PAYMENT_LIST_SCHEMA,
            now=ask.filed_at,
            **{**selection, "city": book().city(ask.offer.city)},
        )
        return PaymentFacts(proof, outside)
