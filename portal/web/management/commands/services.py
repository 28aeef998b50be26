"""Lists every offer of the hall: which service, in which city, under which title, in which mode."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from portal.hall.catalogue import offers
from portal.policy.book import MODE_LABELS, Mode


class Command(BaseCommand):
    help = "Lists every offer of every city; --json as a list of objects."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="a JSON list instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = [
            {
                "code": offer.code,
                "city": offer.city,
                "title": offer.title,
                "mode": str(offer.mode),
                "audience": str(service.audience),
                "app": service.app,
            }
            for offer, service in offers()
        ]
        if options["json"]:
            self.stdout.write(json.dumps(rows, ensure_ascii=False, indent=2))
            return
        for row in rows:
            mode = MODE_LABELS[Mode(row["mode"])]
            self.stdout.write(
                f"{row['city']:<10}{row['code']:<22}{row['audience']:<10}{row['app']:<14}{mode}  {row['title']}"
            )
