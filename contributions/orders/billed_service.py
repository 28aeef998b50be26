"""What services have in common that end in a lump sum: checked at the window by two, then to be
paid within the city's days, and done when the money is booked."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, ClassVar

from django.urls import reverse
from django.utils.translation import gettext as _

from contributions.models import BillStatus, LumpSum
from contributions.orders import lump_sums
from contributions.orders.lump_sums import Sum
from portal.accounts.models import User
from portal.hall.models import Case
from portal.hall.routing import Status
from portal.hall.service import Ask, Service
from portal.policy.book import Offer, book
from portal.policy.terms.payment import lump_sum_terms
from portal.shared import money
from portal.shared.insurance import Capacity
from portal.shared.months import day_zh, today_in_china


class BilledService(Service):
    """Draws a lump sum when a second reviewer has confirmed."""

    by_two = True
    needs: ClassVar[Sequence[str]] = ("lump_sum", "payment")
    # Whose pension the sum is for.
    capacity = Capacity.DEFERRED

    @abstractmethod
    def sum_of(self, ask: Ask, facts: Any, *, on: date) -> Sum | None:
        """What is to be paid, by the figures of the day of filing, where it is drawn on the day
        ``on``; None where the rule bars it."""

    def about(self, ask: Ask, facts: Any) -> list[tuple[str, str]]:
        """The lines of the summary before the sum."""
        return []

    def how_it_ends(self, offer: Offer) -> str:
        days = lump_sum_terms(book(), city=offer.city, on=offer.since).pay_days
        return _(
            "提交后打印申请表，带材料到窗口核对；由另一名工作人员复核后开具缴费单，"
            "请在 {days} 天内整笔缴清，到账后办结。"
        ).format(days=days)

    def effect(self, case: Case, ask: Ask, facts: Any, *, by: User, now: datetime) -> dict[str, Any]:
        wanted = self.sum_of(ask, facts, on=today_in_china(now))
        if wanted is None:
            raise ValueError(f"{case.number}: there is nothing to pay; the rule was not applied")
        bill = lump_sums.draw(case, ask.person, wanted, capacity=self.capacity, by=by, now=now)
        return {
            "lump_sum": bill.pk,
            "lines": [
                *([label, value] for label, value in self.about(ask, facts)),
                [_("缴费内容"), lump_sums.what(bill)],
                [_("应缴金额"), _("{yuan} 元").format(yuan=money.format_yuan(bill.amount_fen))],
                [_("记入个人账户"), _("{yuan} 元").format(yuan=money.format_yuan(bill.account_fen))],
                [_("最后缴费日期"), day_zh(bill.pay_by)],
            ],
        }

    def stands(self, outcome: Mapping[str, Any]) -> Status:
        return Status.TO_PAY

    def waits_until(self, case: Case, *, now: datetime) -> str:
        bill = _bill(case)
        if bill is None:
            return ""
        return _(
            "还没有缴费：{yuan} 元，请在 {day}（含当天）前整笔缴清；逾期缴费单失效，年限不计入。"
        ).format(yuan=money.format_yuan(bill.amount_fen), day=day_zh(bill.pay_by))

    def links(self, case: Case, *, now: datetime) -> list[tuple[str, str]]:
        bill = _bill(case)
        if bill is None:
            return super().links(case, now=now)
        url = reverse("lump-sum", args=[case.number])
        if bill.status == BillStatus.OPEN:
            return [(_("去缴费 {yuan} 元").format(yuan=money.format_yuan(bill.amount_fen)), url)]
        return [(_("查看一次性缴费单"), url)]

    def summary(self, ask: Ask, facts: Any) -> list[tuple[str, str]]:
        on = today_in_china(ask.filed_at)
        wanted = self.sum_of(ask, facts, on=on)
        lines = self.about(ask, facts)
        if wanted is None:
            return lines
        steps = [
            (one.label, f"{one.value}（{one.note}）" if one.note else one.value)
            for one in wanted.derivation.lines
        ]
        mark = _("（{mark}）").format(mark=wanted.derivation.mark) if wanted.derivation.illustrative else ""
        return [
            *lines,
            *steps,
            (
                _("一次性缴费合计"),
                _("{yuan} 元{mark}，其中 {account} 元记入个人账户").format(
                    yuan=money.format_yuan(wanted.amount_fen),
                    mark=mark,
                    account=money.format_yuan(wanted.account_fen),
                ),
            ),
            (
                _("缴费期限"),
                _("开具缴费单之日起 {days} 天，须整笔缴清").format(
                    days=lump_sum_terms(book(), city=ask.offer.city, on=on).pay_days
                ),
            ),
        ]


def _bill(case: Case) -> LumpSum | None:
    pk = case.outcome.get("lump_sum")
    return LumpSum.objects.filter(pk=pk).first() if pk else None
