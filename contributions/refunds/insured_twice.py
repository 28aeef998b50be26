"""Pension months that were paid twice (重复缴费): which they are, what goes back, and how a month
is taken back.

A month is paid twice within this hall where money for it lies in suspense beside the payment that
counts; with another place where the person's record was brought in from there, or where a paper
from there proves it. In the first case nothing was credited and the money just goes back; in the
others the month here gives way: its personal part leaves the personal account, the rest the pooled
fund, and what the person paid goes back to the account that paid.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from uuid import uuid5

from django.db import transaction
from django.utils.translation import gettext as _

from contributions.books import ledger, personal_account
from contributions.charges import brought_in
from contributions.models import (
    IN_VAIN,
    AccountKind,
    Charge,
    ChargeStatus,
    MovementKind,
    Receipt,
    Refund,
    RefundPart,
    TakenBack,
)
from contributions.refunds import drafting
from portal.accounts.models import User
from portal.hall.models import Case
from portal.people.models import Person
from portal.policy.book import book
from portal.policy.terms.payment import duplicate_refund_terms
from portal.shared.insurance import Insurance
from portal.shared.months import Month, month_in_china, month_span, today_in_china

INSURANCE = Insurance.PENSION
REASON = "养老保险重复缴费退费"


class CannotTakeBack(Exception):
    """A month that cannot be taken back as asked; the message says why in Chinese."""


class Proof(StrEnum):
    """By what a month is known to be paid twice."""

    HALL = "hall"
    RECORD = "record"
    PAPER = "paper"


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A month of which money may go back: ``refund_fen`` in all, of it ``account_fen`` out of the
    personal account.

    ``base`` is yuan. ``elsewhere`` is where it is paid besides, empty where only a paper can say.
    """

    month: Month
    receipt_id: int
    proof: Proof
    elsewhere: str
    base: Decimal
    refund_fen: int
    account_fen: int

    @property
    def pooled_fen(self) -> int:
        """What leaves the pooled fund; nothing for money that was never credited."""
        return 0 if self.proof == Proof.HALL else self.refund_fen - self.account_fen


@dataclass(frozen=True, slots=True)
class Found:
    """What a person paid in a city that may go back, by month, and the months of which none may,
    with the reason."""

    months: Mapping[Month, Duplicate]
    barred: Mapping[Month, str]


def find(person: Person, city: str, *, now: dt.datetime) -> Found:
    """The months that the person paid in the city themself, as far back as the city refunds.

    Raises PolicyMissing where it does not. The number of queries does not grow with the months.
    """
    terms = duplicate_refund_terms(book(), city=city, on=today_in_china(now))
    last = month_in_china(now)
    receipts = (
        Receipt.objects.filter(
            charge__person=person,
            charge__city=city,
            charge__insurance=INSURANCE,
            charge__employer__isnull=True,
            charge__month__gte=last - terms.months_back,
        )
        .select_related("charge", "debit_line", "taken_back", "entry__payment")
        .order_by("charge__month", "-applied", "pk")
    )
    paid = _paid_in(person)
    gone_months = brought_in.gone_months(person, insurance=INSURANCE)
    brought_from = _brought(person)
    listed = list(receipts)
    under_way = _under_way(listed)
    months: dict[Month, Duplicate] = {}
    barred: dict[Month, str] = {}
    for receipt in listed:
        charge = receipt.of_charge
        why = _why_not(receipt, charge, gone_months, under_way, paid)
        if why:
            barred.setdefault(charge.month, why)
        elif receipt.applied:
            place = brought_from.get(charge.month, "")
            months[charge.month] = Duplicate(
                charge.month,
                receipt.pk,
                Proof.RECORD if place else Proof.PAPER,
                place,
                charge.base,
                charge.personal_fen,
                charge.account_fen,
            )
        else:
            # Money that was never credited goes first: nothing has to be proven for it.
            place = book().city(paid[charge.month]).title
            months[charge.month] = Duplicate(
                charge.month, receipt.pk, Proof.HALL, place, charge.base, receipt.amount_fen, 0
            )
    return Found(
        {month: months[month] for month in sorted(months)},
        {month: why for month, why in sorted(barred.items()) if month not in months},
    )


def _why_not(
    receipt: Receipt,
    charge: Charge,
    gone: set[Month],
    under_way: Mapping[int, str],
    paid: Mapping[Month, str],
) -> str:
    if receipt.pk in under_way:
        return _("已在退款 %(number)s 中办理，不能重复申请") % {"number": under_way[receipt.pk]}
    if charge.status == ChargeStatus.TAKEN_BACK:
        return _("已按重复缴费清退")
    if receipt.applied and charge.status != ChargeStatus.PAID:
        return _("已撤销缴费")
    if receipt.applied and charge.month in gone:
        return _("已随养老保险关系转出")
    if not receipt.applied and charge.month not in paid:
        return _("款项没有入账，由征缴人员核实后退回，不需要申请")
    if getattr(receipt.entry, "payment", None) is None and receipt.debit_line is None:
        return _("没有付款账户的记录（如柜台缴纳），请到经办窗口办理")
    return ""


def _paid_in(person: Person) -> dict[Month, str]:
    """The city in which each of the person's months is paid."""
    rows = Charge.objects.filter(person=person, insurance=INSURANCE, live=True, status=ChargeStatus.PAID)
    return dict(rows.values_list("month", "city"))


def _brought(person: Person) -> dict[Month, str]:
    """The months that were brought in from elsewhere, each with the place."""
    rows = brought_in.standing(person, insurance=INSURANCE).prefetch_related("periods")
    return {
        month: row.from_place
        for row in rows
        for period in row.periods.all()
        for month in month_span(period.start, period.until)
    }


def _under_way(receipts: Sequence[Receipt]) -> dict[int, str]:
    """The refund of each receipt that has one which did not come to nothing."""
    parts = RefundPart.objects.filter(receipt__in=receipts).exclude(refund__status__in=IN_VAIN)
    return dict(parts.order_by("pk").values_list("receipt_id", "refund__number"))


def give_back(duplicate: Duplicate, *, elsewhere: str, case: Case, by: User, now: dt.datetime) -> Refund:
    """Take the month back where it was credited, and draft its refund; another member of staff
    releases it.

    Must run in the transaction that confirms the case. Twice is once: the refund's key follows from
    case and receipt. Raises CannotTakeBack, refunds.CannotRefund.
    """
    receipt = Receipt.objects.get(pk=duplicate.receipt_id)
    if receipt.applied:
        take_back(receipt, elsewhere=duplicate.elsewhere or elsewhere, case=case, by=by, now=now)
    return drafting.draft(
        receipt,
        amount_fen=duplicate.refund_fen,
        reason=_(REASON),
        key=uuid5(case.key, f"{receipt.pk}"),
        by=by,
        now=now,
    )


@transaction.atomic
def take_back(receipt: Receipt, *, elsewhere: str, case: Case, by: User, now: dt.datetime) -> TakenBack:
    """Let a paid month give way to another place's: what the person paid lies in suspense
    afterwards, to be refunded.

    Interest that was paid on top stays, and what the account earned meanwhile. Raises
    CannotTakeBack where the month does not stand as paid, or where the personal account no longer
    holds its part.
    """
    charge = Charge.objects.select_for_update(no_key=True).get(pk=receipt.of_charge.pk)
    moved = Charge.objects.filter(pk=charge.pk, status=ChargeStatus.PAID).update(
        status=ChargeStatus.TAKEN_BACK
    )
    if not moved or charge.employer_id is not None:
        raise CannotTakeBack(_("%(month)s不是已缴的个人缴费月份，不能清退。") % {"month": charge.month.zh})
    try:
        movement = personal_account.book_movement(
            person=charge.person,
            city=charge.city,
            insurance=Insurance(charge.insurance),
            kind=MovementKind.DUPLICATE_TAKEN_BACK,
            amount_fen=-charge.account_fen,
            pooled_fen=charge.account_fen - charge.personal_fen,
            against=ledger.account(city=charge.city, kind=AccountKind.SUSPENSE),
            key=f"taken-back/{receipt.pk}",
            by=by,
            now=now,
        )
    except personal_account.Overdrawn as error:
        raise CannotTakeBack(
            _("个人账户余额不足以扣回%(month)s划入的部分，请先核实个人账户是否已转出。")
            % {"month": charge.month.zh}
        ) from error
    return TakenBack.objects.create(
        receipt=receipt,
        movement=movement,
        case=case,
        amount_fen=charge.personal_fen,
        elsewhere=elsewhere,
        at=now,
    )
