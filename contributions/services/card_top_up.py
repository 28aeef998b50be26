"""社保卡个人账户充值: money for one's own medical account, ordered here and credited once it is
paid; for medical use only."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contributions.books import personal_account
from contributions.orders import placing, top_ups
from contributions.orders.ordered_service import OrderedService
from enrollment.ways import ENROL
from portal.accounts.models import User
from portal.hall.desk import NotAccepted
from portal.hall.fields import AccountNumberField, YuanField
from portal.hall.models import Case
from portal.hall.service import Ask, Audience, Bar, Finding, ServiceForm, Theme
from portal.policy.book import PolicyMissing, book
from portal.policy.terms.payment import payment_terms, top_up_terms
from portal.policy.terms.people import account_numbers
from portal.registers.bank import SecurityCard, bank_register
from portal.registers.medical import MedicalAccount, medical_account_register
from portal.registers.models import ACCOUNT_STATE_LABELS, AccountState
from portal.shared import identity, money
from portal.shared.months import moment_zh, today_in_china


class TopUpForm(ServiceForm):
    def build(self) -> None:
        try:
            terms = top_up_terms(book(), city=self.offer.city, on=today_in_china(self.now))
        except PolicyMissing:
            return
        self.fields["card_number"] = AccountNumberField(
            numbers=account_numbers(book(), on=today_in_china(self.now)),
            label=_("社会保障卡卡号"),
            help_text=_("本人社会保障卡卡面上的银行卡号。只能为本人的卡充值。"),
            error_messages={"required": _("请填写社会保障卡卡号。")},
        )
        self.fields["amount"] = YuanField(
            label=_("充值金额"),
            at_least=money.yuan(terms.least_fen),
            at_most=money.yuan(terms.most_fen),
            help_text=_("每次 {least} 元至 {most} 元，每日累计不超过 {day} 元。").format(
                least=money.format_yuan(terms.least_fen),
                most=money.format_yuan(terms.most_fen),
                day=money.format_yuan(terms.per_day_fen),
            ),
            error_messages={"required": _("请填写充值金额。")},
        )


@dataclass(frozen=True)
class Registered:
    """What the registers say: the person's card, and their medical account in the city."""

    card: SecurityCard | None
    account: MedicalAccount | None


@dataclass(frozen=True)
class TopUpFacts:
    """What the registers say, why the sum cannot be topped up now (may be empty), and what the
    account holds."""

    registered: Registered
    too_much: str
    balance_fen: int

    def frozen(self) -> dict[str, Any]:
        card, account = self.registered.card, self.registered.account
        return {
            "card": identity.mask_account(card.number) if card else "",
            "activated": bool(card and card.activated),
            "account": str(account.state) if account else "",
            "balance_fen": self.balance_fen,
        }


class CardTopUp(OrderedService):
    code = top_ups.SERVICE
    title = gettext_lazy("社保卡个人账户充值")
    audience = Audience.PERSON
    theme = Theme.PAYMENT
    form = TopUpForm
    needs = ("card_top_up", "payment")
    submit_label = gettext_lazy("生成充值订单")
    also_known_as = ("社保卡充值", "医保充值", "医保个人账户充值", "医保卡充钱", "社保卡充钱")

    def outside(self, ask: Ask) -> Registered:
        number = ask.person.identity_number
        return Registered(
            card=bank_register().card(number),
            account=medical_account_register().account(number, ask.offer.city),
        )

    def facts(self, ask: Ask, outside: Any) -> TopUpFacts:
        return TopUpFacts(
            registered=outside or Registered(card=None, account=None),
            too_much=top_ups.why_not(ask.person, ask.offer.city, _fen(ask), now=ask.filed_at),
            balance_fen=personal_account.balance(ask.person, ask.offer.city, top_ups.INSURANCE),
        )

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        """No card, or no account that it could go into, whichever number and sum."""
        registered = self.outside(ask)
        yield from (Bar("", bar.why, bar.ways) for bar in _barred(ask.offer.city, registered))

    def rule(self, ask: Ask, facts: TopUpFacts) -> Iterator[Finding]:
        card = facts.registered.card
        number = str(ask.answers["card_number"])
        if card is not None and card.number != number:
            why = _("这不是您本人现用的社会保障卡卡号，请对照卡面核对；只能为本人的卡充值。")
            yield Bar("card_number", why)
        else:
            yield from _barred(ask.offer.city, facts.registered)
        if facts.too_much:
            yield Bar("amount", facts.too_much)

    def effect(self, case: Case, ask: Ask, facts: TopUpFacts, *, by: User, now: datetime) -> dict[str, Any]:
        card = facts.registered.card
        if card is None:
            raise ValueError(f"{case.number}: there is no card; the rule was not applied")
        try:
            order = top_ups.place(
                person=ask.person,
                city=ask.offer.city,
                card=card,
                amount_fen=_fen(ask),
                key=case.key,
                by=by,
                now=now,
            )
        except placing.CannotOrder as refusal:
            raise NotAccepted([Bar(one.about, one.why) for one in refusal.refusals]) from refusal
        yuan = money.format_yuan(order.sum_fen)
        return {
            "order": order.number,
            "lines": [
                [str(_("充值订单号")), order.number],
                [str(_("充值金额")), str(_("%(yuan)s 元") % {"yuan": yuan})],
                [str(_("请在此之前支付")), moment_zh(order.expires_at)],
            ],
            "links": [[str(_("去支付 %(yuan)s 元") % {"yuan": yuan}), reverse("order", args=[order.number])]],
        }

    def submit_words(self, ask: Ask, facts: TopUpFacts) -> str:
        return _("生成订单并支付 %(yuan)s 元") % {"yuan": money.format_yuan(_fen(ask))}

    def summary(self, ask: Ask, facts: TopUpFacts) -> list[tuple[str, str]]:
        return [
            (_("社会保障卡"), identity.mask_account(str(ask.answers["card_number"]))),
            (_("充值金额"), _("%(yuan)s 元") % {"yuan": money.format_yuan(_fen(ask))}),
            (_("用途"), _("仅划入本人医保个人账户，用于看病购药；不能用于养老保险缴费")),
        ]

    def preview(self, ask: Ask, facts: TopUpFacts) -> dict[str, Any]:
        on = today_in_china(ask.filed_at)
        fen = _fen(ask)
        return {
            "template": "contributions/orders/top_up_last_look.html",
            "amount_fen": fen,
            "balance_fen": facts.balance_fen,
            "after_fen": facts.balance_fen + fen,
            "minutes": payment_terms(book(), city=ask.offer.city, on=on).order_minutes,
        }


def _fen(ask: Ask) -> int:
    return money.to_fen(Decimal(str(ask.answers["amount"])))


def _barred(city: str, registered: Registered) -> Iterator[Bar]:
    """Why nothing can be put into the person's account now, whichever card number and sum; nothing
    where it can."""
    card, account = registered.card, registered.account
    if card is None:
        yield Bar("card_number", _("没有查到您的社会保障卡，请先申领并在发卡银行激活金融账户。"))
    elif not card.activated:
        yield Bar("card_number", _("这张卡的金融账户还没有激活，请持卡和身份证到发卡银行激活后再充值。"))
    elif account is None:
        place, enrol = book().city(city), ENROL.at(city)
        why = _(
            "没有查到您在{city}的医保个人账户，不能充值。还没有参加医疗保险的，请先{enrol}；已经参保的，请拨打 {phone}。"
        ).format(city=place.title, enrol=enrol, phone=place.hotline)
        yield Bar("", why, (enrol,))
    elif account.card_number != card.number:
        yield Bar("card_number", _("医保个人账户登记的是另一张卡，请到医保经办窗口更换后再充值。"))
    elif account.state != AccountState.OPEN:
        why = _("您的医保个人账户状态为“{state}”，不能充值，请到医保经办窗口核实。").format(
            state=_(ACCOUNT_STATE_LABELS[account.state])
        )
        yield Bar("", why)
