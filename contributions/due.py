"""What a login has to pay or to confirm by a day."""

from contributions.records.what_is_due import due_for, due_of

__all__ = ["due_for", "due_of"]
