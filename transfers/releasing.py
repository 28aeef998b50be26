"""The release of a transfer: proposed by one, let go by another, for just the sum shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from django.db import transaction
from django.utils.translation import gettext as _

from contributions.books import account_interest
from contributions.models import HeldReceipt
from contributions.refunds import drafting, refund_lifecycle
from portal.accounts.models import User
from portal.people.locks import lock_subject
from portal.shared import money
from portal.shared.insurance import Insurance
from transfers import books, documents, relation
from transfers.machine import TRANSFER_LIFE_CYCLE, Status
from transfers.models import Release, ReleaseStatus, Transfer
from transfers.steps import AlreadyMoved, CannotStep, check_hand, locked, step, why_not


@dataclass(frozen=True, slots=True)
class Seen:
    """What moves with a release, as it is shown: months, and fen; ``interest_fen`` of the account
    is what is settled with it."""

    months: int
    account_fen: int
    pooled_fen: int
    interest_fen: int

    @property
    def sum_fen(self) -> int:
        return self.account_fen + self.pooled_fen


def release(
    transfer: Transfer, *, by: User, now: datetime, told: Mapping[str, Any] | None = None
) -> Transfer:
    """The old place lets go: the rules are applied again, months and money leave its books, the
    information form is made. Another member of staff has proposed it (``propose_release``), and
    what moves is just what was proposed. Where that place is none of the hall's, ``told`` is its
    form (``information.checked``), and nobody needs to propose it: no money of the hall's moves.

    Raises CannotStep, above all where coverage runs again, something is owed, or the sum is another
    now.
    """
    return step(transfer, Status.RELEASED, by=by, now=now, does=partial(_release, told=told))


def look_at_release(transfer: Transfer, *, by: User, now: datetime) -> Seen:
    """What a release would move at this moment, the interest settled with it included. Nothing
    stays written. Raises CannotStep where it cannot be released now."""
    with transaction.atomic():
        lock_subject(transfer.person.identity_number)
        current = locked(transfer)
        if Status.RELEASED not in TRANSFER_LIFE_CYCLE.moves_from(current.status) or not current.from_city:
            raise AlreadyMoved
        check_hand(current, by)
        interest_fen, found = _settled(current, by=by, now=now)
        if found.moving is None:
            raise AlreadyMoved
        seen = Seen(found.moving.months, found.moving.account_fen, found.moving.pooled_fen, interest_fen)
        transaction.set_rollback(True)
    return seen


def propose_release(transfer: Transfer, *, seen: Seen, by: User, now: datetime) -> Release:
    """Propose to let go of just what was seen; another member of staff approves (``release``) or
    declines. Again by the same is the same. Raises CannotStep: where another sum would move now, or
    a proposal stands."""
    current_sums = look_at_release(transfer, by=by, now=now)
    with transaction.atomic():
        current = locked(transfer)
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
    """End a proposal; nothing moves. Also by whoever made it, who takes it back. Twice is once.
    Raises CannotStep."""
    if not why.strip():
        raise CannotStep(_("请写明不同意的原因。"))
    with transaction.atomic():
        current = locked(proposed.transfer)
        found = Release.objects.select_for_update(no_key=True).get(pk=proposed.pk)
        if found.status == ReleaseStatus.DECLINED and found.ended_by_id == by.pk:
            return found
        check_hand(current, by)
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
    """The account with what it has borne until this month, for it goes whole: that interest, and
    the relation as it stands then. CannotStep where something stands against the release."""
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


def _give_back(transfer: Transfer, double: relation.Double, *, by: User, now: datetime) -> None:
    """Money that was paid twice does not move: its refund is drafted, once, for a second person to
    decide."""
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
        # It has no way back by itself, or another refund was drafted meanwhile: it stays in the
        # collectors' queue.
        return
