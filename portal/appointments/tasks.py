"""What the hall does with appointments by itself. The database says which are concerned."""

import logging

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.appointments import the_day
from portal.watch.task import watched

log = logging.getLogger(__name__)


@watched(
    title=_("提醒明天的预约"),
    remedy=_("这个预约没有提醒，其他预约不受影响，预约仍然有效。请系统管理员查明原因。"),
)
def remind_of_appointments() -> None:
    """Reminds everybody who comes tomorrow; run twice, nobody is told twice."""
    log.info("%s reminded of appointments", the_day.remind(now=timezone.now()))


@watched(
    title=_("登记没有前来的预约"),
    remedy=_("这个办事点当天没有签到的预约还没有登记为未到。请系统管理员查明原因。"),
)
def note_missed_appointments() -> None:
    """Notes who did not come to a place that has closed; run twice, the second finds nothing."""
    log.info("%s appointments missed", the_day.note_missed(now=timezone.now()))
