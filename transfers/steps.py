"""The moves of a transfer: applying, and what each agency does. The only writer of ``Transfer``.

Each move is one transaction under the transfer's lock, and happens once: by compare-and-set, along the table, with an event.
Months and money leave at the release and arrive at the receipt and the merger; in between they are under way and count nowhere.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from django.db import transaction
from django.utils.translation import gettext as _

from certificates import drawable
from certificates.fonts import NotDrawable
from contributions.books import account_interest
from contributions.models import HeldReceipt
from contributions.refunds import drafting, refund_lifecycle
from portal.accounts.models import User
from portal.accounts.permissions import guarded_by, may_act_for_person, staff_cities
from portal.hall.models import Case
from portal.hall.working_days import overrides_of
from portal.people.locks import lock_subject
from portal.people.models import Person
from portal.policy.book import book
from portal.policy.terms.transfer import transfer_days
from portal.policy.workdays import add_workdays
from portal.shared import money
from portal.shared.insurance import Insurance
from portal.shared.months import today_in_china
from transfers import books, documents, notices, outgoing, relation
from transfers.agencies import Agency
from transfers.machine import AGAIN, CLOCK_STARTS, FINAL, MOVES, STATUS_LABELS, Side, Status, turn
from transfers.models import Direction, Release, ReleaseStatus, Transfer, TransferEvent

_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


class CannotStep(Exception):
    """The move cannot be made; ``whys`` say why, in Chinese."""

    def __init__(self, *whys: str) -> None:
        super().__init__("; ".join(whys))
        self.whys = list(whys)


class AlreadyMoved(CannotStep):
    """Somebody else was first."""

    def __init__(self) -> None:
        super().__init__(_("这份转移的状态刚刚已被他人改变，请刷新后查看。"))


@dataclass(frozen=True, slots=True)
class Seen:
    """What moves with a release, as it is shown: months, and fen; ``interest_fen`` of the account is what is settled with it."""

    months: int
    account_fen: int
    pooled_fen: int
    interest_fen: int

    @property
    def sum_fen(self) -> int:
        return self.account_fen + self.pooled_fen


# Applying


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
    """Begin a transfer; the caller has applied the rules and holds the transaction and the person's lock.

    Applied for at the new place and confirmed by its staff, it is accepted with that. IntegrityError where the relation is being
    transferred already.
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
        outside=old.outside or new.outside,
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
        _move(transfer, Status.ACCEPTED, by=by, now=now, note=_("申请时已由转入地受理"))
    return transfer


# What an agency's staff do


def accept(transfer: Transfer, *, by: User, now: datetime) -> Transfer:
    """The new place takes the application. Raises CannotStep."""
    return _step(transfer, Status.ACCEPTED, by=by, now=now)


def send_letter(transfer: Transfer, *, by: User, now: datetime) -> Transfer:
    """The new place asks the old one for the relation, by a letter (联系函). Raises CannotStep."""
    return _step(transfer, Status.LETTER_SENT, by=by, now=now, does=_letter)


def release(
    transfer: Transfer, *, by: User, now: datetime, told: Mapping[str, Any] | None = None
) -> Transfer:
    """The old place lets go: the rules are applied again, months and money leave its books, the information form is made. Another
    member of staff has proposed it (``propose_release``), and what moves is just what was proposed. Where that place is none of
    the hall's, ``told`` is its form (``information.checked``), and nobody needs to propose it: no money of the hall's moves.

    Raises CannotStep, above all where coverage runs again, something is owed, or the sum is another now.
    """
    return _step(transfer, Status.RELEASED, by=by, now=now, does=partial(_release, told=told))


def look_at_release(transfer: Transfer, *, by: User, now: datetime) -> Seen:
    """What a release would move at this moment, the interest settled with it included. Nothing stays written. Raises CannotStep
    where it cannot be released now."""
    with transaction.atomic():
        lock_subject(transfer.person.identity_number)
        current = _locked(transfer)
        if Status.RELEASED not in MOVES[Status(current.status)] or not current.from_city:
            raise AlreadyMoved
        _check_hand(current, by)
        interest_fen, found = _settled(current, by=by, now=now)
        if found.moving is None:
            raise AlreadyMoved
        seen = Seen(found.moving.months, found.moving.account_fen, found.moving.pooled_fen, interest_fen)
        transaction.set_rollback(True)
    return seen


def propose_release(transfer: Transfer, *, seen: Seen, by: User, now: datetime) -> Release:
    """Propose to let go of just what was seen; another member of staff approves (``release``) or declines. Again by the same is
    the same. Raises CannotStep: where another sum would move now, or a proposal stands."""
    current_sums = look_at_release(transfer, by=by, now=now)
    with transaction.atomic():
        current = _locked(transfer)
        standing = standing_release(current)
        if standing is not None:
            if standing.proposed_by_id == by.pk and _same(standing, seen):
                return standing
            raise CannotStep(_("已有人提出转出，请刷新页面。"))
        if current_sums != seen:
            raise CannotStep(_("金额或月数刚刚有变化，请按页面上现在的数重新核对后提出。"))
        return Release.objects.create(
            transfer=current,
            months=seen.months,
            account_fen=seen.account_fen,
            pooled_fen=seen.pooled_fen,
            interest_fen=seen.interest_fen,
            proposed_at=now,
            proposed_by=by,
        )


def decline_release(proposed: Release, *, why: str, by: User, now: datetime) -> Release:
    """End a proposal; nothing moves. Also by whoever made it, who takes it back. Twice is once. Raises CannotStep."""
    if not why.strip():
        raise CannotStep(_("请写明不同意的原因。"))
    with transaction.atomic():
        current = _locked(proposed.transfer)
        found = Release.objects.select_for_update(no_key=True).get(pk=proposed.pk)
        if found.status == ReleaseStatus.DECLINED and found.ended_by_id == by.pk:
            return found
        _check_hand(current, by)
        if found.status != ReleaseStatus.PROPOSED:
            raise AlreadyMoved
        found.status, found.why, found.ended_at, found.ended_by = (
            ReleaseStatus.DECLINED,
            why.strip()[:200],
            now,
            by,
        )
        found.save(update_fields=["status", "why", "ended_at", "ended_by"])
        return found


def standing_release(transfer: Transfer) -> Release | None:
    """The proposal that waits for a second member of staff."""
    standing = transfer.release_proposals.filter(status=ReleaseStatus.PROPOSED)
    return standing.select_related("proposed_by").first()


def why_not_approve(proposed: Release, user: User) -> str:
    """Why this login may not approve the release; "" where it may."""
    if proposed.proposed_by_id == user.pk:
        return _("转出由您提出，须由另一名工作人员复核。")
    return why_not(proposed.transfer, user)


def _same(proposed: Release, seen: Seen) -> bool:
    return seen == Seen(proposed.months, proposed.account_fen, proposed.pooled_fen, proposed.interest_fen)


def receive(transfer: Transfer, *, by: User, now: datetime) -> Transfer:
    """The new place confirms that the money arrived, in the form's sum: it is booked there. Raises CannotStep."""
    return _step(transfer, Status.RECEIVED, by=by, now=now, does=_receive)


def merge(transfer: Transfer, *, by: User, now: datetime) -> Transfer:
    """The new place takes the months over into the person's record. Raises CannotStep."""
    return _step(transfer, Status.MERGED, by=by, now=now, does=_merge)


def send_back(transfer: Transfer, *, reason: str, by: User, now: datetime) -> Transfer:
    """Whoever has it returns it with the reason: to the person, or, after the release, to the old place, which takes months and
    money back with that. Raises CannotStep."""
    why = reason.strip()
    if not why:
        raise CannotStep(_("请写明退回的原因，对方会看到。"))
    return _step(transfer, Status.RETURNED, by=by, now=now, note=why, does=_send_back)


def put_right(transfer: Transfer, *, by: User, now: datetime, note: str = "") -> Transfer:
    """What was returned goes on: by the person once they have put it right, or by the old place. Raises CannotStep."""
    with transaction.atomic():
        current = _locked(transfer)
        if current.status != Status.RETURNED:
            raise AlreadyMoved
        _check_hand(current, by)
        to = AGAIN[Status(current.returned_from)]
        if current.side == Side.PERSON:
            whys = [bar.why for bar in relation.barriers(relation.of(current, now=now))]
            if whys:
                raise CannotStep(*whys)
        return _move(current, to, by=by, now=now, note=note)


def cancel(transfer: Transfer, *, by: User, now: datetime, reason: str = "") -> Transfer:
    """The person gives it up, until the old place has let go. Twice is once. Raises CannotStep."""
    with transaction.atomic():
        current = _locked(transfer)
        if not may_act_for_person(by, current.person):
            raise CannotStep(_("只有本人可以撤销转移。"))
        if current.status == Status.CANCELLED:
            return current
        if Status.CANCELLED not in MOVES[Status(current.status)]:
            raise CannotStep(
                _("这份转移{status}，不能撤销。").format(status=STATUS_LABELS[Status(current.status)])
            )
        return _move(current, Status.CANCELLED, by=by, now=now, note=reason or _("本人撤销"))


# Who may


def why_not(transfer: Transfer, user: User) -> str:
    """Why this member of staff may not do what comes next; "" where they may.

    The system of the outside agency whose turn it is may, too.
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


# How


def _step(
    transfer: Transfer,
    to: Status,
    *,
    by: User,
    now: datetime,
    note: str = "",
    does: Callable[..., dict[str, Any]] | None = None,
) -> Transfer:
    """One move by staff: locks, asks who it is, does what belongs to the move, and moves."""
    with transaction.atomic():
        lock_subject(transfer.person.identity_number)
        current = _locked(transfer)
        if to not in MOVES[Status(current.status)]:
            raise AlreadyMoved
        _check_hand(current, by)
        try:
            more = does(current, by=by, now=now) if does else {}
        except NotDrawable as lacking:
            city = current.acting_city or current.from_city or current.to_city
            raise CannotStep(drawable.why_not(lacking.characters, city=city)) from lacking
        return _move(current, to, by=by, now=now, note=note, **more)


def _locked(transfer: Transfer) -> Transfer:
    return Transfer.objects.select_for_update(of=("self",)).select_related("person").get(pk=transfer.pk)


def _check_hand(transfer: Transfer, by: User) -> None:
    if transfer.side == Side.PERSON:
        if not may_act_for_person(by, transfer.person):
            raise CannotStep(_("这份转移已退回本人，由本人处理后重新提交。"))
        return
    why = why_not(transfer, by)
    if why:
        raise CannotStep(why)


def _move(
    transfer: Transfer, to: Status, *, by: User, now: datetime, note: str = "", **changes: Any
) -> Transfer:
    """Moves it by compare-and-set, with the day by which whoever has it next should be done, and writes the event."""
    start = Status(transfer.status)
    if to not in MOVES[start]:
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
    """The city whose agency has the turn; "" where it is none of the hall's, or the person's turn."""
    return {Side.OLD: old, Side.NEW: new}.get(side, "") if side else ""


def _due(insurance: Insurance, city: str, today: date) -> date:
    """So many working days of the city from today (those of the whole country where it is not one of the hall's)."""
    days = transfer_days(book(), insurance=insurance, on=today)
    return add_workdays(today, days, overrides_of(city, since=today))


def _letter(transfer: Transfer, *, by: User, now: datetime) -> dict[str, Any]:
    documents.letter(transfer, by=by, now=now)
    return {}


def _release(
    transfer: Transfer, *, by: User, now: datetime, told: Mapping[str, Any] | None
) -> dict[str, Any]:
    proposed = standing_release(transfer) if transfer.from_city else None
    if transfer.from_city and proposed is None:
        raise CannotStep(_("转出须先由一名工作人员核对金额后提出，再由另一名复核。"))
    if proposed and (problem := why_not_approve(proposed, by)):
        raise CannotStep(problem)
    interest_fen, found = _settled(transfer, by=by, now=now)
    if proposed and found.moving:
        moving = found.moving
        seen = Seen(moving.months, moving.account_fen, moving.pooled_fen, interest_fen)
        if not _same(proposed, seen):
            raise CannotStep(_changed(proposed, seen))
        Release.objects.filter(pk=proposed.pk).update(
            status=ReleaseStatus.APPROVED, ended_at=now, ended_by=by
        )
    transfer.releases += 1
    if found.moving is None:
        if told is None:
            raise CannotStep(_("请先登记对方机构的信息表。"))
        documents.information_form(transfer, told, by=by, now=now)
        return {"releases": transfer.releases, "information": dict(told)}
    moved = books.let_go(transfer, found.moving, by=by, now=now)
    for double in found.doubles:
        _give_back(transfer, double, by=by, now=now)
    information = found.moving.information()
    documents.information_form(transfer, information, by=by, now=now)
    return {"moved_out": moved, "releases": transfer.releases, "information": information}


def _settled(transfer: Transfer, *, by: User, now: datetime) -> tuple[int, relation.Relation]:
    """The account with what it has borne until this month, for it goes whole: that interest, and the relation as it stands then.
    CannotStep where something stands against the release."""
    interest_fen = (
        account_interest.settle(
            person=transfer.person,
            city=transfer.from_city,
            insurance=Insurance(transfer.insurance),
            by=by,
            now=now,
        )
        if transfer.from_city
        else 0
    )
    found = relation.of(transfer, now=now)
    if whys := [bar.why for bar in relation.barriers(found)]:
        raise CannotStep(*whys)
    return interest_fen, found


def _changed(proposed: Release, seen: Seen) -> str:
    return _(
        "提出时是 %(months)s 个月 %(sum)s 元（含转出前结息 %(interest)s 元），现在是 %(now_months)s 个月 %(now_sum)s 元（含结息 "
        "%(now_interest)s 元）。请不同意后按现在的数重新提出。"
    ) % {
        "months": proposed.months,
        "sum": money.format_yuan(proposed.sum_fen),
        "interest": money.format_yuan(proposed.interest_fen),
        "now_months": seen.months,
        "now_sum": money.format_yuan(seen.sum_fen),
        "now_interest": money.format_yuan(seen.interest_fen),
    }


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


def _give_back(transfer: Transfer, double: relation.Double, *, by: User, now: datetime) -> None:
    """Money that was paid twice does not move: its refund is drafted, once, for a second person to decide."""
    receipt = HeldReceipt.objects.get(pk=double.receipt_id)
    try:
        drafting.draft(
            receipt,
            amount_fen=double.fen,
            reason=_("关系转移时发现重复缴费"),
            key=uuid5(NAMESPACE_URL, f"transfer/{transfer.number}/{transfer.releases}/{receipt.pk}"),
            by=by,
            now=now,
        )
    except refund_lifecycle.CannotRefund:
        # It has no way back by itself, or another refund was drafted meanwhile: it stays in the collectors' queue.
        return


def _number(code: str, now: datetime) -> str:
    """A fresh number such as T330200-20261121-7KQ2M9."""
    tail = "".join(secrets.choice(_ALPHABET) for _place in range(6))
    return f"T{code}-{today_in_china(now):%Y%m%d}-{tail}"
