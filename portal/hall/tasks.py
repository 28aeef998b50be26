"""The tasks of cases and drafts."""

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.accounts.models import User
from portal.hall import amending, drafts, keeping
from portal.watch.task import watched


@watched(
    title=_("清理过期草稿"),
    remedy=_("这份草稿没有清理，其他草稿不受影响。请系统管理员查明原因。"),
)
def forget_old_drafts() -> None:
    """Drops drafts that nobody touched for long. Run twice, the second finds nothing."""
    drafts.forget_old(now=timezone.now())


@watched(
    title=_("预申请到期提醒"),
    remedy=_("有预申请的到期提醒没有发出，其他城市照常。请系统管理员查明原因；恢复后自动补发。"),
)
def tell_ending_pre_applications() -> None:
    """Tells whoever filed a pre-application, some days before it ends. Run twice, it says nothing
    new."""
    keeping.tell_ending(now=timezone.now())


@watched(
    title=_("预申请过期作废"),
    remedy=_("有一批过期的预申请没有作废，其他的照常。请系统管理员查明原因；恢复后自动继续。"),
)
def end_unclaimed_pre_applications() -> None:
    """Voids pre-applications that nobody brought to the window in time. Run twice, the second finds
    nothing."""
    keeping.end_unclaimed(by=User.objects.system(), now=timezone.now())


@watched(
    title=_("退回补正到期提醒"),
    remedy=_("有退回补正的到期提醒没有发出，其他城市照常。请系统管理员查明原因；恢复后自动补发。"),
)
def tell_ending_amendments() -> None:
    """Tells applicants that have not amended a returned case that the last day is near. Run twice,
    it says nothing new."""
    amending.tell_ending(now=timezone.now())


@watched(
    title=_("逾期未补正作废"),
    remedy=_("有一批逾期未补正的办件没有作废，其他的照常。请系统管理员查明原因；恢复后自动继续。"),
)
def end_unanswered_amendments() -> None:
    """Voids returned cases that were not amended in time. Run twice, the second finds nothing."""
    amending.end_unanswered(by=User.objects.system(), now=timezone.now())
