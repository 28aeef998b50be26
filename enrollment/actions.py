"""Opening and ending coverage, setting bases and accounts. Each function runs inside its caller's
transaction; the database refuses overlapping months."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db.models import Q

from enrollment import consequences
from enrollment.models import ContributionBase, Coverage
from portal.accounts.models import User
from portal.columns import overlapping
from portal.hall.models import Case
from portal.people.models import BankAccount, Employer, Person
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month, Period


def open_coverage(
    *,
    person: Person,
    insurance: Insurance,
    capacity: Capacity,
    city: str,
    start: Month,
    until: Month | None = None,
    now: datetime,
    employer: Employer | None = None,
    district: str = "",
    tier: str = "",
    wage_fen: int | None = None,
    case: Case | None = None,
) -> Coverage:
    """Insures a person over [start, until), or from ``start`` on, at a tier or a declared wage
    (fen).

    Raises IntegrityError by ``no_two_live_coverages_share_a_month`` where the person is already
    insured in one of the months.
    """
    coverage = Coverage.objects.create(
        person=person,
        insurance=insurance,
        capacity=capacity,
        city=city,
        district=district,
        employer=employer,
        start=start,
        until=until,
        opened_by=case,
        created_at=now,
    )
    ContributionBase.objects.create(
        coverage=coverage, start=start, until=until, tier=tier, wage_fen=wage_fen, set_by=case
    )
    return coverage


def set_base(
    coverage: Coverage,
    *,
    start: Month,
    until: Month | None = None,
    tier: str = "",
    wage_fen: int | None = None,
    case: Case | None = None,
) -> None:
    """Makes a tier or a declared wage (fen) the coverage's base over [start, until), or to the end
    of the coverage where ``until`` is None. Other months keep their base. Doing it twice changes
    nothing.

    Called under the subject's lock. Raises ValueError where one of the months is not covered.
    """
    end = coverage.until if until is None else until
    if start < coverage.start or (coverage.until and (end is None or end > coverage.until)):
        raise ValueError(f"[{start}, {until}) is not covered by {coverage}")
    if end is not None and end <= start:
        raise ValueError(f"no month in [{start}, {until})")
    bases = ContributionBase.objects.filter(coverage=coverage)
    for base in bases.filter(overlapping(Period(start, end))).order_by("start"):
        if (
            (base.tier, base.wage_fen) == (tier, wage_fen)
            and base.start <= start
            and (base.until is None or (end is not None and end <= base.until))
        ):
            return
        former = (base.start, base.until)
        base.delete()
        if former[0] < start:
            _lay(base, former[0], start)
        if end is not None and (former[1] is None or former[1] > end):
            _lay(base, end, former[1])
    # Consecutive months at the same base are kept as one row.
    at_same_base = bases.filter(tier=tier, wage_fen=wage_fen)
    base_before = at_same_base.filter(until=start).first()
    base_after = at_same_base.filter(start=end).first() if end else None
    if base_after:
        base_after.delete()
        end = base_after.until
    if base_before:
        base_before.until = end
        base_before.save(update_fields=["until"])
    else:
        _lay(ContributionBase(coverage=coverage, tier=tier, wage_fen=wage_fen, set_by=case), start, end)


def _lay(base: ContributionBase, start: Month, until: Month | None) -> None:
    ContributionBase.objects.create(
        coverage_id=base.coverage_id,
        start=start,
        until=until,
        tier=base.tier,
        wage_fen=base.wage_fen,
        set_by_id=base.set_by_id,
    )


def close_coverage(
    coverage: Coverage, *, until: Month, by: User, now: datetime, case: Case | None = None
) -> None:
    """Ends a coverage before ``until``, the first month without it; a coverage without any month
    left is undone.

    Called under the subject's lock, after ``consequences.stop_barriers`` was found empty.
    """
    coverage.closed_by = case
    coverage.save(update_fields=["closed_by"])
    close_coverages([coverage], until=until, by=by, now=now)
    coverage.live, coverage.until = _after(coverage, until)


def close_coverages(coverages: Sequence[Coverage], *, until: Month, by: User, now: datetime) -> None:
    """Ends coverages of one city before ``until``; those without any month left are undone. The
    number of queries does not grow with them.

    Called where nobody else can end them, after ``consequences.stop_barriers`` was found empty.
    """
    ended = [one.pk for one in coverages if _after(one, until)[0]]
    undone = [one.pk for one in coverages if not _after(one, until)[0]]
    Coverage.objects.filter(pk__in=undone).update(live=False)
    Coverage.objects.filter(pk__in=ended).update(until=until)
    bases = ContributionBase.objects.filter(coverage__in=ended)
    bases.filter(start__gte=until).delete()
    bases.filter(Q(until__isnull=True) | Q(until__gt=until)).update(until=until)
    consequences.stopped(coverages, until, by=by, now=now)


def _after(coverage: Coverage, until: Month) -> tuple[bool, Month | None]:
    """Whether a coverage that ends before ``until`` still stands, and its end."""
    return (True, until) if until > coverage.start else (False, coverage.until)


def begin_anew(tiers: Mapping[Coverage, str], *, start: Month, now: datetime) -> list[Coverage]:
    """Opens coverages as these were, each at its tier, from ``start`` to the ends that they had.
    Two statements."""
    anew = [
        Coverage(
            person_id=one.person_id,
            insurance=one.insurance,
            capacity=one.capacity,
            city=one.city,
            district=one.district,
            start=start,
            until=one.until,
            opened_by_id=one.opened_by_id,
            created_at=now,
        )
        for one in tiers
    ]
    Coverage.objects.bulk_create(anew)
    ContributionBase.objects.bulk_create(
        ContributionBase(coverage=one, start=start, until=one.until, tier=tier, set_by_id=one.opened_by_id)
        for one, tier in zip(anew, tiers.values(), strict=True)
    )
    return anew


def draw_on(
    *, person: Person, city: str, bank: str, number: str, start: Month, holder: str = ""
) -> BankAccount:
    """Sets the account that the city's monthly debit draws on from ``start``, of the person or of
    ``holder``; the former account ends there.

    An account that would have begun in the same month or later is deleted.
    """
    BankAccount.objects.filter(person=person, city=city, start__gte=start).delete()
    BankAccount.objects.filter(person=person, city=city, until__isnull=True).update(until=start)
    return BankAccount.objects.create(
        person=person, city=city, bank=bank, number=number, holder=holder or person.name, start=start
    )
