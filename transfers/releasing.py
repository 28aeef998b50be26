"""The release of a transfer: one member of staff proposes the shown sums, another releases them."""

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
    """The months and sums (fen) of a release, as the page shows them. ``interest_fen`` is the part
    of the account that is interest settled with the release."""

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
    """Releases months and money from the old place: applies the rules again, books them out and
    makes the information form. Another member of staff has proposed the release
    (``propose_release``), and exactly the proposed sums move. Where the old place is outside the
    hall, ``told`` is its form (``information.checked``). No proposal is needed then, because no
    money of the hall moves.

    Raises CannotStep, for example where coverage runs again, something is owed, or the sums have
    changed.
    """
    return step(transfer, Status.RELEASED, by=by, now=now, does=partial(_release, form=told))


def look_at_release(transfer: Transfer, *, by: User, now: datetime) -> Seen:
    """The sums that a release would move now, with the interest settled with it. Writes nothing
    that stays. Raises CannotStep where a release is not possible now."""
    with transaction.atomic():
        lock_subject(transfer.person.identity_number)
        current = locked(transfer)
        if Status.RELEASED not in TRANSFER_LIFE_CYCLE.moves_from(current.status) or not current.from_city:
            raise AlreadyMoved
        check_hand(current, by)
        interest_fen, current_relation = _settled(current, by=by, now=now)
        if current_relation.moving is None:
            raise AlreadyMoved
        seen = Seen(
            current_relation.moving.months,
            current_relation.moving.account_fen,
            current_relation.moving.pooled_fen,
            interest_fen,
        )
        transaction.set_rollback(True)
    return seen


def propose_release(transfer: Transfer, *, seen: Seen, by: User, now: datetime) -> Release:
    """Proposes to release exactly the sums in ``seen``; another member of staff approves
    (``release``) or declines. The same proposal again by the same login returns the first one.
    Raises CannotStep where the sums have changed or another proposal waits."""
    current_sums = look_at_release(transfer, by=by, now=now)
    with transaction.atomic():
        current = locked(transfer)
        proposal = standing_release(current)
        if proposal is not None:
            if proposal.proposed_by_id == by.pk and _same(proposal, seen):
                return proposal
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
    """Ends a proposal; nothing moves. The login that proposed it may do so too. Declining again
    changes nothing. Raises CannotStep."""
    if not why.strip():
        raise CannotStep(_("请写明不同意的原因。"))
    with transaction.atomic():
        current = locked(proposed.transfer)
        proposal = Release.objects.select_for_update(no_key=True).get(pk=proposed.pk)
        if proposal.status == ReleaseStatus.DECLINED and proposal.ended_by_id == by.pk:
            return proposal
        check_hand(current, by)
        if proposal.status != ReleaseStatus.PROPOSED:
            raise AlreadyMoved
        proposal.status, proposal.why, proposal.ended_at, proposal.ended_by = (
            ReleaseStatus.DECLINED,
            why.strip()[:200],
            now,
            by,
        )
        proposal.save(update_fields=["status", "why", "ended_at", "ended_by"])
        return proposal


def standing_release(transfer: Transfer) -> Release | None:
    """The proposal that waits for a second member of staff."""
    proposals = transfer.release_proposals.filter(status=ReleaseStatus.PROPOSED)
    return proposals.select_related("proposed_by").first()


def why_not_approve(proposed: Release, user: User) -> str:
    """Why this login may not approve the release; "" where it may."""
    if proposed.proposed_by_id == user.pk:
        return _("转出由您提出，须由另一名工作人员复核。")
    return why_not(proposed.transfer, user)


def _same(proposed: Release, seen: Seen) -> bool:
    return seen == Seen(proposed.months, proposed.account_fen, proposed.pooled_fen, proposed.interest_fen)


def _release(
    transfer: Transfer, *, by: User, now: datetime, form: Mapping[str, Any] | None
) -> dict[str, Any]:
    proposed = standing_release(transfer) if transfer.from_city else None
    if transfer.from_city and proposed is None:
        raise CannotStep(_("转出须先由一名工作人员核对金额后提出，再由另一名复核。"))
    if proposed and (problem := why_not_approve(proposed, by)):
        raise CannotStep(problem)
    interest_fen, current_relation = _settled(transfer, by=by, now=now)
    if proposed and current_relation.moving:
        moving = current_relation.moving
        seen = Seen(moving.months, moving.account_fen, moving.pooled_fen, interest_fen)
        if not _same(proposed, seen):
            raise CannotStep(_changed(proposed, seen))
        Release.objects.filter(pk=proposed.pk).update(
            status=ReleaseStatus.APPROVED, ended_at=now, ended_by=by
        )
    transfer.releases += 1
    if current_relation.moving is None:
        if form is None:
            raise CannotStep(_("请先登记对方机构的信息表。"))
        documents.information_form(transfer, form, by=by, now=now)
        return {"releases": transfer.releases, "information": dict(form)}
    moved = books.let_go(transfer, current_relation.moving, by=by, now=now)
    for double in current_relation.doubles:
        _give_back(transfer, double, by=by, now=now)
    information = current_relation.moving.information()
    documents.information_form(transfer, information, by=by, now=now)
    return {"moved_out": moved, "releases": transfer.releases, "information": information}


def _settled(transfer: Transfer, *, by: User, now: datetime) -> tuple[int, relation.Relation]:
    """Books the account's interest up to this month, because the whole account moves. Returns that
    interest (fen) and the relation's state after it. Raises CannotStep where the release is
    barred."""
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
    current_relation = relation.of(transfer, now=now)
    if whys := [bar.why for bar in relation.barriers(current_relation)]:
        raise CannotStep(*whys)
    return interest_fen, current_relation


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
    """Drafts, once, the refund of money that was paid twice and so does not move; a second person
    decides on it."""
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
        # The hall has no way of its own to send the money back, or another refund was drafted
        # meanwhile. The receipt stays in the collectors' queue.
        return
