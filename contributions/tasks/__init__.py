"""The tasks of the schedule. A task only starts the work: what is left to do stands in the
database."""

from contributions.tasks import assessments, books, debit, orders, partners

__all__ = ["assessments", "books", "debit", "orders", "partners"]
