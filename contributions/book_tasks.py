"""What the schedule rings for in the books. What is left to do stands in the database."""

import logging

from celery import shared_task
from django.utils import timezone

from contributions import audit_runs, day_sheets, interest
from portal.accounts.models import User
from portal.shared.months import today_in_china

log = logging.getLogger(__name__)


@shared_task
def credit_account_interest() -> None:
    """Credit the interest of the years that are over and whose rate is published, oldest first."""
    now, by = timezone.now(), User.objects.system()
    for city, insurance, year in interest.due(on=today_in_china(now)):
        done = interest.credit(city=city, insurance=insurance, year=year, by=by, now=now)
        log.info("%s %s %s: %s accounts credited", city, insurance, year, done.people)


@shared_task
def make_day_sheets() -> None:
    """Write the trial balances of the days that are over, of all cities."""
    made = day_sheets.make_due(by=User.objects.system(), now=timezone.now())
    log.info("%s day sheets made", made)


@shared_task
def audit_books() -> None:
    """Prove the invariants: everything on Sundays, on the other days what has changed."""
    done = audit_runs.run_of_the_day()
    log.log(
        logging.INFO if done.sound else logging.ERROR,
        "audit of %s: %s of %s invariants broken",
        done,
        done.broken,
        len(done.findings),
    )
