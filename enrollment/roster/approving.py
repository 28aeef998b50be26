"""Sending a roster with the content that the clerk saw; its approval sets the year's bases."""

from collections import Counter
from dataclasses import dataclass

from django.db import connection

from enrollment import consequences
from enrollment.models import ContributionBase, Coverage, Roster, RosterRow
from portal.columns import overlapping
from portal.hall.models import Case
from portal.hall.routing import FINAL
from portal.shared.insurance import Capacity
from portal.shared.months import Month, Period


def digest_of(roster: Roster) -> str:
    """SHA-256 over the roster's people and wages. It shows whether the roster still has the content
    that was looked at."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT encode(sha256(convert_to(
                coalesce(string_agg(person_id || ':' || coalesce(wage_fen::text, ''), ',' ORDER BY person_id), ''), 'UTF8'
            )), 'hex') FROM enrollment_rosterrow WHERE roster_id = %s
            """,
            [roster.pk],
        )
        return str(cursor.fetchone()[0])


def send(roster: Roster, case: Case, *, digest: str) -> bool:
    """Gives the roster to the case, if ``digest`` is still that of its content; False otherwise.
    From then on the database refuses changes."""
    unsent = Roster.objects.select_for_update().filter(pk=roster.pk, case__isnull=True).first()
    if unsent is None or digest_of(unsent) != digest:
        return False
    Roster.objects.filter(pk=roster.pk).update(
        draft=None, case=case, report=[], report_name="", report_taken=None
    )
    return True


def another_open(roster: Roster) -> bool:
    """Whether another declaration of the employer for the same year waits for a decision."""
    return (
        Roster.objects.filter(
            employer=roster.employer_id, city=roster.city, start=roster.start, case__isnull=False
        )
        .exclude(pk=roster.pk)
        .exclude(case__status__in=[str(status) for status in FINAL])
        .exists()
    )


@dataclass(frozen=True, slots=True)
class Applied:
    """What an approval set, in numbers of people and coverages. ``later``: coverages with months
    charged already, by the month from which the new base applies; ``left``: people in the roster
    whom the employer no longer insures."""

    people: int
    coverages: int
    unchanged: int
    later: Counter[Month]
    left: int


def apply(roster: Roster, *, case: Case) -> Applied:
    """Makes the declared wages the bases from the year's first month on, or from the month after
    the last charged month.

    Runs a fixed number of statements, whatever the size of the roster. Must run in a transaction.
    Doing it twice changes nothing.
    """
    coverages = list(
        Coverage.objects.filter(
            overlapping(Period(roster.start)),
            employer=roster.employer_id,
            city=roster.city,
            capacity=Capacity.EMPLOYEE,
            live=True,
            person__roster_rows__roster=roster,
        ).values_list("pk", flat=True)
    )
    # Ending a coverage takes these locks in the same order, so that the two wait for each other and
    # do not deadlock.
    list(
        ContributionBase.objects.select_for_update(of=("self",))
        .filter(coverage__in=coverages)
        .order_by("pk")
        .values_list("pk")
    )
    list(
        Coverage.objects.select_for_update(no_key=True)
        .filter(pk__in=coverages)
        .order_by("pk")
        .values_list("pk")
    )
    charged = consequences.charged_until(coverages, roster.start)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE TEMPORARY TABLE declared_wage ON COMMIT DROP AS
            SELECT coverage.id AS coverage_id, coverage.person_id, row.wage_fen, coverage.until,
                greatest(%(start)s, coverage.start, charged.until) AS start
            FROM enrollment_rosterrow row
            JOIN enrollment_coverage coverage ON coverage.person_id = row.person_id
            LEFT JOIN unnest(%(charged)s::bigint[], %(charged_until)s::date[]) charged (coverage_id, until)
                ON charged.coverage_id = coverage.id
            WHERE row.roster_id = %(roster)s AND row.wage_fen IS NOT NULL AND coverage.id = ANY(%(coverages)s) AND coverage.live
                AND (coverage.until IS NULL OR coverage.until > greatest(%(start)s, coverage.start, charged.until))
            """,
            {
                "start": roster.start.first_day,
                "roster": roster.pk,
                "coverages": coverages,
                "charged": list(charged),
                "charged_until": [month.first_day for month in charged.values()],
            },
        )
        cursor.execute("SELECT count(DISTINCT person_id), count(*) FROM declared_wage")
        people, declared = cursor.fetchone()
        cursor.execute(
            """
            DELETE FROM declared_wage declared USING enrollment_contributionbase base
            WHERE base.coverage_id = declared.coverage_id AND base.wage_fen = declared.wage_fen
                AND base.start <= declared.start AND base.until IS NOT DISTINCT FROM declared.until
            """
        )
        unchanged = cursor.rowcount
        cursor.execute(
            """
            DELETE FROM enrollment_contributionbase base USING declared_wage declared
            WHERE base.coverage_id = declared.coverage_id AND base.start >= declared.start
            """
        )
        cursor.execute(
            """
            UPDATE enrollment_contributionbase base SET until = declared.start FROM declared_wage declared
            WHERE base.coverage_id = declared.coverage_id AND (base.until IS NULL OR base.until > declared.start)
            """
        )
        cursor.execute(
            """
            INSERT INTO enrollment_contributionbase (coverage_id, start, until, tier, wage_fen, set_by_id)
            SELECT coverage_id, start, until, '', wage_fen, %s FROM declared_wage ORDER BY coverage_id
            """,
            [case.pk],
        )
        cursor.execute(
            "SELECT start, count(*) FROM declared_wage WHERE start > %s GROUP BY 1", [roster.start.first_day]
        )
        later = Counter({Month.of(start): count for start, count in cursor.fetchall()})
        cursor.execute("DROP TABLE declared_wage")
    listed = RosterRow.objects.filter(roster=roster, wage_fen__isnull=False).count()
    return Applied(
        people=people, coverages=declared - unchanged, unchanged=unchanged, later=later, left=listed - people
    )
