"""Asking the next debit to collect what its own month did not: a debit that failed (补托收), a late
month, a gap paid back."""

import datetime as dt
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from contributions import unpaid_cases
from contributions.charges import surcharges
from contributions.models import (
    Charge,
    ChargeStatus,
    DebitBatch,
    DebitLine,
    RecollectRequest,
    RequestKind,
    RequestStatus,
    Surcharge,
)
from portal.accounts.models import User
from portal.columns import runs_in
from portal.hall.models import Case
from portal.people.models import BankAccount, Person
from portal.policy.book import PolicyMissing, book
from portal.policy.terms.debit import DebitTerms, debit_terms
from portal.shared.insurance import Capacity
from portal.shared.months import Month, month_in_china, today_in_china

_NONE: Mapping[int, Surcharge] = MappingProxyType({})


def terms_of(city: str, month: Month) -> DebitTerms | None:
    """The city's monthly debit of its flexible workers; None where it has none."""
    try:
        terms = debit_terms(book(), city=city, on=month.first_day)
    except PolicyMissing:
        return None
    return terms if Capacity.FLEXIBLE in terms.capacities else None


def next_debit(city: str, now: dt.datetime) -> Month | None:
    """The month whose debit comes next: this month's until its day has come or it is opened. None
    where there is no debit."""
    month = month_in_china(now)
    terms = terms_of(city, month)
    if terms is None:
        return None
    opened = DebitBatch.objects.filter(city=city, month=month, round=1).exists()
    return month if today_in_china(now) < terms.debit_on(month) and not opened else month + 1


def account_of(person: Person, city: str, month: Month) -> BankAccount | None:
    """The account that the month's debit draws on."""
    terms = terms_of(city, month)
    return (
        BankAccount.objects.filter(runs_in(month), person=person, city=city, bank=terms.bank if terms else "")
        .order_by("-start", "-pk")
        .first()
    )


def waiting(charges: Iterable[int]) -> QuerySet[RecollectRequest]:
    """The requests for these charges that no batch has taken yet."""
    return RecollectRequest.objects.filter(charge__in=list(charges), live=True)


def ask(
    charges: Iterable[Charge],
    *,
    kind: RequestKind,
    month: Month | None = None,
    by: User,
    now: dt.datetime,
    case: Case | None = None,
    on_top: Mapping[int, Surcharge] = _NONE,
) -> list[RecollectRequest]:
    """Ask the month's debit to collect these charges, each with what is paid on top of it; without
    ``month`` whichever batch of the city comes next. Must run in a transaction.

    IntegrityError by ``one_live_recollect_request_per_charge`` where one waits already.
    """
    return RecollectRequest.objects.bulk_create(
        RecollectRequest(
            city=charge.city,
            charge=charge,
            kind=kind,
            month=month or charge.month,
            surcharge=on_top.get(charge.pk),
            case=case,
            asked_at=now,
            asked_by=by,
        )
        for charge in charges
    )


def tidy(*, city: str, month: Month, by: User, now: dt.datetime) -> None:
    """Drop what the month's batch, about to be opened, may not take: charges that are owed no
    longer, and those whose surcharge was priced for an earlier month's debit. Must run in a
    transaction."""
    live = RecollectRequest.objects.filter(city=city, live=True)
    _drop(live.exclude(charge__status=ChargeStatus.OWED), why=_("该月已不再欠缴"), by=by, now=now)
    stale = live.filter(surcharge__isnull=False, month__lt=month)
    _drop(stale, why=_("当月扣款没有扣到，利息须重新计算，请重新办理"), by=by, now=now)


def _drop(requests: QuerySet[RecollectRequest], *, why: str, by: User, now: dt.datetime) -> None:
    held = requests.select_for_update(no_key=True, of=("self",))
    going = list(held.values_list("pk", "charge_id", "case_id"))
    RecollectRequest.objects.filter(pk__in=[pk for pk, _charge, _case in going]).update(
        status=RequestStatus.DROPPED, live=False, ended_at=now, why=why
    )
    surcharges.let_go([charge for _pk, charge, _case in going], by=by, now=now)
    unpaid_cases.end_debited({case for _pk, _charge, case in going if case}, by=by, now=now)


def taken(batch: DebitBatch, *, now: dt.datetime) -> None:
    """Mark the requests that a batch has just taken, each with its line. Must run in the opening's
    transaction."""
    lines = dict(
        DebitLine.objects.filter(batch=batch, charge__recollect_requests__live=True).values_list(
            "charge_id", "pk"
        )
    )
    for request in RecollectRequest.objects.filter(charge__in=lines, live=True):
        RecollectRequest.objects.filter(pk=request.pk, live=True).update(
            status=RequestStatus.TAKEN, live=False, line=lines[request.charge_id], ended_at=now
        )
