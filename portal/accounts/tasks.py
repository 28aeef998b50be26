"""What the accounts do by themselves: the beat's doorbells for text messages and for what is over."""

from celery import shared_task
from django.utils import timezone

from portal.accounts import kept_forms, notices, sliding


@shared_task
def send_text_messages() -> None:
    """Sends the text messages of notices that wait. Run twice, the second finds nothing."""
    notices.send_text_messages(now=timezone.now())


@shared_task
def forget_ended_sessions() -> None:
    """Drops sessions that are over, and what waited for the next one in vain. Run twice, the second finds nothing."""
    sliding.forget_ended(now=timezone.now())
    kept_forms.forget_old(now=timezone.now())
