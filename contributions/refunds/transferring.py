"""Refunds that staff make by bank transfer: the bank's slip is recorded, or its refusal."""

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from contributions.models import Refund, RefundStatus, RefundWay
from contributions.refunds.refund_lifecycle import CannotRefund, locked_refund, move_refund, succeed
from portal.accounts import permissions
from portal.accounts.models import User


@transaction.atomic
def confirm_transfer(refund: Refund, *, bank_number: str, by: User, now: dt.datetime) -> Refund:
    """Record that the bank made an approved transfer, under the bank's own number. Twice is once.
    Raises CannotRefund."""
    current = locked_refund(refund)
    mark = bank_number.strip()
    if current.status == RefundStatus.SUCCEEDED and current.provider_number == mark:
        return current
    _check_transfer(current)
    if not mark or len(mark) > 64:
        raise CannotRefund(_("请填写银行回单上的流水号。"))
    if Refund.objects.filter(channel=current.channel, provider_number=mark).exists():
        raise CannotRefund(_("这个银行流水号已登记在另一笔退款上，请核对回单。"))
    succeed(current, mark, by=by, now=now, note=_("银行转账回单"))
    return current


@transaction.atomic
def report_bounce(refund: Refund, *, why: str, by: User, now: dt.datetime) -> Refund:
    """Record that the bank did not make an approved transfer, as its slip says. Nothing moves until
    another confirms it (``fail_transfer``). Twice by the same is once. Raises CannotRefund."""
    current = locked_refund(refund)
    _check_transfer(current)
    if not why.strip():
        raise CannotRefund(_("请填写银行退票的原因。"))
    if current.bounced_by_id is not None:
        if current.bounced_by_id == by.pk:
            return current
        raise CannotRefund(_("退票已由另一人登记，请核对后确认。"))
    Refund.objects.filter(pk=current.pk).update(bounced_why=why.strip()[:200], bounced_at=now, bounced_by=by)
    current.refresh_from_db()
    return current


@transaction.atomic
def fail_transfer(refund: Refund, *, by: User, now: dt.datetime) -> Refund:
    """Confirm what another recorded: the bank did not make the transfer, and the money waits for
    another refund. Twice is once. Raises CannotRefund."""
    current = locked_refund(refund)
    if current.status == RefundStatus.FAILED and current.failed_by_id == by.pk:
        return current
    _check_transfer(current)
    if problem := why_not_fail(current, by):
        raise CannotRefund(problem)
    why = current.bounced_why
    move_refund(
        current, RefundStatus.FAILED, was=current.status, by=by, now=now, note=why, why=why, failed_by=by
    )
    return current


def why_not_fail(refund: Refund, user: User) -> str:
    """Why this login may not confirm that a transfer came back; "" where it may."""
    if refund.city not in permissions.staff_cities(user):
        return _("只有本市的征缴人员可以办理退款。")
    if refund.bounced_by_id is None:
        return _("请先登记银行退票的原因。")
    if refund.bounced_by_id == user.pk:
        return _("退票由您登记，须由另一名征缴人员核对银行回单后确认。")
    return ""


def _check_transfer(refund: Refund) -> None:
    if refund.way != RefundWay.BANK or refund.status != RefundStatus.APPROVED:
        raise CannotRefund(
            _("这笔退款是“%(state)s”，不能登记转账结果。") % {"state": refund.get_status_display()}
        )
