"""The tasks of cases and drafts."""

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.hall import drafts
from portal.watch.task import watched


@watched(
    title=_("清理过期草稿"),
    remedy=_("这份草稿没有清理，其他草稿不受影响。请系统管理员查明原因。"),
)
def forget_old_drafts() -> None:
    """Drops drafts that nobody touched for long. Run twice, the second finds nothing."""
    drafts.forget_old(now=timezone.now())
