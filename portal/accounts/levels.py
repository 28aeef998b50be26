"""实名等级: what an account may do by how its owner has proved who they are. In some cities an
account that was opened by the phone on file alone looks up, and files only after a stronger proof
(``account_proof.files_by``)."""

import datetime as dt

from portal.accounts.models import FILES, LOOKS, User
from portal.policy.book import City, book
from portal.policy.terms.people import account_proof_terms

__all__ = ["FILES", "LOOKS"]


def level_by(way: str) -> int:
    """The level of an account that was opened by this proof."""
    return LOOKS if way == "phone" else FILES


def filing_ways(city: str, *, on: dt.date) -> tuple[str, ...]:
    """The proofs after which an account files in that city; empty where each account does."""
    return account_proof_terms(book(), city=city, on=on).files_by


def must_verify(user: User, city: str, *, on: dt.date) -> bool:
    """Whether this login has to prove more before it files in that city."""
    return user.is_person and user.identity_level < FILES and bool(filing_ways(city, on=on))


def asking_cities(*, on: dt.date) -> list[City]:
    """The cities where filing takes the stronger proof."""
    return [city for city in book().cities if filing_ways(city.slug, on=on)]


def raise_level(user: User) -> None:
    """Lets the account file everywhere, after its owner has proved more."""
    user.identity_level = FILES
    user.save(update_fields=["identity_level"])
