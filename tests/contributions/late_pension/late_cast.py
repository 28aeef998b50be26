"""People past the retirement age, and the months that stand in their record."""

import datetime as dt
from typing import Any

from contributions.charges import brought_in
from contributions.models import Charge, ChargeStatus, Origin
from portal.accounts.models import User
from portal.accounts.roles import REVIEWER
from portal.hall import desk
from portal.hall.models import Case
from portal.people.models import Person
from portal.registers.models import HouseholdRecord, PensionKind, PensionRecord
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month, month_span
from tests.cast import Cast, cover, moment, person, staff

SHENZHEN = "shenzhen"
PENSION = Insurance.PENSION
NANSHAN, GUANGZHOU, CHANGSHA = "440305", "440106", "430102"


def old_man(born: str = "1953-06-10", place: str = NANSHAN, *, settled: str = "1990-05-01") -> User:
    """A man past sixty, with a login, registered at the place since then."""
    return _login(person("郭建国", place, born, 331, phone="13800000331"), place, settled)


def old_woman(born: str = "1966-03-10", place: str = NANSHAN, *, settled: str = "2005-05-01") -> User:
    """A woman past fifty, likewise."""
    return _login(person("林秀英", place, born, 342, phone="13800000342"), place, settled)


def _login(who: Person, place: str, settled: str) -> User:
    HouseholdRecord.objects.create(
        identity_number=who.identity_number,
        name=who.name,
        place_code=place,
        settled_on=dt.date.fromisoformat(settled),
    )
    return User.objects.create_person(who, password=None)


def draws(user: User, place: str = NANSHAN) -> None:
    """The register has a pension of the person's."""
    PensionRecord.objects.create(
        identity_number=of(user).identity_number,
        name=of(user).name,
        kind=PensionKind.EMPLOYEE,
        place_code=place,
        payer="深圳市社会保险基金管理局",
        retired_in=Month(2016, 1),
        since=Month(2016, 2),
        monthly_fen=300000,
    )


def of(user: User) -> Person:
    assert user.person is not None
    return user.person


def recorded(user: User, start: str, until: str) -> None:
    """Months of the city's old books."""
    brought_in.add(
        of(user),
        city=SHENZHEN,
        insurance=PENSION,
        origin=Origin.FORMER_NUMBER,
        what="旧记录",
        months=month_span(Month.parse(start), Month.parse(until)),
        wages={},
        key=f"{user.pk}/{start}",
        by=User.objects.system(),
        now=moment("2011-01-01"),
    )


def deferred(user: User, start: str, until: str) -> None:
    """Months that were paid past the retirement age; as rows stand in the register."""
    coverage = cover(of(user), PENSION, SHENZHEN, start, until, capacity=Capacity.DEFERRED, tier="60")
    Charge.objects.bulk_create(
        Charge(
            city=SHENZHEN,
            person=of(user),
            coverage=coverage,
            insurance=PENSION,
            capacity=Capacity.DEFERRED,
            month=month,
            base="4000",
            basis="60",
            amount_fen=80000,
            personal_fen=80000,
            employer_fen=0,
            account_fen=32000,
            policy="shenzhen/deferred_pension",
            policy_since="2018-01-01",
            status=ChargeStatus.PAID,
            due_on=month.last_day,
            created_at=moment("2018-01-01"),
        )
        for month in month_span(coverage.start, Month.parse(until))
    )


def confirmed(case: Case, cast: Cast, now: dt.datetime, **more: Any) -> Case:
    """The case as two members of staff do it at the window."""
    desk.propose_overruling(case, reason="户口簿、缴费记录", by=cast.shenzhen_reviewer, now=now, **more)
    second = User.objects.filter(username="shenzhen-2").first() or staff(
        "shenzhen-2", "黄静", SHENZHEN, REVIEWER
    )
    desk.decide(case, approve=True, by=second, now=now, overrule=True)
    case.refresh_from_db()
    return case
