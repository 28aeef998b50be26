"""A row of what an order pays, before and after it is made."""

from dataclasses import dataclass

from contributions.prices.formula import Derivation


@dataclass(frozen=True, slots=True)
class Part:
    """The months of one insurance that cost the same; ``each_fen`` a month, ``fen`` together.

    ``derivation`` says why they cost that; None where it is not asked for, or not known any more.
    ``public_fen`` is what public money (财政补助) pays beside it: it is not ordered.
    """

    insurance: str
    tier: str
    months: str
    count: int
    each_fen: int
    fen: int
    derivation: Derivation | None
    public_fen: int = 0
