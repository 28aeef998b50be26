"""The scheduled tasks for batches of proofs. The database holds the remaining work."""

import logging
import time
from collections.abc import Collection

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from certificates import staff_batches
from certificates.models import BatchStatus, StaffBatch
from portal.watch.failures import Watch
from portal.watch.task import watched

log = logging.getLogger(__name__)

# The working time of one run; after it, other tasks can run until the next one.
SPELL_SECONDS = 40


@watched(
    title=_("批量开具证明"),
    remedy=_(
        "这一批证明没有做完，已开具的不受影响，其他批次照常。请系统管理员检查磁盘和印章；恢复后自动继续。"
    ),
)
def make_staff_proofs() -> None:
    """Makes proofs of the batches that are not ready, a few of each in turn, so that a large batch
    does not delay a small one."""
    ends = time.monotonic() + SPELL_SECONDS
    watch = Watch("make_staff_proofs", now=timezone.now())
    worked = True
    while worked and time.monotonic() < ends:
        worked = False
        open_ones = StaffBatch.objects.filter(status=BatchStatus.MAKING).select_related("employer", "case")
        for batch in open_ones.order_by("frozen_at", "pk"):
            # An error with one batch, such as a full disk, does not stop the others.
            with watch.item(batch.case.number, city=batch.city):
                worked |= staff_batches.work_on(batch, now=timezone.now()) > 0
    watch.only(_still_making)


def _still_making(numbers: Collection[str]) -> list[str]:
    making = StaffBatch.objects.filter(status=BatchStatus.MAKING, case__number__in=numbers)
    return list(making.values_list("case__number", flat=True))


@watched(
    title=_("清理证明压缩包"),
    remedy=_("这个压缩包没有删除。请系统管理员检查文件目录的权限。"),
)
def delete_expired_archives() -> None:
    """Deletes the archives whose last day has passed."""
    log.info("%s archives deleted", staff_batches.expire(now=timezone.now()))
