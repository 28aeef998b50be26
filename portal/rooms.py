"""What an app brings to the hall, found by the names of its modules: nothing in ``portal`` names an
app above it.

An app is one of the project's own in ``INSTALLED_APPS``, which goes from the ground up. It may have
each of these modules or packages; none is named anywhere else.
"""

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from django.conf import settings

BRINGS = {
    "services": "a package; each of its modules has classes of portal.hall.service.Service",
    "urls": "urlpatterns of pages, from the root of the site",
    "api_urls": "urlpatterns of the API, below /api/v1/",
    "roles": "PERMISSIONS: for each role of staff, patterns of the app's permissions",
    "schedule": "SCHEDULE: the scheduled tasks of the app, and when they run",
    "tasks": "tasks of Celery, which finds them by itself",
    "audit": "CHECKS: what must hold over the whole database",
    "due": "due_for(user, now): what a login has to do by a day; due_of(person, now): a person's part",
    "insured": "city_of(person): where somebody is insured, for who has chosen no city; "
    "insured_now(people, now): for what; relation_in(person, city, month): how, there",
    "benchmarks": "BENCHES and GOALS: what script/bench measures",
    "demo": "CHAPTERS of the demo's story",
}


@cache
def names() -> tuple[str, ...]:
    """The project's own apps, from the ground up: portal.watch, portal.people, …, contributions,
    …"""
    return tuple(
        name
        for name in settings.INSTALLED_APPS
        if (settings.ROOT / name.replace(".", "/") / "__init__.py").is_file()
    )


def packages() -> tuple[str, ...]:
    """The packages of the project, from the ground up: portal, enrollment, …"""
    return tuple(dict.fromkeys(name.partition(".")[0] for name in names()))


@cache
def bring(what: str) -> tuple[ModuleType, ...]:
    """The modules of this name, of each app that has one, from the ground up. LookupError for one
    that is not in ``BRINGS``."""
    if what not in BRINGS:
        raise LookupError(what)
    return tuple(import_module(f"{name}.{what}") for name in names() if find_spec(f"{name}.{what}"))
