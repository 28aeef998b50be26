"""Who is whose parent, by the household register or a birth certificate."""

from dataclasses import dataclass
from enum import StrEnum

from portal.registers.birth import birth_register
from portal.registers.household import Household, household_register


class Source(StrEnum):
    HOUSEHOLD = "household"
    BIRTH = "birth"


@dataclass(frozen=True)
class Parentage:
    """What the registers say of a child and one adult: the child's entry, the child's name by the
    source, and the source that names the adult as a parent (None where none does)."""

    household: Household | None
    name: str
    source: Source | None


def parentage(*, child: str, adult: str, certificate: str = "") -> Parentage:
    """Asks by identity numbers: whether the adult stands in the child's household book as father
    or mother, else whether the birth certificate of this number names both. Slow: asked before any
    transaction opens."""
    register = household_register()
    household = register.find(child)
    if household is not None and adult in household.parents and household.book_number:
        of_adult = register.find(adult)
        if of_adult is not None and of_adult.book_number == household.book_number:
            return Parentage(household, household.name, Source.HOUSEHOLD)
    birth = birth_register().find(certificate) if certificate else None
    if birth is not None and birth.identity_number == child and adult in birth.parents:
        return Parentage(household, birth.name, Source.BIRTH)
    return Parentage(household, household.name if household else "", None)
