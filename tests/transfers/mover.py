"""Someone who moves from Wuhan to Shenzhen, and the two agencies that see to it.

Li Qiang paid Wuhan's lowest pension tier for the twelve months of 2025: base 1,965.18 yuan, 393.04
yuan a month, of which 157.21 go to the account. Together that is wages of 23,582.16 yuan, 2,829.86
yuan of the pooled fund, and 1,886.52 yuan of the account.
"""

import datetime as dt
from collections.abc import Iterable

from contributions.audit.looking import audit
from contributions.charges import charging
from contributions.models import Charge, ChargeStatus
from enrollment.models import Coverage
from portal.accounts.models import User
from portal.accounts.roles import REVIEWER
from portal.people.models import Person
from portal.policy.book import book
from portal.shared.insurance import Insurance
from portal.shared.months import CHINA, Month, month_span
from tests.cast import cover, staff
from tests.contributions.flexible import paid_at_the_counter
from tests.filing import file
from transfers import agencies, releasing, steps
from transfers.machine import Status
from transfers.models import Direction, Release, Transfer

PENSION, MEDICAL = Insurance.PENSION, Insurance.MEDICAL

WAGES = {"2025": "23582.16"}
ACCOUNT_FEN = 188652
# With interest for 2025 (15,721 fen a month × 6.5 × 1.5 %: 1,533) and for 2026 until the release
# (190,185 × 10 or 11 months).
IN_NOVEMBER_FEN = ACCOUNT_FEN + 1533 + 2377
IN_DECEMBER_FEN = ACCOUNT_FEN + 1533 + 2615
POOLED_FEN = 282986


def paid(
    who: Person, city: str, start: str, until: str, *, insurance: Insurance = PENSION, tier: str = "60"
) -> Coverage:
    """Coverage of the months [start, until) as a flexible worker, charged and paid at the
    counter."""
    coverage = cover(who, insurance, city, start, until, tier=tier)
    pay(charge(who, city, start, until, insurance=insurance))
    return coverage


def charge(who: Person, city: str, start: str, until: str, *, insurance: Insurance = PENSION) -> list[Charge]:
    """Charges the months [start, until) of the city; this person's that are owed, oldest first."""
    for month in month_span(Month.parse(start), Month.parse(until)):
        at = dt.datetime.combine(month.first_day, dt.time(6), CHINA)
        charging.charge(city=city, month=month, by=User.objects.system(), now=at)
    return list(
        Charge.objects.filter(person=who, city=city, insurance=insurance, status=ChargeStatus.OWED).order_by(
            "month"
        )
    )


def pay(charges: Iterable[Charge]) -> None:
    for one in charges:
        at = dt.datetime.combine(one.month.last_day, dt.time(15), CHINA)
        paid_at_the_counter([one], now=at)


def moved_to(who: Person, city: str, start: str = "2026-11", *, insurance: Insurance = PENSION) -> Coverage:
    """Insured at the new place since ``start``."""
    tiers = {"shenzhen": {PENSION: "60", MEDICAL: "one"}}
    return cover(who, insurance, city, start, tier=tiers.get(city, {}).get(insurance, "60"))


def clerk_of(city: str) -> User:
    """Who works on transfers for the agency of a city."""
    name = f"transfers-{city}"
    names = {"ningbo": "冯洁", "wuhan": "秦峰", "wuxi": "蒋欣", "shenzhen": "沈岚"}
    return User.objects.filter(username=name).first() or staff(name, names[city], city, REVIEWER)


def second_clerk_of(city: str) -> User:
    """Another who works on transfers there."""
    name = f"transfers-{city}-2"
    return User.objects.filter(username=name).first() or staff(name, "何平", city, REVIEWER)


def proposed(transfer: Transfer, now: dt.datetime) -> Release:
    """The release, as one member of staff of the old place sees and proposes it."""
    by = second_clerk_of(transfer.from_city)
    seen = releasing.look_at_release(transfer, by=by, now=now)
    return releasing.propose_release(transfer, seen=seen, by=by, now=now)


def released(transfer: Transfer, now: dt.datetime) -> Transfer:
    """Proposed by one and approved by another."""
    proposed(transfer, now)
    return releasing.release(transfer, by=clerk_of(transfer.from_city), now=now)


def applied(
    login: User,
    now: dt.datetime,
    *,
    old: str = "wuhan",
    new: str = "shenzhen",
    insurance: Insurance = PENSION,
) -> Transfer:
    """Applied for at the old place, through the desk."""
    case = file(login, old, f"{insurance}-out", {"to": new}, now)
    return Transfer.objects.get(case=case)


def begun(
    who: Person,
    by: User,
    now: dt.datetime,
    *,
    old: str = "wuhan",
    new: str = "shenzhen",
    insurance: Insurance = PENSION,
) -> Transfer:
    """Begun without a case, as another agency's letter would."""
    return steps.apply(
        person=who,
        insurance=insurance,
        old=agencies.of_city(old),
        new=agencies.of_city(new),
        direction=Direction.OUT,
        case=None,
        by=by,
        now=now,
    )


WALK = (
    (Status.ACCEPTED, steps.accept),
    (Status.LETTER_SENT, steps.send_letter),
    (Status.RELEASED, releasing.release),
    (Status.RECEIVED, steps.receive),
    (Status.MERGED, steps.merge),
)


def walked(transfer: Transfer, to: Status, now: dt.datetime) -> Transfer:
    """The transfer, brought to a station by whoever acts at each."""
    for status, step in WALK:
        if transfer.status == to:
            break
        if status in _later(Status(transfer.status)):
            if status == Status.RELEASED and transfer.from_city:
                proposed(transfer, now)
            transfer = step(transfer, by=clerk_of(transfer.acting_city), now=now)
    return transfer


def _later(status: Status) -> tuple[Status, ...]:
    line = (Status.APPLIED, *(one for one, _step in WALK))
    return line[line.index(status) + 1 :]


def offences() -> list[str]:
    """What the audit finds; the books and the record are whole where it is empty."""
    return [example for one in audit() for example in one.examples]


def city_title(slug: str) -> str:
    return book().city(slug).title
