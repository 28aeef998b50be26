"""The collectors' pages: batches with their steps, the trial balance, and lists that nobody can
edit."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse
from kombu.exceptions import OperationalError

from contributions.models import Charge, DebitBatch, Entry, Receipt
from contributions.tasks import debit
from portal.accounts.models import User
from portal.celery import app
from tests.cast import Cast, staff
from tests.contributions.money_cast import POOR, Road, worker
from tests.workbench import search


@pytest.fixture
def eager() -> Iterator[None]:
    """Tasks run where they are asked for: there is no worker beside a test."""
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


def login(who: User) -> Client:
    client = Client()
    client.force_login(who, backend="portal.accounts.doors.StaffDoor")
    return client


def page_of(batch: DebitBatch) -> str:
    return reverse("admin:contributions_debitbatch_change", args=[batch.pk])


@pytest.fixture
def batch(road: Road) -> DebitBatch:
    worker(1)
    worker(2, ending=POOR)
    road.charge()
    return road.open()


def press(client: Client, batch: DebitBatch, step: str) -> str:
    """Presses a button and confirms; what the page then says."""
    asked = client.post(page_of(batch), {"step": step})
    assert "确认" in asked.content.decode()
    answer = client.post(page_of(batch), {"step": step, "confirmed": "1"}, follow=True)
    batch.refresh_from_db()
    return answer.content.decode()


def test_a_collector_takes_a_batch_along_its_whole_road(
    road: Road, cast: Cast, batch: DebitBatch, eager: None
) -> None:
    client = login(cast.wuhan_collector)
    press(client, batch, "release")
    press(client, batch, "send")
    assert batch.status == "sent"
    road.bank()
    press(client, batch, "read")
    assert batch.status == "answered"
    press(client, batch, "post")
    assert batch.status == "posted"
    page = press(client, batch, "close")
    assert (batch.status, batch.closed_by) == ("closed", cast.wuhan_collector)
    assert "余额不足" in page
    assert {event.by.name for event in batch.events.select_related("by")} == {"系统", "郑文"}


def test_a_step_is_taken_only_after_it_is_confirmed(cast: Cast, batch: DebitBatch, eager: None) -> None:
    login(cast.wuhan_collector).post(page_of(batch), {"step": "send"})
    batch.refresh_from_db()
    assert batch.status == "opened"


def test_a_step_that_is_not_this_states_is_refused(cast: Cast, batch: DebitBatch, eager: None) -> None:
    client = login(cast.wuhan_collector)
    for step in ("close", "post", "nonsense"):
        answer = client.post(page_of(batch), {"step": step, "confirmed": "1"}, follow=True)
        assert "批次状态已变化" in answer.content.decode()
    batch.refresh_from_db()
    assert batch.status == "opened"


def test_a_queue_that_is_down_is_said(cast: Cast, batch: DebitBatch, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_args: object) -> None:
        raise OperationalError

    monkeypatch.setattr(debit.run_step, "delay", down)
    press(login(cast.wuhan_collector), batch, "release")
    assert "后台队列暂时不可用" in press(login(cast.wuhan_collector), batch, "send")


def test_the_page_shows_counts_sums_reasons_and_files(road: Road, cast: Cast, batch: DebitBatch) -> None:
    road.send(batch)
    road.bank()
    road.read()
    batch.refresh_from_db()
    road.post(batch)
    page = login(cast.wuhan_collector).get(page_of(batch)).content.decode()
    for told in (
        "786.08",
        "393.04",
        "扣款成功",
        "扣款失败",
        "余额不足",
        "420100-202610-psbc-1.result.txt",
        "笔数、金额相符",
    ):
        assert told in page, told


def test_staff_of_another_city_and_without_the_role_find_nothing(
    road: Road, cast: Cast, batch: DebitBatch
) -> None:
    road.walked()
    charge, receipt, entry = Charge.objects.all()[0], Receipt.objects.get(), Entry.objects.get()
    pages = [
        page_of(batch),
        reverse("admin:contributions_charge_change", args=[charge.pk]),
        reverse("admin:contributions_receipt_change", args=[receipt.pk]),
        reverse("admin:contributions_entry_change", args=[entry.pk]),
    ]
    elsewhere = login(staff("ningbo-9", "外地", "ningbo", "征缴"))
    for address in pages:
        assert login(cast.wuhan_collector).get(address).status_code == 200, address
        assert elsewhere.get(address).status_code == 404, address
        assert login(cast.ningbo_staff_without_role).get(address).status_code == 404, address
    assert elsewhere.post(page_of(batch), {"step": "send", "confirmed": "1"}).status_code == 404


def test_whoever_may_only_look_cannot_press(cast: Cast, batch: DebitBatch) -> None:
    client = login(staff("wuhan-9", "查看", "wuhan", "证明"))
    assert client.get(page_of(batch)).status_code == 200
    assert "生成文件…" not in client.get(page_of(batch)).content.decode()
    assert client.post(page_of(batch), {"step": "send", "confirmed": "1"}).status_code == 404


def test_nothing_of_the_money_can_be_added_edited_or_deleted(
    road: Road, cast: Cast, batch: DebitBatch
) -> None:
    client = login(cast.superuser)
    for model in ("charge", "receipt", "entry"):
        assert client.get(reverse(f"admin:contributions_{model}_add")).status_code in (403, 404)
        row = reverse(f"admin:contributions_{model}_change", args=[1])
        assert client.post(row, {"amount_fen": "1"}).status_code in (403, 404)
    charge = Charge.objects.first()
    assert charge
    for action in ("change", "delete"):
        address = reverse(f"admin:contributions_charge_{action}", args=[charge.pk])
        assert client.post(address, {"amount_fen": "1", "post": "yes"}).status_code == 403
    charge.refresh_from_db()
    assert charge.amount_fen == 39304


def test_the_queue_counts_what_waits_for_staff(road: Road, cast: Cast, batch: DebitBatch) -> None:
    listing = reverse("admin:contributions_debitbatch_changelist")
    client = login(cast.wuhan_collector)
    assert batch.number in client.get(listing).content.decode()
    assert batch.number in client.get(listing, {"state": "mine"}).content.decode()
    road.send(batch)
    assert batch.number not in client.get(listing, {"state": "mine"}).content.decode()
    road.bank()
    road.read()
    batch.refresh_from_db()
    road.post(batch)
    assert batch.number in client.get(listing, {"state": "mine"}).content.decode()
    batch.refresh_from_db()
    road.close(batch)
    assert batch.number not in client.get(listing).content.decode()
    assert batch.number in client.get(listing, {"state": "closed"}).content.decode()


def test_the_trial_balance_of_a_day(road: Road, cast: Cast, batch: DebitBatch) -> None:
    road.walked()
    address = reverse("admin:contributions_ledgeraccount_changelist")
    client = login(cast.wuhan_collector)
    page = client.get(address, {"day": "2026-11-17"}).content.decode()
    assert "统筹基金收入" in page
    assert "393.04" in page
    assert "不平衡" not in page
    assert "393.04" not in client.get(address, {"day": "2026-11-16"}).content.decode()
    wrong = client.get(address, {"day": "昨天"})
    assert wrong.status_code == 422
    assert "不是日期" in wrong.content.decode()


def test_lists_find_a_person_by_the_full_number_only(road: Road, cast: Cast, batch: DebitBatch) -> None:
    listing = reverse("admin:contributions_charge_changelist")
    client = login(cast.wuhan_collector)
    charge = Charge.objects.select_related("person").order_by("pk").first()
    assert charge
    number = charge.person.identity_number
    assert "工人1" in search(client, listing, number).content.decode()
    assert "工人" not in search(client, listing, number[:10]).content.decode().split('id="result_list"')[-1]


def test_a_file_that_names_no_batch_is_seen_by_whoever_sees_all_cities(
    road: Road, cast: Cast, batch: DebitBatch
) -> None:
    (road.exchange / "inbox").mkdir(parents=True)
    (road.exchange / "inbox" / "stray.txt").write_text("H|DR01|420100-209910-psbc-1|20261031|0|0|0|0|0\n")
    assert [one.outcome for one in road.read()] == ["held"]
    listing = reverse("admin:contributions_bankfile_changelist")
    assert "stray.txt" in login(cast.superuser).get(listing).content.decode()
    assert "stray.txt" not in login(cast.wuhan_collector).get(listing).content.decode()
    road.send(batch)
    assert batch.file_name in login(cast.wuhan_collector).get(listing).content.decode()
