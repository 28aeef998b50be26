"""The tasks of orders: the queue is the payments and orders themselves, so
that a call that is lost, late or doubled changes nothing."""

import logging

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contributions.late_pension import finished
from contributions.orders import asking, ending, lump_sums, queued
from contributions.refunds import doubled, sending
from portal.accounts.models import User
from portal.watch.task import watched

log = logging.getLogger(__name__)


@watched(
    title=_("查询支付结果"),
    remedy=_("这笔支付的结果没有记下，其他支付不受影响。请征缴人员按支付号与支付渠道核实；系统会继续查询。"),
)
def ask_payments() -> None:
    """Ask the providers about payments whose end is not known, and close those whose order is
    over."""
    asking.ask_due(by=User.objects.system(), now=timezone.now())


@watched(
    title=_("订单到期"),
    remedy=_("这份订单没有按期失效，其他订单不受影响。请系统管理员查明原因；修复后自动处理。"),
)
def end_overdue_orders() -> None:
    """Expire the orders that were not paid in time."""
    ended = ending.end_overdue(by=User.objects.system(), now=timezone.now())
    log.info("%s orders expired", ended)


@watched(
    title=_("一次性缴费单到期失效"),
    remedy=_("这份缴费单没有按期失效，其他的不受影响。请系统管理员查明原因；修复后次日自动处理。"),
)
def lapse_lump_sums() -> None:
    """End the lump sums whose last day is over."""
    log.info("%s lump sums lapsed", lump_sums.lapse(by=User.objects.system(), now=timezone.now()))


@watched(
    title=_("提醒一次性缴费单即将到期"),
    remedy=_("列出的城市没有提醒，其他的不受影响。请系统管理员查明原因；修复后次日自动处理。"),
)
def tell_ending_lump_sums() -> None:
    """Tell whose lump sum is about to end."""
    log.info("%s lump sums told", lump_sums.tell_ending(now=timezone.now()))


@watched(
    title=_("提醒延缴到期"),
    remedy=_("没有提醒延缴已到期的人员。请系统管理员查明原因；修复后次日自动处理。"),
)
def tell_finished_deferrals() -> None:
    """Tell those whose months past the retirement age have come to their end."""
    log.info("%s told that their deferral has ended", finished.tell(now=timezone.now()))


@watched(
    title=_("发起排队的支付"),
    remedy=_(
        "这笔支付没有在银行营业后发起，其他支付不受影响。请系统管理员查明原因；修复后自动发起，不会重复扣款。"
    ),
)
def start_queued_payments() -> None:
    """Start the payments that waited for the bank to open; before that remind who waits."""
    queued.remind_queued(now=timezone.now())
    begun = queued.start_queued(by=User.objects.system(), now=timezone.now())
    log.info("%s payments started at the bank's opening", begun)


@watched(
    title=_("办理退款"),
    remedy=_("这笔退款没有办成，其他退款不受影响。请征缴人员在“退款”中核对；系统会继续办理，不会重复退款。"),
)
def send_refunds() -> None:
    """Send the approved refunds to their channels, and ask about those whose end is not known."""
    sending.send_due(by=User.objects.system(), now=timezone.now())


@watched(
    title=_("生成退款"),
    remedy=_(
        "这些款项还没有生成退款，其他款项不受影响。请征缴人员在“待退回款项”中办理，或请系统管理员查明原因。"
    ),
)
def draft_refunds() -> None:
    """Draft the refund of what was paid twice or too late, and tell who paid."""
    drafted = doubled.draft_refunds(by=User.objects.system(), now=timezone.now())
    log.info("%s refunds drafted", drafted)
