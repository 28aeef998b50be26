"""Which persons are a city's: the rooms above say why somebody is, as by coverage or a case; here,
by household registration.

Staff see people's data of their own city; who is nobody's of theirs is looked up by a whole number,
and with a reason.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from django.db.models import Exists, OuterRef, Q

from portal.people.models import Person
from portal.policy.book import book

# The condition, for a queryset of persons, to be of these cities in one way.
Tie: TypeAlias = Callable[[Sequence[str]], Q]

_ties: list[Tie] = []


def register(tie: Tie) -> None:
    """Adds a room's way to be a city's; called once, when its app is ready."""
    _ties.append(tie)


def of_cities(cities: Sequence[str]) -> Q:
    """The condition, for a queryset of persons, to be of one of the cities."""
    codes = [place.code for city in cities for place in book().city(city).places]
    condition = Q(household_code__in=codes)
    for tie in _ties:
        condition |= tie(cities)
    return condition


def numbers_of_cities(cities: Sequence[str], column: str = "identity_number") -> Q:
    """The same for rows that know a person by the number in their ``column``."""
    return Q(Exists(Person.objects.filter(of_cities(cities), identity_number=OuterRef(column))))


def belongs(person: Person, cities: Sequence[str]) -> bool:
    """Whether the person is of one of the cities."""
    return Person.objects.filter(of_cities(cities), pk=person.pk).exists()
