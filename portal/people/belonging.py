"""Which persons belong to a city: by household registration, and in the ways that the rooms above
register, such as a coverage or a case.

Staff see the data of their own city's people; others are looked up by a whole number, and with a
reason.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from django.db.models import Exists, OuterRef, Q

from portal.people.models import Person
from portal.policy.book import book

# A function that gives the condition, for a queryset of persons, to belong to these cities in one
# way.
Tie: TypeAlias = Callable[[Sequence[str]], Q]

_ties: list[Tie] = []


def register(tie: Tie) -> None:
    """Adds a room's way to belong to a city; called once, when its app is ready."""
    _ties.append(tie)


def of_cities(cities: Sequence[str]) -> Q:
    """The condition, for a queryset of persons, to belong to one of the cities."""
    codes = [place.code for city in cities for place in book().city(city).places]
    condition = Q(household_code__in=codes)
    for tie in _ties:
        condition |= tie(cities)
    return condition


def numbers_of_cities(cities: Sequence[str], column: str = "identity_number") -> Q:
    """As ``of_cities``, for rows that have a person's number in ``column``."""
    return Q(Exists(Person.objects.filter(of_cities(cities), identity_number=OuterRef(column))))


def belongs(person: Person, cities: Sequence[str]) -> bool:
    """Whether the person belongs to one of the cities."""
    return Person.objects.filter(of_cities(cities), pk=person.pk).exists()
