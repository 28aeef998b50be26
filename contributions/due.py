"""What a login has to pay or to confirm by a day."""

from contributions.records.by_month import due_for

__all__ = ["due_for"]
