"""What the schedule rings for. A task is a doorbell: what is left to do stands in the database, so that a task that is lost,
late, doubled or killed changes nothing."""

import datetime as dt
import logging
from collections.abc import Iterator

from celery import shared_task
from django.db.models import Max
from django.utils import timezone

from contributions import charging, debit, employer_debit, suspending
from contributions.models import BatchStatus, ChargingRun, DebitBatch
from portal.accounts.models import User
from portal.policy.book import PolicyMissing, book
from portal.policy.terms import charging_terms, debit_terms
from portal.shared.insurance import Capacity
from portal.shared.months import Month, month_span, today_in_china

log = logging.getLogger(__name__)


@shared_task
def charge_due() -> None:
    """Charge every city's months that are due and not charged completely; first resume who has settled what they owed."""
    now, by = timezone.now(), User.objects.system()
    suspending.resume_settled(now=now)
    for city, month, capacities in months_to_charge(today_in_china(now)):
        done = charging.charge(city=city, month=month, capacities=capacities, by=by, now=now)
        log.info("%s %s: %s charges made, %s groups left out", city, month, done.created, len(done.left_out))


def months_to_charge(today: dt.date) -> Iterator[tuple[str, Month, tuple[Capacity, ...]]]:
    """The city-months to charge on a day, and whom.

    Always the current month, from its charging day on, and the one before: coverage may be registered late, or for last month.
    Earlier ones too as far as the latest run, so that a schedule that stood still for months is caught up.
    """
    current = Month.of(today)
    latest = dict(ChargingRun.objects.values_list("city").annotate(Max("month")))
    for city in book().cities:
        try:
            terms = charging_terms(book(), city=city.slug, on=today)
        except PolicyMissing:
            continue
        before = current - 1
        first = min(latest.get(city.slug, before), before)
        for month in month_span(first, current):
            yield city.slug, month, tuple(terms.days)
        if due := terms.due(today):
            yield city.slug, current, due


@shared_task
def resume_settled() -> None:
    """Resume the coverages whose arrears are settled."""
    log.info("%s coverages resumed", suspending.resume_settled(now=timezone.now()))


@shared_task
def open_due_batches() -> None:
    """Open the first debit of each city's month whose day has come, this month's and, where it was missed, last month's; and the
    employers' of the day that has come."""
    now, by = timezone.now(), User.objects.system()
    today = today_in_china(now)
    for city in book().cities:
        for month in (Month.of(today) - 1, Month.of(today)):
            try:
                terms = debit_terms(book(), city=city.slug, on=month.first_day)
            except PolicyMissing:
                continue
            if terms.debit_on(month) <= today:
                debit.open_batch(city=city.slug, month=month, by=by, now=now)
        if employer_debit.terms_of(city.slug, today.replace(day=1)):
            employer_debit.open_batch(city=city.slug, by=by, now=now)


@shared_task
def open_batch(city: str, month: str, by_id: int) -> None:
    """Open a city's month for a member of staff who does not want to wait for the schedule."""
    debit.open_by_staff(
        city=city, month=Month.parse(month), by=User.objects.get(pk=by_id), now=timezone.now()
    )


@shared_task
def open_employer_batch(city: str, by_id: int) -> None:
    """Open a city's debit of employers for a member of staff who does not want to wait for the schedule."""
    employer_debit.open_by_staff(city=city, by=User.objects.get(pk=by_id), now=timezone.now())


@shared_task
def send_batches() -> None:
    """Write the files of the batches that were released; one that fails does not keep the others."""
    now, by = timezone.now(), User.objects.system()
    for batch in DebitBatch.objects.filter(status=BatchStatus.RELEASED).order_by("opened_at"):
        try:
            debit.write_file(batch, by=by, now=now)
        except (OSError, ValueError):
            log.exception("%s was not sent", batch.number)


@shared_task
def read_answers() -> None:
    """Read what the banks have answered."""
    now, by = timezone.now(), User.objects.system()
    for read in debit.read_answers(by=by, now=now):
        log.info("%s: %s %s", read.name, read.outcome, read.why)


@shared_task
def post_answers() -> None:
    """Book the batches whose answer was read."""
    now, by = timezone.now(), User.objects.system()
    for batch in DebitBatch.objects.filter(status=BatchStatus.ANSWERED).order_by("opened_at"):
        debit.post(batch, by=by, now=now)


@shared_task
def run_step(step: str, batch_id: int, by_id: int) -> None:
    """One step of one batch for a member of staff who does not want to wait for the schedule: send, read or post."""
    now, by = timezone.now(), User.objects.get(pk=by_id)
    batch = DebitBatch.objects.get(pk=batch_id)
    if step == "send":
        debit.write_file(batch, by=by, now=now)
    elif step == "read":
        debit.read_answers(by=by, now=now)
    elif step == "post":
        debit.post(batch, by=by, now=now)
    else:
        raise ValueError(step)
