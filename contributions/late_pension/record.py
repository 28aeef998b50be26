"""What somebody past the retirement age has paid towards a pension, and whether a city takes what
is missing (延缴、趸缴)."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from contributions.charges import brought_in
from contributions.models import Charge, ChargeStatus, Origin
from portal.people.models import Person
from portal.policy.book import book
from portal.policy.retirement import Retirement, RetirementCategory, minimum_months, retirement
from portal.policy.terms.late_pension import LateTerms
from portal.shared.ages import has_reached
from portal.shared.identity import Sex
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month, runs, today_in_china

INSURANCE = Insurance.PENSION


@dataclass(frozen=True, slots=True)
class Record:
    """The months of the employees' pension that count in a city, and how they were paid.

    ``here`` were paid in the city, or in its old records; ``along`` came from elsewhere, of which
    ``in_province`` from the same province; ``left`` are those still elsewhere, by the city's title.
    ``deferred`` of those here were paid past the retirement age, ``deemed`` count without payment.
    """

    retires: Retirement
    needed: int
    here: tuple[Month, ...]
    along: int
    in_province: int
    earliest: Month | None
    deferred: int
    deemed: int
    left: tuple[tuple[str, int], ...]
    last_here: bool

    @property
    def counted(self) -> int:
        return len(self.here) + self.along + self.deemed

    @property
    def missing(self) -> int:
        return max(0, self.needed - self.counted)

    @property
    def before(self) -> tuple[Month, ...]:
        """The months here before the retirement age."""
        return tuple(month for month in self.here if month < self.retires.month)

    @property
    def in_row(self) -> int:
        """The most months here, before that age, without a gap."""
        return max((until - start for start, until in runs(self.before)), default=0)

    @property
    def at_retirement(self) -> int:
        """The months counted when the age was reached."""
        return len(self.before) + self.along + self.deemed

    def frozen(self) -> dict[str, Any]:
        return {
            "retires": str(self.retires.month),
            "needed": self.needed,
            "here": len(self.here),
            "along": self.along,
            "deemed": self.deemed,
            "deferred": self.deferred,
            "missing": self.missing,
            "left": [list(one) for one in self.left],
        }

    def lines(self) -> list[tuple[str, str]]:
        """The record in words."""
        months = _("{count} 个月")
        lines = [
            (_("达到法定退休年龄"), f"{self.retires.month.zh}（{self.retires.zh}）"),
            (_("最低缴费年限"), months.format(count=self.needed)),
            (_("在本市缴费"), months.format(count=len(self.here))),
        ]
        for label, count in ((_("由外地转入"), self.along), (_("视同缴费（须核对档案）"), self.deemed)):
            if count:
                lines.append((label, months.format(count=count)))
        if self.deferred:
            lines.append((_("其中退休年龄以后缴费"), months.format(count=self.deferred)))
        return [*lines, (_("还缺"), months.format(count=self.missing))]


def category_of(person: Person, told: str) -> RetirementCategory:
    """The group by whose age the person retires: men as all men, women as they say."""
    if person.sex == Sex.MALE:
        return RetirementCategory.MAN
    return RetirementCategory.WOMAN_50 if told == RetirementCategory.WOMAN_50 else RetirementCategory.WOMAN_55


def read(person: Person, *, city: str, category: RetirementCategory, deemed: int, now: dt.datetime) -> Record:
    """The record as it stands. The number of queries does not grow with the months."""
    today, place = today_in_china(now), book().city(city)
    born = Month.of(person.archive_birth_date or person.birth_date)
    retires = retirement(book(), born=born, category=category, on=today)
    gone = brought_in.gone_months(person, insurance=INSURANCE)
    paid = [
        row
        for row in Charge.objects.filter(
            person=person, insurance=INSURANCE, live=True, status=ChargeStatus.PAID
        )
        .exclude(capacity=Capacity.RESIDENT)
        .values_list("city", "month", "capacity")
        if row[1] not in gone
    ]
    came = list(brought_in.standing(person, insurance=INSURANCE, cities=[city]).prefetch_related("periods"))
    from_outside = [row for row in came if row.origin == Origin.TRANSFER]
    own = brought_in.months_brought_in([row for row in came if row.origin != Origin.TRANSFER])
    here = own | {month for where, month, _capacity in paid if where == city}
    left: dict[str, int] = {}
    for where, month, _capacity in paid:
        if where != city and month not in here:
            left[where] = left.get(where, 0) + 1
    latest_elsewhere = max((month for where, month, _capacity in paid if where != city), default=None)
    return Record(
        retires=retires,
        needed=minimum_months(book(), year=retires.month.year),
        here=tuple(sorted(here)),
        along=sum(row.months for row in from_outside),
        in_province=sum(row.months for row in from_outside if row.from_place.startswith(place.province)),
        earliest=min((*here, *(row.start for row in from_outside)), default=None),
        deferred=sum(1 for where, _month, kind in paid if where == city and kind == Capacity.DEFERRED),
        deemed=deemed,
        left=tuple((book().city(where).title, count) for where, count in sorted(left.items())),
        last_here=latest_elsewhere is None or (bool(here) and max(here) > latest_elsewhere),
    )


def is_taken_here(terms: LateTerms, record: Record, *, household: str, settled: Month | None) -> bool:
    """Whether the city is the place of the pension: by the household's place, when it was settled,
    and the months here."""
    if not record.last_here:
        return False
    if household == "city":
        in_time = settled is not None and settled < record.retires.month
        return in_time and len(record.before) >= terms.months_here
    if household == "province":
        return record.in_row >= terms.province_months_in_row
    return len(record.here) + record.in_province >= terms.elsewhere_months_in_province


def what_lacks(
    terms: LateTerms, record: Record, person: Person, *, ground: str, household: str, on: dt.date
) -> list[str]:
    """What a ground for paying in one sum still lacks, in words; nothing where it holds."""
    rule = terms.grounds[ground]
    lacks: list[str] = []
    if "households" in rule and household not in rule["households"]:
        lacks.append(_("户籍不在本省"))
    if ground == "aged":
        years = rule["man" if person.sex == Sex.MALE else "woman"]
        if not has_reached(person.archive_birth_date or person.birth_date, years, on=on):
            lacks.append(_("未满 {years} 周岁").format(years=years))
        return lacks
    first = Month.of(rule["insured_before"])
    if record.earliest is None or record.earliest >= first:
        lacks.append(_("{month}以前没有参保缴费").format(month=first.zh))
    if record.at_retirement < rule.get("months", 0):
        lacks.append(
            _("达到退休年龄时缴费 {months} 个月，未满 {wanted} 个月").format(
                months=record.at_retirement, wanted=rule["months"]
            )
        )
    if record.deferred < rule["deferred_months"]:
        lacks.append(
            _("延缴 {months} 个月，未满 {wanted} 个月").format(
                months=record.deferred, wanted=rule["deferred_months"]
            )
        )
    return lacks


def months_ahead(first: Month, count: int, taken: Iterable[Month]) -> tuple[Month, ...]:
    """So many months from the first on, without those that are taken."""
    busy, months = set(taken), list[Month]()
    month = first
    while len(months) < count:
        if month not in busy:
            months.append(month)
        month = month + 1
    return tuple(months)
