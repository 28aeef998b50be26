"""What partners took stands in the workbench's lists under their names, and a longer list asks no
more."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.cast import cover
from tests.contributions.api.conftest import Counter
from tests.contributions.orders.conftest import PENSION

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("model", ["payment", "receipt"])
def test_partners_are_named_by_the_lists_own_query(counter: Counter, client: Client, model: str) -> None:
    cast = counter.till.cast
    client.force_login(cast.superuser, backend="portal.accounts.doors.StaffDoor")
    address = reverse(f"admin:contributions_{model}_changelist")
    client.get(address)  # the first look also renews the session
    asked = []
    for number, who in enumerate((cast.wang_fang, cast.zhang_min, cast.li_qiang), 1):
        if who != cast.wang_fang:
            cover(who, PENSION, "wuxi", "2026-01", tier="60")
        assert counter.tell(counter.placed(person=who), number=f"BANK-{number}").status_code == 201
        with CaptureQueriesContext(connection) as queries:
            page = client.get(address)
        assert counter.bank.partner.name in page.content.decode()
        asked.append(len(queries))
    assert asked[0] == asked[1] == asked[2]
