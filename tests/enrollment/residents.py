"""What the tests of residents' services share: a person with a household in Shenzhen, and what they
paid."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from contributions.charges import charging
from contributions.models import Charge, ChargeStatus
from enrollment.models import Coverage
from portal.accounts.models import User
from portal.people.models import Person
from portal.registers.models import HouseholdRecord, PensionKind, PensionRecord
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import CHINA, Month
from tests.cast import NOW, cover, person

CITY = "shenzhen"
PENSION, MEDICAL = Insurance.PENSION, Insurance.MEDICAL
ACCOUNT = "6217990000000000014"


def registered(who: Person, place: str = "440305", **more: Any) -> HouseholdRecord:
    """Their entry in the household register."""
    return HouseholdRecord.objects.create(
        identity_number=who.identity_number, name=who.name, place_code=place, **more
    )


def settler(born: str, order: int, **more: Any) -> User:
    """The login of somebody born on that day in Changsha whose household is in Shenzhen; even: a
    woman."""
    who = person("黄德明", "430102", born, order, household="440305")
    registered(who, **more)
    return User.objects.create_person(who, password=None)


def resident(who: Person, insurance: Insurance, tier: str, start: str, until: str | None = None) -> Coverage:
    """Their coverage as a resident of Shenzhen."""
    return cover(who, insurance, CITY, start, until, capacity=Capacity.RESIDENT, tier=tier)


def draws(who: Person, kind: PensionKind = PensionKind.EMPLOYEE, **more: Any) -> PensionRecord:
    """Their entry in the register of those who draw a pension."""
    values = {
        "place_code": "430102",
        "payer": "长沙市社会保险经办机构",
        "retired_in": Month(2018, 3),
        "since": Month(2018, 4),
        "monthly_fen": 300_000,
        **more,
    }
    return PensionRecord.objects.create(
        identity_number=who.identity_number, name=who.name, kind=kind, **values
    )


def charge(month: str) -> None:
    """The city's charging of the month, early on its first day."""
    first = Month.parse(month)
    now = dt.datetime.combine(first.first_day, dt.time(6), CHINA)
    charging.charge(city=CITY, month=first, by=User.objects.system(), now=now)


def paid(coverage: Coverage, month: str) -> None:
    """The month, or the year that it begins, is charged and paid."""
    charge(month)
    month_paid = Charge.objects.filter(coverage=coverage, month=Month.parse(month), live=True)
    assert month_paid.update(status=ChargeStatus.PAID) == 1


def years_paid(coverage: Coverage, years: Iterable[int]) -> None:
    """These years stand paid, each in its January."""
    Charge.objects.bulk_create(
        Charge(
            person=coverage.person,
            coverage=coverage,
            city=CITY,
            insurance=coverage.insurance,
            capacity=coverage.capacity,
            month=Month(year, 1),
            base="1290",
            amount_fen=120_000,
            personal_fen=120_000,
            employer_fen=0,
            account_fen=0,
            policy="shenzhen/resident_pension",
            policy_since=dt.date(2020, 1, 1),
            basis="1200",
            created_at=NOW,
            due_on=dt.date(year, 1, 31),
            status=ChargeStatus.PAID,
        )
        for year in years
    )


def sums() -> list[tuple[str, int, int]]:
    """Month, the person's and the public share of what is owed, fen."""
    return [
        (str(one.month), one.personal_fen, one.public_share.amount_fen if hasattr(one, "public_share") else 0)
        for one in Charge.objects.filter(live=True, status=ChargeStatus.OWED).order_by("month")
    ]
