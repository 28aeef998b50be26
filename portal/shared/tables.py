"""Tables from an enum's members to what is said or shown of them: each names every member, or says
that it does not.

So a member that is added later cannot be left without its label or colour: ``incomplete`` finds it
when the program is checked.
"""

from collections.abc import Iterator
from enum import Enum
from types import ModuleType
from typing import TypeVar

K = TypeVar("K", bound=Enum)
V = TypeVar("V")


class Some(dict[K, V]):
    """A table of some of an enum's members only. Whoever reads it says what happens to the
    others."""


def incomplete(module: ModuleType) -> Iterator[tuple[str, list[Enum]]]:
    """The module's tables that leave out members, each by its name with those that it lacks."""
    for name, table in vars(module).items():
        if not isinstance(table, dict) or isinstance(table, Some):
            continue
        kinds = {type(key) for key in table}
        if len(kinds) != 1 or not issubclass(kind := kinds.pop(), Enum):
            continue
        if missing := [member for member in kind if member not in table]:
            yield name, missing
