"""The lock of a person."""

from portal import locks


def lock_subject(identity_number: str) -> None:
    """Waits for the lock of one person, on file or new, and keeps it until the transaction ends.
    Does nothing without a number."""
    if identity_number:
        locks.hold("person", identity_number)
