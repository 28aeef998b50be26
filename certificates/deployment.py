"""The check of the seals in ``check --deploy --database default``."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import Error
from django.utils import timezone

from certificates import seal_evidence
from portal.policy.book import book


def every_city_has_its_seal(
    app_configs: object, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[Error]:
    """An error for each city without a usable seal."""
    if not databases:
        return []
    now = timezone.now()
    return [
        Error(
            f"{city.title}没有可用的电子印章，证明和回执不能出具。",
            hint="见 docs/certificates.md。",
            id="hall.E105",
        )
        for city in book().cities
        if not seal_evidence.available(city.slug, now=now)
    ]
