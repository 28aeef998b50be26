"""The rows of a roster: while it is a draft they follow the staff, and clerks fill in wages.

Nothing here asks the database once per row.
"""

from collections.abc import Mapping
from datetime import date, datetime

from django.db import connection, transaction
from django.db.models import F, QuerySet

from enrollment.models import Roster, RosterRow
from portal.hall.models import Draft
from portal.hall.routing import Status
from portal.people.models import Employer
from portal.shared.months import Month


def begin(
    *, draft: Draft, employer: Employer, city: str, start: Month, month: Month, now: datetime
) -> Roster:
    """The draft's roster for the year that begins with ``start``, with rows for the present staff;
    creates it where there is none.

    A new roster takes over the wages of a withdrawn or refused declaration for the same year.
    """
    with transaction.atomic():
        Draft.objects.select_for_update().get(pk=draft.pk)
        roster = Roster.objects.filter(draft=draft).first()
        if roster is not None and (roster.start, roster.employer_id) != (start, employer.pk):
            roster.delete()
            roster = None
        if roster is None:
            roster = Roster.objects.create(
                draft=draft, employer=employer, city=city, start=start, made_at=now
            )
            refresh(roster, month)
            _carry(roster)
        else:
            refresh(roster, month)
    return roster


_STAFF = """
    SELECT DISTINCT ON (coverage.person_id) coverage.person_id, base.wage_fen
    FROM enrollment_coverage coverage
    LEFT JOIN enrollment_contributionbase base ON base.coverage_id = coverage.id
        AND base.start <= %(month)s AND (base.until IS NULL OR base.until > %(month)s)
    WHERE coverage.employer_id = %(employer)s AND coverage.city = %(city)s AND coverage.live
        AND coverage.capacity = 'employee' AND (coverage.until IS NULL OR coverage.until > %(after)s)
    ORDER BY coverage.person_id, base.wage_fen IS NULL, coverage.insurance <> 'pension', coverage.id
"""


def _parameters(roster: Roster, month: Month) -> dict[str, str | int | date]:
    return {
        "roster": roster.pk,
        "employer": roster.employer_id,
        "city": roster.city,
        "month": month.first_day,
        "after": max(month, roster.start).first_day,
    }


def refresh(roster: Roster, month: Month) -> None:
    """Adds rows for people who joined and deletes those of people who left; filled-in wages stay.
    Two statements."""
    parameters = _parameters(roster, month)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            DELETE FROM enrollment_rosterrow WHERE roster_id = %(roster)s
                AND person_id NOT IN (SELECT person_id FROM ({_STAFF}) staff)
            """,  # noqa: S608 - the text is a constant
            parameters,
        )
        cursor.execute(
            f"""
            INSERT INTO enrollment_rosterrow (roster_id, person_id, former_fen)
            SELECT %(roster)s, staff.person_id, staff.wage_fen FROM ({_STAFF}) staff
            ON CONFLICT (roster_id, person_id) DO UPDATE SET former_fen = excluded.former_fen
            WHERE enrollment_rosterrow.former_fen IS DISTINCT FROM excluded.former_fen
            """,  # noqa: S608 - the text is a constant
            parameters,
        )


def staff_changed(roster: Roster, month: Month) -> int:
    """The number of people who joined or left since the roster's rows were written."""
    parameters = _parameters(roster, month)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT count(*) FROM ({_STAFF}) staff
            FULL JOIN (SELECT person_id FROM enrollment_rosterrow WHERE roster_id = %(roster)s) listed USING (person_id)
            WHERE staff IS NULL OR listed.person_id IS NULL
            """,  # noqa: S608 - the text is a constant
            parameters,
        )
        return int(cursor.fetchone()[0])


def _carry(roster: Roster) -> None:
    """Takes the wages of the latest withdrawn or refused declaration for the same year."""
    former = (
        Roster.objects.filter(
            employer=roster.employer_id,
            start=roster.start,
            case__status__in=[str(Status.VOIDED), str(Status.REFUSED)],
        )
        .order_by("-case__submitted_at", "-pk")
        .first()
    )
    if former is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE enrollment_rosterrow row SET wage_fen = former.wage_fen FROM enrollment_rosterrow former
            WHERE row.roster_id = %s AND former.roster_id = %s AND former.person_id = row.person_id
            """,
            [roster.pk, former.pk],
        )


def rows_of(roster: Roster) -> QuerySet[RosterRow]:
    """The rows with their persons, in the order in which pages and files list them."""
    return (
        RosterRow.objects.filter(roster=roster).select_related("person").order_by("person__name", "person_id")
    )


def fill_in(roster: Roster, wages: Mapping[int, int | None], *, now: datetime) -> int:
    """Sets the wages (person id → fen, None to empty) of people in the roster, in one statement.
    Returns how many rows were set.

    The draft has to be checked again before it is sent. Raises Roster.DoesNotExist where the roster
    was sent meanwhile.
    """
    with transaction.atomic():
        _open(roster, now)
        with connection.cursor() as cursor:
            cursor.execute(
                """
                UPDATE enrollment_rosterrow SET wage_fen = said.wage_fen
                FROM unnest(%s::bigint[], %s::bigint[]) said (person_id, wage_fen)
                WHERE roster_id = %s AND enrollment_rosterrow.person_id = said.person_id
                """,
                [list(wages), list(wages.values()), roster.pk],
            )
            return int(cursor.rowcount)


def keep_former(roster: Roster, *, now: datetime) -> int:
    """Fills in the wage in force now for everyone without one. Returns how many rows were set."""
    with transaction.atomic():
        _open(roster, now)
        return RosterRow.objects.filter(roster=roster, wage_fen=None, former_fen__gt=0).update(
            wage_fen=F("former_fen")
        )


def _open(roster: Roster, now: datetime) -> Roster:
    """Locks the roster while it is a draft, and marks the draft as not checked. Raises
    Roster.DoesNotExist where it is no draft."""
    draft_roster = (
        Roster.objects.select_for_update(of=("self",))
        .select_related("draft")
        .get(pk=roster.pk, draft__isnull=False)
    )
    if draft_roster.draft is not None:
        Draft.objects.filter(pk=draft_roster.draft.pk).update(checked=False, updated_at=now)
    return draft_roster
