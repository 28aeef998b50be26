"""What the book of policy holds: dated figures with their references, cities and their offers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from portal.policy.files import NATIONAL, Mode
from portal.policy.passages import Passage, Value, said_of

# The standings of figures that come from no document: examples that differ by city, and our own
# conclusions.
_EXAMPLES = frozenset({"local"})
_ASSUMPTIONS = frozenset({"memory", "ours"})

# Shown as 依据 where no official rule is known yet.
UNKNOWN_RULE = "待核"


class PolicyMissing(LookupError):
    """There is no such figure, or none was in force on that day."""


class UnknownCity(LookupError):
    """There is no city of that slug."""


@dataclass(frozen=True, slots=True)
class Rule:
    """An official rule: its title, and where it has them its number, its article and the day from
    which it is in force."""

    title: str
    number: str = ""
    article: str = ""
    since: dt.date | None = None

    @property
    def words(self) -> str:
        """《…》（国办发〔2009〕66号）第四条"""
        number = f"（{self.number}）" if self.number else ""
        return f"《{self.title}》{number}{self.article}"


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a figure comes from, and how well it is known.

    ``title`` and ``number`` are of the text where it was read, which is for staff; ``rule`` is the
    official rule behind it, None where that is not known: only ``basis`` is shown to people.
    ``standing`` is seed, public, local, memory, ours or derived; ``since_standing`` says the same
    of the date alone, where the date is known less well than the figure.
    """

    title: str
    standing: str
    note: str = ""
    number: str = ""
    since_standing: str = ""
    rule: Rule | None = None

    @property
    def basis(self) -> str:
        """What people are shown as 依据: the official rule, or that it is still to be looked up."""
        return self.rule.words if self.rule else UNKNOWN_RULE

    @property
    def source(self) -> str:
        """Where it was read, for staff: title, number and note."""
        number = f"（{self.number}）" if self.number else ""
        return f"{self.title}{number}" + (f"。{self.note}" if self.note else "")

    @property
    def illustrative(self) -> bool:
        """Whether the screen must say that the figure, or its date, is not from a document."""
        return bool(self.mark)

    @property
    def procedure_mark(self) -> str:
        """What the screen says beside what is described, its date apart: 示例值, 推定值, or
        nothing."""
        return "示例值" if self.standing in _EXAMPLES else "推定值" if self.standing in _ASSUMPTIONS else ""

    @property
    def mark(self) -> str:
        """What the screen says beside the figure: 示例值, 推定值, 起始日期为推定, or nothing."""
        if self.procedure_mark:
            return self.procedure_mark
        if self.since_standing in _EXAMPLES | _ASSUMPTIONS:
            return "起始日期为推定"
        return ""


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """One set of figures, in force from ``since`` until the next one."""

    path: str  # "wuhan/flexible_pension"
    since: dt.date
    values: Mapping[str, Any]
    reference: Reference

    def age_years(self, on: dt.date) -> int:
        """Full years since the figures came into force, so that the screen can say how old they
        are."""
        years = on.year - self.since.year
        return years - ((on.month, on.day) < (self.since.month, self.since.day))

    def remark(self, on: dt.date) -> str:
        """What the screen says beside an amount by these figures: 起始日期为推定，已执行 13 年; ""
        where nothing is to say."""
        years = self.age_years(on)
        age = f"已执行 {years} 年" if years > 0 else ""
        return "，".join(said for said in (self.reference.mark, age) if said)


@dataclass(frozen=True, slots=True)
class Picture:
    """What a picture must be: JPEG, of just this width and height (pixels), and of at least and at
    most so many kilobytes (of 1024 bytes)."""

    width: int
    height: int
    least_kilobytes: int
    most_kilobytes: int


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper or picture that an offer asks for.

    ``required_when`` names a fact that the service establishes (such as ``first-medical``); without
    it, ``required`` holds always. With ``upload`` it is handed in online, else brought to the
    window.
    """

    code: str
    title: str
    kind: str  # photo, scan
    upload: bool
    required: bool = True
    required_when: str = ""
    note: str = ""
    picture: Picture | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Offer:
    """A service as one city offers it.

    ``days`` are the working days promised for a decision, None where it is at once. ``assumed``
    names what no document gives: ``days``, ``papers``, ``start_months.pension``. Read ``options``
    through ``portal.policy.terms``.
    """

    code: str
    city: str  # slug
    title: str
    mode: Mode
    since: dt.date
    reference: Reference
    days: int | None
    search_names: tuple[str, ...]
    notice: tuple[Passage, ...]
    papers: tuple[Paper, ...]
    papers_by_day: int | None
    assumed: tuple[str, ...]
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Elsewhere:
    """A service that the city has, but not in this hall: where it is done, with what papers, by
    which document."""

    code: str
    city: str  # slug
    title: str
    audience: str  # person, employer
    where: str
    phone: str
    site: str
    search_names: tuple[str, ...]
    notice: tuple[Passage, ...]
    papers: tuple[str, ...]
    reference: Reference


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What people of the city ask, and the answer in sentences."""

    code: str
    city: str  # slug
    question: str
    answer: tuple[Passage, ...]
    search_names: tuple[str, ...]
    reference: Reference


@dataclass(frozen=True, slots=True)
class District:
    code: str  # GB/T 2260
    title: str


@dataclass(frozen=True, slots=True, eq=False)
class City:
    """A city of the hall: its name, its agency (as on the seal), its districts, its offers, what
    is done elsewhere, what its people ask, and in which everyday words they say what they mean
    (``everyday``: by a service's code, or ``page:`` and the page's name)."""

    slug: str
    code: str  # GB/T 2260
    order: int
    title: str
    full_title: str
    province: str
    agency: str
    hotline: str
    districts: tuple[District, ...]
    reference: Reference
    offers: Mapping[str, Offer]
    elsewhere: Mapping[str, Elsewhere]
    questions: Mapping[str, Question]
    everyday: Mapping[str, tuple[str, ...]]

    @property
    def places(self) -> tuple[District, ...]:
        """Where one can be insured: 市本级, then the districts."""
        return (District(self.code, "市本级"), *self.districts)

    def has_district(self, code: str) -> bool:
        return any(district.code == code for district in self.districts)


class Book:
    """All policy data, read and checked; never changes."""

    def __init__(self, cities: tuple[City, ...], leaves: Mapping[tuple[str, str], tuple[Leaf, ...]]) -> None:
        self._cities = MappingProxyType(
            {city.slug: city for city in sorted(cities, key=lambda city: city.order)}
        )
        self._leaves = MappingProxyType(dict(leaves))

    @property
    def cities(self) -> tuple[City, ...]:
        """The cities in the order in which the hall shows them."""
        return tuple(self._cities.values())

    def city(self, slug: str) -> City:
        """The city of that slug. Raises UnknownCity."""
        try:
            return self._cities[slug]
        except KeyError:
            raise UnknownCity(slug) from None

    def leaf(self, scope: str, name: str, on: dt.date) -> Leaf:
        """The figures in force on a day: ``leaf("wuhan", "flexible_pension", day)``. Raises
        PolicyMissing."""
        in_force = [leaf for leaf in self._leaves.get((scope, name), ()) if leaf.since <= on]
        if not in_force:
            raise PolicyMissing(f"{scope}/{name} on {on}")
        return in_force[-1]

    def history(self, scope: str, name: str) -> tuple[Leaf, ...]:
        """All figures of that name, oldest first. Raises PolicyMissing where there never were
        any."""
        try:
            return self._leaves[scope, name]
        except KeyError:
            raise PolicyMissing(f"{scope}/{name}") from None

    def filled(self, passage: Passage, *, city: str, on: dt.date) -> Passage:
        """The passage with the figures of that day in it; with the first there ever were where none
        was in force yet."""
        figures = {}
        for value in passage.values():
            scope, name, keys = figure_of(value, city)
            try:
                leaf = self.leaf(scope, name, on)
            except PolicyMissing:
                leaf = self.history(scope, name)[0]
            figures[value] = said_of(value, within(leaf.values, keys))
        return passage.filled(figures, on)

    def names(self, scope: str) -> tuple[str, ...]:
        """The names of the figures of a city, or of the nation."""
        return tuple(name for place, name in self._leaves if place == scope)


def within(values: Any, keys: Iterable[str]) -> Any:
    """The value under these nested keys; None where there is none."""
    for key in keys:
        values = values.get(key) if isinstance(values, Mapping) else None
    return values


def figure_of(value: Value, city: str) -> tuple[str, str, tuple[str, ...]]:
    """The place of a figure: its scope (a city or the nation), its file, its keys in the file."""
    scope, name, *keys = (*value.path, "") if value.path[0] == NATIONAL else (city, *value.path)
    return scope, name, tuple(key for key in keys if key)
