"""Proofs: what the hall certifies about a person or an employer, sealed, and verified in public."""
