"""The files of the book: read and checked once, at start.

Files live under ``data``: one folder for each city and one for the nation. A file of figures is
dated::

    # data/wuxi/flexible_pension.yaml
    values:
      "2023-01-01": {floor: "4494", ceiling: "22470", …}
    references:
      "2023-01-01": {title: …, standing: seed}

The latest value on or before a day is in force on it, until another follows. An unknown key, a
float, a value without its reference stops the program with PolicyError.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from portal.policy.entries import (
    Book,
    City,
    District,
    Elsewhere,
    Leaf,
    Offer,
    Paper,
    Picture,
    Question,
    Reference,
    Rule,
    figure_of,
    within,
)
from portal.policy.files import (
    CITY,
    CITY_FILES,
    ELSEWHERE,
    NATIONAL,
    NATIONAL_FILES,
    OFFER,
    REFERENCE,
    RULES,
)
from portal.policy.guidance import EVERYDAY, QUESTION
from portal.policy.parsing import parse
from portal.policy.passages import Passage, said_of
from portal.policy.schema import SLUG, Day, Kind, PolicyError, Where
from portal.shared.insurance import Capacity

DATA = Path(__file__).parent / "data"

# The nation's file of official rules, which is no file of figures.
_RULES = "rules"
# Files that hold no figures either: of a city, and of the nation where they hold for every city.
_OF_ALL = ("elsewhere", "questions", "everyday")
_NO_FIGURES = {True: (_RULES, *_OF_ALL), False: ("city", "offers", *_OF_ALL)}


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
            if name in _NO_FIGURES[folder.name == NATIONAL]:
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
    for file, key, said in (
        ("offers", "notice", {code: offer.notice for code, offer in city.offers.items()}),
        ("elsewhere", "notice", {code: there.notice for code, there in city.elsewhere.items()}),
        ("questions", "answer", {code: asked.answer for code, asked in city.questions.items()}),
    ):
        for code, passages in said.items():
            for number, passage in enumerate(passages, 1):
                yield Where(f"{city.slug}/{file}.yaml").at(code).at(key).at(number), passage


def _check_passage(
    passage: Passage, city: City, leaves: Mapping[tuple[str, str], tuple[Leaf, ...]], where: Where
) -> None:
    """Refuses services and figures that a sentence names and the city does not have. The hall
    checks the names of pages."""
    for link in passage.links():
        if not link.page and link.target not in city.offers and link.target not in city.elsewhere:
            raise where.error(f"the city neither offers {link.target} nor says where it is done")
    for value in passage.values():
        scope, name, keys = figure_of(value, city.slug)
        if not leaves.get((scope, name)):
            raise where.error(f"there are no figures {scope}/{name}")
        for leaf in leaves[scope, name]:
            try:
                said_of(value, within(leaf.values, keys))
            except ValueError:
                what = ".".join(keys)
                raise where.error(f"{scope}/{name} of {leaf.since} has no {what} for a sentence") from None


def _expect_account(city: str, leaves: Mapping[tuple[str, str], tuple[Leaf, ...]]) -> None:
    """Refuses a city that charges employers without an account to pay to, from the first day on:
    employers are told to transfer what they owe."""
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
    """Refuses a proof of an insurance that another agency runs: this agency has no record of it."""
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
    read = RULES.read(parse(file, where), where)
    return {code: Rule(**_present(values)) for code, values in read.items()}


def _read_leaves(file: Path, path: str, kind: Kind, rules: Mapping[str, Rule]) -> tuple[Leaf, ...]:
    where = Where(f"{path}.yaml")
    content = parse(file, where)
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
    values = CITY.read(parse(folder / "city.yaml", where), where)
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
        questions=_read_questions(folder, rules),
        everyday=_read_everyday(folder),
    )


def _of_all_and_own(folder: Path, name: str) -> Iterator[tuple[Where, str, Any]]:
    """The entries of the nation's file and then of the city's own, of which one replaces the
    nation's of the same code: where it stands, its code, and what is written."""
    own = folder / f"{name}.yaml"
    of_all = folder.parent / NATIONAL / f"{name}.yaml"
    written: dict[str, tuple[Where, Any]] = {}
    for file in (of_all, own):
        where = Where(f"{file.parent.name}/{file.name}")
        for code, entry in (parse(file, where) if file.exists() else {}).items():
            written[code] = where, entry
    for code, (where, entry) in written.items():
        yield where, code, entry


def _read_questions(folder: Path, rules: Mapping[str, Rule]) -> Mapping[str, Question]:
    by_code: dict[str, Question] = {}
    for where, code, written in _of_all_and_own(folder, "questions"):
        SLUG.read(code, where.at(code))
        values = QUESTION.read(written, where.at(code))
        by_code[code] = Question(
            code=code,
            city=folder.name,
            question=values["question"],
            answer=values["answer"],
            search_names=values["search"] or (),
            reference=_reference(values["reference"], rules, where.at(code).at("reference")),
        )
    return MappingProxyType(by_code)


def _read_everyday(folder: Path) -> Mapping[str, tuple[str, ...]]:
    """The nation's words and the city's together."""
    words: dict[str, tuple[str, ...]] = {}
    for file in (folder.parent / NATIONAL / "everyday.yaml", folder / "everyday.yaml"):
        where = Where(f"{file.parent.name}/{file.name}")
        if file.exists():
            for code, said in EVERYDAY.read(parse(file, where), where).items():
                words[code] = (*words.get(code, ()), *said)
    return MappingProxyType(words)


def _read_elsewhere(
    folder: Path, offers: Mapping[str, Offer], hotline: str, rules: Mapping[str, Rule]
) -> Mapping[str, Elsewhere]:
    by_code: dict[str, Elsewhere] = {}
    for where, code, written in _of_all_and_own(folder, "elsewhere"):
        SLUG.read(code, where.at(code))
        if code in offers:
            if where.file.startswith(f"{NATIONAL}/"):
                continue
            raise where.at(code).error("the city offers it, so it is not done elsewhere")
        values = ELSEWHERE.read(written, where.at(code))
        by_code[code] = Elsewhere(
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
    return MappingProxyType(by_code)


def _read_offers(folder: Path, rules: Mapping[str, Rule]) -> Mapping[str, Offer]:
    file, where = folder / "offers.yaml", Where(f"{folder.name}/offers.yaml")
    content = parse(file, where) if file.exists() else {}
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
    """The passage with the offer's own values filled in: ``{papers_by_day}``,
    ``{options.first_medical.card_by_day}``."""
    own_values = {}
    for value in passage.values():
        first, *rest = value.path
        if first not in values:
            continue
        try:
            own_values[value] = said_of(value, within(values[first], rest))
        except ValueError:
            raise where.error(f"the offer has no {'.'.join(value.path)} for a sentence") from None
    return passage.filled(own_values)


def _paper(values: Mapping[str, Any]) -> Paper:
    asked = values["picture"]
    picture = asked and Picture(
        width=asked["width"],
        height=asked["height"],
        least_kilobytes=asked["kilobytes"]["least"],
        most_kilobytes=asked["kilobytes"]["most"],
    )
    return Paper(**_present({**values, "picture": picture}))


def _reference(values: Mapping[str, Any], rules: Mapping[str, Rule], where: Where) -> Reference:
    rule = values["rule"]
    if rule is not None and rule not in rules:
        raise where.error(f"{NATIONAL}/{_RULES}.yaml has no rule {rule}")
    return Reference(**_present({**values, "rule": rules[rule] if rule else None}))


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _expect_keys(content: Mapping[str, Any], keys: tuple[str, ...], where: Where) -> None:
    for key in content:
        if key not in keys:
            raise where.at(key).error("unknown key")
    for key in keys:
        if key not in content:
            raise where.at(key).error("missing")
