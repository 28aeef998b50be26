"""Addresses of pages that lead on to another page, which they name in ``next``."""

from urllib.parse import urlencode


def query(following: str) -> str:
    """``next=…`` for an address; the query of the page that follows goes along whole."""
    return urlencode({"next": following}, safe="/")


def address(page: str, following: str) -> str:
    """The address of a page that leads on to ``following``."""
    return f"{page}?{query(following)}"
