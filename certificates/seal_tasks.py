"""What beat rings for around the seal. A task is a doorbell: what is left to do stands in the register."""

import logging

from celery import shared_task
from django.utils import timezone

from certificates import resealing, revocation
from certificates.authority import SealUnavailable
from certificates.models import ResealingRun

log = logging.getLogger(__name__)

# About half a minute's work.
CHUNK = 60


@shared_task
def go_on_resealing() -> None:
    """Does the next part of each open run, and rings again while there is more."""
    more = False
    for run in ResealingRun.objects.filter(finished_at__isnull=True):
        try:
            more |= resealing.go_on(run, most=CHUNK, now=timezone.now()) == CHUNK
        except (SealUnavailable, OSError):
            log.exception("resealing of %s waits", run.city)
        except resealing.SealReplaced:
            log.warning("the seal of %s was replaced again: its run has ended", run.city)
    if more:
        go_on_resealing.delay()


@shared_task
def refresh_revocation_lists() -> None:
    """Fetches the revocation lists before those that we have end."""
    try:
        done, failed = revocation.refresh(now=timezone.now())
    except SealUnavailable:
        log.exception("no revocation list can be fetched")
        return
    for address in done:
        log.info("revocation list of %s", address)
    for why in failed:
        log.error("revocation list: %s", why)
