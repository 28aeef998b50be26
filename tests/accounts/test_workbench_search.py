"""Whatever is typed into the search of a list of the workbench, the list answers."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from tests.cast import Cast
from tests.workbench import search

pytestmark = pytest.mark.django_db


PAGES = sorted(model._meta.label_lower for model in admin.site._registry)
LISTS = sorted(model._meta.label_lower for model, page in admin.site._registry.items() if page.search_fields)
TYPED = ["李强", "420106198509300371", "91420106MA2000201G", "0", "a'%_\\"]


@pytest.fixture
def everywhere(cast: Cast, client: Client) -> Client:
    client.force_login(cast.superuser, backend="portal.accounts.doors.StaffDoor")
    return client


def listing(label: str) -> str:
    return reverse(f"admin:{label.replace('.', '_')}_changelist")


@pytest.mark.parametrize("label", PAGES)
def test_every_page_opens_with_a_search_in_its_address(everywhere: Client, label: str) -> None:
    assert everywhere.get(listing(label), {"q": TYPED[-1]}).status_code in (200, 302, 403)


@pytest.mark.parametrize("typed", TYPED)
@pytest.mark.parametrize("label", LISTS)
def test_every_list_can_be_searched(everywhere: Client, label: str, typed: str) -> None:
    assert search(everywhere, listing(label), typed).status_code in (200, 403, 404)
