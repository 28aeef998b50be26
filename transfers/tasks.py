"""The scheduled task that reminds of overdue transfers. The database says which are overdue."""

import logging

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.shared.months import today_in_china
from portal.watch.task import watched
from transfers import notices

log = logging.getLogger(__name__)


@watched(
    title=_("催办超期转移"),
    remedy=_("这笔转移没有催办，其他转移不受影响。请经办人员在“关系转移接续”中处理；请系统管理员查明原因。"),
)
def chase_late() -> None:
    """Reminds the staff whose turn it is of every overdue transfer, and tells the person."""
    now = timezone.now()
    log.info("%s reminded of overdue transfers", notices.chase(today=today_in_china(now), now=now))
