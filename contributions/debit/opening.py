"""The monthly debit (托收) of people opens a batch: what the city debits in the month.

Doing it again gives the batch that stands. What it would take can be looked at before.
"""

import datetime as dt
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from contributions.debit import freezing, recollecting
from contributions.debit.freezing import CannotOpen, Drawable, Selection, freeze
from contributions.debit.layouts import layout_of
from contributions.debit.releasing import released
from contributions.locks import one_batch_opened
from contributions.models import DebitBatch, Payer
from contributions.planner import a_sliver, row_by_row, whole_tables
from portal.accounts import permissions
from portal.accounts.models import User
from portal.policy.book import book
from portal.policy.terms.debit import DebitTerms, debit_terms
from portal.shared.insurance import INSURANCE_LABELS, Insurance
from portal.shared.months import Month, today_in_china


@transaction.atomic
def open_batch(
    *, city: str, month: Month, by: User, now: dt.datetime, round_number: int = 1
) -> DebitBatch | None:
    """Take what the city debits in the month into a batch: in the first round the owed charges of
    the month, and those of the months before whose debit failed, as far back as the city tries
    again (a file is a month's, not its lines); in each round what this month's debit was asked to
    collect besides (``RecollectRequest``), with what is paid on top; of people who have an account
    at the bank, none of it drawn already or in an order. Count and sum are frozen with it.

    Returns the batch that stands where it was opened before, and None where there is nothing to
    draw. Raises PolicyMissing where the city does not debit.
    """
    terms = debit_terms(book(), city=city, on=month.first_day)
    one_batch_opened(city)
    standing = standing_batch(city, month, terms.bank, round_number)
    if standing is not None:
        return standing
    recollecting.tidy(city=city, month=month, by=by, now=now)
    batch = DebitBatch(
        number=f"{book().city(city).code}-{month.digits}-{terms.bank}-{round_number}",
        city=city,
        month=month,
        bank=terms.bank,
        round=round_number,
        opened_at=now,
        opened_by=by,
        second_person=terms.second_person,
    )
    if not freeze(batch, Selection(_UNFIT, _OPEN, _what(terms, city, month, round_number)), ends_of_chunks):
        return None
    recollecting.taken(batch, now=now)
    if not terms.second_person:
        released(batch, by=by, now=now)
    return batch


def _what(terms: DebitTerms, city: str, month: Month, round_number: int = 1) -> dict[str, Any]:
    return {
        "city": city,
        "month": month.first_day,
        "next_month": (month + 1).first_day,
        "bank": terms.bank,
        "retried_since": (month - terms.retry_months).first_day,
        "capacities": [str(capacity) for capacity in terms.capacities] if round_number == 1 else [],
        "longest_account": layout_of(terms).LONGEST_ACCOUNT,
    }


@transaction.atomic
def preview(*, city: str, month: Month) -> list[Drawable]:
    """What the month's first batch would take if it were opened now; empty where nothing. Reads
    only; Raises PolicyMissing where the city does not debit."""
    terms = debit_terms(book(), city=city, on=month.first_day)
    with connection.cursor() as cursor:
        whole_tables(cursor)
        cursor.execute(_PREVIEW, _what(terms, city, month))
        rows = [
            Drawable(
                _(INSURANCE_LABELS[Insurance(insurance)]),
                _("以前月份补扣") if late else _("当月应缴"),
                count,
                fen,
            )
            for insurance, late, count, fen in cursor.fetchall()
        ]
        row_by_row(cursor)
    return rows


def why_not_open(*, city: str, month: Month, by: User, now: dt.datetime) -> str:
    """Why this member of staff cannot open the month's batch now; "" where they can. A batch that
    stands is no reason.

    Raises PolicyMissing where the city does not debit.
    """
    terms = debit_terms(book(), city=city, on=month.first_day)
    if city not in permissions.staff_cities(by):
        return _("只有本市的征缴人员可以开批。")
    if today_in_china(now) < terms.debit_on(month):
        return _("%(month)s的托收日是 %(day)s，此前不能开批：参保人在托收日前还可以存款或另行缴费。") % {
            "month": month.zh,
            "day": terms.debit_on(month).isoformat(),
        }
    return ""


def open_by_staff(*, city: str, month: Month, by: User, now: dt.datetime) -> DebitBatch | None:
    """``open_batch`` by a member of staff of the city, on its day or later. Raises CannotOpen."""
    if why := why_not_open(city=city, month=month, by=by, now=now):
        raise CannotOpen(why)
    return open_batch(city=city, month=month, by=by, now=now)


def opened(*, city: str, month: Month) -> DebitBatch | None:
    """The month's first batch, where it was opened. Raises PolicyMissing where the city does not
    debit."""
    return standing_batch(city, month, debit_terms(book(), city=city, on=month.first_day).bank, 1)


def ends_of_chunks(batch_id: int, count: int) -> list[int]:
    """Where the chunks end: after every CHUNK lines with the last line of that person, so that what
    is told and suspended of a person is known in one chunk; the last one with the last line."""
    with connection.cursor() as cursor:
        a_sliver(cursor)
        cursor.execute(_ENDS_OF_CHUNKS, {"batch": batch_id, "chunk": freezing.CHUNK, "count": count})
        ends = [ending for [ending] in cursor.fetchall() if ending < count]
        row_by_row(cursor)
    return [*ends, count]


def standing_batch(city: str, month: Month, bank: str, round_number: int) -> DebitBatch | None:
    """The batch of people that stands for the month and round; None where none was opened."""
    return DebitBatch.objects.filter(
        city=city, month=month, bank=bank, payer=Payer.PEOPLE, round=round_number
    ).first()


# Accounts may overlap in a month where one follows another: the later one is drawn on.
_DRAWABLE = """
    WITH account AS (
        SELECT DISTINCT ON (person_id) person_id, number, holder
        FROM people_bankaccount
        WHERE city = %(city)s AND bank = %(bank)s AND start <= %(month)s AND (until IS NULL OR until > %(month)s)
        ORDER BY person_id, start DESC, id DESC
    ), asked AS (
        SELECT request.charge_id, request.surcharge_id, coalesce(surcharge.amount_fen, 0) AS on_top
        FROM contributions_recollectrequest request
        LEFT JOIN contributions_surcharge surcharge ON surcharge.id = request.surcharge_id
        WHERE request.live AND request.city = %(city)s AND request.month <= %(month)s
    ), due AS (
        SELECT charge.id, charge.person_id, NULL::bigint AS surcharge_id, charge.amount_fen
        FROM contributions_charge charge
        WHERE charge.city = %(city)s AND charge.month = %(month)s AND charge.status = 'owed'
            AND charge.capacity = ANY(%(capacities)s)
            AND NOT EXISTS (
                SELECT 1 FROM contributions_recollectrequest request WHERE request.charge_id = charge.id AND request.live
            )
        UNION ALL
        -- what is paid at once with an earlier month
        SELECT charge.id, charge.person_id, NULL::bigint, charge.amount_fen
        FROM contributions_charge charge
        WHERE charge.city = %(city)s AND charge.month > %(month)s AND charge.due_on < %(next_month)s
            AND charge.status = 'owed' AND charge.capacity = ANY(%(capacities)s)
            AND NOT EXISTS (
                SELECT 1 FROM contributions_recollectrequest request WHERE request.charge_id = charge.id AND request.live
            )
        UNION ALL
        -- earlier months that are paid at once with this one, by who was insured this month for them
        SELECT charge.id, charge.person_id, NULL::bigint, charge.amount_fen
        FROM enrollment_coverage coverage
        JOIN contributions_charge charge ON charge.person_id = coverage.person_id
            AND charge.insurance = coverage.insurance AND charge.coverage_id = coverage.id
        WHERE coverage.city = %(city)s AND coverage.live AND coverage.start < %(month)s
            AND coverage.created_at >= %(month)s::date - 1
            AND charge.month < %(month)s AND charge.due_on >= %(month)s AND charge.due_on < %(next_month)s
            AND charge.status = 'owed' AND charge.capacity = ANY(%(capacities)s)
        UNION ALL
        SELECT charge.id, charge.person_id, NULL::bigint, charge.amount_fen
        FROM contributions_charge charge
        WHERE charge.city = %(city)s AND charge.month >= %(retried_since)s AND charge.month < %(month)s
            AND charge.status = 'owed' AND charge.capacity = ANY(%(capacities)s)
            AND EXISTS (
                SELECT 1 FROM contributions_debitline line WHERE line.charge_id = charge.id AND line.status = 'failed'
            )
            AND NOT EXISTS (
                SELECT 1 FROM contributions_recollectrequest request WHERE request.charge_id = charge.id AND request.live
            )
            AND NOT EXISTS (
                SELECT 1 FROM contributions_surcharge surcharge
                WHERE surcharge.charge_id = charge.id AND surcharge.status = 'owed'
            )
            AND NOT EXISTS (
                SELECT 1 FROM contributions_suspension suspension
                WHERE suspension.coverage_id = charge.coverage_id AND suspension.until IS NULL
            )
        UNION ALL
        SELECT charge.id, charge.person_id, asked.surcharge_id, charge.amount_fen + asked.on_top
        FROM asked JOIN contributions_charge charge ON charge.id = asked.charge_id
        WHERE charge.city = %(city)s AND charge.status = 'owed'
    ), reached AS (
        SELECT charge.id, charge.person_id, charge.surcharge_id, charge.amount_fen, account.number, account.holder,
            btrim(account.holder) <> '' AND btrim(account.number) <> '' AND length(account.number) <= %(longest_account)s AS fits
        FROM due charge
        JOIN account ON account.person_id = charge.person_id
        WHERE NOT EXISTS (SELECT 1 FROM contributions_debitline other WHERE other.charge_id = charge.id AND other.drawing)
            AND NOT EXISTS (SELECT 1 FROM contributions_orderline ordered WHERE ordered.charge_id = charge.id AND ordered.live)
    ), drawable AS (
        SELECT id, person_id, surcharge_id, amount_fen, number, holder FROM reached WHERE fits
    )
"""

_OPEN = (
    _DRAWABLE  # noqa: S608 - the statement's parts are constants
    + """, line AS (
        INSERT INTO contributions_debitline (
            batch_id, sequence, charge_id, surcharge_id, account_number, holder, amount_fen, status, drawing, reason_code,
            bank_reference
        )
        SELECT %(batch)s, row_number() OVER (ORDER BY person_id, id), id, surcharge_id, number, holder, amount_fen,
            'pending', true, '', ''
        FROM drawable
        RETURNING amount_fen
    )
    SELECT count(*), coalesce(sum(amount_fen), 0)::bigint FROM line
"""
)

# What the bank's file has no room for: whose account it is, and its end.
_UNFIT = (
    _DRAWABLE  # noqa: S608 - the statement's parts are constants
    + """
    SELECT count(*) OVER (), who.name, right(reached.number, 4) FROM reached JOIN people_person who ON who.id = reached.person_id
    WHERE NOT reached.fits ORDER BY reached.person_id, reached.id LIMIT %(shown)s
"""
)

# What a batch that is opened now would draw: this month's, those that failed before, and what was
# asked for, by insurance.
_PREVIEW = (
    _DRAWABLE  # noqa: S608 - the statement's parts are constants
    + """
    SELECT charge.insurance, charge.month < %(month)s OR drawable.surcharge_id IS NOT NULL, count(*),
        sum(drawable.amount_fen)::bigint
    FROM drawable JOIN contributions_charge charge ON charge.id = drawable.id
    GROUP BY 1, 2 ORDER BY 1, 2
"""
)

# A person's lines follow one another: the last of them is found from any one. One step after the
# other, each by its index: OFFSET 0 keeps the planner from turning them round, and from looking for
# a charge among the lines of the batch, of which it knows nothing yet: it would read them all for
# each place.
_ENDS_OF_CHUNKS = """
    SELECT DISTINCT ending.sequence
    FROM generate_series(%(chunk)s, %(count)s - 1, %(chunk)s) AS place
    CROSS JOIN LATERAL (
        SELECT charge_id FROM contributions_debitline WHERE batch_id = %(batch)s AND sequence = place OFFSET 0
    ) there
    CROSS JOIN LATERAL (SELECT person_id FROM contributions_charge WHERE id = there.charge_id OFFSET 0) one
    CROSS JOIN LATERAL (
        SELECT max(line.sequence) AS sequence
        FROM (SELECT id FROM contributions_charge WHERE person_id = one.person_id AND live OFFSET 0) charge
        CROSS JOIN LATERAL (
            SELECT batch_id, sequence FROM contributions_debitline WHERE charge_id = charge.id AND drawing OFFSET 0
        ) line
        WHERE line.batch_id = %(batch)s
    ) ending
    ORDER BY ending.sequence
"""
