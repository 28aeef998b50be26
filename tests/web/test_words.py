"""Our catalogue of the libraries' words is compiled from its source, and passwords are refused in
Chinese."""

import gettext
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

FOLDER = Path(settings.LOCALE_PATHS[0]) / "zh_Hans" / "LC_MESSAGES"


def said(text: str) -> str:
    return text.replace('\\"', '"').replace("\\n", "\n")


def test_the_compiled_catalogue_says_what_its_source_says() -> None:
    source = (FOLDER / "django.po").read_text(encoding="utf-8")
    with (FOLDER / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    pairs = re.findall(r'(?m)^msgid "(.+)"\nmsgstr "(.+)"$', source)
    assert len(pairs) > 80
    assert [word for word, chinese in pairs if compiled.gettext(said(word)) != said(chinese)] == []
    plurals = re.findall(r'(?m)^msgid "(.+)"\nmsgid_plural "(.+)"\nmsgstr\[0\] "(.+)"$', source)
    assert [
        one for one, many, chinese in plurals if compiled.ngettext(said(one), said(many), 2) != said(chinese)
    ] == []


@pytest.mark.parametrize("password", ["short", "1234567890", "password12", "a", ""])
def test_a_password_is_refused_in_chinese(password: str) -> None:
    with pytest.raises(ValidationError) as refused:
        validate_password(password)
    assert not re.search("[A-Za-z]", "".join(refused.value.messages))
