"""单位汇款到账: each line of the bank's statement is entered by one collector and takes effect by another, once.

It is booked to what it pays, to the fen and in time, or held in suspense. Held, it can be booked later, or it goes back. What was
booked wrongly is reversed: by counter-entries, the months owed as they were, assessed anew. Nothing is ever erased.
"""

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet, Sum
from django.utils.translation import gettext as _

from contributions import locks, unpaid_cases
from contributions.assessments import assessing as assessments
from contributions.assessments.assessing import OF_THE_ASSESSMENT
from contributions.assessments.transfer_notes import Payable, why_not
from contributions.books import ledger
from contributions.books.personal_account import book_reversal
from contributions.books.receiving import AlreadyReceived, receive
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
from portal.accounts.permissions import staff_cities
from portal.columns import broken_constraint
from portal.shared.insurance import Insurance
from portal.shared.months import CHINA, Month

CHANNEL = "bank-transfer"
# The kinds of entries: money that is held or goes back, and what a reversal takes out of one insurance.
KIND, REVERSAL = "arrival", "arrival_reversal"


class CannotStep(Exception):
    """What cannot be entered, proposed or decided so; the message says why in Chinese, and what to do."""


class KeyReused(Exception):
    """The key stands for another entry or proposal."""


# Enter and propose


def enter(
    *,
    city: str,
    note: str,
    payer: str,
    amount_fen: int,
    bank_number: str,
    arrived_on: dt.date,
    payable: Payable | None,
    key: UUID,
    by: User,
    now: dt.datetime,
) -> Arrival:
    """Enter a line of the bank's statement, and propose to book it to ``payable``; or to hold it, where that is None or is not
    paid by just this. Nothing is booked until another collector approves it.

    The same key again is the same arrival. Raises CannotStep: above all where the bank's number was entered before.
    """
    if city not in staff_cities(by):
        raise CannotStep(_("只有本市的征缴人员可以登记到账。"))
    if payable is not None and payable.city != city:
        raise CannotStep(_("这份单据是另一城市的，请由当地登记。"))
    number = bank_number.strip()
    if not number:
        raise CannotStep(_("请填写银行流水号。"))
    told = {
        "city": city,
        "note": note.strip(),
        "payer": payer.strip(),
        "amount_fen": amount_fen,
        "bank_number": number,
        "arrived_on": arrived_on,
    }
    books = payable is not None and not why_not(payable, amount_fen=amount_fen, arrived_on=arrived_on)
    try:
        with transaction.atomic():
            if standing := _standing(key, told, by):
                return standing
            if Receipt.objects.filter(channel=CHANNEL, provider_number__startswith=f"{number}/").exists():
                raise CannotStep(_known(number))
            arrival = Arrival.objects.create(**told, key=key, entered_at=now, entered_by=by)
            _propose(arrival, ArrivalWay.BOOK if books else ArrivalWay.HOLD, payable, key=key, by=by, now=now)
            return arrival
    except IntegrityError as error:
        if standing := _standing(key, told, by):
            return standing
        if broken_constraint(error) == "a_banks_line_arrives_once":
            raise CannotStep(_known(number)) from error
        raise


def _known(number: str) -> str:
    return _("银行流水号 %(number)s 已经登记过，请在“单位汇款到账”中查看；确属另一笔的，请核对流水号。") % {
        "number": number
    }


def _standing(key: UUID, told: dict[str, Any], by: User) -> Arrival | None:
    found = Arrival.objects.filter(key=key).first()
    if found and ({name: getattr(found, name) for name in told}, found.entered_by_id) != (told, by.pk):
        raise KeyReused
    return found


def propose_booking(
    arrival: Arrival, payable: Payable, *, key: UUID, by: User, now: dt.datetime
) -> ArrivalStep:
    """Propose to book held money to what was found out to be its. The same key again is the same proposal. Raises CannotStep."""
    if payable.city != arrival.city:
        raise CannotStep(_("这份单据是另一城市的，不能入账。"))
    if problem := why_not(payable, amount_fen=arrival.amount_fen, arrived_on=arrival.arrived_on):
        raise CannotStep(problem)
    return _proposed(arrival, ArrivalStatus.HELD, ArrivalWay.BOOK, payable, key=key, by=by, now=now)


def propose_reversal(arrival: Arrival, *, reason: str, key: UUID, by: User, now: dt.datetime) -> ArrivalStep:
    """Propose to take back a wrong booking: its months are owed as they were, and the money is held. Raises CannotStep."""
    if not reason.strip():
        raise CannotStep(_("请写明冲正的原因。"))
    return _proposed(
        arrival, ArrivalStatus.BOOKED, ArrivalWay.REVERSE, None, key=key, by=by, now=now, reason=reason
    )


def propose_return(
    arrival: Arrival, *, reason: str, returned_number: str, key: UUID, by: User, now: dt.datetime
) -> ArrivalStep:
    """Propose to record that the bank sent held money back, under its number for that. Raises CannotStep."""
    if not reason.strip() or not returned_number.strip():
        raise CannotStep(_("请写明退回的原因，并填写银行退汇的流水号。"))
    return _proposed(
        arrival,
        ArrivalStatus.HELD,
        ArrivalWay.RETURN,
        None,
        key=key,
        by=by,
        now=now,
        reason=reason,
        returned_number=returned_number.strip(),
    )


def _proposed(
    arrival: Arrival,
    start: ArrivalStatus,
    way: ArrivalWay,
    payable: Payable | None,
    *,
    key: UUID,
    by: User,
    now: dt.datetime,
    **told: str,
) -> ArrivalStep:
    if arrival.city not in staff_cities(by):
        raise CannotStep(_("只有本市的征缴人员可以处理。"))
    try:
        with transaction.atomic():
            current = _locked(arrival.pk)
            found = ArrivalStep.objects.filter(key=key).first()
            if found:
                if (found.arrival_id, found.way, found.proposed_by_id) != (arrival.pk, way, by.pk):
                    raise KeyReused
                return found
            if current.status != start:
                raise CannotStep(
                    _("这笔到账是“%(state)s”，不能这样处理，请按页面当前状态操作。")
                    % {"state": current.get_status_display()}
                )
            return _propose(current, way, payable, key=key, by=by, now=now, **told)
    except IntegrityError as error:
        if broken_constraint(error) == "one_step_of_an_arrival_is_proposed":
            raise CannotStep(_("已有一份处理意见待复核，请刷新页面。")) from error
        if broken_constraint(error) == "a_banks_number_returns_one_arrival":
            raise CannotStep(_("这个退汇流水号已登记在另一笔到账上，请核对回单。")) from error
        raise


def _propose(
    arrival: Arrival,
    way: ArrivalWay,
    payable: Payable | None,
    *,
    key: UUID,
    by: User,
    now: dt.datetime,
    reason: str = "",
    returned_number: str = "",
) -> ArrivalStep:
    return ArrivalStep.objects.create(
        arrival=arrival,
        way=way,
        assessment=payable if isinstance(payable, Assessment) else None,
        bill=payable if isinstance(payable, ArrearsBill) else None,
        reason=reason.strip()[:200],
        returned_number=returned_number,
        key=key,
        proposed_at=now,
        proposed_by=by,
    )


# Decide


def why_not_decide(step: ArrivalStep, user: User) -> str:
    """Why this login may not decide what was proposed; "" where it may."""
    if step.arrival.city not in staff_cities(user):
        return _("只有本市的征缴人员可以处理。")
    if step.proposed_by_id == user.pk:
        return _("这项处理由您经办，须由另一名征缴人员复核。")
    return ""


def approve(step: ArrivalStep, *, by: User, now: dt.datetime) -> Arrival:
    """Let what was proposed take effect. Twice is once. Raises CannotStep: where this login may not, where it was refused, where
    what it was booked to is no longer paid by just this, and where what is to be reversed has moved on."""
    try:
        with transaction.atomic():
            if step.way == ArrivalWay.REVERSE:
                # Before any row is held: a charging run takes its time, and what is owed again is assessed anew.
                locks.one_charging_run(step.arrival.city)
            arrival = _locked(step.arrival_id)
            current = ArrivalStep.objects.select_for_update(no_key=True, of=("self",)).get(pk=step.pk)
            if current.status == StepStatus.APPROVED and current.decided_by_id == by.pk:
                return arrival
            _check_decision(current, by)
            to, suspense_fen, entry = _EFFECTS[ArrivalWay(current.way)](arrival, current, by=by, now=now)
            _decided(current, StepStatus.APPROVED, by=by, now=now, suspense_fen=suspense_fen, entry=entry)
            _move(arrival, to)
            return arrival
    except AlreadyReceived as error:
        raise CannotStep(_known(step.arrival.bank_number)) from error


def refuse(step: ArrivalStep, *, why: str, by: User, now: dt.datetime) -> Arrival:
    """Send back what was proposed. A line that was never booked is struck out with that, and may be entered anew. Raises
    CannotStep."""
    if not why.strip():
        raise CannotStep(_("请填写不同意的原因。"))
    with transaction.atomic():
        arrival = _locked(step.arrival_id)
        current = ArrivalStep.objects.select_for_update(no_key=True, of=("self",)).get(pk=step.pk)
        if current.status == StepStatus.REFUSED and current.decided_by_id == by.pk:
            return arrival
        _check_decision(current, by)
        _decided(current, StepStatus.REFUSED, by=by, now=now, why=why.strip()[:200])
        if arrival.status == ArrivalStatus.ENTERED:
            _move(arrival, ArrivalStatus.STRUCK)
        return arrival


def _check_decision(step: ArrivalStep, by: User) -> None:
    if problem := why_not_decide(step, by):
        raise CannotStep(problem)
    if step.status != StepStatus.PROPOSED:
        raise CannotStep(
            _("这项处理已是“%(state)s”，请按页面当前状态操作。") % {"state": step.get_status_display()}
        )


def _decided(step: ArrivalStep, to: StepStatus, *, by: User, now: dt.datetime, **more: Any) -> None:
    ArrivalStep.objects.filter(pk=step.pk, status=StepStatus.PROPOSED).update(
        status=to, decided_at=now, decided_by=by, **more
    )


def _move(arrival: Arrival, to: ArrivalStatus) -> None:
    if not Arrival.objects.filter(pk=arrival.pk, status=arrival.status).update(status=to):
        raise CannotStep(_("这笔到账的状态已变化，请刷新页面。"))
    arrival.status = to


def _locked(pk: int) -> Arrival:
    return Arrival.objects.select_for_update(no_key=True).get(pk=pk)


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
    """The charges no longer count, the same are owed anew where they are still covered, and their months are assessed anew."""
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

_EFFECTS: dict[ArrivalWay, Callable[..., _Effect]] = {
    ArrivalWay.BOOK: _book,
    ArrivalWay.HOLD: _hold,
    ArrivalWay.REVERSE: _reverse,
    ArrivalWay.RETURN: _return,
}


# Reading


def open_of(payable: Payable) -> tuple[int, int]:
    """How many other unpaid assessments the employer has, and what they come to in fen."""
    others = assessments.of_employer(payable.employer).filter(
        city=payable.city, status__in=assessments.UNPAID
    )
    if isinstance(payable, Assessment):
        others = others.exclude(pk=payable.pk)
    return others.count(), others.aggregate(fen=Sum("sum_fen", default=0))["fen"]
