"""The scheduled tasks for the seals. The register holds the remaining work; a task only starts
it."""

import logging

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from certificates import resealing, revocation
from certificates.models import ResealingRun
from portal.policy.book import book
from portal.watch.failures import Watch
from portal.watch.task import watched

log = logging.getLogger(__name__)

# Certificates in one part: about half a minute's work.
CHUNK = 60


@watched(
    title=_("重新盖章"),
    remedy=_("该市的重新盖章停下了，其他城市不受影响。请系统管理员检查印章和磁盘；恢复后自动继续。"),
)
def go_on_resealing() -> None:
    """Does the next part of each open run, and starts itself again while there is more."""
    more_to_do, watch = False, Watch("go_on_resealing", now=timezone.now())
    for run in ResealingRun.objects.filter(finished_at__isnull=True).order_by("pk"):
        with watch.item(book().city(run.city).title, city=run.city):
            more_to_do |= _go_on(run) == CHUNK
    watch.finished()
    if more_to_do:
        go_on_resealing.delay()


def _go_on(run: ResealingRun) -> int:
    try:
        return resealing.go_on(run, most=CHUNK, now=timezone.now())
    except resealing.SealReplaced:
        log.warning("the seal of %s was replaced again: its run has ended", run.city)
        return 0


@watched(
    title=_("更新吊销列表"),
    remedy=_(
        "这份吊销列表没有更新，旧列表到期后将不能盖章。请系统管理员检查到发证机构的网络，或手工放入新的列表。"
    ),
)
def refresh_revocation_lists() -> None:
    """Fetches new revocation lists before the present ones end."""
    done, failed = revocation.refresh(now=timezone.now())
    for address in done:
        log.info("revocation list of %s", address)
    for why in failed:
        log.error("revocation list: %s", why)
