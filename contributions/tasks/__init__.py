"""What the schedule rings for. A task is a doorbell: what is left to do stands in the database."""

from contributions.tasks import assessments, books, debit, orders, partners

__all__ = ["assessments", "books", "debit", "orders", "partners"]
