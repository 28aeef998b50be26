"""What the accounts do by themselves: the beat's doorbell for text messages."""

from celery import shared_task
from django.utils import timezone

from portal.accounts import notices


@shared_task
def send_text_messages() -> None:
    """Sends the text messages of notices that wait. Run twice, the second finds nothing."""
    notices.send_text_messages(now=timezone.now())
