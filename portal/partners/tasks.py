"""What the schedule rings for."""

from celery import shared_task
from django.utils import timezone

from portal.partners import signing


@shared_task
def forget_nonces() -> None:
    """Forget the nonces of signatures that are over."""
    signing.forget_nonces(now=timezone.now())
