"""What the schedule rings for in making proofs. What is left to do stands in the database."""

import logging
import time

from celery import shared_task
from django.utils import timezone

from certificates import staff_batches
from certificates.models import BatchStatus, StaffBatch
from portal.shared.months import today_in_china

log = logging.getLogger(__name__)

# So long one ring works; then it makes room for other tasks until the next.
SPELL_SECONDS = 40


@shared_task
def make_staff_proofs() -> None:
    """Make proofs of the batches that are not ready, a few of each in turn, so that a large one delays no small one."""
    ends = time.monotonic() + SPELL_SECONDS
    made = True
    while made and time.monotonic() < ends:
        made = False
        open_ones = StaffBatch.objects.filter(status=BatchStatus.MAKING).select_related("employer", "case")
        for batch in open_ones.order_by("frozen_at", "pk"):
            try:
                made |= staff_batches.work_on(batch, now=timezone.now()) > 0
            except OSError:
                # A full disk at the archive of one is no reason to leave the others.
                log.exception("the archive of %s was not written", batch.pk)


@shared_task
def delete_expired_archives() -> None:
    """Delete the archives whose last day has passed."""
    log.info("%s archives deleted", staff_batches.expire(on=today_in_china(timezone.now())))
