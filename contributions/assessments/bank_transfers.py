"""单位汇款到账: each line of the bank's statement is entered by one collector, decided by another,
once.

It is booked to what it pays, to the fen and in time, or held in suspense. Held, it can be booked
later, or it goes back. Nothing is ever erased.
"""

import datetime as dt
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from contributions import locks
from contributions.assessments import assessing as assessments
from contributions.assessments.transfer_effects import CHANNEL, EFFECTS, CannotStep
from contributions.assessments.transfer_notes import Payable, why_not
from contributions.books.receiving import AlreadyReceived
from contributions.models import (
    ArrearsBill,
    Arrival,
    ArrivalStatus,
    ArrivalStep,
    ArrivalWay,
    Assessment,
    Receipt,
    StepStatus,
)
from portal.accounts.models import User
from portal.accounts.permissions import staff_cities
from portal.columns import broken_constraint
from portal.hall import two_hands
from portal.shared.keys import KeyReused


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
    """Enter a line of the bank's statement, and propose to book it to ``payable``; or to hold it,
    where that is None or is not paid by just this. Nothing is booked until another collector
    approves it.

    The same key again is the same arrival. Raises CannotStep: above all where the bank's number was
    entered before.
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
    """Propose to book held money to what was found out to be its. The same key again is the same
    proposal. Raises CannotStep."""
    if payable.city != arrival.city:
        raise CannotStep(_("这份单据是另一城市的，不能入账。"))
    if problem := why_not(payable, amount_fen=arrival.amount_fen, arrived_on=arrival.arrived_on):
        raise CannotStep(problem)
    return _proposed(arrival, ArrivalStatus.HELD, ArrivalWay.BOOK, payable, key=key, by=by, now=now)


def propose_reversal(arrival: Arrival, *, reason: str, key: UUID, by: User, now: dt.datetime) -> ArrivalStep:
    """Propose to take back a wrong booking: its months are owed as they were, and the money is
    held. Raises CannotStep."""
    if not reason.strip():
        raise CannotStep(_("请写明冲正的原因。"))
    return _proposed(
        arrival, ArrivalStatus.BOOKED, ArrivalWay.REVERSE, None, key=key, by=by, now=now, reason=reason
    )


def propose_return(
    arrival: Arrival, *, reason: str, returned_number: str, key: UUID, by: User, now: dt.datetime
) -> ArrivalStep:
    """Propose to record that the bank sent held money back, under its number for that. Raises
    CannotStep."""
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


def why_not_decide(step: ArrivalStep, user: User) -> str:
    """Why this login may not decide what was proposed; "" where it may."""
    if step.arrival.city not in staff_cities(user):
        return _("只有本市的征缴人员可以处理。")
    if step.proposed_by_id == user.pk:
        return _("这项处理由您经办，须由另一名征缴人员复核。")
    return ""


def approve(step: ArrivalStep, *, by: User, now: dt.datetime) -> Arrival:
    """Let what was proposed take effect. Twice is once. Raises CannotStep: where this login may
    not, where it was refused, where what it was booked to is no longer paid by just this, and where
    what is to be reversed has moved on."""
    try:
        with transaction.atomic():
            if step.way == ArrivalWay.REVERSE:
                # Before any row is held: a charging run takes its time, and what is owed again is
                # assessed anew.
                locks.one_charging_run(step.arrival.city)
            arrival = _locked(step.arrival_id)
            current = ArrivalStep.objects.select_for_update(no_key=True, of=("self",)).get(pk=step.pk)
            if not _is_to_decide(current, StepStatus.APPROVED, by):
                return arrival
            to, suspense_fen, entry = EFFECTS[ArrivalWay(current.way)](arrival, current, by=by, now=now)
            _decided(current, StepStatus.APPROVED, by=by, now=now, suspense_fen=suspense_fen, entry=entry)
            _move(arrival, to)
            return arrival
    except AlreadyReceived as error:
        raise CannotStep(_known(step.arrival.bank_number)) from error


def refuse(step: ArrivalStep, *, why: str, by: User, now: dt.datetime) -> Arrival:
    """Send back what was proposed. A line that was never booked is struck out with that, and may be
    entered anew. Raises CannotStep."""
    reason = two_hands.reason_of(why, raises=CannotStep)
    with transaction.atomic():
        arrival = _locked(step.arrival_id)
        current = ArrivalStep.objects.select_for_update(no_key=True, of=("self",)).get(pk=step.pk)
        if not _is_to_decide(current, StepStatus.REFUSED, by):
            return arrival
        _decided(current, StepStatus.REFUSED, by=by, now=now, why=reason)
        if arrival.status == ArrivalStatus.ENTERED:
            _move(arrival, ArrivalStatus.STRUCK)
        return arrival


def _is_to_decide(step: ArrivalStep, to: StepStatus, by: User) -> bool:
    """False where ``by`` has decided so already. Raises CannotStep."""
    return two_hands.is_to_decide(
        step,
        waiting=StepStatus.PROPOSED,
        decided={to},
        why_not=why_not_decide,
        what=_("这项处理"),
        by=by,
        raises=CannotStep,
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


def open_of(payable: Payable) -> tuple[int, int]:
    """How many other unpaid assessments the employer has, and what they come to in fen."""
    others = assessments.of_employer(payable.employer).filter(
        city=payable.city, status__in=assessments.UNPAID
    )
    if isinstance(payable, Assessment):
        others = others.exclude(pk=payable.pk)
    return others.count(), others.aggregate(fen=Sum("sum_fen", default=0))["fen"]
