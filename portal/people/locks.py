"""Holding a person while something about them is done."""

from django.db import connection


def lock_subject(identity_number: str) -> None:
    """Holds everything that is done about one person, known or new, until the transaction ends."""
    if identity_number:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"person:{identity_number}"]
            )
