"""The household register: one question, asked before any transaction opens."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from portal.registers.models import HouseholdRecord


@dataclass(frozen=True)
class Household:
    """Where a person is registered; ``place_code`` by GB/T 2260. ``book_number`` is the same for
    all of one household book; ``parents`` are the numbers of those that it names as father and
    mother."""

    name: str
    place_code: str
    settled_on: date | None
    book_number: str = ""
    parents: frozenset[str] = frozenset()


class HouseholdRegister(Protocol):
    def find(self, identity_number: str) -> Household | None:
        """The person's entry, or None where the register has none."""


class LocalRegister:
    """Stands in for the police register: a table that staff keep in the admin."""

    def find(self, identity_number: str) -> Household | None:
        record = HouseholdRecord.objects.filter(identity_number=identity_number).first()
        if record is None:
            return None
        return Household(
            name=record.name,
            place_code=record.place_code,
            settled_on=record.settled_on,
            book_number=record.book_number,
            parents=frozenset({record.father_number, record.mother_number} - {""}),
        )


def household_register() -> HouseholdRegister:
    """The register that this installation asks (setting HOUSEHOLD_REGISTER)."""
    return import_string(settings.HOUSEHOLD_REGISTER)()
