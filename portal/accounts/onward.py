"""Addresses of pages that lead on to another page, which they name in ``next``; and the way to a
page of somebody else's."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def query(following: str) -> str:
    """``next=…`` for an address; the query of the page that follows goes along whole."""
    return urlencode({"next": following}, safe="/")


def address(page: str, following: str) -> str:
    """The address of a page that leads on to ``following``."""
    return f"{page}?{query(following)}"


def leave(request: HttpRequest, url: str, title: str) -> HttpResponse:
    """Leads to a page of somebody else's. Not by a redirect: browsers follow none from a form to
    another site under our policy (form-action)."""
    page = render(request, "accounts/leave.html", {"url": url, "title": title})
    page["Refresh"] = f"0; url={url}"
    return page
