"""What the schedule rings for about orders: the queue is the payments and orders themselves, so that a bell that is lost, late or
doubled changes nothing."""

import logging

from celery import shared_task
from django.utils import timezone

from contributions import doubled, paying, refunds
from portal.accounts.models import User

log = logging.getLogger(__name__)


@shared_task
def ask_payments() -> None:
    """Ask the providers about payments whose end is not known, and close those whose order is over."""
    paying.ask_due(by=User.objects.system(), now=timezone.now())


@shared_task
def end_overdue_orders() -> None:
    """Expire the orders that were not paid in time."""
    ended = paying.end_overdue(by=User.objects.system(), now=timezone.now())
    log.info("%s orders expired", ended)


@shared_task
def start_queued_payments() -> None:
    """Start the payments that waited for the bank to open; before that remind who waits."""
    paying.remind_queued(now=timezone.now())
    begun = paying.start_queued(by=User.objects.system(), now=timezone.now())
    log.info("%s payments started at the bank's opening", begun)


@shared_task
def send_refunds() -> None:
    """Send the approved refunds to their channels, and ask about those whose end is not known."""
    refunds.send_due(by=User.objects.system(), now=timezone.now())


@shared_task
def draft_refunds() -> None:
    """Draft the refund of what was paid twice or too late, and tell who paid."""
    drafted = doubled.draft_refunds(by=User.objects.system(), now=timezone.now())
    log.info("%s refunds drafted", drafted)
