"""The agencies between which a relation moves: those of this hall's cities, and outside ones."""

from dataclasses import dataclass

from portal.policy.book import book
from portal.shared.insurance import Insurance


@dataclass(frozen=True, slots=True)
class Agency:
    """A place that a relation leaves or goes to; ``title`` is the place's name.

    ``city`` is a city of this hall, or empty: then ``outside_id`` is the id of the outside agency,
    and ``outside_name`` its full name, as letters use it.
    """

    city: str
    title: str
    outside_id: int | None = None
    outside_name: str = ""

    @property
    def in_hall(self) -> bool:
        return bool(self.city)

    @property
    def key(self) -> str:
        """The value that stands for the agency in a form."""
        return self.city or (f"outside-{self.outside_id}" if self.outside_id else "")

    @property
    def name(self) -> str:
        """The full name, as letters use it."""
        return book().city(self.city).agency if self.city else self.outside_name or self.title


def of_city(slug: str) -> Agency:
    """The agency of a city of the hall. Raises UnknownCity."""
    return Agency(slug, book().city(slug).title)


def taking(insurance: Insurance, *, but: str) -> list[Agency]:
    """The agencies of the hall that take relations of the insurance in, ``but`` one city."""
    return _offering(f"{insurance}-in", but)


def giving(insurance: Insurance, *, but: str) -> list[Agency]:
    """The agencies of the hall that let relations of the insurance go, ``but`` one city."""
    return _offering(f"{insurance}-out", but)


def _offering(code: str, but: str) -> list[Agency]:
    return [
        Agency(city.slug, city.title) for city in book().cities if city.slug != but and code in city.offers
    ]
