"""What a proof can show."""

from __future__ import annotations

from dataclasses import dataclass

from portal.policy.book import Offer, PolicyMissing
from portal.shared.insurance import Insurance


@dataclass(frozen=True, slots=True)
class ProofTerms:
    """What a proof can show: how many months back (empty: there is no such choice), which
    insurances, for what, for how long.

    ``purposes`` and ``valid_days`` are empty where the offer lets nobody choose; the first of the
    days is proposed. ``kept_days``: how long the archive of proofs made in bulk is kept; 0 where
    none are.
    """

    month_counts: tuple[int, ...]
    insurances: tuple[Insurance, ...]
    purposes: tuple[str, ...] = ()
    valid_days: tuple[int, ...] = ()
    kept_days: int = 0


def proof_terms(offer: Offer) -> ProofTerms:
    """Raises PolicyMissing where the offer is no proof."""
    values = offer.options.get("proof")
    if values is None:
        raise PolicyMissing(f"{offer.city}/{offer.code} is no proof")
    return ProofTerms(
        month_counts=values["month_counts"] or (),
        insurances=values["insurances"],
        purposes=values["purposes"] or (),
        valid_days=values["valid_days"] or (),
        kept_days=values["kept_days"] or 0,
    )
