"""The registers of bank accounts and of social-security cards: asked before any transaction
opens."""

from dataclasses import dataclass
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from portal.registers.models import BankAccountRecord, SecurityCardRecord


@dataclass(frozen=True)
class Account:
    """An account and its holder, as the bank knows them."""

    bank: str
    number: str
    holder: str
    identity_number: str


@dataclass(frozen=True)
class SecurityCard:
    """A person's social-security card with its financial account (金融社保卡); ``activated`` at the
    bank, or not yet."""

    bank: str
    number: str
    activated: bool


class BankRegister(Protocol):
    def account(self, bank: str, number: str) -> Account | None:
        """The account, or None where the bank has none of this number."""

    def card(self, identity_number: str) -> SecurityCard | None:
        """The person's card, or None where none was issued."""


class LocalRegister:
    """Stands in for the banks and the card centre: tables that staff keep in the admin."""

    def account(self, bank: str, number: str) -> Account | None:
        record = BankAccountRecord.objects.filter(bank=bank, number=number).first()
        if record is None:
            return None
        return Account(
            bank=record.bank,
            number=record.number,
            holder=record.holder,
            identity_number=record.identity_number,
        )

    def card(self, identity_number: str) -> SecurityCard | None:
        record = SecurityCardRecord.objects.filter(identity_number=identity_number).first()
        if record is None:
            return None
        return SecurityCard(bank=record.bank, number=record.number, activated=record.activated)


def bank_register() -> BankRegister:
    """The register that this installation asks (setting BANK_REGISTER)."""
    return import_string(settings.BANK_REGISTER)()
