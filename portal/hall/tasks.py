"""What the hall does by itself: the beat's doorbell for old drafts."""

from celery import shared_task
from django.utils import timezone

from portal.hall import drafts


@shared_task
def forget_old_drafts() -> None:
    """Drops drafts that nobody touched for long. Run twice, the second finds nothing."""
    drafts.forget_old(now=timezone.now())
