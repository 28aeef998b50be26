"""What the schedule rings for about partners' days."""

import logging

from celery import shared_task
from django.utils import timezone

from contributions import reconciling

log = logging.getLogger(__name__)


@shared_task
def make_day_files() -> None:
    """Make the partners' files of the days that are over."""
    log.info("%s files made for partners", reconciling.make_files(now=timezone.now()))
