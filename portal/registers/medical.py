"""The register of medical personal accounts (医保个人账户): asked before any transaction opens."""

from dataclasses import dataclass
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from portal.registers.models import AccountState, MedicalAccountRecord


@dataclass(frozen=True)
class MedicalAccount:
    """A person's medical account in a city, the card that it is used with, and whether it can be
    used."""

    card_number: str
    state: AccountState


class MedicalAccountRegister(Protocol):
    def account(self, identity_number: str, city: str) -> MedicalAccount | None:
        """The person's account in the city, or None where there is none."""


class LocalRegister:
    """Stands in for the medical insurance bureau: a table that staff keep in the admin."""

    def account(self, identity_number: str, city: str) -> MedicalAccount | None:
        record = MedicalAccountRecord.objects.filter(identity_number=identity_number, city=city).first()
        if record is None:
            return None
        return MedicalAccount(card_number=record.number, state=AccountState(record.state))


def medical_account_register() -> MedicalAccountRegister:
    """The register that this installation asks (setting MEDICAL_ACCOUNT_REGISTER)."""
    return import_string(settings.MEDICAL_ACCOUNT_REGISTER)()
