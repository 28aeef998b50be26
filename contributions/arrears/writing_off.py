"""Giving up late months for good."""

import datetime as dt
from collections.abc import Iterable

from django.utils.translation import gettext as _

from contributions.arrears.paying_late import Busy, held_charges
from contributions.models import Cancellation, CancellationKind, Charge, ChargeStatus
from portal.accounts.models import User
from portal.hall.models import Case
from portal.people.models import Person
from portal.shared.months import today_in_china


def write_off(
    person: Person,
    city: str,
    charge_ids: Iterable[int],
    *,
    by: User,
    now: dt.datetime,
    case: Case | None = None,
) -> list[Charge]:
    """Give up these owed months for good; returns them. Must run in a transaction, under the
    person's lock.

    Raises Busy where one is no longer owed, or in an order, at the bank or asked for.
    """
    charges = held_charges(person, city, charge_ids, (ChargeStatus.OWED,), today_in_china(now))
    ids = [one.pk for one in charges]
    moved = Charge.objects.filter(pk__in=ids, status=ChargeStatus.OWED).update(
        status=ChargeStatus.WRITTEN_OFF
    )
    if moved != len(ids):
        raise Busy
    why = _("本人申请注销（办件 {number}）").format(number=case.number) if case else _("本人申请注销")
    Cancellation.objects.bulk_create(
        Cancellation(charge=charge, kind=CancellationKind.WRITTEN_OFF, at=now, by=by, why=why)
        for charge in charges
    )
    return charges
