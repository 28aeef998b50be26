"""What a decided transfer does in the books: booked to what it pays, held, sent back, or reversed.

What was booked wrongly is reversed by counter-entries: the months are owed as they were, and
assessed anew.
"""

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from contributions import unpaid_cases
from contributions.assessments import assessing as assessments
from contributions.assessments.assessing import OF_THE_ASSESSMENT
from contributions.assessments.transfer_notes import Payable, why_not
from contributions.books import ledger
from contributions.books.personal_account import book_reversal
from contributions.books.receiving import receive
from contributions.models import (
    AccountKind,
    ArrearsBill,
    ArrearsLine,
    Arrival,
    ArrivalStatus,
    ArrivalStep,
    ArrivalWay,
    Assessment,
    BillStatus,
    Charge,
    ChargeStatus,
    Entry,
    Receipt,
    Repricing,
    StepStatus,
    Surcharge,
    SurchargeStatus,
    TakenBack,
)
from portal.accounts.models import User
from portal.shared.insurance import Insurance
from portal.shared.months import CHINA, Month

CHANNEL = "bank-transfer"
# The kinds of entries: money that is held or goes back, and what a reversal takes out of one
# insurance.
KIND, REVERSAL = "arrival", "arrival_reversal"


class CannotStep(Exception):
    """What cannot be entered, proposed or decided so; the message says why in Chinese, and what to
    do."""


# What a step does: where the arrival is then, by how much suspense is more, and the entry.
_Effect = tuple[ArrivalStatus, int, Entry | None]


def _book(arrival: Arrival, step: ArrivalStep, *, by: User, now: dt.datetime) -> _Effect:
    asked = step.payable
    if asked is None:
        raise ValueError(f"{step} is booked to nothing")
    payable: Payable = type(asked)._default_manager.select_for_update(of=("self",)).get(pk=asked.pk)
    if problem := why_not(payable, amount_fen=arrival.amount_fen, arrived_on=arrival.arrived_on):
        raise CannotStep(problem)
    held = arrival.status == ArrivalStatus.HELD
    charges, surcharges = _of(payable)
    receipts = receive(
        charges,
        channel=CHANNEL,
        # One line of the bank's can be booked again, once it was reversed.
        provider_number=f"{arrival.bank_number}-{step.pk}" if held else arrival.bank_number,
        # The statement tells the day; noon is on that day wherever it is looked at.
        at=dt.datetime.combine(arrival.arrived_on, dt.time(12), CHINA),
        by=by,
        now=now,
        surcharges=surcharges,
        against=_suspense(arrival) if held else None,
    )
    if isinstance(payable, ArrearsBill):
        ArrearsBill.objects.filter(pk=payable.pk, status=BillStatus.OPEN).update(
            status=BillStatus.PAID, ended_at=now, ended_by=by
        )
        payable.refresh_from_db()
        unpaid_cases.end_with_bill(payable, by=by, now=now)
    assessments.settle(payable.employer, by=by, now=now)
    return ArrivalStatus.BOOKED, -arrival.amount_fen if held else 0, receipts[0].entry


def _of(payable: Payable) -> tuple[QuerySet[Charge], list[int]]:
    if isinstance(payable, Assessment):
        return assessments.lines(payable).order_by().filter(status=ChargeStatus.OWED), []
    lines = ArrearsLine.objects.filter(bill=payable)
    on_top = lines.filter(surcharge__isnull=False).values_list("surcharge", flat=True)
    return Charge.objects.filter(pk__in=lines.values("charge")), list(on_top)


def _hold(arrival: Arrival, step: ArrivalStep, *, by: User, now: dt.datetime) -> _Effect:
    return ArrivalStatus.HELD, arrival.amount_fen, _entry(arrival, step, arrival.amount_fen, by=by, now=now)


def _return(arrival: Arrival, step: ArrivalStep, *, by: User, now: dt.datetime) -> _Effect:
    entry = _entry(arrival, step, -arrival.amount_fen, by=by, now=now)
    return ArrivalStatus.RETURNED, -arrival.amount_fen, entry


def _entry(arrival: Arrival, step: ArrivalStep, fen: int, *, by: User, now: dt.datetime) -> Entry:
    """Books that so much came into suspense from the bank (positive), or went back to it."""
    clearing = ledger.account(city=arrival.city, kind=AccountKind.CLEARING, channel=CHANNEL)
    return ledger.post_entry(
        city=arrival.city,
        kind=KIND,
        reference=f"{arrival.pk}/{step.pk}",
        postings=[ledger.Posting(clearing, fen), ledger.Posting(_suspense(arrival), -fen)],
        by=by,
        now=now,
    )


def _suspense(arrival: Arrival) -> Any:
    return ledger.account(city=arrival.city, kind=AccountKind.SUSPENSE)


def booking_of(arrival: Arrival) -> ArrivalStep | None:
    """By what step it is booked now."""
    if arrival.status != ArrivalStatus.BOOKED:
        return None
    booked = arrival.steps.filter(way=ArrivalWay.BOOK, status=StepStatus.APPROVED)
    return booked.select_related("assessment__employer", "bill__employer", "entry").last()


def _reverse(arrival: Arrival, step: ArrivalStep, *, by: User, now: dt.datetime) -> _Effect:
    """The entries last, for they lock the city's chain."""
    booking = booking_of(arrival)
    if booking is None or booking.entry is None:
        raise CannotStep(_("这笔到账没有入账，不需要冲正。"))
    receipts = Receipt.objects.filter(entry=booking.entry)
    charges = Charge.objects.filter(pk__in=receipts.values("charge"))
    list(charges.select_for_update(no_key=True).order_by("pk").values_list("pk"))
    _check_reversal(charges, receipts)
    months = sorted(set(charges.values_list("month", flat=True)))
    suspense = _suspense(arrival)
    insurances = sorted(set(charges.values_list("insurance", flat=True)))
    try:
        with transaction.atomic():
            for insurance in insurances:
                book_reversal(
                    booking.entry,
                    insurance=Insurance(insurance),
                    against=suspense,
                    kind=REVERSAL,
                    reference=f"{step.pk}/{insurance}",
                    by=by,
                    now=now,
                )
    except IntegrityError as error:
        if "would hold" in str(error):
            raise CannotStep(_("有职工的个人账户余额不足（已转出或支取），不能冲正。")) from error
        raise
    _owed_again(arrival, booking, step, months, by=by, now=now)
    return ArrivalStatus.HELD, arrival.amount_fen, None


def _check_reversal(charges: QuerySet[Charge], receipts: QuerySet[Receipt]) -> None:
    moved_on = (
        charges.exclude(status=ChargeStatus.PAID).exists()
        or TakenBack.objects.filter(receipt__in=receipts.values("pk")).exists()
    )
    if moved_on:
        raise CannotStep(_("这笔款项入账的月份中有的已另行处理（退费或冲正），不能整笔冲正。"))
    if Repricing.objects.filter(charge__in=charges.values("pk")).exists():
        raise CannotStep(_("这笔款项入账的月份中有的是重新计价的，不能冲正。"))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT EXISTS (
                SELECT 1 FROM contributions_receipt receipt
                JOIN contributions_charge charge ON charge.id = receipt.charge_id
                JOIN contributions_movedoutperiod gone ON gone.person_id = charge.person_id AND gone.live
                    AND gone.insurance = charge.insurance AND charge.month >= gone.start AND charge.month < gone.until
                WHERE receipt.entry_id = %s
            )
            """,
            [receipts.values_list("entry_id", flat=True)[0]],
        )
        if cursor.fetchone()[0]:
            raise CannotStep(_("有职工的这些月份已随关系转出，不能冲正。"))


def _owed_again(
    arrival: Arrival,
    booking: ArrivalStep,
    step: ArrivalStep,
    months: list[Month],
    *,
    by: User,
    now: dt.datetime,
) -> None:
    """The charges no longer count, the same are owed anew where they are still covered, and their
    months are assessed anew."""
    payable = booking.payable
    if payable is None or booking.entry is None:
        raise ValueError(f"{booking} booked nothing")
    values: dict[str, Any] = {
        "entry": booking.entry.pk,
        "employer": payable.employer_id,
        "now": now,
        "by": by.pk,
        "why": _("入账已冲正，重新核定"),
    }
    with connection.cursor() as cursor:
        cursor.execute(_REPLACE_ASSESSMENTS, values)
    charges = Charge.objects.filter(receipts__entry=booking.entry)
    of_these = list(charges.values_list("pk", flat=True))
    Charge.objects.filter(pk__in=of_these, status=ChargeStatus.PAID).update(
        status=ChargeStatus.REVERSED, live=False
    )
    Surcharge.objects.filter(charge__in=of_these, status=SurchargeStatus.PAID).update(
        status=SurchargeStatus.REVERSED, live=False
    )
    if isinstance(payable, ArrearsBill):
        ArrearsBill.objects.filter(pk=payable.pk, status=BillStatus.PAID).update(
            status=BillStatus.LAPSED, ended_at=now, ended_by=by
        )
        ArrearsLine.objects.filter(bill=payable, live=True).update(live=False)
    with connection.cursor() as cursor:
        cursor.execute(_CHARGE_ANEW, values)
    for month in months:
        assessments.draw_up(city=arrival.city, month=month, by=by, now=now)


_REPLACE_ASSESSMENTS = f"""
    WITH moved AS (
        UPDATE contributions_assessment assessment SET status = 'replaced'
        WHERE assessment.employer_id = %(employer)s AND assessment.status <> 'replaced' AND EXISTS (
            SELECT 1 FROM contributions_receipt receipt JOIN contributions_charge charge ON charge.id = receipt.charge_id
            WHERE receipt.entry_id = %(entry)s AND {OF_THE_ASSESSMENT}
        )
        RETURNING assessment.id
    )
    INSERT INTO contributions_assessmentevent (assessment_id, at, by_id, status, note)
    SELECT id, %(now)s, %(by)s, 'replaced', %(why)s FROM moved
"""  # noqa: S608 - the parts are constants

# At the same price, due as they were.
_CHARGE_ANEW = """
    INSERT INTO contributions_charge (
        city, person_id, coverage_id, employer_id, insurance, capacity, month, base, amount_fen, personal_fen, employer_fen,
        account_fen, policy, policy_since, basis, status, live, due_on, created_at
    )
    SELECT charge.city, charge.person_id, charge.coverage_id, charge.employer_id, charge.insurance, charge.capacity, charge.month,
        charge.base, charge.amount_fen, charge.personal_fen, charge.employer_fen, charge.account_fen, charge.policy,
        charge.policy_since, charge.basis, 'owed', true, charge.due_on, %(now)s
    FROM contributions_receipt receipt JOIN contributions_charge charge ON charge.id = receipt.charge_id
    JOIN enrollment_coverage coverage ON coverage.id = charge.coverage_id AND coverage.live
        AND coverage.start <= charge.month AND charge.month < coalesce(coverage.until, 'infinity')
    WHERE receipt.entry_id = %(entry)s
    ORDER BY charge.id
"""

EFFECTS: dict[ArrivalWay, Callable[..., _Effect]] = {
    ArrivalWay.BOOK: _book,
    ArrivalWay.HOLD: _hold,
    ArrivalWay.REVERSE: _reverse,
    ArrivalWay.RETURN: _return,
}
