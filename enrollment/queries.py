"""Reading coverages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from enrollment.models import Coverage
from portal.columns import runs_in
from portal.people.models import Employer, Person
from portal.policy.book import book
from portal.shared.insurance import CAPACITY_LABELS, INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import Month, OverMonths


@dataclass(frozen=True)
class Held(OverMonths):
    """A live coverage as a service's rule sees it: plain values, months [start, until)."""

    pk: int
    insurance: Insurance
    capacity: Capacity
    city: str
    employer_id: int | None
    start: Month
    until: Month | None

    def described(self) -> str:
        """For staff and summaries: 养老保险（单位职工，宁波，2026年1月起）."""
        about = "，".join((str(CAPACITY_LABELS[self.capacity]), book().city(self.city).title, self.period.zh))
        return f"{INSURANCE_LABELS[self.insurance]}（{about}）"


def held(identity_number: str) -> list[Held]:
    """All live coverages, past and present, of the person with this number; empty for an unknown
    number."""
    return held_by([identity_number]).get(identity_number, [])


def held_by(identity_numbers: Sequence[str]) -> dict[str, list[Held]]:
    """The same of several persons, by number; who holds nothing is left out."""
    rows = (
        Coverage.objects.filter(person__identity_number__in=identity_numbers, live=True)
        .order_by("start", "insurance")
        .select_related(None)
        .annotate(number=F("person__identity_number"))
    )
    found: dict[str, list[Held]] = {}
    for row in rows:
        found.setdefault(row.number, []).append(
            Held(
                pk=row.pk,
                insurance=Insurance(row.insurance),
                capacity=Capacity(row.capacity),
                city=row.city,
                employer_id=row.employer_id,
                start=row.start,
                until=row.until,
            )
        )
    return found


def as_lines(holdings: Iterable[Held]) -> list[tuple[str, str]]:
    """The coverages as (label, value), the latest first; where there are none, one line that says
    so."""
    lines = [(str(INSURANCE_LABELS[one.insurance]), one.described()) for one in holdings]
    return lines[::-1] or [(_("参保关系"), _("无"))]


def insured_in(cities: Sequence[str]) -> Q:
    """Condition on persons: insured now or before in one of these cities. The staff of these cities
    may see their data."""
    return Q(Exists(Coverage.objects.filter(city__in=cities, person=OuterRef("pk"))))


def running(person: Person, month: Month) -> QuerySet[Coverage]:
    """The live coverages of a person that cover the month."""
    return (
        Coverage.objects.filter(runs_in(month), person=person, live=True)
        .select_related("employer")
        .order_by("insurance")
    )


def last_tier(coverage: Coverage) -> str:
    """The tier that the coverage has last, by its ``bases``; "" where it has none."""
    return max(coverage.bases.all(), key=lambda base: base.start).tier if coverage.bases.all() else ""


def city_of(person: Person) -> str:
    """The slug of the city of the person's latest coverage; "" where there is none."""
    latest = Coverage.objects.filter(person=person, live=True).order_by(
        F("until").desc(nulls_first=True), "-start"
    )
    return latest.values_list("city", flat=True).first() or ""


def relation_in(person: Person, city: str, month: Month) -> str:
    """How the person is insured in the city in the month: "employee" where an employer insures
    them, "other" where they insure themselves, "past" where they were before or will be; "" for
    never."""
    found = list(Coverage.objects.filter(person=person, city=city, live=True))
    now = {one.capacity for one in found if one.runs_in(month)}
    if Capacity.EMPLOYEE in now:
        return "employee"
    return "other" if now else "past" if found else ""


def insured_staff(employer: Employer, month: Month) -> QuerySet[Coverage]:
    """The live coverages of an employer's staff that cover the month."""
    return Coverage.objects.filter(runs_in(month), employer=employer, live=True).select_related("person")


def to_go_on(holdings: Iterable[Held], *, month: Month, capacity: Capacity) -> list[Held]:
    """Those of this capacity that cover the month or a later one."""
    return [one for one in holdings if one.capacity == capacity and one.runs_from(month)]
