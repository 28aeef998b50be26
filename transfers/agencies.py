"""The agencies between which a relation moves: those of this hall's cities, and all others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from portal.policy.book import book
from portal.shared.insurance import Insurance

if TYPE_CHECKING:
    from transfers.models import OutsideAgency


@dataclass(frozen=True, slots=True)
class Agency:
    """A place that a relation leaves or goes to. ``city`` is a city of this hall, or empty: then it
    is the ``outside`` agency's. ``title`` is the place's name."""

    city: str
    title: str
    outside: OutsideAgency | None = None

    @property
    def in_hall(self) -> bool:
        return bool(self.city)

    @property
    def key(self) -> str:
        """What names it in a form."""
        return self.city or (f"outside-{self.outside.pk}" if self.outside else "")

    @property
    def name(self) -> str:
        """As letters address it."""
        if self.city:
            return book().city(self.city).agency
        return self.outside.agency if self.outside else self.title


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
