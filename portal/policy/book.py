"""The book of policy: what a figure was on a day, by which document; the cities, and what each
offers.

What it holds stands in ``entries``; how its files are read and checked, in ``reading``.
"""

from functools import cache

from portal.policy.entries import (
    Book,
    City,
    District,
    Elsewhere,
    Leaf,
    Offer,
    Paper,
    Picture,
    PolicyMissing,
    Question,
    Reference,
    Rule,
    UnknownCity,
)
from portal.policy.files import MODE_LABELS, NATIONAL, Mode
from portal.policy.reading import DATA, load_book
from portal.policy.schema import PolicyError

__all__ = [
    "DATA",
    "MODE_LABELS",
    "NATIONAL",
    "Book",
    "City",
    "District",
    "Elsewhere",
    "Leaf",
    "Mode",
    "Offer",
    "Paper",
    "Picture",
    "PolicyError",
    "PolicyMissing",
    "Question",
    "Reference",
    "Rule",
    "UnknownCity",
    "book",
    "load_book",
]


@cache
def book() -> Book:
    """The book of this installation, read once."""
    return load_book()
