"""A batch that was opened is let go to the bank, by a second person where the city asks for one."""

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from contributions.models import BatchEvent, BatchStatus, DebitBatch
from portal.accounts import permissions
from portal.accounts.models import User


class CannotRelease(Exception):
    """A batch that this person may not let go to the bank; the message says why in Chinese."""


@transaction.atomic
def release(batch: DebitBatch, *, by: User, now: dt.datetime) -> DebitBatch:
    """Let a batch that was opened go to the bank; one that was released stays as it is.

    Raises CannotRelease where a second person is to do it and ``by`` opened the batch, or is no
    person of the agency.
    """
    locked = DebitBatch.objects.select_for_update(no_key=True).get(pk=batch.pk)
    if locked.status != BatchStatus.OPENED:
        return locked
    if locked.second_person and locked.opened_by_id == by.pk:
        raise CannotRelease(_("开批人不能放行自己开的批次，请由另一名征缴人员核对并放行。"))
    if locked.second_person and locked.city not in permissions.staff_cities(by):
        raise CannotRelease(_("只有本市的征缴人员可以放行。"))
    released(locked, by=by, now=now)
    return locked


def released(batch: DebitBatch, *, by: User, now: dt.datetime) -> None:
    """Mark an opened batch as released, with its event."""
    DebitBatch.objects.filter(pk=batch.pk, status=BatchStatus.OPENED).update(
        status=BatchStatus.RELEASED, released_at=now, released_by=by
    )
    BatchEvent.objects.create(batch=batch, at=now, by=by, status=BatchStatus.RELEASED)
    batch.refresh_from_db()


def month_before(batch: DebitBatch) -> DebitBatch | None:
    """The batch of the same city, bank, payers and round a month earlier, to compare with; None
    where there was none."""
    return DebitBatch.objects.filter(
        city=batch.city, bank=batch.bank, payer=batch.payer, round=batch.round, month=batch.month - 1
    ).first()
