"""Stylesheets in parts: a page asks for one file, which has every part once, in the order of the
list."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders

from portal.web.stylesheets import JoiningFinder, UnfitPart, joined, parts_of
from tests.journeys.coloured import COLOURED_BY_WIDTH

STYLES = Path(settings.STATICFILES_DIRS[0]) / "css"
LIST = STYLES / "components.css"


@pytest.fixture
def written(settings: Any, tmp_path: Path) -> Path:
    """A folder of static files: a list, its two parts, and a sheet that stands alone."""
    folder = tmp_path / "static"
    (folder / "parts").mkdir(parents=True)
    (folder / "parts" / "second.css").write_text("b { color: red }\n")
    (folder / "parts" / "first.css").write_text("a { color: blue }\n")
    (folder / "all.css").write_text('/* All. */\n@import "parts/first.css";\n@import "parts/second.css";\n')
    (folder / "alone.css").write_text("i { color: green }\n")
    settings.STATICFILES_DIRS = [folder]
    settings.JOINED_STYLESHEETS = tmp_path / "joined"
    return folder


def test_a_list_is_found_as_its_parts_in_order(written: Path) -> None:
    found = Path(str(JoiningFinder().find("all.css")))
    assert found.read_text() == "a { color: blue }\n\nb { color: red }\n"
    assert JoiningFinder().find("alone.css") == str(written / "alone.css")
    assert not JoiningFinder().find("missing.css")


def test_what_is_collected_is_what_is_found(written: Path) -> None:
    collected = {path: storage.open(path).read() for path, storage in JoiningFinder().list(None)}
    assert collected["all.css"] == b"a { color: blue }\n\nb { color: red }\n"
    assert collected["alone.css"] == b"i { color: green }\n"


def test_a_part_that_was_changed_is_seen_at_once(written: Path) -> None:
    finder = JoiningFinder()
    finder.find("all.css")
    (written / "parts" / "second.css").write_text("b { color: black }\n")
    assert "black" in Path(str(finder.find("all.css"))).read_text()


def test_a_sheet_that_imports_and_has_rules_of_its_own_stays_as_it_is(written: Path) -> None:
    (written / "mixed.css").write_text('@import "parts/first.css";\nu { color: red }\n')
    assert JoiningFinder().find("mixed.css") == str(written / "mixed.css")


@pytest.mark.parametrize("asks", ["a { background: url(../img/roof.svg) }", '@import "second.css";'])
def test_a_part_that_names_another_file_is_refused(written: Path, asks: str) -> None:
    (written / "parts" / "first.css").write_text(asks)
    with pytest.raises(UnfitPart, match=r"first\.css"):
        JoiningFinder().find("all.css")


def test_every_component_is_listed_once() -> None:
    assert sorted(parts_of(LIST)) == sorted((STYLES / "components").glob("*.css"))


def test_pages_get_the_components_as_one_file() -> None:
    assert Path(str(finders.find("css/components.css"))).read_text() == joined(parts_of(LIST))


WIDTHS = re.compile(r"@media[^{]*width[^{]*\{((?:[^{}]|\{[^{}]*\})*)\}")
COLOURS = re.compile(r"[;{\s](?:color|background(?:-color)?|fill|opacity)\s*:\s*(?!transparent|none|inherit)")


def test_colours_depend_on_the_width_only_where_it_is_known() -> None:
    """Who looks at colours looks at one width of all other components."""
    by_width = {
        sheet.stem
        for sheet in STYLES.rglob("*.css")
        for rules in WIDTHS.findall(sheet.read_text())
        if sheet.name not in ("print.css", "workbench.css", "forced_colors.css") and COLOURS.search(rules)
    }
    assert by_width == set(COLOURED_BY_WIDTH)
