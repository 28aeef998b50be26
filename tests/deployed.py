"""What a deployment brings of its own, as far as ``check --deploy`` looks at it: script/test names
these classes."""

from typing import Any


class Messages:
    def send(self, **_message: Any) -> None:
        raise NotImplementedError


class Household:
    def find(self, _identity_number: str) -> None:
        raise NotImplementedError


class Births:
    def find(self, _certificate_number: str) -> None:
        raise NotImplementedError


class Businesses:
    def find(self, _credit_code: str) -> None:
        raise NotImplementedError


class Pensions:
    def find(self, _identity_number: str) -> None:
        raise NotImplementedError


class Bank:
    def account(self, _bank: str, _number: str) -> None:
        raise NotImplementedError

    def card(self, _identity_number: str) -> None:
        raise NotImplementedError

    def account_agrees(self, _bank: str, _factors: object, *, place: str) -> None:
        raise NotImplementedError

    def card_agrees(self, _factors: object) -> None:
        raise NotImplementedError


class MedicalAccounts:
    def account(self, _identity_number: str, _city: str) -> None:
        raise NotImplementedError


class BankWithoutCards:
    def account(self, _bank: str, _number: str) -> None:
        raise NotImplementedError
