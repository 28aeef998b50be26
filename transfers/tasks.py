"""What the schedule rings for: reminding of what is overdue. What is late stands in the database."""

import logging

from celery import shared_task
from django.utils import timezone

from portal.shared.months import today_in_china
from transfers import notices

log = logging.getLogger(__name__)


@shared_task
def chase_late() -> None:
    """Remind the staff whose turn it is, and tell the person, of every transfer that is overdue."""
    now = timezone.now()
    log.info("%s reminded of overdue transfers", notices.chase(today=today_in_china(now), now=now))
