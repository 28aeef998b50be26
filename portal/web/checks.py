"""Checks of the whole program (``manage.py check``, which runs before every start and
migration)."""

from importlib import import_module
from pkgutil import walk_packages
from typing import Any

from django.core.checks import CheckMessage, Error

from portal import rooms
from portal.shared.tables import incomplete

# Packages whose modules serve no page.
_LEFT_OUT = ("migrations", "management", "settings")


def tables_are_complete(**options: Any) -> list[CheckMessage]:
    """Reports each table by an enum (labels, tones and others) that lacks a member: the first page
    that shows the member would fail."""
    errors: dict[int, CheckMessage] = {}
    for name in modules():
        for table, missing in incomplete(module := import_module(name)):
            members = "、".join(str(member.value) for member in missing)
            errors.setdefault(
                id(vars(module)[table]), Error(f"{name}.{table}: {members} 没有对应的内容", id="hall.E001")
            )
    return list(errors.values())


def modules() -> list[str]:
    """The dotted names of all modules of the program, without migrations, commands and settings."""
    return [
        one.name
        for room in rooms.packages()
        for one in walk_packages(import_module(room).__path__, f"{room}.")
        if not set(one.name.split(".")).intersection(_LEFT_OUT)
    ]
