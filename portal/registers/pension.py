"""The register of those who draw a pension, in whatever place: one question, asked before any
transaction opens."""

from dataclasses import dataclass
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from portal.registers.models import PensionKind, PensionRecord
from portal.shared.months import Month


@dataclass(frozen=True)
class Pension:
    """A pension that a person draws: of which kind, paid by the agency of which place
    (``place_code`` by GB/T 2260, ``payer`` in words). ``retired_in`` is the month in which the
    retirement age was reached, ``since`` the first month drawn, the monthly amount fen."""

    kind: PensionKind
    place_code: str
    payer: str
    retired_in: Month
    since: Month
    monthly_fen: int


class PensionRegister(Protocol):
    def find(self, identity_number: str) -> Pension | None:
        """What the person draws now, or None where they draw nothing."""


class LocalRegister:
    """Stands in for the national register: a table that the agencies' staff keep in the admin."""

    def find(self, identity_number: str) -> Pension | None:
        record = PensionRecord.objects.filter(identity_number=identity_number, until__isnull=True).first()
        if record is None:
            return None
        return Pension(
            kind=PensionKind(record.kind),
            place_code=record.place_code,
            payer=record.payer,
            retired_in=record.retired_in,
            since=record.since,
            monthly_fen=record.monthly_fen,
        )


def pension_register() -> PensionRegister:
    """The register that this installation asks (setting PENSION_REGISTER)."""
    return import_string(settings.PENSION_REGISTER)()
