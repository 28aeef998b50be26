"""Addresses of the pages that a guardian opens for a ward."""

from urllib.parse import urlencode, urlsplit

from django.urls import Resolver404, resolve

from portal.accounts.permissions import WARD
from portal.hall.catalogue import services
from portal.people.models import Person

# Pages of one person; a guardian's address names the ward.
OF_ONE = ("record", "record-account", "paid-list")


def address_for(url: str, ward: Person | None) -> str:
    """The address of the hall's own page, naming the ward; "" where the service there is not filed
    for wards. Without a ward, and for pages that show all of a login's, as it is."""
    if ward is None or not url:
        return url
    try:
        match = resolve(urlsplit(url).path)
    except Resolver404:
        return url
    if match.url_name in ("service", "apply"):
        kind = services().get(match.kwargs["code"])
        if kind is None or not kind.for_wards:
            return ""
    elif match.url_name not in OF_ONE:
        return url
    path, mark, fragment = url.partition("#")
    return f"{path}{'&' if '?' in path else '?'}{urlencode({WARD: ward.pk})}{mark}{fragment}"
