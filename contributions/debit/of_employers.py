"""单位托收: employers' confirmed assessments in a batch of the monthly debit, where the employer
agreed to it.

From there on it is a batch like any other (``debit``): released by a second person, sent, answered,
posted, closed. An assessment is drawn whole or not at all, and only as long as it is in time; what
failed is drawn again on the month's next day.
"""

import datetime as dt
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from contributions.debit import freezing
from contributions.debit.freezing import CannotOpen, Drawable, Selection, freeze
from contributions.debit.layouts import layout_of
from contributions.locks import one_batch_opened
from contributions.models import DebitAgreement, DebitBatch, Payer
from contributions.planner import row_by_row, whole_tables
from portal.accounts import permissions
from portal.accounts.models import User
from portal.people.models import Employer
from portal.policy.book import PolicyMissing, book
from portal.policy.terms.debit import EmployerDebitTerms, employer_debit_terms
from portal.shared.months import CHINA, Month, today_in_china


def agreement_of(employer: Employer, city: str) -> DebitAgreement | None:
    """The agreement in force."""
    return DebitAgreement.objects.filter(employer=employer, city=city, ended_at__isnull=True).first()


def terms_of(city: str, on: dt.date) -> EmployerDebitTerms | None:
    """The city's debit of employers; None where there is none."""
    try:
        return employer_debit_terms(book(), city=city, on=on)
    except PolicyMissing:
        return None


@transaction.atomic
def open_batch(*, city: str, by: User, now: dt.datetime) -> DebitBatch | None:
    """Take what was confirmed by the end of the debit day that has come, is owed whole and not late
    into its batch, one line an assessment: of employers with an agreement, none of it at the bank
    already or in an order. Count and sum are frozen with it.

    Returns the batch that stands where it was opened before, and None where there is nothing to
    draw or no day has come. Raises PolicyMissing where the city does not debit employers.
    """
    today = today_in_china(now)
    month = Month.of(today)
    terms = employer_debit_terms(book(), city=city, on=month.first_day)
    round_number = terms.due_round(today)
    if not round_number:
        return None
    one_batch_opened(city)
    earlier = opened(city=city, now=now)
    if earlier is not None:
        return earlier
    batch = DebitBatch(
        number=f"{book().city(city).code}-{month.digits}-{terms.bank}-E{round_number}",
        city=city,
        month=month,
        bank=terms.bank,
        payer=Payer.EMPLOYERS,
        round=round_number,
        opened_at=now,
        opened_by=by,
        second_person=True,
    )
    selection = Selection(_UNFIT, _OPEN, _what(terms, city, today))
    return batch if freeze(batch, selection, _ends_of_chunks) else None


def _ends_of_chunks(batch_id: int, _count: int) -> list[int]:
    """Where the chunks of about CHUNK charges end; an assessment's charges are never parted."""
    with connection.cursor() as cursor:
        cursor.execute(_ENDS_OF_CHUNKS, {"batch": batch_id, "chunk": freezing.CHUNK})
        return [ending for [ending] in cursor.fetchall()]


def _what(terms: EmployerDebitTerms, city: str, today: dt.date) -> dict[str, Any]:
    """Where the day was missed, its batch takes what it would have taken: nothing that was
    confirmed or agreed to after it."""
    due = terms.due_round(today)
    day = terms.days(Month.of(today))[due - 1] if due else today
    return {
        "city": city,
        "bank": terms.bank,
        "today": today,
        "before": dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), CHINA),
        "longest_account": layout_of(terms).LONGEST_ACCOUNT,
    }


def opened(*, city: str, now: dt.datetime) -> DebitBatch | None:
    """The batch of the debit day that has come, where it was opened. Raises PolicyMissing where the
    city debits no employers."""
    today = today_in_china(now)
    terms = employer_debit_terms(book(), city=city, on=today.replace(day=1))
    return DebitBatch.objects.filter(
        city=city,
        month=Month.of(today),
        bank=terms.bank,
        payer=Payer.EMPLOYERS,
        round=terms.due_round(today),
    ).first()


@transaction.atomic
def preview(*, city: str, now: dt.datetime) -> list[Drawable]:
    """What a batch would take if it were opened now; empty where nothing. Reads only. Raises
    PolicyMissing."""
    today = today_in_china(now)
    terms = employer_debit_terms(book(), city=city, on=today.replace(day=1))
    with connection.cursor() as cursor:
        whole_tables(cursor)
        cursor.execute(_PREVIEW, _what(terms, city, today))
        rows = [
            Drawable(_("已确认的单位核定单"), _("扣款失败后再扣") if again else _("首次扣款"), count, fen)
            for again, count, fen in cursor.fetchall()
        ]
        row_by_row(cursor)
    return rows


def why_not_open(*, city: str, by: User, now: dt.datetime) -> str:
    """Why this member of staff cannot open a batch now; "" where they can. Raises PolicyMissing."""
    if city not in permissions.staff_cities(by):
        return _("只有本市的征缴人员可以开批。")
    today = today_in_china(now)
    terms = employer_debit_terms(book(), city=city, on=today.replace(day=1))
    if not terms.due_round(today):
        return _("本月第一个单位扣款日是 %(day)s，此前不能开批。") % {
            "day": terms.days(Month.of(today))[0].isoformat()
        }
    return ""


def open_by_staff(*, city: str, by: User, now: dt.datetime) -> DebitBatch | None:
    """``open_batch`` by a member of staff of the city, on its day or later. Raises
    CannotOpen."""
    if why := why_not_open(city=city, by=by, now=now):
        raise CannotOpen(why)
    return open_batch(city=city, by=by, now=now)


# What stands in time, whole: as it was confirmed, all of it owed, none of it in an order, on a bill
# or under a line that draws. A line that was paid draws, too, and one whose assessment was replaced
# still holds its charges.
_DRAWABLE = """
    WITH candidate AS (
        SELECT assessment.*, agreement.account_number, agreement.holder
        FROM contributions_assessment assessment
        JOIN contributions_debitagreement agreement ON agreement.employer_id = assessment.employer_id
            AND agreement.city = assessment.city AND agreement.bank = %(bank)s AND agreement.ended_at IS NULL
            AND agreement.agreed_at < %(before)s
        JOIN contributions_assessmentevent confirmed ON confirmed.assessment_id = assessment.id
            AND confirmed.status = 'confirmed' AND confirmed.at < %(before)s
        WHERE assessment.city = %(city)s AND assessment.status = 'confirmed' AND assessment.due_on >= %(today)s
            AND NOT EXISTS (
                SELECT 1 FROM contributions_assessment other
                JOIN contributions_debitline line ON line.assessment_id = other.id AND line.drawing
                WHERE other.employer_id = assessment.employer_id AND other.month = assessment.month
                    AND other.after < assessment.last AND other.last > assessment.after
            )
    ), reached AS (
        SELECT candidate.id, candidate.employer_id, candidate.sum_fen, candidate.account_number, candidate.holder,
            coalesce(array_agg(charge.id) FILTER (WHERE NOT charge.live), '{}') AS left_out
        FROM candidate
        JOIN contributions_charge charge ON charge.employer_id = candidate.employer_id AND charge.month = candidate.month
            AND charge.city = candidate.city AND charge.id + 0 > candidate.after AND charge.id + 0 <= candidate.last
        LEFT JOIN contributions_orderline ordered ON ordered.charge_id = charge.id AND ordered.live
        LEFT JOIN contributions_arrearsline billed ON billed.charge_id = charge.id AND billed.live
        GROUP BY candidate.id, candidate.employer_id, candidate.charges, candidate.sum_fen, candidate.account_number,
            candidate.holder
        HAVING count(*) FILTER (WHERE charge.live AND charge.status = 'owed') = candidate.charges
            AND sum(charge.amount_fen) FILTER (WHERE charge.live AND charge.status = 'owed') = candidate.sum_fen
            AND count(ordered.id) = 0 AND count(billed.id) = 0
    ), drawable AS (
        SELECT * FROM reached
        WHERE btrim(holder) <> '' AND btrim(account_number) <> '' AND length(account_number) <= %(longest_account)s
    )
"""

# What the bank's file has no room for.
_UNFIT = (
    _DRAWABLE  # noqa: S608 - the statement's parts are constants
    + """
    SELECT count(*) OVER (), employer.name, right(reached.account_number, 4)
    FROM reached JOIN people_employer employer ON employer.id = reached.employer_id
    WHERE reached.id NOT IN (SELECT id FROM drawable) ORDER BY reached.employer_id, reached.id LIMIT %(shown)s
"""
)

_OPEN = (
    _DRAWABLE  # noqa: S608 - the statement's parts are constants
    + """, line AS (
        INSERT INTO contributions_debitline (
            batch_id, sequence, assessment_id, left_out, account_number, holder, amount_fen, status, drawing, reason_code,
            bank_reference
        )
        SELECT %(batch)s, row_number() OVER (ORDER BY employer_id, id), id, left_out, account_number, holder, sum_fen,
            'pending', true, '', ''
        FROM drawable
        RETURNING amount_fen
    )
    SELECT count(*), coalesce(sum(amount_fen), 0)::bigint FROM line
"""
)

_PREVIEW = (
    _DRAWABLE  # noqa: S608 - the statement's parts are constants
    + """
    SELECT EXISTS (
            SELECT 1 FROM contributions_debitline line WHERE line.assessment_id = drawable.id AND line.status = 'failed'
        ) AS again, count(*), sum(sum_fen)::bigint
    FROM drawable GROUP BY again ORDER BY again
"""
)

_ENDS_OF_CHUNKS = """
    SELECT max(sequence) FROM (
        SELECT line.sequence,
            (sum(assessment.charges) OVER (ORDER BY line.sequence) - assessment.charges) / %(chunk)s AS chunk
        FROM contributions_debitline line JOIN contributions_assessment assessment ON assessment.id = line.assessment_id
        WHERE line.batch_id = %(batch)s
    ) numbered
    GROUP BY chunk ORDER BY 1
"""
