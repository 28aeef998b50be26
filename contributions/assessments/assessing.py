"""核定: an employer's month is drawn up from its charges, confirmed by its clerk, and paid; and
what changed since the month before.

An assessment covers all charge ids up to its last. So all code that makes employees' charges holds
``locks.one_charging_run``, as this module does: else a charge with a lower id could appear after
the assessment was drawn up.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet, Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contributions.locks import one_charging_run
from contributions.models import (
    Assessment,
    AssessmentEvent,
    AssessmentStatus,
    Charge,
    ChargeStatus,
)
from contributions.planner import row_by_row, whole_tables
from portal.accounts.models import User
from portal.accounts.permissions import may_act_for_employer
from portal.people.models import Employer
from portal.shared.months import Month, month_in_china

UNPAID = (AssessmentStatus.DRAWN_UP, AssessmentStatus.CONFIRMED)


class AlreadyMoved(Exception):
    """The assessment is no longer in the state that the move starts from."""


class NotYours(Exception):
    """This login may not act for the assessment's employer."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """The counts of a run: assessments made, replaced because charges had become void, and marked
    as paid."""

    created: int
    replaced: int
    paid: int


# A digest covers each charge: its id, its person, its sums.
_DIGEST = """encode(sha256(convert_to(string_agg(
    concat_ws(':', charge.id, charge.person_id, charge.personal_fen, charge.employer_fen), ',' ORDER BY charge.id
), 'UTF8')), 'hex')"""

# An employer's charges are found by employer and month. The sums keep the planner from the primary
# key's index, in which a range is all that the city was charged meanwhile: read once for every
# employer, that grew with the square of the city.
OF_THE_ASSESSMENT = """
    charge.employer_id = assessment.employer_id AND charge.month = assessment.month AND charge.city = assessment.city
    AND charge.id + 0 > assessment.after AND charge.id + 0 <= assessment.last
"""

# Limits a statement to one employer; with NULL it covers all employers.
_ONE = "(%(employer)s::bigint IS NULL OR {}.employer_id = %(employer)s::bigint)"

# An assessment of an employer that is registered elsewhere is replaced too, because it would block
# the assessment that the employer's own city draws up.
_REPLACE = f"""
    WITH standing AS (
        SELECT assessment.id, employer.city <> assessment.city AS elsewhere, count(charge.id) AS charges,
            coalesce(sum(charge.amount_fen), 0) AS sum_fen
        FROM contributions_assessment assessment
        JOIN people_employer employer ON employer.id = assessment.employer_id
        LEFT JOIN contributions_charge charge ON {OF_THE_ASSESSMENT} AND charge.live
        WHERE assessment.city = %(city)s AND assessment.month = %(month)s AND assessment.status IN ('drawn_up', 'confirmed')
            AND {_ONE.format("assessment")}
        GROUP BY assessment.id, employer.city
    ), moved AS (
        UPDATE contributions_assessment assessment SET status = 'replaced' FROM standing
        WHERE standing.id = assessment.id
            AND (standing.elsewhere OR (standing.charges, standing.sum_fen) <> (assessment.charges, assessment.sum_fen))
            AND assessment.status IN ('drawn_up', 'confirmed')
        RETURNING assessment.id
    )
    INSERT INTO contributions_assessmentevent (assessment_id, at, by_id, status, note)
    SELECT id, %(now)s, %(by)s, 'replaced', %(why)s FROM moved
"""  # noqa: S608 - the parts are constants

# ``below`` is the last id of the previous assessment, so that the rest of a replaced one lies
# between its neighbours. Rounds are counted across all cities. Charges of employers that are
# registered elsewhere are left out: ``misplaced`` lists them.
_CREATE = f"""
    WITH standing AS (
        SELECT assessment.employer_id, array_agg(assessment.last) FILTER (WHERE assessment.status <> 'replaced') AS ends,
            max(assessment.round) + 1 AS round
        FROM contributions_assessment assessment
        JOIN people_employer employer ON employer.id = assessment.employer_id AND employer.city = %(city)s
        WHERE assessment.month = %(month)s GROUP BY assessment.employer_id
    ), charge AS (
        SELECT charge.*, coalesce(standing.round, 0) AS first_round,
            CASE WHEN standing.ends IS NULL THEN 0
                ELSE coalesce((SELECT max(one) FROM unnest(standing.ends) one WHERE one < charge.id), 0) END AS below
        FROM contributions_charge charge
        JOIN people_employer employer ON employer.id = charge.employer_id AND employer.city = charge.city
        LEFT JOIN standing ON standing.employer_id = charge.employer_id
        WHERE charge.city = %(city)s AND charge.month = %(month)s AND charge.live AND {_ONE.format("charge")}
            AND NOT EXISTS (
                SELECT 1 FROM contributions_assessment assessment
                WHERE {OF_THE_ASSESSMENT} AND assessment.status <> 'replaced'
            )
    ), summed AS (
        SELECT employer_id, first_round, below, max(id) AS last, count(DISTINCT person_id) AS people, count(*) AS charges,
            sum(amount_fen) AS sum_fen, sum(personal_fen) AS personal_fen, sum(employer_fen) AS employer_fen,
            {_DIGEST} AS digest, max(due_on) AS due_on
        FROM charge GROUP BY employer_id, first_round, below
    ), made AS (
        INSERT INTO contributions_assessment (
            city, employer_id, month, round, after, last, people, charges, sum_fen, personal_fen, employer_fen, digest,
            due_on, status, drawn_at
        )
        SELECT %(city)s, employer_id, %(month)s,
            first_round + row_number() OVER (PARTITION BY employer_id ORDER BY below) - 1,
            below, last, people, charges, sum_fen, personal_fen, employer_fen, digest,
            greatest(due_on, %(not_before)s), 'drawn_up', %(now)s
        FROM summed ORDER BY employer_id, below
        RETURNING id
    )
    INSERT INTO contributions_assessmentevent (assessment_id, at, by_id, status, note)
    SELECT id, %(now)s, %(by)s, 'drawn_up', '' FROM made
"""  # noqa: S608 - the parts are constants

_PAID = f"""
    WITH moved AS (
        UPDATE contributions_assessment assessment SET status = 'paid'
        WHERE assessment.status IN ('drawn_up', 'confirmed') AND %s
            AND EXISTS (
                SELECT 1 FROM contributions_charge charge WHERE {OF_THE_ASSESSMENT} AND charge.status = 'paid'
            )
            AND NOT EXISTS (
                SELECT 1 FROM contributions_charge charge WHERE {OF_THE_ASSESSMENT} AND charge.status = 'owed'
            )
        RETURNING assessment.id
    )
    INSERT INTO contributions_assessmentevent (assessment_id, at, by_id, status, note)
    SELECT id, %%(now)s, %%(by)s, 'paid', '' FROM moved
"""  # noqa: S608 - the parts are constants


_OF_THE_MONTH = f"assessment.city = %(city)s AND assessment.month = %(month)s AND {_ONE.format('assessment')}"


def employers_of(*, city: str, month: Month) -> list[int]:
    """The ids of the employers that were charged in the city's month, or have an assessment of it
    there."""
    charged = Charge.objects.filter(city=city, month=month, live=True, employer__isnull=False)
    assessed = Assessment.objects.filter(city=city, month=month)
    return sorted({*charged.values_list("employer", flat=True), *assessed.values_list("employer", flat=True)})


def misplaced(*, city: str, month: Month) -> list[Employer]:
    """Employers that were charged in the city's month but are registered in another city: no city
    assesses those charges."""
    return list(
        Employer.objects.filter(charges__city=city, charges__month=month, charges__live=True)
        .exclude(city=city)
        .distinct()
        .order_by("pk")
    )


def draw_up(*, city: str, month: Month, by: User, now: dt.datetime, employer: int | None = None) -> Drawn:
    """Assess every employer's charges of the month that are in no assessment yet, or only those of
    ``employer`` (an id). A repeated call finds nothing to do.

    A fixed number of statements, whatever the number of employers. An employer that is registered
    in another city is left out (``misplaced``); its earlier assessments here are marked as replaced
    without a successor. An unpaid assessment that has lost charges is replaced by one of the
    remaining charges; one whose charges are all paid is marked as paid. An assessment that is drawn
    up late is due by the end of the month in which it is drawn up.
    """
    parameters: dict[str, Any] = {
        "city": city,
        "month": month.first_day,
        "not_before": month_in_china(now).last_day,
        "now": now,
        "by": by.pk,
        "why": _("核定后有应缴作废，已重新核定"),
        "employer": employer,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        one_charging_run(city)
        whole_tables(cursor)
        cursor.execute(_REPLACE, parameters)
        replaced = cursor.rowcount
        cursor.execute(_CREATE, parameters)
        created = cursor.rowcount
        cursor.execute(_PAID % _OF_THE_MONTH, parameters)
        paid = cursor.rowcount
        row_by_row(cursor)
    return Drawn(created=created, replaced=replaced, paid=paid)


def settle(employer: Employer, *, by: User, now: dt.datetime) -> int:
    """Mark the employer's assessments as paid whose charges are all paid. Returns how many. Must
    run in a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            _PAID % "assessment.employer_id = %(employer)s",
            {"employer": employer.pk, "now": now, "by": by.pk},
        )
        return int(cursor.rowcount)


def settle_all(ids: Sequence[int], *, by: User, now: dt.datetime) -> int:
    """``settle`` for many assessments at once, of any employers."""
    with connection.cursor() as cursor:
        cursor.execute(_PAID % "assessment.id = ANY(%(ids)s)", {"ids": list(ids), "now": now, "by": by.pk})
        return int(cursor.rowcount)


def confirm(assessment: Assessment, *, by: User, now: dt.datetime) -> Assessment:
    """Record that a clerk confirms the assessment; a second confirmation changes nothing. Raises
    NotYours; AlreadyMoved where it was paid or replaced."""
    with transaction.atomic():
        locked = (
            Assessment.objects.select_for_update(of=("self",))
            .select_related("employer")
            .get(pk=assessment.pk)
        )
        if not may_act_for_employer(by, locked.employer):
            raise NotYours
        if locked.status == AssessmentStatus.CONFIRMED:
            return locked
        move(locked, AssessmentStatus.CONFIRMED, by=by, now=now)
        return locked


def move(assessment: Assessment, to: AssessmentStatus, *, by: User, now: dt.datetime, note: str = "") -> None:
    """Move the assessment by compare-and-set and write the event. Raises AlreadyMoved where another
    move was first."""
    start = assessment.status
    if start not in UNPAID or not Assessment.objects.filter(pk=assessment.pk, status=start).update(status=to):
        raise AlreadyMoved
    AssessmentEvent.objects.create(assessment=assessment, at=now, by=by, status=to, note=note)
    assessment.status = to


# Reading


def of_employer(employer: Employer) -> QuerySet[Assessment]:
    """The employer's assessments that are not replaced, the latest month first."""
    return (
        Assessment.objects.filter(employer=employer)
        .exclude(status=AssessmentStatus.REPLACED)
        .order_by("-month", "-round")
    )


def lines(assessment: Assessment) -> QuerySet[Charge]:
    """Its charges with their persons, in the order of the list."""
    return (
        Charge.objects.filter(
            employer=assessment.employer_id,
            month=assessment.month,
            city=assessment.city,
            pk__gt=assessment.after,
            pk__lte=assessment.last,
            live=True,
        )
        .select_related("person")
        .order_by("person__name", "person_id", "insurance")
    )


def owed_fen(assessment: Assessment) -> int:
    """The sum of its charges that are still owed, in fen."""
    owed = lines(assessment).order_by().filter(status=ChargeStatus.OWED)
    return int(owed.aggregate(fen=Sum("amount_fen", default=0))["fen"])


def digest_of(assessment: Assessment) -> str:
    """The digest over its charges as they are now; it equals the frozen digest where nothing has
    changed."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT {_DIGEST} FROM contributions_assessment assessment
            JOIN contributions_charge charge ON {OF_THE_ASSESSMENT} AND charge.live WHERE assessment.id = %s
            """,  # noqa: S608 - the parts are constants
            [assessment.pk],
        )
        return str(cursor.fetchone()[0])


class Change(StrEnum):
    """How a person's month differs from the month before."""

    JOINED = "joined"
    LEFT = "left"
    STARTED = "started"
    ENDED = "ended"
    BASE = "base"
    POLICY = "policy"
    BOTH = "both"


CHANGE_LABELS = {
    Change.JOINED: gettext_lazy("新增职工"),
    Change.LEFT: gettext_lazy("减少职工"),
    Change.STARTED: gettext_lazy("在职职工增加险种"),
    Change.ENDED: gettext_lazy("在职职工减少险种"),
    Change.BASE: gettext_lazy("申报工资变动"),
    Change.POLICY: gettext_lazy("费率、上下限或行业类别调整"),
    Change.BOTH: gettext_lazy("申报工资和费率（或上下限）都有变动"),
}

# A person's insurance in this month and in the month before. Where only one side exists, the
# person's other insurances decide what kind of change it is.
_PAIRS = """
    WITH side AS (
        SELECT person_id, insurance, basis, policy, policy_since, amount_fen, month = %(month)s AS present
        FROM contributions_charge
        WHERE employer_id = %(employer)s AND month IN (%(month)s, %(before)s) AND live AND (month <> %(month)s OR id <= %(last)s)
    ), pair AS (
        SELECT person_id, insurance,
            max(amount_fen) FILTER (WHERE present) AS amount, max(amount_fen) FILTER (WHERE NOT present) AS former,
            count(DISTINCT basis) > 1 AS other_basis, count(DISTINCT (policy, policy_since)) > 1 AS other_policy
        FROM side GROUP BY person_id, insurance
    ), person AS (
        SELECT person_id, bool_or(amount IS NOT NULL) AS is_here, bool_or(former IS NOT NULL) AS was_here
        FROM pair GROUP BY person_id
    ), change AS (
        SELECT pair.person_id, coalesce(pair.former, 0) AS former, coalesce(pair.amount, 0) AS amount,
            CASE
                WHEN pair.former IS NULL THEN CASE WHEN person.was_here THEN 'started' ELSE 'joined' END
                WHEN pair.amount IS NULL THEN CASE WHEN person.is_here THEN 'ended' ELSE 'left' END
                WHEN pair.other_basis THEN CASE WHEN pair.other_policy THEN 'both' ELSE 'base' END
                ELSE 'policy'
            END AS kind
        FROM pair JOIN person USING (person_id) WHERE pair.amount IS DISTINCT FROM pair.former
    )
"""


@dataclass(frozen=True, slots=True)
class Changed:
    """A kind of change: the number of people, and the difference in fen."""

    kind: Change
    people: int
    difference_fen: int


@dataclass(frozen=True, slots=True)
class PersonChanged:
    """One person's part of a change: the sums of the month before and of this month (fen, of the
    insurances concerned)."""

    name: str
    identity_number: str
    former_fen: int
    amount_fen: int

    @property
    def difference_fen(self) -> int:
        return self.amount_fen - self.former_fen


@dataclass(frozen=True, slots=True)
class Comparison:
    """The month compared with the month before: ``former_fen`` plus all differences is
    ``amount_fen``. ``first`` says that the month before had no charges."""

    former_fen: int
    amount_fen: int
    changes: tuple[Changed, ...]
    first: bool


def compare(assessment: Assessment) -> Comparison:
    """The employer's month, up to this assessment's last charge, against the month before. Two
    queries."""
    with connection.cursor() as cursor:
        cursor.execute(
            _PAIRS + "SELECT kind, count(DISTINCT person_id), sum(amount - former) FROM change GROUP BY kind",  # noqa: S608
            _sides(assessment),
        )
        changes_of = {kind: (people, int(difference)) for kind, people, difference in cursor.fetchall()}
        cursor.execute(
            """
            SELECT coalesce(sum(amount_fen) FILTER (WHERE month = %(before)s), 0),
                coalesce(sum(amount_fen) FILTER (WHERE month = %(month)s), 0)
            FROM contributions_charge
            WHERE employer_id = %(employer)s AND month IN (%(month)s, %(before)s) AND live
                AND (month <> %(month)s OR id <= %(last)s)
            """,
            _sides(assessment),
        )
        former, amount = cursor.fetchone()
    return Comparison(
        former_fen=int(former),
        amount_fen=int(amount),
        changes=tuple(Changed(kind, *changes_of[kind]) for kind in Change if kind in changes_of),
        first=not former,
    )


def people_of(assessment: Assessment, kind: Change, *, offset: int, limit: int) -> list[PersonChanged]:
    """The people of a change, in the order of their names."""
    with connection.cursor() as cursor:
        cursor.execute(
            _PAIRS  # noqa: S608 - the parts are constants
            + """
            SELECT who.name, who.identity_number, sum(change.former), sum(change.amount)
            FROM change JOIN people_person who ON who.id = change.person_id WHERE change.kind = %(kind)s
            GROUP BY who.id ORDER BY who.name, who.id LIMIT %(limit)s OFFSET %(offset)s
            """,
            {**_sides(assessment), "kind": str(kind), "limit": limit, "offset": offset},
        )
        return [
            PersonChanged(name, number, int(former), int(amount))
            for name, number, former, amount in cursor.fetchall()
        ]


def _sides(assessment: Assessment) -> dict[str, Any]:
    return {
        "employer": assessment.employer_id,
        "month": assessment.month.first_day,
        "before": (assessment.month - 1).first_day,
        "last": assessment.last,
    }
