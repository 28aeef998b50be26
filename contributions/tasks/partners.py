"""The tasks of partners' days."""

import logging

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contributions.partners import day_files
from portal.watch.task import watched

log = logging.getLogger(__name__)


@watched(
    title=_("合作方对账文件"),
    remedy=_("这个合作方当天的对账文件没有生成，其他合作方不受影响。请系统管理员查明原因；修复后自动补做。"),
)
def make_day_files() -> None:
    """Make the partners' files of the days that are over."""
    log.info("%s files made for partners", day_files.make_files(now=timezone.now()))
