"""The moves of a transfer: the application and the steps of each agency. The only writer of
``Transfer``.

Each move is one transaction under the transfer's lock. It happens once, by compare-and-set along
the life cycle, and writes an event. Months and money leave at the release (``releasing``). The
money arrives at the receipt, the months at the merger; until then they count nowhere.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from certificates import drawable
from certificates.fonts import NotDrawable
from portal.accounts.models import User
from portal.accounts.permissions import guarded_by, may_act_for_person, staff_cities
from portal.hall.models import Case
from portal.hall.working_days import overrides_of
from portal.people.locks import lock_subject
from portal.people.models import Person
from portal.policy.book import book
from portal.policy.terms.transfer import transfer_days
from portal.policy.workdays import add_workdays
from portal.shared import numbers
from portal.shared.insurance import Insurance
from portal.shared.months import today_in_china
from transfers import books, documents, notices, outgoing, relation
from transfers.agencies import Agency
from transfers.machine import AGAIN, CLOCK_STARTS, FINAL, TRANSFER_LIFE_CYCLE, Side, Status, turn
from transfers.models import Direction, Transfer, TransferEvent


class CannotStep(Exception):
    """The move cannot be made; ``whys`` are the reasons, in Chinese."""

    def __init__(self, *whys: str) -> None:
        super().__init__("; ".join(whys))
        self.whys = list(whys)


class AlreadyMoved(CannotStep):
    """Another user has moved the transfer before."""

    def __init__(self) -> None:
        super().__init__(_("这份转移的状态刚刚已被他人改变，请刷新后查看。"))


def apply(
    *,
    person: Person,
    insurance: Insurance,
    old: Agency,
    new: Agency,
    direction: Direction,
    case: Case | None,
    by: User,
    now: datetime,
) -> Transfer:
    """Begins a transfer. The caller has applied the rules and holds the transaction and the
    person's lock.

    An application at the new place that its staff confirm is accepted at once. Raises
    IntegrityError where an open transfer of the relation exists.
    """
    city = book().city(new.city if direction == Direction.IN else old.city)
    transfer = Transfer.objects.create(
        number=_number(city.code, now),
        person=person,
        insurance=insurance,
        from_city=old.city,
        from_place=old.title,
        to_city=new.city,
        to_place=new.title,
        outside_id=old.outside_id or new.outside_id,
        direction=direction,
        case=case,
        due_on=_due(insurance, _place(turn(Status.APPLIED), old.city, new.city), today_in_china(now)),
        applied_at=now,
    )
    event = TransferEvent.objects.create(
        transfer=transfer, at=now, by=by, to_status=Status.APPLIED, due_on=transfer.due_on
    )
    notices.tell(transfer, event)
    outgoing.tell(transfer, event)
    if direction == Direction.OUT:
        documents.voucher(transfer, by=by, now=now)
    elif why_not(transfer, by) == "":
        move_transfer(transfer, Status.ACCEPTED, by=by, now=now, note=_("申请时已由转入地受理"))
    return transfer


def accept(transfer: Transfer, *, by: User, now: datetime) -> Transfer:
    """The new place accepts the application. Raises CannotStep."""
    return step(transfer, Status.ACCEPTED, by=by, now=now)


def send_letter(transfer: Transfer, *, by: User, now: datetime) -> Transfer:
    """The new place asks the old one for the relation, by a letter (联系函). Raises CannotStep."""
    return step(transfer, Status.LETTER_SENT, by=by, now=now, does=_letter)


def receive(transfer: Transfer, *, by: User, now: datetime) -> Transfer:
    """The new place confirms that the form's sum arrived, and books it. Raises CannotStep."""
    return step(transfer, Status.RECEIVED, by=by, now=now, does=_receive)


def merge(transfer: Transfer, *, by: User, now: datetime) -> Transfer:
    """The new place adds the months to the person's record. Raises CannotStep."""
    return step(transfer, Status.MERGED, by=by, now=now, does=_merge)


def send_back(transfer: Transfer, *, reason: str, by: User, now: datetime) -> Transfer:
    """The agency whose turn it is returns the transfer with a reason: to the person, or, after the
    release, to the old place, which then has months and money again. Raises CannotStep."""
    why = reason.strip()
    if not why:
        raise CannotStep(_("请写明退回的原因，对方会看到。"))
    return step(transfer, Status.RETURNED, by=by, now=now, note=why, does=_send_back)


def put_right(transfer: Transfer, *, by: User, now: datetime, note: str = "") -> Transfer:
    """Continues a returned transfer that the person or the old place has corrected. Raises
    CannotStep."""
    with transaction.atomic():
        current = locked(transfer)
        if current.status != Status.RETURNED:
            raise AlreadyMoved
        check_hand(current, by)
        to = AGAIN[Status(current.returned_from)]
        if current.side == Side.PERSON:
            whys = [bar.why for bar in relation.barriers(relation.of(current, now=now))]
            if whys:
                raise CannotStep(*whys)
        return move_transfer(current, to, by=by, now=now, note=note)


def cancel(transfer: Transfer, *, by: User, now: datetime, reason: str = "") -> Transfer:
    """The person cancels the transfer; possible until the release. Cancelling again changes
    nothing. Raises CannotStep."""
    with transaction.atomic():
        current = locked(transfer)
        if not may_act_for_person(by, current.person):
            raise CannotStep(_("只有本人可以撤销转移。"))
        if current.status == Status.CANCELLED:
            return current
        if Status.CANCELLED not in TRANSFER_LIFE_CYCLE.moves_from(current.status):
            raise CannotStep(
                _("这份转移{status}，不能撤销。").format(status=TRANSFER_LIFE_CYCLE.label(current.status))
            )
        return move_transfer(current, Status.CANCELLED, by=by, now=now, note=reason or _("本人撤销"))


def why_not(transfer: Transfer, user: User) -> str:
    """Why this member of staff may not take the next step; "" where they may.

    The account of the outside agency's system may act where it is that agency's turn.
    """
    if _is_correspondent(transfer, user):
        return ""
    if transfer.acting_city not in staff_cities(user) or not user.has_perm("transfers.change_transfer"):
        return _("这一步由{agency}办理。").format(agency=transfer.holder)
    if user.person_id is not None and user.person_id == transfer.person_id:
        return _("这是您本人的关系转移，请由其他工作人员办理。")
    if user.person is not None and transfer.person_id in guarded_by(user.person):
        return _("这是您的被监护人的关系转移，请由其他工作人员办理。")
    return ""


def _is_correspondent(transfer: Transfer, user: User) -> bool:
    """Whether this is the account of the outside agency's system, and it is that agency's turn."""
    agency = transfer.outside
    return (
        transfer.is_outsides_turn
        and agency is not None
        and agency.partner is not None
        and agency.partner.user_id == user.pk
    )


def step(
    transfer: Transfer,
    to: Status,
    *,
    by: User,
    now: datetime,
    note: str = "",
    does: Callable[..., dict[str, Any]] | None = None,
) -> Transfer:
    """One move by staff: takes the locks, checks the login, runs ``does`` and moves. ``does``
    returns further column values for the transfer."""
    with transaction.atomic():
        lock_subject(transfer.person.identity_number)
        current = locked(transfer)
        if to not in TRANSFER_LIFE_CYCLE.moves_from(current.status):
            raise AlreadyMoved
        check_hand(current, by)
        try:
            changes = does(current, by=by, now=now) if does else {}
        except NotDrawable as lacking:
            city = current.acting_city or current.from_city or current.to_city
            raise CannotStep(drawable.why_not(lacking.characters, city=city)) from lacking
        return move_transfer(current, to, by=by, now=now, note=note, **changes)


def locked(transfer: Transfer) -> Transfer:
    """The transfer with its person, locked until the transaction ends."""
    return Transfer.objects.select_for_update(of=("self",)).select_related("person").get(pk=transfer.pk)


def check_hand(transfer: Transfer, by: User) -> None:
    """Raises CannotStep where it is not this login's turn."""
    if transfer.side == Side.PERSON:
        if not may_act_for_person(by, transfer.person):
            raise CannotStep(_("这份转移已退回本人，由本人处理后重新提交。"))
        return
    why = why_not(transfer, by)
    if why:
        raise CannotStep(why)


def move_transfer(
    transfer: Transfer, to: Status, *, by: User, now: datetime, note: str = "", **changes: Any
) -> Transfer:
    """Moves the transfer by compare-and-set, sets the next due day, and writes the event, the
    notice and the message. Raises AlreadyMoved."""
    start = Status(transfer.status)
    if to not in TRANSFER_LIFE_CYCLE.moves_from(start):
        raise AlreadyMoved
    changes |= {"returned_from": "", "reason": ""}
    if to == Status.RETURNED:
        changes |= {"returned_from": start, "reason": note}
    elif to == Status.CANCELLED:
        changes |= {"reason": note}
    if to in FINAL:
        changes["ended_at"] = now
    changes["due_on"] = _due_after(transfer, start, to, today_in_china(now))
    if not Transfer.objects.filter(pk=transfer.pk, status=start).update(status=to, **changes):
        raise AlreadyMoved
    transfer.refresh_from_db()
    event = TransferEvent.objects.create(
        transfer=transfer,
        at=now,
        by=by,
        from_status=start,
        to_status=to,
        note=note,
        due_on=transfer.due_on,
    )
    notices.tell(transfer, event)
    outgoing.tell(transfer, event)
    return transfer


def _due_after(transfer: Transfer, start: Status, to: Status, today: date) -> date | None:
    if to in FINAL:
        return None
    side = turn(to, start)
    due = _due(Insurance(transfer.insurance), _place(side, transfer.from_city, transfer.to_city), today)
    if to == Status.RETURNED:
        return None if side == Side.PERSON else due
    return due if to in CLOCK_STARTS else transfer.due_on


def _place(side: Side | None, old: str, new: str) -> str:
    """The city whose agency has the turn; "" for an outside agency's or the person's turn."""
    return {Side.OLD: old, Side.NEW: new}.get(side, "") if side else ""


def _due(insurance: Insurance, city: str, today: date) -> date:
    """The due day: the number of working days that the policy gives, counted from today by the
    city's calendar, or by the national one where the city is ""."""
    days = transfer_days(book(), insurance=insurance, on=today)
    return add_workdays(today, days, overrides_of(city, since=today))


def _letter(transfer: Transfer, *, by: User, now: datetime) -> dict[str, Any]:
    documents.letter(transfer, by=by, now=now)
    return {}


def _receive(transfer: Transfer, *, by: User, now: datetime) -> dict[str, Any]:
    if transfer.to_city:
        books.take_in(transfer, by=by, now=now)
    return {}


def _merge(transfer: Transfer, *, by: User, now: datetime) -> dict[str, Any]:
    return {"brought_in": books.merge(transfer, by=by, now=now)} if transfer.to_city else {}


def _send_back(transfer: Transfer, *, by: User, now: datetime) -> dict[str, Any]:
    if transfer.status != Status.RELEASED:
        return {}
    books.take_back(transfer, by=by, now=now)
    return {"moved_out": None, "information": {}}


def _number(code: str, now: datetime) -> str:
    """A fresh number such as T330200-20261121-7KQ2M9."""
    return numbers.dashed_number(f"T{code}", now, length=6)
