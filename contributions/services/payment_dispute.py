"""缴费异议: a payment that went wrong in its payer's eyes, told within the city's days of it; staff
look into it and answer."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contributions import channels
from contributions.models import Payment
from contributions.refunds import held_money
from portal.accounts.models import User
from portal.hall.models import Case
from portal.hall.service import Ask, Audience, Bar, Finding, Service, ServiceForm, Theme
from portal.people.models import Person
from portal.policy.book import Offer, book
from portal.shared import money
from portal.shared.months import day_zh, moment_zh, today_in_china


class Kind(StrEnum):
    """What is said to be wrong."""

    NOT_CREDITED = "not-credited"
    TWICE = "twice"
    AMOUNT = "amount"
    CHOICE = "choice"
    OTHER = "other"


KIND_LABELS = {
    Kind.NOT_CREDITED: gettext_lazy("已扣款，没有入账"),
    Kind.TWICE: gettext_lazy("重复扣款"),
    Kind.AMOUNT: gettext_lazy("金额不对"),
    Kind.CHOICE: gettext_lazy("险种、档次或月份选错"),
    Kind.OTHER: gettext_lazy("其他"),
}


def payments_of(person: Person, city: str) -> list[Payment]:
    """The payments that the person's orders of the city ever had, latest first: one that is not
    credited can be disputed too."""
    return list(
        Payment.objects.filter(order__person=person, order__city=city)
        .select_related("order")
        .order_by("-begun_at", "-pk")
    )


def last_day(payment: Payment, offer: Offer) -> dt.date:
    """Until when the payment can be disputed, counted from the day in China on which it was
    begun."""
    return today_in_china(payment.begun_at) + dt.timedelta(days=int(offer.options.get("dispute_days", 0)))


def _title(payment: Payment) -> str:
    return _("{when} {channel} {amount} 元").format(
        when=moment_zh(payment.begun_at),
        channel=channels.title(payment.channel),
        amount=money.format_yuan(payment.amount_fen),
    )


class DisputeForm(ServiceForm):
    def build(self) -> None:
        person = self.applicant.person
        payments = payments_of(person, self.offer.city) if person else []
        if not payments:
            return
        field = forms.ChoiceField(
            label=_("有异议的支付"),
            choices=[(one.number, _title(one)) for one in payments],
            widget=forms.RadioSelect,
            error_messages={
                "required": _("请选择有异议的那一笔支付。"),
                "invalid_choice": _("没有这笔支付，请重新选择。"),
            },
        )
        field.choice_hints = {  # type: ignore[attr-defined]
            one.number: _("订单 {order}，{state}；可在 {day} 前（含当日）提出").format(
                order=one.order.number, state=one.get_status_display(), day=day_zh(last_day(one, self.offer))
            )
            for one in payments
        }
        today = today_in_china(self.now)
        field.not_allowed = {  # type: ignore[attr-defined]
            one.number: _too_late(self.offer) for one in payments if today > last_day(one, self.offer)
        }
        self.fields["payment"] = field
        self.fields["kind"] = forms.ChoiceField(
            label=_("异议类别"),
            choices=[(str(kind), label) for kind, label in KIND_LABELS.items()],
            widget=forms.RadioSelect,
            error_messages={"required": _("请选择异议类别。")},
        )
        self.fields["text"] = forms.CharField(
            label=_("情况说明"),
            max_length=500,
            help_text=_("写明扣款时间、金额和您认为有误的地方，不超过 500 字。"),
            widget=forms.Textarea(attrs={"rows": 5}),
            error_messages={
                "required": _("请写明情况。"),
                "max_length": _("情况说明不超过 500 字，请删减。"),
            },
        )


@dataclass(frozen=True)
class DisputeFacts:
    """What the person paid in the city, and which of it they dispute; None where it is not
    theirs."""

    payments: tuple[Payment, ...]
    disputed: Payment | None

    def frozen(self) -> dict[str, Any]:
        one = self.disputed
        return {"payment": one.number, "status": one.status, "credited": one.credited} if one else {}


class PaymentDispute(Service):
    code = "payment-dispute"
    title = gettext_lazy("缴费异议")
    audience = Audience.PERSON
    theme = Theme.PAYMENT
    form = DisputeForm
    answered = True
    also_known_as = ("缴费申诉", "扣款异议", "重复扣款", "扣款没到账")
    conflicts = {
        "one_open_case_per_applicant_and_subject": (
            "",
            gettext_lazy("您已有一份缴费异议正在核实，答复后可以再提出。"),
        )
    }

    def facts(self, ask: Ask, outside: Any) -> DisputeFacts:
        payments = payments_of(ask.person, ask.offer.city)
        chosen = ask.answers.get("payment")
        return DisputeFacts(tuple(payments), next((one for one in payments if one.number == chosen), None))

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        """Every payment is too old."""
        payments, today = payments_of(ask.person, ask.offer.city), today_in_china(ask.filed_at)
        if payments and all(today > last_day(one, ask.offer) for one in payments):
            yield Bar("", _too_late(ask.offer))

    def rule(self, ask: Ask, facts: DisputeFacts) -> Iterator[Finding]:
        if not facts.payments:
            yield Bar("", _("您在本市没有缴费订单的支付记录，不需要提出异议。"))
        elif facts.disputed is None:
            yield Bar("payment", _("没有这笔支付，请重新选择。"))
        elif today_in_china(ask.filed_at) > last_day(facts.disputed, ask.offer):
            yield Bar("payment", _too_late(ask.offer))

    def effect(
        self, case: Case, ask: Ask, facts: DisputeFacts, *, by: User, now: dt.datetime
    ) -> dict[str, Any]:
        if facts.disputed is None:
            raise ValueError(f"{case.number}: no payment is disputed; the rule was not applied")
        order = facts.disputed.order.number
        return {
            "payment": facts.disputed.number,
            "lines": [[str(label), str(value)] for label, value in self.summary(ask, facts)],
            "links": [[str(_("查看缴费订单")), reverse("order", args=[order])]],
        }

    def summary(self, ask: Ask, facts: DisputeFacts) -> list[tuple[str, str]]:
        one = facts.disputed
        if one is None:
            return []
        return [
            (_("有异议的支付"), _title(one)),
            (_("缴费订单"), one.order.number),
            (_("异议类别"), str(KIND_LABELS[Kind(ask.answers["kind"])])),
            (_("情况说明"), str(ask.answers["text"])),
        ]

    def staff_facts(self, ask: Ask, facts: DisputeFacts) -> list[tuple[str, list[tuple[str, str]]]]:
        """The disputed payment as it stands now, and what else was paid for its order."""
        one = facts.disputed
        if one is None:
            return []
        others = [
            (other.number, _state(other))
            for other in facts.payments
            if other.order_id == one.order_id and other.pk != one.pk
        ]
        rows = [
            (_("支付号"), one.number),
            (_("状态"), _state(one)),
            (_("渠道流水号"), one.provider_number or _("无")),
            (_("订单状态"), one.order.get_status_display()),
        ]
        return [(_("这笔支付"), rows), *([(_("同一订单的其他支付"), others)] if others else [])]

    def staff_links(self, ask: Ask, facts: DisputeFacts) -> list[tuple[str, str]]:
        if facts.disputed is None:
            return []
        address = reverse("admin:contributions_payment_change", args=[facts.disputed.pk])
        return [(_("支付的经过和渠道通知"), address)]


def _state(payment: Payment) -> str:
    if payment.credited:
        return _("支付成功，已入账")
    if payment.entry_id is None:
        return payment.get_status_display()
    return _("到账 {amount} 元，没有入账，{state}").format(
        amount=money.format_yuan(payment.received_fen or 0), state=held_money.returned_of(payment).words
    )


def _too_late(offer: Offer) -> str:
    return _("支付已超过 {days} 日，不能在网上提出异议，请到经办窗口办理（电话 {phone}）。").format(
        days=offer.options["dispute_days"], phone=book().city(offer.city).hotline
    )
