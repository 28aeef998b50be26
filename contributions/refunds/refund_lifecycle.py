"""How a refund moves: the only writer of ``Refund.status``, and what is booked."""

import datetime as dt

from django.utils.translation import gettext as _

from contributions.books import ledger
from contributions.models import IN_VAIN, AccountKind, Refund, RefundEvent, RefundStatus
from portal.accounts.models import User

KIND = "refund"


class CannotRefund(Exception):
    """A refund that cannot be drafted, decided or recorded so; the message says why in Chinese."""


def succeed(refund: Refund, mark: str, *, by: User, now: dt.datetime, note: str) -> None:
    """The money has left: suspense and the clearing account are less by it."""
    city = refund.city
    suspense = ledger.account(city=city, kind=AccountKind.SUSPENSE)
    clearing = ledger.account(city=city, kind=AccountKind.CLEARING, channel=refund.channel)
    entry = ledger.post_entry(
        city=city,
        kind=KIND,
        reference=refund.number,
        postings=[
            ledger.Posting(suspense, refund.amount_fen),
            ledger.Posting(clearing, -refund.amount_fen),
        ],
        by=by,
        now=now,
    )
    move_refund(
        refund,
        RefundStatus.SUCCEEDED,
        was=refund.status,
        by=by,
        now=now,
        note=note,
        provider_number=mark,
        entry=entry,
    )


def move_refund(
    refund: Refund, to: RefundStatus, *, was: str, by: User, now: dt.datetime, note: str = "", **more: object
) -> None:
    """Move a refund by compare-and-set, with its event. CannotRefund where it has moved already."""
    if to in (RefundStatus.SUCCEEDED, *IN_VAIN):
        more |= {"ended_at": now, "ask_at": None}
    if not Refund.objects.filter(pk=refund.pk, status=was).update(status=to, **more):
        raise CannotRefund(_("退款状态已变化，请按页面当前状态操作。"))
    refund.refresh_from_db()
    record_event(refund, by=by, now=now, note=note)


def locked_refund(refund: Refund) -> Refund:
    """The refund, held until the transaction ends."""
    return Refund.objects.select_for_update(no_key=True, of=("self",)).get(pk=refund.pk)


def record_event(refund: Refund, *, by: User, now: dt.datetime, note: str = "") -> None:
    """Record the status that the refund has now."""
    RefundEvent.objects.create(refund=refund, at=now, by=by, status=refund.status, note=note[:200])
