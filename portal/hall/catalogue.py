"""All services, found by importing every app's ``services``; and the offers, from the cities'
data."""

from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from inspect import getmembers, isabstract, isclass
from pkgutil import iter_modules

from django.core.checks import Error, register
from django.urls import NoReverseMatch, reverse

from portal import rooms
from portal.hall.service import Service
from portal.hall.ways import OF_CITY, PAGES, To
from portal.policy.book import City, Offer, PolicyMissing, book
from portal.policy.files import EVERY_CITY, NATIONAL, NATIONAL_FILES
from portal.policy.passages import Passage


@cache
def services() -> dict[str, Service]:
    """Every service by its code. ValueError where two share one."""
    by_code: dict[str, Service] = {}
    for package in rooms.bring("services"):
        name = package.__name__
        for module in sorted(iter_modules(package.__path__), key=lambda item: item.name):
            for _name, kind in getmembers(import_module(f"{name}.{module.name}"), isclass):
                if (
                    issubclass(kind, Service)
                    and not isabstract(kind)
                    and kind.__module__ == f"{name}.{module.name}"
                ):
                    service = kind()
                    service.app = name.split(".")[-2]
                    if service.code in by_code:
                        raise ValueError(f"two services have the code {service.code}")
                    by_code[service.code] = service
    return by_code


def service(code: str) -> Service:
    """The service of this code; KeyError where there is none."""
    return services()[code]


def offers(city: str | None = None) -> Iterator[tuple[Offer, Service]]:
    """Every offer of the city (or of all cities, in their order) with its service."""
    for place in book().cities:
        if city is None or place.slug == city:
            for offer in place.offers.values():
                yield offer, services()[offer.code]


@register()
def every_offer_has_a_service(app_configs: object, **kwargs: object) -> list[Error]:
    """Reports, at start, each offer of a city that has no service."""
    return [
        Error(f"{city.slug}/offers.yaml offers {code}, but no service has this code", id="hall.E001")
        for city in book().cities
        for code in city.offers
        if code not in services()
    ]


@register()
def every_figure_that_is_asked_for_is_there(app_configs: object, **kwargs: object) -> list[Error]:
    """Reports, at start, each file of figures that is missing and that a service or task of the
    city needs."""
    missing = [
        Error(f"{NATIONAL}/{name}.yaml is missing", id="hall.E005")
        for name in _lacks(NATIONAL, NATIONAL_FILES)
    ]
    for city in book().cities:
        needed: dict[str, str] = dict.fromkeys(EVERY_CITY, "every city needs it")
        for code in city.offers:
            if code in services():
                needed |= dict.fromkeys(services()[code].needs, f"{code} needs it")
        for offer in city.offers.values():
            if offer.options.get("account_at_enrolment") or offer.options.get("paid_by") == "debit":
                needed["debit"] = f"{offer.code} needs it"
        missing += [
            Error(
                f"{city.slug}/{name}.yaml is missing: {needed[name]}",
                hint=f"script/manage new_city --example {name} prints one to begin with.",
                id="hall.E005",
            )
            for name in _lacks(city.slug, needed)
        ]
        try:
            capacities = book().history(city.slug, "charging")[-1].values["days"]
        except PolicyMissing:
            continue
        missing += [
            Error(
                f"{city.slug}/charging.yaml charges {capacity}, but there is no {capacity}_….yaml that says how much",
                id="hall.E006",
            )
            for capacity in capacities
            if not any(name.startswith(f"{capacity}_") for name in book().names(city.slug))
        ]
    return missing


def _lacks(scope: str, names: Iterable[str]) -> list[str]:
    present = set(book().names(scope))
    return [name for name in names if name not in present]


def notices_of(city: City) -> Iterator[tuple[str, tuple[Passage, ...]]]:
    """The sentences of each service that the city offers or names, and of each question, by its
    code."""
    yield from ((code, offer.notice) for code, offer in city.offers.items())
    yield from ((code, there.notice) for code, there in city.elsewhere.items())
    yield from ((code, asked.answer) for code, asked in city.questions.items())


@register()
def every_way_leads_somewhere(app_configs: object, **kwargs: object) -> list[Error]:
    """Reports, at start, each text that names a service or a page that does not exist."""
    known = {*services(), *(code for city in book().cities for code in city.elsewhere)}
    wrong = [
        Error(f"a text names the service {code}, which nobody knows", id="hall.E002")
        for way in To.named
        for code in way.codes
        if code not in known
    ]
    for name in PAGES:
        try:
            reverse(name, args=[city.slug for city in book().cities[:1] if name in OF_CITY])
        except NoReverseMatch:
            wrong.append(Error(f"a text may name the page {name}, which has no address", id="hall.E003"))
    return wrong + [
        Error(f"{city.slug}: {code} names the page {link.page}, which nobody knows", id="hall.E004")
        for city in book().cities
        for code, notice in notices_of(city)
        for passage in notice
        for link in passage.links()
        if link.page and link.page not in PAGES
    ]
