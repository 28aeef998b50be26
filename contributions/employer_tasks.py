"""What the schedule rings for in the employers' month. What is left to do stands in the database."""

import logging

from celery import shared_task
from django.utils import timezone

from contributions import arrears_bills, assessment
from contributions.models import Charge
from portal.accounts.models import User
from portal.policy.book import book
from portal.shared.months import month_in_china

log = logging.getLogger(__name__)

# Charges of older months come by late registration only, and not later than this.
MONTHS_BACK = 3


@shared_task
def draw_up_assessments() -> None:
    """Assess what was charged and not assessed yet, and settle what was paid by other roads, of this month and the last ones."""
    now, by = timezone.now(), User.objects.system()
    this = month_in_china(now)
    for city in book().cities:
        for month in (this - back for back in range(MONTHS_BACK, -1, -1)):
            if not Charge.objects.filter(city=city.slug, month=month, employer__isnull=False).exists():
                continue
            done = assessment.draw_up(city=city.slug, month=month, by=by, now=now)
            log.info(
                "%s %s: %s assessments drawn up, %s replaced, %s found paid",
                city.slug,
                month,
                done.created,
                done.replaced,
                done.paid,
            )


@shared_task
def lapse_bills() -> None:
    """End the bills for late months whose last day has passed."""
    now, by = timezone.now(), User.objects.system()
    log.info("%s bills lapsed", arrears_bills.lapse(by=by, now=now))
