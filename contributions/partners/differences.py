"""Where a partner's day and ours differ: how it is settled, by two where money moves."""

import datetime as dt
import logging

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from contributions.models import (
    FILED,
    MOVES_MONEY,
    Deed,
    Difference,
    DifferenceKind,
    DifferenceStatus,
    OrderStatus,
    Payment,
    PaymentStatus,
    Reversal,
    Way,
)
from contributions.partners import late_reversals, ordering
from contributions.refunds import refund_lifecycle
from portal.accounts import permissions
from portal.accounts.models import User
from portal.hall import two_hands
from portal.partners.models import Partner
from portal.shared.months import CHINA

log = logging.getLogger(__name__)


class CannotSettle(Exception):
    """A difference that cannot be settled so; the message says why in Chinese."""


def differences_of(partner: Partner, day: dt.date) -> QuerySet[Difference]:
    """Where both sides' files of the day differ; what the partner asked for on that day is none of
    them."""
    return Difference.objects.filter(partner=partner, day=day, deed__in=FILED)


def differences_for(user: User) -> QuerySet[Difference]:
    """The differences that this member of staff sees: of their cities, and those of no order of
    ours."""
    cities = permissions.staff_cities(user)
    return Difference.objects.filter(
        Q(city__in=cities) | Q(city="", partner__cities__overlap=cities)
    ).select_related("partner", "order__person", "proposed_by", "settled_by")


def ways(difference: Difference) -> list[Way]:
    """How a difference can be settled."""
    possible: list[Way] = []
    payment = _payment(difference)
    told_of_payment = difference.deed == Deed.PAYMENT
    stands_paid = (
        payment is not None
        and payment.credited
        and payment.status == PaymentStatus.SUCCEEDED
        and payment.order.status == OrderStatus.PAID
    )
    if difference.deed == Deed.REQUEST:
        return [Way.REFUND, Way.MARK] if stands_paid else [Way.MARK]
    if told_of_payment and difference.kind == DifferenceKind.ONLY_THEIRS and difference.order_id:
        possible.append(Way.BOOK)
    gone = DifferenceKind.ONLY_OURS if told_of_payment else DifferenceKind.ONLY_THEIRS
    wrong = told_of_payment and difference.kind in (DifferenceKind.AMOUNT, DifferenceKind.ORDER)
    if (difference.kind == gone or wrong) and stands_paid:
        possible.append(Way.REVERSE)
    return [*possible, Way.MARK]


def _payment(difference: Difference) -> Payment | None:
    booked = Payment.objects.filter(
        channel=difference.partner.channel, provider_number=difference.provider_number, entry__isnull=False
    )
    return booked.select_related("order").first()


@transaction.atomic
def propose(difference: Difference, *, way: Way, reason: str, by: User, now: dt.datetime) -> Difference:
    """Say how a difference is settled, and on what ground. Where no money moves, it is settled by
    that; else another member of staff decides. Raises CannotSettle."""
    current = _locked(difference, by)
    if current.status != DifferenceStatus.OPEN:
        raise CannotSettle(_("这笔差异已有人处理，请刷新页面。"))
    if way not in ways(current):
        raise CannotSettle(_("这笔差异不能这样处理，请按页面上的方式选择。"))
    if not reason.strip():
        raise CannotSettle(_("请写明核实的依据。"))
    settled = way not in MOVES_MONEY
    Difference.objects.filter(pk=current.pk).update(
        status=DifferenceStatus.SETTLED if settled else DifferenceStatus.PROPOSED,
        way=way,
        reason=reason.strip(),
        proposed_by=by,
        proposed_at=now,
        settled_by=by if settled else None,
        settled_at=now if settled else None,
    )
    current.refresh_from_db()
    return current


def why_not_decide(difference: Difference, user: User) -> str:
    """Why this login may not decide a proposal; "" where it may."""
    if difference.proposed_by_id == user.pk:
        return _("这项处理由您提出，须由另一名征缴人员复核。")
    order = difference.order
    if order is not None and user.person_id is not None and order.person_id == user.person_id:
        return _("这份订单是您本人的，请由其他工作人员复核。")
    return ""


@transaction.atomic
def approve(difference: Difference, *, by: User, now: dt.datetime) -> Difference:
    """Let a proposal take effect: book what the partner took, reverse what it did not, or undo what
    it asks to have undone. Twice is once. Raises CannotSettle."""
    current = _to_decide(difference, by)
    if current.status == DifferenceStatus.SETTLED:
        return current
    payment, reversal = None, None
    if current.way == Way.BOOK:
        payment = _book(current, by, now)
    elif current.way == Way.REFUND:
        payment = _refund(current, by, now)
    else:
        reversal = _reverse(current, by, now)
    Difference.objects.filter(pk=current.pk).update(
        status=DifferenceStatus.SETTLED, settled_by=by, settled_at=now, payment=payment, reversal=reversal
    )
    current.refresh_from_db()
    return current


def _book(difference: Difference, by: User, now: dt.datetime) -> Payment:
    if difference.order is None or difference.theirs_fen is None:
        raise CannotSettle(_("没有这份订单，不能入账。请由合作方退给缴费人后注明原因。"))
    try:
        return ordering.confirm(
            order=difference.order,
            partner=difference.partner,
            amount_fen=difference.theirs_fen,
            provider_number=difference.provider_number,
            # The file tells the day only.
            taken_at=dt.datetime.combine(difference.day, dt.time(), tzinfo=CHINA),
            by=by,
            now=now,
        )
    except ordering.NumberUsed as error:
        raise CannotSettle(_("这个流水号已用于另一笔收款，请核对。")) from error


def _reverse(difference: Difference, by: User, now: dt.datetime) -> Reversal:
    payment = _payment(difference)
    if payment is None:
        raise CannotSettle(_("大厅没有这笔收款，不能冲正。"))
    try:
        return ordering.reverse(
            payment=payment,
            provider_number=f"D{difference.pk}",
            reason=difference.reason[:80],
            by=by,
            now=now,
            late=True,
        )
    except (ordering.CannotReverse, ordering.NumberUsed) as error:
        raise CannotSettle(str(error)) from error


def _refund(difference: Difference, by: User, now: dt.datetime) -> Payment:
    payment = _payment(difference)
    if payment is None:
        raise CannotSettle(_("大厅没有这笔收款，不能撤销。"))
    try:
        return late_reversals.grant(difference, payment, by=by, now=now)
    except (ordering.CannotReverse, refund_lifecycle.CannotRefund) as error:
        raise CannotSettle(str(error)) from error


@transaction.atomic
def refuse(difference: Difference, *, why: str, by: User, now: dt.datetime) -> Difference:
    """Send a proposal back; the difference waits again, with why. Raises CannotSettle."""
    current = _to_decide(difference, by)
    if current.status != DifferenceStatus.PROPOSED:
        raise CannotSettle(_("这笔差异已有人处理，请刷新页面。"))
    reason = two_hands.reason_of(why, raises=CannotSettle)
    Difference.objects.filter(pk=current.pk).update(
        status=DifferenceStatus.OPEN, way="", reason=reason, proposed_by=None, proposed_at=None
    )
    log.info("%s: sent back by %s at %s", current, by.pk, now)
    current.refresh_from_db()
    return current


def _to_decide(difference: Difference, by: User) -> Difference:
    current = _locked(difference, by)
    if current.status == DifferenceStatus.OPEN:
        raise CannotSettle(_("这笔差异还没有提出处理方式。"))
    if current.status == DifferenceStatus.PROPOSED and (problem := why_not_decide(current, by)):
        raise CannotSettle(problem)
    return current


def _locked(difference: Difference, by: User) -> Difference:
    seen = differences_for(by).filter(pk=difference.pk).exists()
    if not seen:
        raise CannotSettle(_("只有本市的征缴人员可以办理。"))
    return (
        Difference.objects.select_for_update(no_key=True, of=("self",))
        .select_related("partner", "order", "proposed_by")
        .get(pk=difference.pk)
    )
