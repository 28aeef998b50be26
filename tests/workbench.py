"""How the tests work at the workbench: a search goes by POST, and its results are a page of their
own."""

from typing import Any

from django.test import Client


def search(client: Client, address: str, term: str, **more: str) -> Any:
    """The list at an address, searched; ``more`` is sent along, as ``reason``, or filters of the
    list."""
    return client.post(address, {"q": term, **more}, follow=True)


def listed(client: Client, address: str, term: str, **more: str) -> list[str]:
    """What the rows that a search has found are called."""
    return [str(row) for row in search(client, address, term, **more).context["cl"].result_list]
