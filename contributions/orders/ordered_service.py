"""What services have in common that ask for money: one is done when the money is there."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from contributions.models import Order
from contributions.orders import bank_time
from contributions.orders.parts import Part
from portal.hall.models import Case
from portal.hall.routing import Status
from portal.hall.service import Ask, Service
from portal.policy.book import Offer, book
from portal.policy.terms.payment import payment_terms
from portal.shared import money
from portal.shared.months import moment_zh, today_in_china


class DebitedService(Service):
    """Asks the next debit to collect: done when the bank has paid."""

    def how_it_ends(self, offer: Offer) -> str:
        return _("提交后由下一次托收从缴费账户扣款，扣款成功后办结。")

    def stands(self, outcome: Mapping[str, Any]) -> Status:
        return Status.TO_DEBIT

    def waits_until(self, case: Case, *, now: datetime) -> str:
        return _("还没有扣款：请在扣款日之前在扣款账户足额存款，银行扣款成功后办结；扣款失败的，会通知您。")


class OrderedService(DebitedService):
    """Places an order, and leads to it at once: done when the order is paid. Without an order, as
    ``DebitedService``."""

    def how_it_ends(self, offer: Offer) -> str:
        if offer.options.get("paid_by") == "debit":
            return super().how_it_ends(offer)
        return _("提交后生成订单，请在有效时间内支付；款项到账后办结。")

    def stands(self, outcome: Mapping[str, Any]) -> Status:
        return Status.TO_PAY if "order" in outcome else super().stands(outcome)

    def last_look(self, ask: Ask, parts: Sequence[Part]) -> dict[str, Any]:
        """What the order will hold, for the last look's own part: ``preview`` of a service gives
        it."""
        city, now = ask.offer.city, ask.filed_at
        opening = bank_time.opening(city, now)
        return {
            "template": "contributions/orders/last_look.html",
            "parts": parts,
            "total_fen": sum(part.fen for part in parts),
            "minutes": payment_terms(book(), city=city, on=today_in_china(now)).order_minutes,
            "until": bank_time.pay_until(city, now),
            "opening": opening if opening > now else None,
        }

    def goes_to(self, case: Case, *, now: datetime) -> str:
        order = _order(case)
        return "" if order is None else reverse("order", args=[order.number])

    def waits_until(self, case: Case, *, now: datetime) -> str:
        order = _order(case)
        if order is None:
            return super().waits_until(case, now=now)
        until = localtime(order.expires_at)
        if now >= until:
            return _("还没有支付，订单已超过支付时间，即将自动取消。")
        left = (until - now).total_seconds() / 60
        words = {"until": moment_zh(until), "yuan": money.format_yuan(order.sum_fen)}
        if left < _LAST_MINUTES:
            words["minutes"] = str(max(1, int(left)))
            return _(
                "还没有支付：{yuan} 元，请在 {until} 前支付（还剩 {minutes} 分钟），逾期订单自动取消。"
            ).format(**words)
        return _("还没有支付：{yuan} 元，请在 {until} 前支付，逾期订单自动取消。").format(**words)

    def links(self, case: Case, *, now: datetime) -> list[tuple[str, str]]:
        order = _order(case)
        if order is None:
            return super().links(case, now=now)
        url = reverse("order", args=[order.number])
        if order.is_open and now < order.expires_at:
            return [(_("去支付 {yuan} 元").format(yuan=money.format_yuan(order.sum_fen)), url)]
        return [(_("查看缴费订单"), url)]


# From when on the time left is told in minutes.
_LAST_MINUTES = 120


def _order(case: Case) -> Order | None:
    return (
        Order.objects.filter(number=case.outcome.get("order", "")).first()
        if "order" in case.outcome
        else None
    )
