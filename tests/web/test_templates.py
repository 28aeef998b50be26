"""Templates load the libraries that they use, and no others."""

import re
from pathlib import Path

import pytest
from django.template import Template, TemplateSyntaxError, engines

FOLDER = Path(__file__).parents[2] / "templates"
TEMPLATES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.html"))
LOAD = re.compile(r"\{% load ([^%]+) %\}")


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_compiles_and_needs_what_it_loads(name: str) -> None:
    engines["django"].get_template(name)
    source = (FOLDER / name).read_text()
    loaded = [library for words in LOAD.findall(source) for library in words.split()]
    assert len(loaded) == len(set(loaded))
    for left_out in loaded:
        rest = " ".join(library for library in loaded if library != left_out)
        source_without = (f"{{% load {rest} %}}" if rest else "") + LOAD.sub("", source)
        # What extends another must say so first.
        extends = re.search(r"\{% extends [^%]+ %\}", source_without)
        if extends:
            source_without = extends[0] + source_without.replace(extends[0], "")
        with pytest.raises(TemplateSyntaxError):
            Template(source_without)
