"""What the debit tells people: one notice for each person and outcome of a batch, those of a chunk
by one statement."""

import datetime as dt

from django.db import connection
from django.utils.translation import gettext as _

from contributions.bank_files.results import REASON_ADVICE, REASON_ADVICE_RETRIED, REASON_LABELS, Reason
from contributions.debit.how_to_pay import late_service
from contributions.models import PostingChunk
from portal.policy.book import book
from portal.policy.terms.debit import debit_terms
from portal.shared.insurance import INSURANCE_LABELS
from portal.shared.months import day_zh

DEBIT_PAID, DEBIT_FAILED = "debit-paid", "debit-failed"


def tell_results(chunk: PostingChunk, *, now: dt.datetime) -> None:
    """Tell everyone in a chunk of a batch what was debited, and what was not, why, and what to do;
    only the latter by text message.

    Lines that the bank left out tell nothing: nobody knows yet. Must run in the transaction that
    books the chunk; told again, it says nothing new.
    """
    batch = chunk.batch
    terms = debit_terms(book(), city=batch.city, on=batch.month.first_day)
    service = late_service(batch.city)
    again = (
        _("办理“{service}”").format(service=book().city(batch.city).offers[service].title)
        if service
        else _("与经办机构联系")
    )
    with connection.cursor() as cursor:
        cursor.execute(
            _TELL,
            {
                "batch": batch.pk,
                "first": chunk.first,
                "last": chunk.last,
                "channel": batch.receipt_channel,
                "number": batch.number,
                "now": now,
                "insurances": [str(insurance) for insurance in INSURANCE_LABELS],
                "names": [_(name) for name in INSURANCE_LABELS.values()],
                "codes": [str(reason) for reason in Reason],
                "reasons": [_(REASON_LABELS[reason]) for reason in Reason],
                "advice": [_(REASON_ADVICE[reason]).format(again=again) for reason in Reason],
                "retried_advice": [_(REASON_ADVICE_RETRIED[reason]) for reason in Reason],
                "paid_kind": DEBIT_PAID,
                "failed_kind": DEBIT_FAILED,
                "paid_title": _("{month}托收扣款成功").format(month=batch.month.zh),
                "failed_title": _("{month}托收扣款失败").format(month=batch.month.zh),
                "again": _("{day}系统自动再次扣款，不用另行办理。").format(
                    day=day_zh(terms.debit_on(batch.month + 1))
                ),
                "retried_since": (batch.month + 1 - terms.retry_months).first_day,
                "not_owed": _("（该月已另行缴费或不再应缴，本笔款项待退还）"),
            },
        )


_TELL = """
    INSERT INTO accounts_notice (person_id, kind, reference, title, text, at, by_text, phone)
    SELECT person_id, CASE WHEN paid THEN %(paid_kind)s ELSE %(failed_kind)s END, %(number)s || '/' || person_id,
        CASE WHEN paid THEN %(paid_title)s ELSE %(failed_title)s END,
        CASE WHEN paid THEN %(paid_title)s ELSE %(failed_title)s END || '：' || string_agg(item, '、' ORDER BY sequence) || '。'
            || coalesce(string_agg(DISTINCT advice, ''), '') || CASE WHEN bool_or(again) THEN %(again)s ELSE '' END,
        %(now)s, NOT paid, ''
    FROM (
        SELECT charge.person_id, line.sequence, line.status = 'paid' AS paid,
            CASE WHEN suspension.id IS NULL AND charge.month >= %(retried_since)s THEN said.retried_advice ELSE said.advice END
                AS advice,
            line.status = 'failed' AND suspension.id IS NULL AND charge.month >= %(retried_since)s AS again,
            to_char(charge.month, 'YYYY"年"FMMM"月"') || insurance.name || ' '
                || to_char(line.amount_fen / 100.0, 'FM999,999,999,990.00') || ' 元'
                || CASE WHEN line.status = 'failed' THEN '（' || said.reason || '）'
                    WHEN receipt.applied THEN '' ELSE %(not_owed)s END AS item
        FROM contributions_debitline line
        JOIN contributions_charge charge ON charge.id = line.charge_id
        JOIN unnest(%(insurances)s::varchar[], %(names)s::varchar[]) AS insurance (code, name)
            ON insurance.code = charge.insurance
        LEFT JOIN unnest(%(codes)s::varchar[], %(reasons)s::varchar[], %(advice)s::varchar[], %(retried_advice)s::varchar[])
            AS said (code, reason, advice, retried_advice)
            ON said.code = line.reason_code
        LEFT JOIN contributions_receipt receipt
            ON receipt.channel = %(channel)s AND receipt.provider_number = %(number)s || '-' || line.sequence
        LEFT JOIN contributions_suspension suspension
            ON suspension.coverage_id = charge.coverage_id AND suspension.until IS NULL
        WHERE line.batch_id = %(batch)s AND line.sequence BETWEEN %(first)s AND %(last)s AND line.status IN ('paid', 'failed')
    ) told
    GROUP BY person_id, paid
    ON CONFLICT (kind, reference) DO NOTHING
"""
