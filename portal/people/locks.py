"""Holding a person while something about them is done."""

from portal import locks


def lock_subject(identity_number: str) -> None:
    """Holds everything that is done about one person, known or new, until the transaction ends."""
    if identity_number:
        locks.hold("person", identity_number)
