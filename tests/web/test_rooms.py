"""What the hall finds in an app by the names of its modules."""

from pathlib import Path

import pytest
from django.conf import settings

from portal import rooms

APPS = ("enrollment", "contributions", "transfers", "certificates")


def test_the_projects_own_apps_go_from_the_ground_up() -> None:
    assert rooms.names()[0] == "portal.watch"
    assert set(APPS) < set(rooms.names())
    assert rooms.names().index("portal.hall") < rooms.names().index("enrollment")
    assert rooms.packages() == ("portal", *APPS)


def test_what_an_app_brings_is_found_by_its_name() -> None:
    assert [module.__name__ for module in rooms.bring("due")] == [
        "portal.appointments.due",
        "contributions.due",
    ]
    assert {"portal.hall.roles", "transfers.roles"} <= {module.__name__ for module in rooms.bring("roles")}


def test_a_name_that_is_not_in_the_list_is_an_error() -> None:
    with pytest.raises(LookupError):
        rooms.bring("dues")


def test_whatever_can_be_brought_is_brought_by_somebody() -> None:
    assert not [what for what in rooms.BRINGS if what != "tasks" and not rooms.bring(what)]


def test_nothing_in_the_portal_names_an_app_above_it() -> None:
    """Import-linter holds the imports; this, the names of modules in strings
    (``"contributions.tasks…"``)."""
    named = [
        f"{file.relative_to(settings.ROOT)}: {app}"
        for file in Path(settings.ROOT, "portal").rglob("*.py")
        for app in APPS
        if file.parent.name != "settings" and f'"{app}.' in file.read_text()
    ]
    assert not named
