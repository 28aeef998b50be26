from typing import Any

from django.core.management.commands import migrate

from portal.rights import as_owner


class Command(migrate.Command):
    """Django's own, as the role that owns the tables."""

    def handle(self, *args: Any, **options: Any) -> Any:
        with as_owner(options["database"]):
            return super().handle(*args, **options)
