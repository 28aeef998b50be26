"""Corrections of a person's identity in the register: each room that keeps a copy registers how the
copy is changed.

What was sealed or told to people stays as it was; only what is still open is changed.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from portal.people import papers
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
    """Adds a room's change of its copies; called once, when its app is ready."""
    _followers.append(follow)


def follow(correction: Correction) -> None:
    """Changes every copy, inside the transaction that corrects."""
    for follower in _followers:
        follower(correction)


def correct(person: Person, *, after: Paper, name: str, reference: str, at: dt.datetime) -> None:
    """Gives the person this paper and name, and changes every copy; inside the caller's
    transaction, which holds the person's row."""
    before, former_name = papers.of_person(person), person.name
    changes = {**after.columns, "identity_number": after.identity_number, "name": name}
    for column, value in changes.items():
        setattr(person, column, value)
    person.save(update_fields=list(changes))
    follow(Correction(person, before, after, former_name, reference=reference, at=at))
