"""A new city's folder of data: enough for its employers to enrol staff in one insurance, and for
every task to run.

The caller gives what the city itself publishes (floor and ceiling, with the document); the rest are
examples, marked as such on screen, each to be replaced by the city's own figure.
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path

import yaml

from portal.policy.book import DATA, load_book
from portal.policy.schema import PolicyError

EXAMPLES = Path(__file__).parent / "new_city"


class CannotOpen(Exception):
    """The folder is not made; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class NewCity:
    """What only the city knows. ``floor`` and ``ceiling``: of the contribution base, in yuan a
    month, as published in ``reference`` (``number`` its number), in force since the day ``since``.
    ``districts``: code and title of each."""

    slug: str
    code: str
    title: str
    full_title: str
    province: str
    agency: str
    districts: Sequence[tuple[str, str]]
    since: dt.date
    floor: Decimal
    ceiling: Decimal
    reference: str
    number: str
    standing: str = "public"
    hotline: str = "12333"


def examples() -> Mapping[str, str]:
    """The templates of the files that a new city begins with, by name."""
    return {file.stem: file.read_text(encoding="utf-8") for file in sorted(EXAMPLES.glob("*.yaml"))}


def open_city(city: NewCity, *, data: Path = DATA) -> list[Path]:
    """Makes the city's folder in ``data``, whole or not at all, and gives its files. Raises
    CannotOpen."""
    folder = data / city.slug
    if not re.fullmatch(r"[a-z][a-z0-9-]*", city.slug) or folder.name != city.slug:
        raise CannotOpen(f"“{city.slug}”不能用作城市代号：请用小写字母开头，只含小写字母、数字和连字符。")
    if folder.exists():
        raise CannotOpen(f"{folder} 已经存在。要改动已有城市，请直接修改其中的文件。")
    order = 1 + max((one.order for one in load_book(data).cities), default=0)
    words = {name: _written(value) for name, value in asdict(city).items()}
    words |= {
        "order": str(order),
        "districts": "\n".join(
            f"  - {{code: {_written(code)}, title: {_written(title)}}}" for code, title in city.districts
        ),
        # In the templates these are in quotes already.
        "code": city.code,
        "hotline": city.hotline,
        "since": city.since.isoformat(),
        "floor": str(city.floor),
        "ceiling": str(city.ceiling),
    }
    with tempfile.TemporaryDirectory() as scratch:
        # First tried beside all other cities, so that nothing is written where the book refuses it.
        trial = Path(scratch) / "data"
        shutil.copytree(data, trial)
        trial_folder = trial / city.slug
        trial_folder.mkdir()
        for name, text in examples().items():
            (trial_folder / f"{name}.yaml").write_text(text.format(**words), encoding="utf-8")
        try:
            load_book(trial)
        except (PolicyError, yaml.YAMLError) as error:
            raise CannotOpen(f"这些内容不能成为一个城市：{error}") from error
        shutil.copytree(trial_folder, folder)
    return sorted(folder.iterdir())


def _written(value: object) -> str:
    """The text quoted for YAML, whatever characters it has."""
    return (
        yaml.safe_dump(str(value), allow_unicode=True, width=10_000).removesuffix("\n").removesuffix("\n...")
    )
