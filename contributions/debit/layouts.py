"""The format of the file that a debit's bank takes."""

from typing import Any

from contributions.bank_files import iso20022, postal
from portal.policy.terms.debit import DebitTerms, EmployerDebitTerms


def layout_of(terms: DebitTerms | EmployerDebitTerms) -> Any:
    """The file format of a bank's terms."""
    return iso20022 if terms.format == "iso20022" else postal
