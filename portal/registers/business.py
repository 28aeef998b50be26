"""The register of market entities: one question, asked before any transaction opens."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from portal.registers.models import BusinessRecord, BusinessState


@dataclass(frozen=True)
class Business:
    """A legal entity (市场主体登记管理条例 art. 8); ``place_code`` of its address by GB/T 2260,
    capital in fen. ``standing`` until it is dissolved."""

    credit_code: str
    name: str
    kind: str
    address: str
    place_code: str
    founded_on: date
    representative_name: str
    representative_number: str
    scope: str
    capital_fen: int
    standing: bool


class BusinessRegister(Protocol):
    def find(self, credit_code: str) -> Business | None:
        """The entity of this code, or None where none is registered."""


class LocalRegister:
    """Stands in for the register of the market authority: a table that staff keep in the admin."""

    def find(self, credit_code: str) -> Business | None:
        record = BusinessRecord.objects.filter(credit_code=credit_code).first()
        if record is None:
            return None
        return Business(
            credit_code=record.credit_code,
            name=record.name,
            kind=record.kind,
            address=record.address,
            place_code=record.place_code,
            founded_on=record.founded_on,
            representative_name=record.representative_name,
            representative_number=record.representative_number,
            scope=record.scope,
            capital_fen=record.capital_fen,
            standing=record.state == BusinessState.STANDING,
        )


def business_register() -> BusinessRegister:
    """The register that this installation asks (setting BUSINESS_REGISTER)."""
    return import_string(settings.BUSINESS_REGISTER)()
