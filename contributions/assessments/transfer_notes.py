"""汇款附言: the codes under which employers pay by bank transfer, and the assessments and bills
that a line of the bank's statement may pay.

A remark is free text: words, dates and counts stand before and after a code, and banks break it
up. So every beginning of a run of digits is tried, and the check digits decide. Without a code,
the payer's name and the exact sum help.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext as _

from contributions.assessments import assessing as assessments
from contributions.models import ArrearsBill, Assessment, AssessmentStatus, BillStatus
from contributions.ways import BILL
from portal.shared import money
from portal.shared.characters import full_width_made_narrow, narrow

_PREFIXES: dict[type["Payable"], str] = {Assessment: "HD", ArrearsBill: "BJ"}
# The digit that each typed character is read as.
_READ_AS = {**{digit: digit for digit in "0123456789"}, "O": "0", "I": "1", "L": "1"}
# How many digits the number has without the two check digits: at least eight, filled up with
# zeros, and at most as many as an id of the database has.
_SHORTEST, _LONGEST = 8, 19

Payable = Assessment | ArrearsBill


@dataclass(frozen=True, slots=True)
class Expected:
    """An assessment or a bill, the sum that has to arrive, in fen, and the last day for it."""

    payable: Payable
    amount_fen: int
    by: dt.date


@dataclass(frozen=True, slots=True)
class Candidate:
    """An assessment or a bill that a line of the statement may pay, and the grounds for it."""

    expected: Expected
    by_code: bool
    by_payer: bool
    by_sum: bool

    @property
    def payable(self) -> Payable:
        return self.expected.payable

    @property
    def code(self) -> str:
        return code_of(self.payable)

    @property
    def grounds(self) -> list[str]:
        """The grounds in Chinese words."""
        words_of = (
            (self.by_code, _("编号相符")),
            (self.by_payer, _("付款人相符")),
            (self.by_sum, _("金额相符")),
        )
        return [words for holds, words in words_of if holds]


def code_of(payable: Payable) -> str:
    """HD or BJ, the number, and two check digits, so that one wrong digit makes it no code."""
    number = f"{payable.pk:08d}"
    return f"{_PREFIXES[type(payable)]}{number}{_check_digits(type(payable), payable.pk)}"


def _check_digits(kind: type[Payable], pk: int) -> str:
    # ISO 7064 MOD 97-10, with the prefix as a digit of its own.
    first = 1 if kind is Assessment else 2
    return f"{98 - int(f'{first}{pk}') * 100 % 97:02d}"


def named_in(text: str) -> list[Payable]:
    """The assessments and bills whose codes are in a remark, in their order; empty where no code
    has right check digits and names an existing one."""
    found: dict[tuple[type[Payable], int], None] = dict.fromkeys(_numbers_in(text))
    standing = {kind: kind.objects.in_bulk([pk for of, pk in found if of is kind]) for kind in _PREFIXES}
    return [standing[kind][pk] for kind, pk in found if pk in standing[kind]]


def _numbers_in(text: str) -> Iterator[tuple[type[Payable], int]]:
    """Every number in the text whose check digits are right."""
    # Characters that are neither letters nor digits may stand inside a code.
    plain = "".join(one for one in full_width_made_narrow(text).upper() if one.isalnum())
    for kind, prefix in _PREFIXES.items():
        start = plain.find(prefix)
        while start >= 0:
            digits = _digits(plain, start + len(prefix))
            for length in range(_SHORTEST, min(_LONGEST, len(digits) - 2) + 1):
                # A number of more than eight digits has no leading zeros.
                if length > _SHORTEST and digits[0] == "0":
                    break
                pk = int(digits[:length])
                if 0 < pk < 2**63 and _check_digits(kind, pk) == digits[length : length + 2]:
                    yield kind, pk
            start = plain.find(prefix, start + 1)


def _digits(text: str, start: int) -> str:
    """The digits from a position on, up to the first character that cannot be read as one."""
    digits = []
    for character in text[start : start + _LONGEST + 2]:
        digit = _READ_AS.get(character)
        if digit is None:
            break
        digits.append(digit)
    return "".join(digits)


def candidates(
    *, notes: Sequence[str], payer: str, amount_fen: int, cities: Sequence[str]
) -> list[Candidate]:
    """The assessments and bills of these cities that a line of the statement may pay, the likeliest
    first: those named by the codes in its remarks; else those that the payer owes; else those of
    exactly that sum. Empty where there are none."""
    named = dict.fromkeys(one for note in notes for one in named_in(note))
    by_code = [one for one in named if one.city in cities]
    whose = narrow(payer)
    payables = by_code or list(_owed(cities, Q(employer__name=whose)) if whose else ())
    if not payables:
        payables = [one for one in _owed(cities, Q(), amount_fen) if expected(one).amount_fen == amount_fen]
    listed = []
    for payable in payables:
        wanted = expected(payable)
        listed.append(
            Candidate(
                wanted,
                by_code=payable in by_code,
                by_payer=bool(whose) and narrow(payable.employer.name) == whose,
                by_sum=wanted.amount_fen == amount_fen,
            )
        )
    return sorted(listed, key=lambda one: -len(one.grounds))


_AT_MOST = 10


def _owed(cities: Sequence[str], which: Q, sum_fen: int | None = None) -> Iterator[Payable]:
    """The unpaid assessments, then the open bills of the cities, oldest first; at most ``_AT_MOST``
    of each, so that a person can choose from them."""
    unpaid = Assessment.objects.filter(which, city__in=cities, status__in=assessments.UNPAID)
    bills = ArrearsBill.objects.filter(which, city__in=cities, status=BillStatus.OPEN)
    if sum_fen is not None:
        unpaid = unpaid.filter(sum_fen=sum_fen)
    yield from unpaid.select_related("employer").order_by("month", "pk")[:_AT_MOST]
    yield from bills.select_related("employer").order_by("pk")[:_AT_MOST]


def expected(payable: Payable) -> Expected:
    """The sum that has to arrive for it now, and by when."""
    if isinstance(payable, Assessment):
        return Expected(payable, assessments.owed_fen(payable), payable.due_on)
    return Expected(payable, payable.sum_fen if payable.status == BillStatus.OPEN else 0, payable.pay_on)


def why_not(payable: Payable, *, amount_fen: int, arrived_on: dt.date) -> str:
    """Why a sum that arrived on a day cannot be booked to it, and what comes next; "" where it can.
    A transfer is booked whole or not at all."""
    if payable.status in (AssessmentStatus.PAID, BillStatus.PAID):
        return _("这份单据已经缴清。款项先记入暂收款：查明属于哪份单据后入账，多汇的退回汇款方。")
    if payable.status == AssessmentStatus.REPLACED:
        return _("核定单已经更正，金额有变动。款项先记入暂收款，请与单位核实后按更正后的核定单入账或退回。")
    wanted = expected(payable)
    if payable.status == BillStatus.LAPSED or arrived_on > wanted.by:
        return _(
            "到账日期已过缴款期限（%(by)s），须另计滞纳金。款项先记入暂收款，由单位%(bill)s后按新的单据缴款，这笔退回汇款方。"
        ) % {"by": wanted.by, "bill": BILL.at(payable.city)}
    if amount_fen != wanted.amount_fen:
        return _(
            "应到账 %(wanted)s 元，实际到账 %(came)s 元，%(word)s %(difference)s 元，不能部分或超额入账。款项先记入暂收款："
            "与单位核实后退回汇款方，由单位按 %(wanted)s 元一次汇足。"
        ) % {
            "wanted": money.format_yuan(wanted.amount_fen),
            "came": money.format_yuan(amount_fen),
            "word": _("少") if amount_fen < wanted.amount_fen else _("多"),
            "difference": money.format_yuan(abs(amount_fen - wanted.amount_fen)),
        }
    return ""
