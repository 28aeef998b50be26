"""Whose accounts a batch draws on, people's or employers', and what differs between the two.

Opening, sending, posting, settling and closing a batch ask here.
"""

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Protocol

from contributions.debit import employer_lines, of_employers, opening, people_lines
from contributions.debit.freezing import Drawable
from contributions.models import DebitBatch, DebitLine, Payer, PostingChunk, Settlement
from portal.accounts.models import User
from portal.policy.book import book
from portal.policy.terms.debit import DebitTerms, EmployerDebitTerms, debit_terms, employer_debit_terms
from portal.shared.months import Month


class Lines(Protocol):
    """What becomes of a batch's lines when the bank has answered. Must run in a transaction."""

    def post(self, batch: DebitBatch, chunk: PostingChunk, *, by: User, now: dt.datetime) -> None:
        """Book a chunk of the bank's answer, with all that follows."""

    def settled_paid(
        self, settlement: Settlement, lines: Sequence[DebitLine], *, by: User, now: dt.datetime
    ) -> None:
        """Book lines that staff settled as paid, with all that follows."""

    def settled_failed(
        self, settlement: Settlement, lines: Sequence[DebitLine], *, by: User, now: dt.datetime
    ) -> None:
        """Do what follows from lines that staff settled as failed."""

    def receipts(self, batch: DebitBatch) -> int:
        """How many receipts the paid lines come to."""


class Payers(ABC):
    """Methods raise PolicyMissing where the city does not debit these payers."""

    code: Payer
    lines: Lines

    @abstractmethod
    def terms(self, city: str, month: Month) -> DebitTerms | EmployerDebitTerms: ...

    @abstractmethod
    def second_person(self, city: str, month: Month) -> bool:
        """Whether a second person releases the batch."""

    @abstractmethod
    def opened(self, city: str, month: Month, *, now: dt.datetime) -> DebitBatch | None:
        """The batch that stands."""

    @abstractmethod
    def preview(self, city: str, month: Month, *, now: dt.datetime) -> list[Drawable]:
        """What a batch would take if it were opened now."""

    @abstractmethod
    def why_not_open(self, city: str, month: Month, *, by: User, now: dt.datetime) -> str:
        """Why this member of staff cannot open it now; "" where they can."""

    @abstractmethod
    def open_by_staff(self, city: str, month: Month, *, by: User, now: dt.datetime) -> DebitBatch | None:
        """Open the batch. Raises CannotOpen."""


class People(Payers):
    code, lines = Payer.PEOPLE, people_lines

    def terms(self, city: str, month: Month) -> DebitTerms:
        return debit_terms(book(), city=city, on=month.first_day)

    def second_person(self, city: str, month: Month) -> bool:
        return self.terms(city, month).second_person

    def opened(self, city: str, month: Month, *, now: dt.datetime) -> DebitBatch | None:
        return opening.opened(city=city, month=month)

    def preview(self, city: str, month: Month, *, now: dt.datetime) -> list[Drawable]:
        return opening.preview(city=city, month=month)

    def why_not_open(self, city: str, month: Month, *, by: User, now: dt.datetime) -> str:
        return opening.why_not_open(city=city, month=month, by=by, now=now)

    def open_by_staff(self, city: str, month: Month, *, by: User, now: dt.datetime) -> DebitBatch | None:
        return opening.open_by_staff(city=city, month=month, by=by, now=now)


class Employers(Payers):
    code, lines = Payer.EMPLOYERS, employer_lines

    def terms(self, city: str, month: Month) -> EmployerDebitTerms:
        return employer_debit_terms(book(), city=city, on=month.first_day)

    def second_person(self, city: str, month: Month) -> bool:
        return True

    def opened(self, city: str, month: Month, *, now: dt.datetime) -> DebitBatch | None:
        return of_employers.opened(city=city, now=now)

    def preview(self, city: str, month: Month, *, now: dt.datetime) -> list[Drawable]:
        return of_employers.preview(city=city, now=now)

    def why_not_open(self, city: str, month: Month, *, by: User, now: dt.datetime) -> str:
        return of_employers.why_not_open(city=city, by=by, now=now)

    def open_by_staff(self, city: str, month: Month, *, by: User, now: dt.datetime) -> DebitBatch | None:
        return of_employers.open_by_staff(city=city, by=by, now=now)


_FORMS: dict[str, Payers] = {form.code: form for form in (People(), Employers())}


def payers(code: str) -> Payers:
    return _FORMS[code]


def of(batch: DebitBatch) -> Payers:
    return payers(batch.payer)
