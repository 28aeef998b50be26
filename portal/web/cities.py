"""The city in the address, and the city that is chosen."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import Resolver404, resolve, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from portal.accounts.permissions import own_path
from portal.policy.book import City, UnknownCity, book
from portal.web.context import CITY_COOKIE, ELDER_COOKIE, city_of, own_slug

YEAR = 365 * 24 * 60 * 60


class CitySlug:
    """Matches the slugs of the book's cities only, so that an unknown city is an unknown
    address."""

    regex = "[a-z]+(?:-[a-z]+)*"

    def to_python(self, value: str) -> str:
        try:
            return book().city(value).slug
        except UnknownCity as error:
            raise ValueError(value) from error

    def to_url(self, value: City | str) -> str:
        return str(getattr(value, "slug", value))


@require_safe
def choose_city(request: HttpRequest, slug: str) -> HttpResponse:
    """Remembers the city, and leads to the page that the visitor came from, where the new city has
    it."""
    try:
        city = book().city(slug)
    except UnknownCity:
        raise Http404 from None
    return remember_city(redirect(_same_page(request, city)), city)


@require_safe
def any_site(request: HttpRequest, code: str) -> HttpResponse:
    """A service for which no site need be chosen (全省通办): in the login's own city where that has
    it, else in a city of the province that was looked at last, else where it is offered. Http404
    for a service that is filed at a site."""
    having = [
        city
        for city in book().cities
        if code in city.offers and city.offers[code].options.get("site") == "any"
    ]
    if not having:
        raise Http404
    own, looked_at = own_slug(request.user), city_of(request)
    best = min(having, key=lambda city: (city.slug != own, city.province != looked_at.province, city.order))
    return remember_city(redirect("service", best.slug, code), best)


@require_safe
def elder(request: HttpRequest) -> HttpResponse:
    """Larger type and fewer things, until it is switched off."""
    response = redirect(came_from(request) or reverse("index"))
    return _remember(response, ELDER_COOKIE, "0" if request.GET.get("on") == "0" else "1")


def remember_city(response: HttpResponse, city: City) -> HttpResponse:
    """The response, with the cookie that keeps the city for pages whose address has none."""
    return _remember(response, CITY_COOKIE, city.slug)


def came_from(request: HttpRequest) -> str:
    """The page of the hall that the visitor came from: ``next``, else the referring page; "" where
    that is no page of the hall."""
    for address in (request.GET.get("next", ""), request.META.get("HTTP_REFERER", "")):
        path = own_path(request, address)
        if path:
            return path
    return ""


def _same_page(request: HttpRequest, city: City) -> str:
    home = reverse("home", args=[city.slug])
    parts = urlsplit(came_from(request))
    try:
        match = resolve(parts.path)
    except Resolver404:
        return home
    if "city" not in match.kwargs or match.url_name is None:
        return home if match.url_name in ("index", None) else came_from(request)
    kwargs: dict[str, Any] = {**match.kwargs, "city": city.slug}
    code = kwargs.get("code")
    if code is not None:
        if code not in city.offers and code not in city.elsewhere:
            messages.info(
                request, _("{city}尚未在网上开办刚才的事项，请从下列事项中选择。").format(city=city.title)
            )
            return home
        return reverse("service", kwargs=kwargs)
    return reverse(match.view_name, kwargs=kwargs) + (f"?{parts.query}" if parts.query else "")


def _remember(response: HttpResponse, name: str, value: str) -> HttpResponse:
    # Readable by the page's own script, which switches the larger type without losing what was
    # typed.
    response.set_cookie(name, value, max_age=YEAR, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE)
    return response
