"""The book of policy: what a figure was on a day, by which document; the cities, and what each offers.

Files live under ``data``: one folder for each city and one for the nation. A file of figures is dated::

    # data/wuxi/flexible_pension.yaml
    values:
      "2023-01-01": {floor: "4494", ceiling: "22470", …}
    references:
      "2023-01-01": {title: …, standing: seed}

The latest value on or before a day is in force on it, until another follows. Everything is read and checked
once, at start: an unknown key, a float, a value without its reference stops the program with PolicyError.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from portal.policy.files import (
    CITY,
    CITY_FILES,
    ELSEWHERE,
    MODE_LABELS,
    NATIONAL,
    NATIONAL_FILES,
    OFFER,
    REFERENCE,
    RULES,
    Mode,
)
from portal.policy.passages import Passage, Value, said_of
from portal.policy.schema import SLUG, Day, Kind, PolicyError, Where
from portal.shared.insurance import Capacity

__all__ = [
    "DATA",
    "MODE_LABELS",
    "NATIONAL",
    "Book",
    "City",
    "District",
    "Elsewhere",
    "Leaf",
    "Mode",
    "Offer",
    "Paper",
    "PolicyError",
    "PolicyMissing",
    "Reference",
    "Rule",
    "UnknownCity",
    "book",
    "load_book",
]

DATA = Path(__file__).parent / "data"

# What we do not have from a document: example figures that differ by city, and conclusions of our own.
_EXAMPLES = frozenset({"local"})
_ASSUMPTIONS = frozenset({"memory", "ours"})

# The nation's file of official rules, which is no file of figures.
_RULES = "rules"


# Said as 依据 where no official rule is known yet.
UNKNOWN_RULE = "待核"


class PolicyMissing(LookupError):
    """There is no such figure, or none was in force on that day."""


class UnknownCity(LookupError):
    """There is no city of that slug."""


@dataclass(frozen=True, slots=True)
class Rule:
    """An official rule: its title, and where it has them its number, its article and the day from which it is in force."""

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

    ``title`` and ``number`` are of the text where it was read, which is for staff; ``rule`` is the official rule behind it,
    None where that is not known: only ``basis`` is shown to people. ``standing`` is seed, public, local, memory, ours or
    derived; ``since_standing`` says the same of the date alone, where the date is known less well than the figure.
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
        """What the screen says beside what is described, its date apart: 示例值, 推定值, or nothing."""
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
        """Full years since the figures came into force, so that the screen can say how old they are."""
        years = on.year - self.since.year
        return years - ((on.month, on.day) < (self.since.month, self.since.day))

    def remark(self, on: dt.date) -> str:
        """What the screen says beside an amount by these figures: 起始日期为推定，已执行 13 年; "" where nothing is to say."""
        years = self.age_years(on)
        age = f"已执行 {years} 年" if years > 0 else ""
        return "，".join(said for said in (self.reference.mark, age) if said)


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper or picture that an offer asks for.

    ``required_when`` names a fact that the service establishes (such as ``first-medical``); without it,
    ``required`` holds always. With ``upload`` it is handed in online, else brought to the window.
    """

    code: str
    title: str
    kind: str  # photo, scan
    upload: bool
    required: bool = True
    required_when: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Offer:
    """A service as one city offers it.

    ``days`` are the working days promised for a decision, None where it is at once. ``assumed`` names what no
    document gives: ``days``, ``papers``, ``start_months.pension``. Read ``options`` through
    ``portal.policy.terms``.
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
    """A service that the city has, but not in this hall: where it is done, with what papers, by which document."""

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


@dataclass(frozen=True, slots=True)
class District:
    code: str  # GB/T 2260
    title: str


@dataclass(frozen=True, slots=True, eq=False)
class City:
    """A city of the hall: its name, its agency (as on the seal), its districts, its offers, and what is done elsewhere."""

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
        """The figures in force on a day: ``leaf("wuhan", "flexible_pension", day)``. Raises PolicyMissing."""
        in_force = [leaf for leaf in self._leaves.get((scope, name), ()) if leaf.since <= on]
        if not in_force:
            raise PolicyMissing(f"{scope}/{name} on {on}")
        return in_force[-1]

    def history(self, scope: str, name: str) -> tuple[Leaf, ...]:
        """All figures of that name, oldest first. Raises PolicyMissing where there never were any."""
        try:
            return self._leaves[scope, name]
        except KeyError:
            raise PolicyMissing(f"{scope}/{name}") from None

    def filled(self, passage: Passage, *, city: str, on: dt.date) -> Passage:
        """The passage with the figures of that day in it; with the first there ever were where none was in force yet."""
        known = {}
        for value in passage.values():
            scope, name, keys = _figure_of(value, city)
            try:
                leaf = self.leaf(scope, name, on)
            except PolicyMissing:
                leaf = self.history(scope, name)[0]
            known[value] = said_of(value, _within(leaf.values, keys))
        return passage.filled(known, on)

    def names(self, scope: str) -> tuple[str, ...]:
        """The names of the figures of a city, or of the nation."""
        return tuple(name for place, name in self._leaves if place == scope)


@cache
def book() -> Book:
    """The book of this installation, read once."""
    return load_book()


def load_book(path: Path = DATA) -> Book:
    """Read and check all files under a folder. Raises PolicyError."""
    cities: list[City] = []
    leaves: dict[tuple[str, str], tuple[Leaf, ...]] = {}
    rules = _read_rules(path / NATIONAL / f"{_RULES}.yaml")
    for folder in sorted(path.iterdir()):
        if not folder.is_dir():
            raise PolicyError("only folders stand here", file=folder.name)
        files = {file.stem: file for file in sorted(folder.iterdir())}
        if folder.name != NATIONAL:
            cities.append(_read_city(folder, rules))
        kinds = NATIONAL_FILES if folder.name == NATIONAL else CITY_FILES
        for name, file in files.items():
            if name in ((_RULES,) if folder.name == NATIONAL else ("city", "offers", "elsewhere")):
                continue
            if name not in kinds or file.suffix != ".yaml":
                raise PolicyError("unknown file", file=f"{folder.name}/{file.name}")
            leaves[folder.name, name] = _read_leaves(file, f"{folder.name}/{name}", kinds[name], rules)
    for city in cities:
        _check_proofs(city, leaves)
    for key in ("slug", "code", "order", "title"):
        seen = [getattr(city, key) for city in cities]
        if len(set(seen)) < len(seen):
            raise PolicyError(f"two cities have the same {key}", file="city.yaml", key=key)
    for city in cities:
        for where, passage in _passages(city):
            _check_passage(passage, city, leaves, where)
        _expect_account(city.slug, leaves)
    return Book(tuple(cities), leaves)


def _passages(city: City) -> Iterator[tuple[Where, Passage]]:
    """Every sentence of the city's files that can hold references, and where it stands."""
    for file, holders in (("offers", city.offers), ("elsewhere", city.elsewhere)):
        for code, holder in holders.items():
            for number, passage in enumerate(holder.notice, 1):
                yield Where(f"{city.slug}/{file}.yaml").at(code).at("notice").at(number), passage


def _check_passage(
    passage: Passage, city: City, leaves: Mapping[tuple[str, str], tuple[Leaf, ...]], where: Where
) -> None:
    """Refuses what a sentence names and the city does not have. Which pages there are, the hall checks."""
    for link in passage.links():
        if not link.page and link.target not in city.offers and link.target not in city.elsewhere:
            raise where.error(f"the city neither offers {link.target} nor says where it is done")
    for value in passage.values():
        scope, name, keys = _figure_of(value, city.slug)
        if not leaves.get((scope, name)):
            raise where.error(f"there are no figures {scope}/{name}")
        for leaf in leaves[scope, name]:
            try:
                said_of(value, _within(leaf.values, keys))
            except ValueError:
                what = ".".join(keys)
                raise where.error(f"{scope}/{name} of {leaf.since} has no {what} for a sentence") from None


def _within(values: Any, keys: Iterable[str]) -> Any:
    """What stands under these keys, one within the other; None where nothing does."""
    for key in keys:
        values = values.get(key) if isinstance(values, Mapping) else None
    return values


def _figure_of(value: Value, city: str) -> tuple[str, str, tuple[str, ...]]:
    """Where the figure stands: the city or the nation, the file, the keys in it."""
    scope, name, *keys = (*value.path, "") if value.path[0] == NATIONAL else (city, *value.path)
    return scope, name, tuple(key for key in keys if key)


def _expect_account(city: str, leaves: Mapping[tuple[str, str], tuple[Leaf, ...]]) -> None:
    """Employers are told to transfer what they owe: where a city charges them, it says to which account, from the first day."""
    charged = [
        leaf.since for leaf in leaves.get((city, "charging"), ()) if Capacity.EMPLOYEE in leaf.values["days"]
    ]
    account = leaves.get((city, "transfer_account"), ())
    if charged and not (account and account[0].since <= charged[0]):
        raise PolicyError(
            f"employers are charged from {charged[0]} on, and it is not said to which account they pay",
            file=f"{city}/transfer_account.yaml",
        )


def _check_proofs(city: City, leaves: Mapping[tuple[str, str], tuple[Leaf, ...]]) -> None:
    """An agency certifies what it runs, and nothing of what another does: that would be a statement about nothing."""
    elsewhere = {
        entry["insurance"]
        for leaf in leaves.get((city.slug, "run_elsewhere"), ())
        for entry in leaf.values["asked"]
    }
    for offer in city.offers.values():
        for insurance in offer.options.get("proof", {}).get("insurances", ()):
            if insurance in elsewhere:
                where = Where(f"{city.slug}/offers.yaml").at(offer.code).at("proof")
                raise where.error(f"{insurance} is run elsewhere (run_elsewhere.yaml)")


def _read_rules(file: Path) -> Mapping[str, Rule]:
    where = Where(f"{NATIONAL}/{_RULES}.yaml")
    read = RULES.read(_parse(file, where), where)
    return {code: Rule(**_present(values)) for code, values in read.items()}


def _read_leaves(file: Path, path: str, kind: Kind, rules: Mapping[str, Rule]) -> tuple[Leaf, ...]:
    where = Where(f"{path}.yaml")
    content = _parse(file, where)
    _expect_keys(content, ("values", "references"), where)
    values, references = content["values"], content["references"]
    for part, entries in content.items():
        if not isinstance(entries, dict) or not entries:
            raise where.at(part).error("a mapping of dates is expected")
    leaves: list[Leaf] = []
    for written, figures in values.items():
        since = Day().read(written, where.at("values"))
        if leaves and since <= leaves[-1].since:
            raise where.on(written).error("dates must rise")
        if written not in references:
            raise where.on(written).at("references").error("missing")
        leaves.append(
            Leaf(
                path=path,
                since=since,
                values=kind.read(figures, where.on(written).at("values")),
                reference=_reference(
                    REFERENCE.read(references[written], where.on(written).at("references")),
                    rules,
                    where.on(written).at("references"),
                ),
            )
        )
    for written in references:
        if written not in values:
            raise where.on(str(written)).at("references").error("there is no value of that date")
    return tuple(leaves)


def _read_city(folder: Path, rules: Mapping[str, Rule]) -> City:
    where = Where(f"{folder.name}/city.yaml")
    SLUG.read(folder.name, where)
    values = CITY.read(_parse(folder / "city.yaml", where), where)
    offers = _read_offers(folder, rules)
    return City(
        slug=folder.name,
        code=values["code"],
        order=values["order"],
        title=values["title"],
        full_title=values["full_title"],
        province=values["province"],
        agency=values["agency"],
        hotline=values["hotline"],
        districts=tuple(District(district["code"], district["title"]) for district in values["districts"]),
        reference=_reference(values["reference"], rules, where.at("reference")),
        offers=offers,
        elsewhere=_read_elsewhere(folder, offers, values["hotline"], rules),
    )


def _read_elsewhere(
    folder: Path, offers: Mapping[str, Offer], hotline: str, rules: Mapping[str, Rule]
) -> Mapping[str, Elsewhere]:
    file, where = folder / "elsewhere.yaml", Where(f"{folder.name}/elsewhere.yaml")
    content = _parse(file, where) if file.exists() else {}
    found: dict[str, Elsewhere] = {}
    for code, written in content.items():
        SLUG.read(code, where.at(code))
        if code in offers:
            raise where.at(code).error("the city offers it, so it is not done elsewhere")
        values = ELSEWHERE.read(written, where.at(code))
        found[code] = Elsewhere(
            code=code,
            city=folder.name,
            title=values["title"],
            audience=values["audience"],
            where=values["where"],
            phone=values["phone"] or hotline,
            site=values["site"] or "",
            search_names=values["search"] or (),
            notice=values["notice"] or (),
            papers=values["papers"] or (),
            reference=_reference(values["reference"], rules, where.at(code).at("reference")),
        )
    return MappingProxyType(found)


def _read_offers(folder: Path, rules: Mapping[str, Rule]) -> Mapping[str, Offer]:
    file, where = folder / "offers.yaml", Where(f"{folder.name}/offers.yaml")
    content = _parse(file, where) if file.exists() else {}
    offers: dict[str, Offer] = {}
    for code, written in content.items():
        SLUG.read(code, where.at(code))
        values = OFFER.read(written, where.at(code))
        offers[code] = Offer(
            code=code,
            city=folder.name,
            title=values["title"],
            mode=values["mode"],
            since=values["since"],
            reference=_reference(
                {**values["reference"], "rule": values["rule"] or values["reference"]["rule"]},
                rules,
                where.at(code).at("rule"),
            ),
            days=values["days"],
            search_names=values["search"] or (),
            notice=tuple(
                _filled_by_offer(passage, values, where.at(code).at("notice"))
                for passage in values["notice"] or ()
            ),
            papers=tuple(_paper(paper) for paper in values["papers"] or ()),
            papers_by_day=values["papers_by_day"],
            assumed=values["assumed"] or (),
            options=MappingProxyType(_present(values["options"] or {})),
        )
    for code, offer in offers.items():
        partner = offer.options.get("entrance_with")
        if partner is not None and (
            partner not in offers or offers[partner].options.get("entrance_with") != code
        ):
            raise where.at(code).at("entrance_with").error(f"{partner} must name {code} in turn")
    return MappingProxyType(offers)


def _filled_by_offer(passage: Passage, values: Mapping[str, Any], where: Where) -> Passage:
    """The passage with the offer's own values in it: ``{papers_by_day}``, ``{options.first_medical.card_by_day}``."""
    known = {}
    for value in passage.values():
        first, *rest = value.path
        if first not in values:
            continue
        try:
            known[value] = said_of(value, _within(values[first], rest))
        except ValueError:
            raise where.error(f"the offer has no {'.'.join(value.path)} for a sentence") from None
    return passage.filled(known)


def _paper(values: Mapping[str, Any]) -> Paper:
    return Paper(**_present(values))


def _reference(values: Mapping[str, Any], rules: Mapping[str, Rule], where: Where) -> Reference:
    named = values["rule"]
    if named is not None and named not in rules:
        raise where.error(f"{NATIONAL}/{_RULES}.yaml has no rule {named}")
    return Reference(**_present({**values, "rule": rules[named] if named else None}))


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _expect_keys(content: Mapping[str, Any], keys: tuple[str, ...], where: Where) -> None:
    for key in content:
        if key not in keys:
            raise where.at(key).error("unknown key")
    for key in keys:
        if key not in content:
            raise where.at(key).error("missing")


class _Loader(yaml.CSafeLoader):
    """YAML without its surprises: no floats, no dates, no octal or base-60 numbers, no key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in mapping:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key!r} is there twice", key_node.start_mark
                )
            mapping[key] = self.construct_object(value_node, deep=deep)
        return mapping

    def refuse_float(self, node: yaml.ScalarNode) -> None:
        raise yaml.constructor.ConstructorError(
            None, None, f'{node.value} is a float: write "{node.value}"', node.start_mark
        )


_Loader.yaml_implicit_resolvers = {}
for _tag, _form, _first in (
    ("bool", r"true|false", "tf"),
    ("null", r"null|~|", "n~"),
    ("int", r"-?(?:0|[1-9][0-9]*)", "-0123456789"),
    ("float", r"-?(?:[0-9][0-9_]*)?\.?[0-9]+(?:[eE][-+]?[0-9]+)?|-?\.(?:inf|nan)", "-.0123456789"),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}",
        re.compile(f"(?:{_form})\\Z"),
        [*_first, ""] if _tag == "null" else list(_first),
    )
_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.refuse_float)


def _parse(file: Path, where: Where) -> dict[Any, Any]:
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a safe loader, made stricter
    except FileNotFoundError:
        raise where.error("missing file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise where.error(str(problem)) from problem
    if not isinstance(content, dict):
        raise where.error("a mapping is expected")
    return content
