"""That who somebody is was wrong in the register, and is corrected: whatever keeps a copy says how
it follows.

What was sealed or told stays as it was; only what is still to be done follows.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from portal.people.models import Person
from portal.people.papers import Paper


@dataclass(frozen=True, slots=True)
class Correction:
    """The person as they are now, and what their paper and name were and are; ``reference`` names
    the decision."""

    person: Person
    before: Paper
    after: Paper
    former_name: str
    reference: str
    at: dt.datetime


Follow: TypeAlias = Callable[[Correction], None]

_followers: list[Follow] = []


def register(follow: Follow) -> None:
    """Adds how a room's copies follow; called once, when its app is ready."""
    _followers.append(follow)


def follow(correction: Correction) -> None:
    """Lets every copy follow, inside the transaction that corrects."""
    for follower in _followers:
        follower(correction)
