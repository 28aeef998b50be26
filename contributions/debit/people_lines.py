"""Lines of a debit of people, each a charge: booked as the bank answered, or as staff settled what
the bank left open, with all that follows for the payer."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from contributions import unpaid_cases
from contributions.books import ledger
from contributions.books.receiving import book_receipts
from contributions.charges import surcharges, suspending
from contributions.debit import entries, notices, recollecting
from contributions.models import (
    Charge,
    ChargeStatus,
    DebitBatch,
    DebitLine,
    LineStatus,
    PostingChunk,
    Receipt,
    Settlement,
    Surcharge,
)
from portal.accounts.models import Notice, User
from portal.policy.book import book
from portal.policy.terms.debit import debit_terms
from portal.shared import money
from portal.shared.months import day_zh, today_in_china

SETTLED_NOTICE = "debit-settled"


def post(batch: DebitBatch, chunk: PostingChunk, *, by: User, now: dt.datetime) -> None:
    """Book the chunk's paid lines; surcharges that came to nothing are let go, cases that asked for
    a debit end, who owes too much is suspended, and everyone is told."""
    book_lines(batch, chunk, by, now)
    surcharges.after_answer(chunk, by=by, now=now)
    asked = unpaid_cases.of_lines(batch.pk, chunk.first, chunk.last)
    unpaid_cases.end_debited(asked, by=by, now=now)
    suspending.after_answer(chunk, now=now)
    notices.tell_results(chunk, now=now)


def book_lines(batch: DebitBatch, chunk: PostingChunk, by: User, now: dt.datetime) -> None:
    """A receipt for each paid line of the chunk, its charge paid, and one entry of them all."""
    [entry_id] = ledger.reserve_ids(1)
    values: dict[str, Any] = {
        "batch": batch.pk,
        "first": chunk.first,
        "last": chunk.last,
        "channel": batch.receipt_channel,
        "number": batch.number,
        "entry": entry_id,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_CHARGES, values)
        cursor.execute(_RECEIVE + _DRAWN, values)
    book_receipts(
        entry_id,
        city=batch.city,
        channel=batch.receipt_channel,
        kind=entries.POSTED,
        reference=entries.posted_reference(batch, chunk.number),
        by=by,
        now=now,
    )


_DRAWN = """
    FROM contributions_debitline line JOIN contributions_charge charge ON charge.id = line.charge_id
    WHERE line.batch_id = %(batch)s AND line.sequence BETWEEN %(first)s AND %(last)s AND line.status = 'paid'
"""

# In the order in which ``receiving`` locks them, so that neither waits for the other for ever.
_LOCK_CHARGES = "SELECT" + _DRAWN + "ORDER BY charge.id FOR NO KEY UPDATE OF charge"

# A charge that is no longer owed was paid by another road, or fell away, while the file was at the
# bank: its money is received all the same, and not applied.
_RECEIVE = """
    INSERT INTO contributions_receipt (
        channel, provider_number, amount_fen, charge_id, surcharge_id, applied, received_at, account_fen, entry_id, debit_line_id
    )
    SELECT %(channel)s, %(number)s || '-' || line.sequence, line.amount_fen, charge.id, line.surcharge_id,
        charge.status = 'owed', %(now)s,
        CASE WHEN charge.status = 'owed' THEN charge.account_fen ELSE 0 END, %(entry)s, line.id
"""


def settled_paid(settlement: Settlement, lines: Sequence[DebitLine], *, by: User, now: dt.datetime) -> None:
    """Book lines that the bank has debited after all."""
    batch = settlement.batch
    channel = batch.receipt_channel
    charges = Charge.objects.in_bulk([line.of_charge.pk for line in lines])
    on_top = Surcharge.objects.in_bulk([line.surcharge_id for line in lines if line.surcharge_id])
    [entry_id] = ledger.reserve_ids(1)
    receipts = []
    for line in lines:
        charge = charges[line.of_charge.pk]
        owed = charge.status == ChargeStatus.OWED
        receipts.append(
            Receipt(
                channel=channel,
                provider_number=f"{batch.number}-{line.sequence}",
                amount_fen=line.amount_fen,
                charge=charge,
                surcharge=on_top.get(line.surcharge_id or 0),
                applied=owed,
                received_at=now,
                account_fen=charge.account_fen if owed else 0,
                entry_id=entry_id,
                debit_line=line,
            )
        )
    Receipt.objects.bulk_create(receipts)
    book_receipts(
        entry_id,
        city=batch.city,
        channel=channel,
        kind=entries.SETTLED,
        reference=entries.settled_reference(batch, settlement.pk),
        by=by,
        now=now,
    )
    _end_cases(lines, by=by, now=now)
    _tell(lines, settlement, paid=True, now=now)


def settled_failed(settlement: Settlement, lines: Sequence[DebitLine], *, by: User, now: dt.datetime) -> None:
    """Let go the surcharges of lines that the bank has not debited, end their cases, suspend who
    owes too much."""
    surcharges.let_go([line.of_charge.pk for line in lines], by=by, now=now)
    _end_cases(lines, by=by, now=now)
    for chunk in _chunks(settlement.batch, lines):
        suspending.after_answer(chunk, now=now)
    _tell(lines, settlement, paid=False, now=now)


def _end_cases(lines: Sequence[DebitLine], *, by: User, now: dt.datetime) -> None:
    cases = unpaid_cases.debit_lines_of(lines)
    unpaid_cases.end_debited(cases, by=by, now=now)


def _chunks(batch: DebitBatch, lines: Sequence[DebitLine]) -> list[PostingChunk]:
    sequences = [line.sequence for line in lines]
    return [
        chunk
        for chunk in PostingChunk.objects.filter(batch=batch).select_related("batch").order_by("number")
        if any(chunk.first <= sequence <= chunk.last for sequence in sequences)
    ]


def _tell(lines: Sequence[DebitLine], settlement: Settlement, *, paid: bool, now: dt.datetime) -> None:
    """Send one message to each person whose month was settled."""
    by_person: dict[int, list[str]] = {}
    charges = Charge.objects.in_bulk([line.of_charge.pk for line in lines])
    for line in lines:
        charge = charges[line.of_charge.pk]
        item = _("%(month)s%(insurance)s %(yuan)s 元") % {
            "month": charge.month.zh,
            "insurance": charge.get_insurance_display(),
            "yuan": money.format_yuan(line.amount_fen),
        }
        by_person.setdefault(charge.person_id, []).append(item)
    text = (
        _("经与银行核实，下列托收已扣款成功：%(items)s。")
        if paid
        else _("经与银行核实，下列托收没有扣款：%(items)s。") + _drawn_again(settlement.batch, now)
    )
    Notice.objects.bulk_create(
        [
            Notice(
                person_id=person,
                kind=SETTLED_NOTICE,
                reference=f"{settlement.pk}/{person}",
                title=_("托收结果已核实"),
                text=text % {"items": "、".join(items)},
                at=now,
                by_text=not paid,
            )
            for person, items in by_person.items()
        ],
        ignore_conflicts=True,
    )


def _drawn_again(batch: DebitBatch, now: dt.datetime) -> str:
    """The Chinese sentence with the day of the next debit and the last day to deposit."""
    month = recollecting.next_debit(batch.city, now) or batch.month + 1
    terms = debit_terms(book(), city=batch.city, on=month.first_day)
    by = max(terms.deposit_by(month), today_in_china(now))
    return _("%(on)s系统会再次扣款，请于%(by)s前在扣款账户足额存款。") % {
        "on": day_zh(terms.debit_on(month)),
        "by": day_zh(by),
    }


def receipts(batch: DebitBatch) -> int:
    """How many receipts the paid lines come to: one each."""
    return DebitLine.objects.filter(batch=batch, status=LineStatus.PAID).count()
