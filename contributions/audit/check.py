"""One check of the audit, as every app states its own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One way in which an invariant can be broken: ``rows`` gives each offence as one line of text.

    ``held_by`` names constraints (``standing``) that leave no way to break it; while all of them
    stand the rows are not asked. ``changed`` names rows (``changed_rows.narrowed``) that an audit
    since another looks at. Such ``rows`` are one SELECT, or a function that puts what it is given
    before its own.
    """

    number: int
    rows: str | Callable[[], Iterator[str]] | Callable[[str], Iterator[str]]
    changed: tuple[str, ...] = ()
    held_by: tuple[str, ...] = ()
