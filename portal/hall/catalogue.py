"""All services, found by importing every app's ``services``; and the offers, from the cities' data."""

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from inspect import getmembers, isabstract, isclass
from pkgutil import iter_modules

from django.apps import apps
from django.core.checks import Error, register

from portal.hall.service import Service
from portal.policy.book import Offer, book


@cache
def services() -> dict[str, Service]:
    """Every service by its code. ValueError where two share one."""
    found: dict[str, Service] = {}
    for config in apps.get_app_configs():
        name = f"{config.name}.services"
        if find_spec(name) is None:
            continue
        package = import_module(name)
        for module in sorted(iter_modules(package.__path__), key=lambda item: item.name):
            for _name, kind in getmembers(import_module(f"{name}.{module.name}"), isclass):
                if (
                    issubclass(kind, Service)
                    and not isabstract(kind)
                    and kind.__module__ == f"{name}.{module.name}"
                ):
                    service = kind()
                    service.app = config.label
                    if service.code in found:
                        raise ValueError(f"two services have the code {service.code}")
                    found[service.code] = service
    return found


def service(code: str) -> Service:
    """The service of this code; KeyError where there is none."""
    return services()[code]


def offers(city: str | None = None) -> Iterator[tuple[Offer, Service]]:
    """Every offer of the city (or of all cities, in their order) with its service."""
    for one in book().cities:
        if city is None or one.slug == city:
            for offer in one.offers.values():
                yield offer, services()[offer.code]


@register()
def every_offer_has_a_service(app_configs: object, **kwargs: object) -> list[Error]:
    """A city may only offer what the hall can do: found at start, not by a user."""
    return [
        Error(f"{city.slug}/offers.yaml offers {code}, but no service has this code", id="hall.E001")
        for city in book().cities
        for code in city.offers
        if code not in services()
    ]
