"""The lock of a person."""

from collections.abc import Iterable

from portal import locks


def lock_subject(identity_number: str) -> None:
    """Waits for the lock of one person, on file or new, and keeps it until the transaction ends.
    Does nothing without a number."""
    if identity_number:
        locks.hold("person", identity_number)


def lock_subjects(identity_numbers: Iterable[str]) -> None:
    """The same for several persons at once."""
    locks.hold_all("person", set(identity_numbers))
