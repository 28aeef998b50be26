"""Checks whether the documents' typefaces have every character of the facts, and the message where
they have not.

Facts with a missing character are not frozen, and so never sealed: a box would appear in place of
it. ``rendering`` checks the drawn document again.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from certificates import fonts
from portal.policy.book import book


def missing(facts: Any) -> tuple[str, ...]:
    """The characters in the texts of facts (or of any value like JSON) that no document can show,
    each once.

    Empty where there are no typefaces at all: drawing then fails with its own message.
    """
    try:
        return fonts.undrawable("".join(_texts(facts)))
    except fonts.FontMissing:
        return ()


def check(facts: Any) -> None:
    """Raises fonts.NotDrawable where a character of the facts is missing."""
    lacking = missing(facts)
    if lacking:
        raise fonts.NotDrawable(lacking)


def why_not(characters: Iterable[str], *, city: str) -> str:
    """The message that there is no document because of these characters, and where to go."""
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
