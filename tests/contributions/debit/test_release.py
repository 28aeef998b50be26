"""A batch leaves only after a second person has checked it: by rule of the city, by hand in the
workbench, by constraint."""

import html
import json
import re

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from contributions.audit.looking import audit
from contributions.debit import opening, payers, releasing
from contributions.models import BatchStatus, DebitBatch
from contributions.tasks import debit
from portal.accounts.models import User
from portal.accounts.roles import COLLECTOR
from tests.cast import Cast, staff
from tests.contributions.debit import test_races
from tests.contributions.money_cast import FROZEN, NOVEMBER, OCTOBER, POOR, Road, collector, worker


def opened(road: Road, by: User | None = None, people: int = 2) -> DebitBatch:
    for order in range(1, people + 1):
        worker(order)
    road.charge()
    batch = opening.open_batch(city="wuhan", month=OCTOBER, by=by or road.by, now=road.now)
    assert batch is not None
    return batch


def page(client: Client, user: User, batch: DebitBatch, **data: str) -> str:
    client.force_login(user, backend="portal.accounts.doors.StaffDoor")
    url = f"/admin/contributions/debitbatch/{batch.pk}/change/"
    return (client.post(url, data, follow=True) if data else client.get(url)).content.decode()


def test_what_the_schedule_opened_waits_for_a_collector(road: Road) -> None:
    batch = opened(road)
    assert batch.status == BatchStatus.OPENED
    debit.send_batches()
    batch.refresh_from_db()
    assert (batch.status, list(road.exchange.glob("outbox/*"))) == (BatchStatus.OPENED, [])
    releasing.release(batch, by=collector(), now=road.now)
    debit.send_batches()
    batch.refresh_from_db()
    assert (batch.status, batch.released_by) == (BatchStatus.SENT, collector())
    assert [event.status for event in batch.events.all()] == ["opened", "released", "sent"]
    assert all(one.holds for one in audit())


def test_whoever_opened_it_does_not_release_it(road: Road) -> None:
    batch = opened(road, by=collector())
    with pytest.raises(releasing.CannotRelease, match="另一名"):
        releasing.release(batch, by=collector(), now=road.now)
    batch.refresh_from_db()
    assert (batch.status, batch.released_by) == (BatchStatus.OPENED, None)
    another = staff("wuhan-9", "孙立", "wuhan", COLLECTOR)
    assert releasing.release(batch, by=another, now=road.now).status == BatchStatus.RELEASED


def test_the_database_wants_a_second_person_too(road: Road) -> None:
    batch = opened(road, by=collector())
    with pytest.raises(IntegrityError, match="batch_released_by_a_second_person"), transaction.atomic():
        DebitBatch.objects.filter(pk=batch.pk).update(
            status=BatchStatus.RELEASED, released_at=road.now, released_by=collector()
        )
    with pytest.raises(IntegrityError, match="batch_released_by_someone"), transaction.atomic():
        DebitBatch.objects.filter(pk=batch.pk).update(status=BatchStatus.RELEASED)


def test_nobody_outside_the_citys_agency_releases(road: Road, cast: Cast) -> None:
    batch = opened(road)
    for who in (User.objects.system(), collector("ningbo"), cast.li_qiang_login):
        with pytest.raises(releasing.CannotRelease):
            releasing.release(batch, by=who, now=road.now)


def test_released_twice_is_released_once(road: Road) -> None:
    batch = opened(road)
    first = releasing.release(batch, by=collector(), now=road.now)
    again = releasing.release(batch, by=staff("wuhan-9", "孙立", "wuhan", COLLECTOR), now=road.now)
    assert again.released_by == first.released_by == collector()
    assert batch.events.filter(status="released").count() == 1


@pytest.mark.django_db(transaction=True)
def test_released_by_several_at_once_is_released_once(road: Road) -> None:
    batch = opened(road)
    who = collector()
    outcomes = test_races.at_once(
        lambda: releasing.release(DebitBatch.objects.get(pk=batch.pk), by=who, now=road.now).status
    )
    assert outcomes == ["released"] * test_races.WORKERS
    assert batch.events.filter(status="released").count() == 1


def test_a_city_whose_schedule_releases_waits_for_nobody(road: Road, cast: Cast, monkeypatch) -> None:
    terms = opening.debit_terms

    def by_schedule(*args, **named):
        found = terms(*args, **named)
        object.__setattr__(found, "second_person", False)
        return found

    for module in (opening, payers):
        monkeypatch.setattr(module, "debit_terms", by_schedule)
    batch = opened(road)
    assert (batch.status, batch.released_by, batch.second_person) == ("released", road.by, False)
    assert all(one.holds for one in audit())


def test_the_confirmation_compares_with_last_month(road: Road, client: Client) -> None:
    road.close(road.post(opened_and_answered(road)))
    worker(3)
    road.month = NOVEMBER
    road.charge()
    batch = road.open()
    shown = page(client, collector(), batch, step="release")
    assert "核对并放行" in shown
    for figure in (
        '<td class="nums">3</td>',
        '<td class="nums">2</td>',
        "+1",
        "1,179.12",
        "786.08",
        "+393.04",
    ):
        assert figure in shown, figure
    page(client, collector(), batch, step="release", confirmed="1")
    batch.refresh_from_db()
    assert (batch.status, batch.released_by) == ("released", collector())


def opened_and_answered(road: Road) -> DebitBatch:
    for order in (1, 2):
        worker(order)
    return road.answered()


def test_why_debits_failed_is_drawn_and_told_in_a_table(road: Road, client: Client) -> None:
    worker(1)
    for order, ending in ((2, POOR), (3, POOR), (4, FROZEN)):
        worker(order, ending=ending)
    shown = page(client, collector(), road.post(road.answered()))
    value = re.search(r'data-value="([^"]+)"', shown)
    assert value is not None
    chart = json.loads(html.unescape(value[1]))
    assert (chart["labels"], chart["datasets"][0]["data"]) == (["余额不足", "账户冻结"], [2, 1])
    assert re.search(
        r"<th scope=\"row\">余额不足</th><td class=\"nums\">2</td><td class=\"nums\">786.08</td>", shown
    )
    assert "/admin/contributions/ledgeraccount/" in shown


def test_the_page_offers_nothing_to_whoever_opened_it(road: Road, client: Client) -> None:
    batch = opened(road, by=collector())
    shown = page(client, collector(), batch)
    assert "须由另一名征缴人员核对并放行" in shown
    assert "核对并放行…" not in shown
    page(client, collector(), batch, step="release", confirmed="1")
    batch.refresh_from_db()
    assert batch.status == "opened"
