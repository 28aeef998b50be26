"""The registers of bank accounts and of social-security cards: asked before any transaction
opens."""

from dataclasses import dataclass
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from portal.registers.models import AccountClass, BankAccountRecord, SecurityCardRecord
from portal.shared import names


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


@dataclass(frozen=True)
class Factors:
    """The four by which a bank tells its customer (四要素): name, identity number, account or card
    number, and the phone that was left with the bank."""

    name: str
    identity_number: str
    number: str
    phone: str


class BankRegister(Protocol):
    def account(self, bank: str, number: str) -> Account | None:
        """The account, or None where the bank has none of this number."""

    def card(self, identity_number: str) -> SecurityCard | None:
        """The person's card, or None where none was issued."""

    def account_agrees(self, bank: str, factors: Factors, *, place: str) -> bool:
        """Whether all four are those of one account of this bank that is open, a card or opened in
        person, and was opened in the place whose code begins so."""

    def card_agrees(self, factors: Factors) -> bool:
        """Whether all four are those of one activated social-security card."""


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

    def account_agrees(self, bank: str, factors: Factors, *, place: str) -> bool:
        record = BankAccountRecord.objects.filter(
            bank=bank,
            number=factors.number,
            identity_number=factors.identity_number,
            phone=factors.phone,
            account_class=AccountClass.FULL,
            is_closed=False,
            opened_in__startswith=place,
        ).first()
        return bool(factors.phone and record and names.agree(record.holder, factors.name))

    def card_agrees(self, factors: Factors) -> bool:
        record = SecurityCardRecord.objects.filter(
            number=factors.number,
            identity_number=factors.identity_number,
            phone=factors.phone,
            activated=True,
        ).first()
        return bool(factors.phone and record and names.agree(record.holder, factors.name))


def bank_register() -> BankRegister:
    """The register that this installation asks (setting BANK_REGISTER)."""
    return import_string(settings.BANK_REGISTER)()
