"""The register of birth certificates: one question, asked before any transaction opens."""

import re
from dataclasses import dataclass
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from portal.registers.models import BirthRecord

# The form of a certificate's number: a letter and nine digits.
CERTIFICATE = re.compile(r"[A-Z][0-9]{9}")


@dataclass(frozen=True)
class Birth:
    """A birth certificate: the child, and the numbers of the parents that it names."""

    identity_number: str
    name: str
    parents: frozenset[str]


class BirthRegister(Protocol):
    def find(self, certificate_number: str) -> Birth | None:
        """The certificate of this number, or None where none was issued."""


class LocalRegister:
    """Stands in for the health authority's register: a table that staff keep in the admin."""

    def find(self, certificate_number: str) -> Birth | None:
        record = BirthRecord.objects.filter(certificate_number=certificate_number).first()
        if record is None:
            return None
        return Birth(
            identity_number=record.identity_number,
            name=record.name,
            parents=frozenset({record.father_number, record.mother_number} - {""}),
        )


def birth_register() -> BirthRegister:
    """The register that this installation asks (setting BIRTH_REGISTER)."""
    return import_string(settings.BIRTH_REGISTER)()
