"""Cases that stood as done before money was waited for are set right by the migration."""

from importlib import import_module

import pytest
from django.db import connection

from contributions.models import Order
from contributions.orders import placing
from portal.accounts.models import User
from portal.hall.models import Case
from portal.hall.routing import Status
from tests.contributions.orders.conftest import Till, audit, providers, till
from tests.filing import file

pytestmark = pytest.mark.django_db
__all__ = ["providers", "till"]

CHOSEN = {"tier_pension": "60", "tier_medical": "", "span": "now"}


@pytest.mark.parametrize(("end", "status"), [(False, Status.TO_PAY), (True, Status.LAPSED)])
def test_a_case_that_was_called_done_before_it_was_paid(till: Till, end: bool, status: Status) -> None:
    case = file(till.cast.wang_fang_login, "wuxi", "flexible-pay", CHOSEN, till.now)
    if end:
        order = Order.objects.get()
        placing.expire(order, by=User.objects.system(), now=order.expires_at)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "DELETE FROM hall_caseevent WHERE case_id = %s AND to_status <> 'submitted'", [case.pk]
        )
        cursor.execute(
            """
            INSERT INTO hall_caseevent (case_id, at, actor_id, from_status, to_status, note)
            VALUES (%s, now(), %s, 'submitted', 'done', '')
            """,
            [case.pk, case.filed_by_id],
        )
        cursor.execute("UPDATE hall_case SET status = 'done', decided_at = now(), reason = ''")
        cursor.execute("SET LOCAL session_replication_role = origin")
        cursor.execute(import_module("contributions.migrations.0020_unpaid_cases").STANDS)
    case = Case.objects.get(pk=case.pk)
    assert (case.status, case.decided_at is None) == (status, not end)
    assert case.events.filter(to_status=status).exists()
    audit()
