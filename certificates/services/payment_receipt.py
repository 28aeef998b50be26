"""电子票据（无锡）: a sealed receipt for a paid order, or for what a person paid for some
months."""

from typing import Any

from django import forms
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from certificates.kinds import CertificateKind
from certificates.payment_document import PaymentDocument, PaymentFacts
from certificates.payment_facts import PAYMENT_RECEIPT_SCHEMA, payment_facts
from contributions.records.payments import paid_months, paid_orders
from portal.hall.service import Ask, ServiceForm
from portal.policy.book import book
from portal.shared.money import format_yuan
from portal.shared.months import Month, day_zh

BY_MONTHS = "months"
LATEST_ORDERS = 12


class PaymentReceiptForm(ServiceForm):
    """Asks for a paid order, or for the first and last of the months that the person paid for."""

    which = forms.ChoiceField(
        label=gettext_lazy("开具哪些缴费"),
        widget=forms.RadioSelect,
        error_messages={
            "required": gettext_lazy("请选择一份订单，或选择按月份开具。"),
            "invalid_choice": gettext_lazy("没有这份已缴费的订单，请从下列选项中选择。"),
        },
    )
    first = forms.ChoiceField(
        label=gettext_lazy("起始月份"), required=False, help_text=gettext_lazy("选择“按月份开具”时填写。")
    )
    last = forms.ChoiceField(
        label=gettext_lazy("结束月份"), required=False, help_text=gettext_lazy("含结束月份。")
    )

    def build(self) -> None:
        person = self.applicant.person
        orders = paid_orders(person, city=self.offer.city, latest=LATEST_ORDERS) if person else []
        paid = paid_months(person, city=self.offer.city, own_only=True) if person else []
        choices = [
            (
                order.number,
                _("订单 %(number)s：%(day)s 缴 %(yuan)s 元")
                % {
                    "number": order.number,
                    "day": day_zh(localtime(order.ended_at).date()),
                    "yuan": format_yuan(order.sum_fen),
                },
            )
            for order in orders
        ]
        which = self.fields["which"]
        which.choices = [*choices, (BY_MONTHS, _("按月份开具"))]  # type: ignore[attr-defined]
        which.initial = choices[0][0] if choices else BY_MONTHS
        months = sorted({one.month for one in paid}, reverse=True)
        month_choices = [(str(month), month.zh) for month in months] or [(str(self.month), self.month.zh)]
        for name in ("first", "last"):
            self.fields[name].choices = month_choices  # type: ignore[attr-defined]
            self.fields[name].initial = month_choices[0][0]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("which") != BY_MONTHS:
            if "which" in cleaned:
                cleaned["first"] = cleaned["last"] = ""
            return cleaned
        for name in ("first", "last"):
            if not cleaned.get(name) and name not in self.errors:
                self.add_error(name, _("请选择月份。"))
        if not self.errors and cleaned["last"] < cleaned["first"]:
            self.add_error("last", _("结束月份不能早于起始月份。"))
        return cleaned


class PaymentReceipt(PaymentDocument):
    code = "payment-receipt"
    title = gettext_lazy("电子票据")
    form = PaymentReceiptForm
    also_known_as = ("缴费凭证", "缴费票据", "社保票据", "缴费发票", "缴费收据")
    kind = CertificateKind.PAYMENT_RECEIPT
    asked_in = "which"
    submit_label = gettext_lazy("开具票据")
    own_only = True

    def nothing(self, city: str) -> str:
        return _(
            "您在{city}没有由本人缴纳并已入账的社会保险费，没有内容可以开具。由单位代扣代缴的，请向单位索取。"
        ).format(city=book().city(city).title)

    def facts(self, ask: Ask, outside: bool) -> PaymentFacts:
        if ask.answers["which"] == BY_MONTHS:
            selection: dict[str, Any] = {
                "start": Month.parse(ask.answers["first"]),
                "until": Month.parse(ask.answers["last"]) + 1,
            }
        else:
            selection = {"order": ask.answers["which"]}
        paid = paid_months(ask.person, city=ask.offer.city, own_only=True, **selection)
        proof = payment_facts(
            ask.person,
            paid,
            schema=PAYMENT_RECEIPT_SCHEMA,
            city=book().city(ask.offer.city),
            now=ask.filed_at,
        )
        return PaymentFacts(proof, outside)
