"""What the hall does about coverage by itself. The database says who is concerned."""

import logging

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from enrollment.cards import making
from portal.watch.task import watched

log = logging.getLogger(__name__)


@watched(
    title=_("提醒确认制卡照片"),
    remedy=_("这个城市没有按期到窗口确认照片的人员这一次没有收到提醒，申请仍然有效。请系统管理员查明原因。"),
)
def remind_of_first_cards() -> None:
    """Tells whoever has not come to the window with a first card; run twice, nobody is told
    twice."""
    log.info("%s have not come for their first card", making.remind(now=timezone.now()))
