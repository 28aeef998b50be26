"""Parts of a page that are the same for everybody, drawn once for each process."""

from collections.abc import MutableMapping
from typing import Any
from weakref import WeakKeyDictionary

from django import template
from django.template import Context, Node, NodeList
from django.template.base import FilterExpression, Parser, Token, token_kwargs
from django.utils.safestring import SafeString

from portal.policy.book import Book, book

register = template.Library()

# Drawn parts by the book that they were drawn from: another book has other cities and offers.
_kept: MutableMapping[Book, dict[tuple[Any, ...], list[SafeString]]] = WeakKeyDictionary()


@register.tag
def same_for_all(parser: Parser, token: Token) -> Node:
    """``{% same_for_all "footer" city.slug elder with city=city %}…{% endsame_for_all %}``: a part
    that is the same for everybody to whom the words before ``with`` apply; drawn for the first of
    them, kept for the others as long as the process runs.

    Within it stands nothing but what is named after ``with`` (and ``elder`` in the example only if
    it is named there, too): no request, no login, nothing personal. What is named there must follow
    from the words before, and these may take a few values only, never what somebody has typed.

    ``{% own %}{{ user.name }}{% endown %}`` directly within it (not within another tag) is drawn
    for each page from the page's own context, and not kept.
    """
    _tag, *words = token.split_contents()
    at = words.index("with") if "with" in words else len(words)
    values = token_kwargs(words[at + 1 :], parser)
    if not at or len(values) != len(words[at + 1 :]):
        raise template.TemplateSyntaxError('same_for_all needs words, and only name=value after "with"')
    return SameForAll([parser.compile_filter(word) for word in words[:at]], values, *_parts(parser))


def _parts(parser: Parser) -> tuple[list[NodeList], list[NodeList]]:
    """The parts that are kept, and the page's own parts between them."""
    shared: list[NodeList] = []
    page_parts: list[NodeList] = []
    while True:
        shared.append(parser.parse(("own", "endsame_for_all")))
        if parser.next_token().contents != "own":
            return shared, page_parts
        page_parts.append(parser.parse(("endown",)))
        parser.delete_first_token()


class SameForAll(Node):
    child_nodelists = ("nodelist",)

    def __init__(
        self,
        words: list[FilterExpression],
        values: dict[str, FilterExpression],
        kept: list[NodeList],
        own: list[NodeList],
    ) -> None:
        self.words = words
        self.values = values
        self.kept = kept
        self.own = own
        self.nodelist = NodeList(node for part in (*kept, *own) for node in part)

    def render(self, context: Context) -> SafeString:
        drawn_parts = _kept.setdefault(book(), {})
        key = tuple(word.resolve(context) for word in self.words)
        if key not in drawn_parts:
            within = Context({name: value.resolve(context) for name, value in self.values.items()})
            with within.bind_template(context.template):  # type: ignore[arg-type]
                drawn_parts[key] = [part.render(within) for part in self.kept]
        first, *following = drawn_parts[key]
        if not following:
            return first
        parts = [first]
        for own, other in zip(self.own, following, strict=True):
            parts += own.render(context), other
        return SafeString("".join(parts))
