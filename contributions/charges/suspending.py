"""Who owes too many months is charged no more until they are settled; both by one statement, told
to everyone it is about."""

import datetime as dt

from django.db import connection, transaction
from django.utils.translation import gettext as _

from contributions.models import PostingChunk, Suspension
from portal.people.models import Person
from portal.policy.book import PolicyMissing, book
from portal.policy.terms.debit import debit_terms
from portal.prepared import Prepared
from portal.shared.insurance import INSURANCE_LABELS
from portal.shared.months import Month, month_in_china, today_in_china
from portal.watch.failures import Watch

SUSPENDED, RESUMED = "suspended", "resumed"


def after_answer(chunk: PostingChunk, *, now: dt.datetime) -> int:
    """Suspend the coverages of a chunk that was just booked whose failed months, all still owed,
    are more than are tried again: from the month after, or after what stands charged. How many they
    are. Must run in the transaction that books the chunk, and after
    ``locks.before_or_after_charging``; again, it finds them suspended.
    """
    batch = chunk.batch
    terms = debit_terms(book(), city=batch.city, on=batch.month.first_day)
    lines = {"batch": batch.pk, "first": chunk.first, "last": chunk.last}
    with connection.cursor() as cursor:
        # What is charged meanwhile is either seen here, or sees that it is suspended.
        cursor.execute(_HOLD, lines)
        cursor.execute(
            _SUSPEND,
            {
                **_words(),
                **lines,
                "next": (batch.month + 1).first_day,
                "retries": terms.retry_months,
                "now": now,
                "kind": SUSPENDED,
                "why": _("欠缴 %s 个月，托收未成功"),
                "title": _("暂停缴费"),
                "text": _(
                    "您的%s已欠缴 %s 个月（自%s起），自%s起暂停缴费，不再自动扣款。结清欠费后自动恢复缴费。"
                ),
            },
        )
        return int(cursor.rowcount)


def resume_settled(*, now: dt.datetime) -> int:
    """Resume what is suspended and owes nothing any more, whichever way it was settled: from the
    month whose debit comes next, so that no month is charged for which there is no debit to come.
    How many they are. Twice is once; a city that fails does not keep the others.
    """
    resumed, watch = 0, Watch("resume_settled", now=now)
    for city in book().cities:
        with watch.item(city.title, city=city.slug):
            resumed += resume_city(city.slug, now)
    watch.finished()
    return resumed


@transaction.atomic
def resume_city(city: str, now: dt.datetime) -> int:
    month = _next_month(city, now)
    if month is None:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            _RESUME,
            {
                **_words(),
                "city": city,
                "month": month.first_day,
                "now": now,
                "kind": RESUMED,
                "title": _("恢复缴费"),
                "text": _("您的%s欠费已结清，自%s起恢复缴费。"),
            },
        )
        return int(cursor.rowcount)


def standing(person: Person) -> list[Suspension]:
    """The person's coverages that are charged no more at present, by insurance. One query."""
    return _STANDING(person.pk)


_STANDING = Prepared(
    lambda: (
        Suspension.objects.filter(coverage__person=0, until__isnull=True)
        .select_related("coverage")
        .order_by("coverage__insurance", "pk")
    )
)


def what_to_do(city: str) -> str:
    """How a suspension of the city ends, in the words of whoever it is about."""
    code = service_to_settle(city)
    if not code:
        return _("请与经办机构联系结清欠费；结清后系统自动恢复缴费，无须另行申请。")
    return _("请办理“%(service)s”结清欠费；结清后系统自动恢复缴费，无须另行申请。") % {
        "service": book().city(city).offers[code].title
    }


def service_to_settle(city: str) -> str:
    """The code of the city's service by which arrears are settled online; "" where it has none."""
    offers = book().city(city).offers
    return next((code for code in ("arrears-pay", "recollect") if code in offers), "")


def _next_month(city: str, now: dt.datetime) -> Month | None:
    month = month_in_china(now)
    try:
        terms = debit_terms(book(), city=city, on=month.first_day)
    except PolicyMissing:
        return None
    return month if today_in_china(now) < terms.debit_on(month) else month + 1


def _words() -> dict[str, list[str]]:
    return {
        "insurances": [str(insurance) for insurance in INSURANCE_LABELS],
        "names": [_(name) for name in INSURANCE_LABELS.values()],
    }


# As ``charging.charge_months`` holds the coverage whose months it charges.
_HOLD = """
    SELECT id FROM enrollment_coverage
    WHERE id IN (
        SELECT charge.coverage_id
        FROM contributions_debitline line JOIN contributions_charge charge ON charge.id = line.charge_id
        WHERE line.batch_id = %(batch)s AND line.sequence BETWEEN %(first)s AND %(last)s AND line.status = 'failed'
    )
    ORDER BY id FOR NO KEY UPDATE
"""

# Person and insurance follow from the coverage; they are there for the index.
_SUSPEND = """
    WITH failed AS (
        SELECT DISTINCT charge.coverage_id, charge.person_id, charge.insurance
        FROM contributions_debitline line JOIN contributions_charge charge ON charge.id = line.charge_id
        WHERE line.batch_id = %(batch)s AND line.sequence BETWEEN %(first)s AND %(last)s AND line.status = 'failed'
            AND charge.status = 'owed'
    ), late AS (
        SELECT failed.coverage_id, failed.person_id, failed.insurance,
            count(*) FILTER (WHERE charge.status = 'owed' AND EXISTS (
                SELECT 1 FROM contributions_debitline line WHERE line.charge_id = charge.id AND line.status = 'failed'
            )) AS months,
            min(charge.month) FILTER (WHERE charge.status = 'owed') AS owed_since,
            max(charge.month) AS charged_to
        FROM failed JOIN contributions_charge charge ON charge.live AND charge.person_id = failed.person_id
            AND charge.insurance = failed.insurance AND charge.coverage_id = failed.coverage_id
        GROUP BY failed.coverage_id, failed.person_id, failed.insurance
    ), made AS (
        INSERT INTO contributions_suspension (coverage_id, start, why, batch_id, suspended_at)
        SELECT coverage_id, greatest(%(next)s::date, (charged_to + interval '1 month')::date), format(%(why)s, months),
            %(batch)s, %(now)s
        FROM late WHERE months > %(retries)s
        ORDER BY coverage_id
        ON CONFLICT DO NOTHING
        RETURNING id, coverage_id, start
    )
    INSERT INTO accounts_notice (person_id, kind, reference, title, text, at, by_text, phone)
    SELECT late.person_id, %(kind)s, made.id::text, %(title)s,
        format(%(text)s, insurance.name, late.months, to_char(late.owed_since, 'YYYY"年"FMMM"月"'),
            to_char(made.start, 'YYYY"年"FMMM"月"')),
        %(now)s, true, ''
    FROM made JOIN late ON late.coverage_id = made.coverage_id
    JOIN unnest(%(insurances)s::varchar[], %(names)s::varchar[]) AS insurance (code, name) ON insurance.code = late.insurance
    ON CONFLICT (kind, reference) DO NOTHING
"""

_RESUME = """
    WITH settled AS (
        UPDATE contributions_suspension suspension
        SET until = greatest(suspension.start, %(month)s::date), resumed_at = %(now)s
        FROM enrollment_coverage coverage
        WHERE suspension.until IS NULL AND coverage.id = suspension.coverage_id AND coverage.city = %(city)s
            AND NOT EXISTS (
                SELECT 1 FROM contributions_charge charge
                WHERE charge.live AND charge.person_id = coverage.person_id AND charge.insurance = coverage.insurance
                    AND charge.coverage_id = coverage.id AND charge.status = 'owed'
            )
        RETURNING suspension.id, suspension.until, coverage.person_id, coverage.insurance
    )
    INSERT INTO accounts_notice (person_id, kind, reference, title, text, at, by_text, phone)
    SELECT settled.person_id, %(kind)s, settled.id::text, %(title)s,
        format(%(text)s, insurance.name, to_char(settled.until, 'YYYY"年"FMMM"月"')), %(now)s, false, ''
    FROM settled
    JOIN unnest(%(insurances)s::varchar[], %(names)s::varchar[]) AS insurance (code, name) ON insurance.code = settled.insurance
    ON CONFLICT (kind, reference) DO NOTHING
"""
