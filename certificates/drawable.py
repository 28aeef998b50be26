"""Whether the documents' typefaces have every character that is to be certified, and what people
are told where they have not.

Nothing is frozen, and so nothing sealed, of which a box would be drawn in place of a name.
``rendering`` looks once more at what it drew.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from certificates import fonts
from portal.policy.book import book


def missing(facts: Any) -> tuple[str, ...]:
    """The characters in the texts of facts (or of anything like JSON) that no document can show,
    each once.

    None where there are no typefaces at all: then nothing is drawn, and that is said in its own
    words.
    """
    try:
        return fonts.undrawable("".join(_texts(facts)))
    except fonts.FontMissing:
        return ()


def check(facts: Any) -> None:
    """Raises fonts.NotDrawable where there are such characters."""
    lacking = missing(facts)
    if lacking:
        raise fonts.NotDrawable(lacking)


def why_not(characters: Iterable[str], *, city: str) -> str:
    """Why there is no document, by name of the characters, and where to go."""
    issuer = book().city(city)
    return _(
        "姓名、名称等内容中的{characters}不在证明所用的字库里，印出来会是方框，因此不能出具盖章的文件。"
        "请拨打 {hotline} 或到{agency}窗口办理。"
    ).format(characters=fonts.named(characters), hotline=issuer.hotline, agency=issuer.agency)


def _texts(facts: Any) -> Iterator[str]:
    if isinstance(facts, str):
        yield facts
    elif isinstance(facts, Mapping):
        for value in facts.values():
            yield from _texts(value)
    elif isinstance(facts, list | tuple):
        for value in facts:
            yield from _texts(value)
