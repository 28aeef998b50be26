"""Reading what an employer's staff have by months there, many people at once."""

from collections.abc import Collection

from django.db.models import QuerySet

from contributions.models import Charge, ChargeStatus
from contributions.records.by_month import MonthRecord, State
from enrollment.models import Coverage
from portal.columns import overlapping
from portal.people.models import Employer, Person
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month, Period
from portal.shared.tables import Some

_STATES = Some(
    {
        ChargeStatus.OWED: State.OWED,
        ChargeStatus.PAID: State.PAID,
        ChargeStatus.WRITTEN_OFF: State.WRITTEN_OFF,
        ChargeStatus.TAKEN_BACK: State.TAKEN_BACK,
    }
)


def staff(
    employer: Employer,
    *,
    city: str,
    insurances: Collection[Insurance],
    since: Month,
    until: Month,
) -> QuerySet[Person]:
    """Whom the employer has had insured there in any of the months [since, until), by name."""
    covered = _coverages(employer, city=city, insurances=insurances, since=since, until=until)
    return Person.objects.filter(pk__in=covered.values("person")).order_by("name", "pk")


def staff_records(
    employer: Employer,
    people: Collection[int],
    *,
    city: str,
    insurances: Collection[Insurance],
    since: Month,
    until: Month,
) -> dict[int, list[MonthRecord]]:
    """The months [since, until) of these people with this employer and no other, by person, month
    and insurance. Two queries.

    Months that are covered and not charged yet stand as covered.
    """
    by_person: dict[int, dict[tuple[Month, Insurance], MonthRecord]] = {pk: {} for pk in people}
    charges = Charge.objects.filter(
        person__in=people,
        employer=employer,
        city=city,
        insurance__in=insurances,
        month__gte=since,
        month__lt=until,
        live=True,
        status__in=[str(status) for status in _STATES],
    )
    for charge in charges:
        insurance = Insurance(charge.insurance)
        by_person[charge.person_id][charge.month, insurance] = MonthRecord(
            city,
            insurance,
            Capacity(charge.capacity),
            employer.name,
            charge.month,
            _STATES[ChargeStatus(charge.status)],
            base=charge.base,
            amount_fen=charge.amount_fen,
            personal_fen=charge.personal_fen,
            employer_fen=charge.employer_fen,
            account_fen=charge.account_fen,
            charge_id=charge.pk,
        )
    coverages = _coverages(employer, city=city, insurances=insurances, since=since, until=until)
    for coverage in coverages.filter(person__in=people):
        insurance, month = Insurance(coverage.insurance), max(coverage.start, since)
        end = min(coverage.until, until) if coverage.until else until
        while month < end:
            by_person[coverage.person_id].setdefault(
                (month, insurance),
                MonthRecord(
                    city, insurance, Capacity(coverage.capacity), employer.name, month, State.COVERED
                ),
            )
            month += 1
    order = {insurance: number for number, insurance in enumerate(Insurance)}
    return {
        pk: sorted(months.values(), key=lambda one: (one.month, order[one.insurance]))
        for pk, months in by_person.items()
    }


def running(
    employer: Employer, people: Collection[int], *, city: str, insurances: Collection[Insurance], month: Month
) -> dict[int, list[Coverage]]:
    """The coverages of these people with this employer that run in the month, by person. One
    query."""
    coverages = _coverages(employer, city=city, insurances=insurances, since=month, until=month + 1)
    by_person: dict[int, list[Coverage]] = {pk: [] for pk in people}
    for coverage in coverages.filter(person__in=people):
        by_person[coverage.person_id].append(coverage)
    return by_person


def _coverages(
    employer: Employer, *, city: str, insurances: Collection[Insurance], since: Month, until: Month
) -> QuerySet[Coverage]:
    return Coverage.objects.filter(
        overlapping(Period(since, until)),
        employer=employer,
        city=city,
        insurance__in=insurances,
        live=True,
    )
