"""汇款附言: the code under which an employer pays by bank transfer, and the money that arrives under it.

Staff enter what the bank's statement says. The amount must be what is owed, to the fen: a transfer is booked whole or not at all.
"""

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from contributions import assessment as assessments
from contributions import unpaid_cases
from contributions.models import (
    ArrearsBill,
    ArrearsLine,
    Assessment,
    AssessmentStatus,
    BillStatus,
    Charge,
    ChargeStatus,
    Receipt,
)
from contributions.receiving import receive
from contributions.ways import BILL
from portal.accounts.models import User
from portal.accounts.permissions import staff_cities
from portal.shared import money
from portal.shared.characters import narrow
from portal.shared.months import today_in_china

CHANNEL = "bank-transfer"
_PREFIXES = {Assessment: "HD", ArrearsBill: "BJ"}
_FORM = re.compile(r"(HD|BJ)([0-9]{8,})([0-9]{2})")

Payable = Assessment | ArrearsBill


class Refused(Exception):
    """The transfer cannot be booked; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a code stands for: what has to arrive, in fen, and by when."""

    payable: Payable
    amount_fen: int
    by: dt.date


def code_of(payable: Payable) -> str:
    """HD or BJ, the number, and two check digits, so that one wrong digit finds nothing."""
    number = f"{payable.pk:08d}"
    return f"{_PREFIXES[type(payable)]}{number}{_check_digits(type(payable), payable.pk)}"


def _check_digits(kind: type[Payable], pk: int) -> str:
    # ISO 7064 MOD 97-10, with the prefix as a digit of its own.
    first = 1 if kind is Assessment else 2
    return f"{98 - int(f'{first}{pk}') * 100 % 97:02d}"


def find(text: str) -> Payable | None:
    """What a code, as it stands in a bank's statement, is for; None where there is no such code in it or it does not check."""
    match = _FORM.search(narrow(text).upper())
    if match is None:
        return None
    kind: type[Payable] = Assessment if match[1] == "HD" else ArrearsBill
    pk = int(match[2])
    if pk >= 2**63 or _check_digits(kind, pk) != match[3]:
        return None
    return kind.objects.filter(pk=pk).first()


def expected(payable: Payable) -> Expected:
    """What has to arrive for it now."""
    if isinstance(payable, Assessment):
        return Expected(payable, assessments.owed_fen(payable), payable.due_on)
    return Expected(payable, payable.sum_fen if payable.status == BillStatus.OPEN else 0, payable.pay_on)


def book_transfer(
    *, note: str, amount_fen: int, bank_number: str, at: dt.datetime, by: User, now: dt.datetime
) -> Payable:
    """Books a transfer that the bank's statement shows, by staff of the payable's city; the same number again changes nothing.

    ``at`` is when the money arrived. Raises Refused.
    """
    found = find(note)
    if found is None or found.city not in staff_cities(by):
        raise Refused(
            _("附言中没有可以识别的编号。请核对附言；确实没有编号的，请联系汇款单位，或退回原账户。")
        )
    if not bank_number.strip():
        raise Refused(_("请填写银行流水号。"))
    with transaction.atomic():
        payable = type(found).objects.select_for_update().get(pk=found.pk)
        if _booked(payable, bank_number):
            return payable
        _refuse_unless_due(payable, amount_fen, today_in_china(at))
        charges, surcharges = _of(payable)
        receive(
            charges,
            channel=CHANNEL,
            provider_number=bank_number,
            at=at,
            by=by,
            now=now,
            surcharges=surcharges,
        )
        if isinstance(payable, ArrearsBill):
            ArrearsBill.objects.filter(pk=payable.pk, status=BillStatus.OPEN).update(
                status=BillStatus.PAID, ended_at=now, ended_by=by
            )
            payable.refresh_from_db()
            unpaid_cases.end_with_bill(payable, by=by, now=now)
        assessments.settle(payable.employer, by=by, now=now)
        payable.refresh_from_db()
    return payable


def _booked(payable: Payable, bank_number: str) -> bool:
    """Whether the bank's number stands for this payable already. Refused where it stands for something else."""
    standing = Receipt.objects.filter(channel=CHANNEL, provider_number__startswith=f"{bank_number}/")
    receipt = standing.select_related("charge").first()
    if receipt is None:
        return False
    if isinstance(payable, Assessment):
        own = assessments.lines(payable).filter(pk=receipt.of_charge.pk).exists()
    else:
        own = ArrearsLine.objects.filter(bill=payable, charge=receipt.charge_id).exists()
    if not own:
        raise Refused(
            _("银行流水号 %(number)s 已经登记过，入的是另一笔应缴。请核对流水号。") % {"number": bank_number}
        )
    return True


def _refuse_unless_due(payable: Payable, amount_fen: int, arrived_on: dt.date) -> None:
    if payable.status in (AssessmentStatus.PAID, BillStatus.PAID):
        raise Refused(_("这份单据已经缴清。这笔到账请核实后退回原账户。"))
    if payable.status == AssessmentStatus.REPLACED:
        raise Refused(_("核定单已经更正，金额有变动。请单位按更正后的核定单汇款，这笔到账退回原账户。"))
    wanted = expected(payable)
    if payable.status == BillStatus.LAPSED or arrived_on > wanted.by:
        raise Refused(
            _("到账日期已过缴款期限（%(by)s），须另计滞纳金。请退回原账户，由单位%(bill)s后按新的单据汇款。")
            % {"by": wanted.by, "bill": BILL.at(payable.city)}
        )
    if amount_fen != wanted.amount_fen:
        difference = abs(amount_fen - wanted.amount_fen)
        raise Refused(
            _(
                "应到账 %(wanted)s 元，实际到账 %(came)s 元，%(word)s %(difference)s 元。不能部分或超额入账：请退回原账户，"
                "由单位按 %(wanted)s 元一次汇足。"
            )
            % {
                "wanted": money.format_yuan(wanted.amount_fen),
                "came": money.format_yuan(amount_fen),
                "word": _("少") if amount_fen < wanted.amount_fen else _("多"),
                "difference": money.format_yuan(difference),
            }
        )


def _of(payable: Payable) -> tuple[QuerySet[Charge], Iterable[int]]:
    if isinstance(payable, Assessment):
        return assessments.lines(payable).order_by().filter(status=ChargeStatus.OWED), ()
    lines = ArrearsLine.objects.filter(bill=payable)
    on_top = lines.filter(surcharge__isnull=False).values_list("surcharge", flat=True)
    return Charge.objects.filter(pk__in=lines.values("charge")), on_top
