"""The audit finds each way in which a transfer could lose or double a month or a fen."""

import pytest
from django.db import connection

from contributions.audit.looking import audit
from tests.cast import NOW, Cast
from tests.transfers.mover import applied, clerk_of, offences, walked
from tests.transfers.standing_mover import cast, mover, who_moved
from transfers import steps
from transfers.machine import Status
from transfers.models import Transfer

__all__ = ["cast", "mover", "who_moved"]

NUMBER = 14


@pytest.fixture(scope="module")
def merged_once(who_moved: Cast) -> Transfer:
    """One that was returned after its release, released again and merged: every kind of row
    stands."""
    now = NOW
    transfer = walked(applied(who_moved.li_qiang_login, now), Status.RELEASED, now)
    transfer = steps.send_back(transfer, reason="更正", by=clerk_of("shenzhen"), now=now)
    transfer = steps.put_right(transfer, by=clerk_of("wuhan"), now=now)
    return walked(transfer, Status.MERGED, now)


@pytest.fixture
def merged(merged_once: Transfer, db: None) -> Transfer:
    return Transfer.objects.get(pk=merged_once.pk)


def broken(*statements: str) -> dict[int, tuple[str, ...]]:
    """What the audit says after these statements, with the triggers of all tables off."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("SET LOCAL session_replication_role = origin")
    return {one.number: one.examples for one in audit() if not one.holds}


def test_a_whole_one_is_whole(merged: Transfer) -> None:
    assert offences() == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE contributions_movedout SET pooled_fen = pooled_fen + 1 WHERE live", "记账与记录不符"),
        ("UPDATE contributions_movedout SET live = true", "没有在途或办结的转移与之对应"),
        ("UPDATE contributions_broughtin SET account_fen = account_fen - 1", "与转出记录或逐月记录不符"),
        ('UPDATE contributions_broughtin SET wages = \'{"2025": "1"}\'', "与转出记录或逐月记录不符"),
        ("UPDATE contributions_broughtinperiod SET until = '2025-12-01'", "与转出记录或逐月记录不符"),
        ("UPDATE contributions_broughtinperiod SET live = false", "与转出记录或逐月记录不符"),
        (
            "UPDATE contributions_movedoutperiod SET until = '2025-12-01' WHERE live",
            "记 12 个月，实有 11 个月",
        ),
        ("UPDATE contributions_movedoutperiod SET live = false", "又有没有转出的缴费"),
        (
            "UPDATE contributions_accountmovement SET amount_fen = amount_fen + 1 WHERE key LIKE 'transfer-in%'",
            "转入记账与转出不符",
        ),
        (
            "UPDATE transfers_transfer SET status = 'released', brought_in_id = NULL, ended_at = NULL",
            "在途 475548 分",
        ),
        (
            (
                "INSERT INTO contributions_broughtinperiod (person_id, insurance, start, until, live, brought_in_id)"
                " SELECT person_id, insurance, start, until, false, brought_in_id FROM contributions_broughtinperiod"
            ),
            "与转出记录或逐月记录不符",
        ),
    ],
)
def test_each_way_to_lose_or_double_is_found(merged: Transfer, statement: str, said: str) -> None:
    found = broken(statement)
    assert any(said in example for example in found[NUMBER]), found


def test_a_status_without_its_event_is_found(merged: Transfer) -> None:
    found = broken("DELETE FROM transfers_transferevent WHERE to_status = 'received'")
    assert any("不在规定之内" in example for example in found[6]), found
