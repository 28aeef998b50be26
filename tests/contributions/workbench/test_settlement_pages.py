"""The collectors' pages for opening by hand, for what the bank left open, and for who is
suspended."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contributions.models import BankInquiry, DebitBatch, DebitLine, Settlement, Suspension
from portal.accounts.models import User
from portal.accounts.roles import COLLECTOR
from tests.cast import Cast, staff
from tests.contributions.debit.test_settling import answer_of, checker, collector, held, missing, posted
from tests.contributions.money_cast import POOR, Road, coverage_of, worker
from tests.contributions.workbench.test_workbench import eager, login
from tests.workbench import search

__all__ = ["eager"]

pytestmark = pytest.mark.django_db

OPEN = "admin:contributions_debitbatch_open"


@pytest.fixture
def maker(cast: Cast) -> Client:
    return login(collector())


def text(client: Client, address: str) -> str:
    return client.get(address).content.decode()


# Opening


def test_counts_and_sums_are_shown_and_then_it_is_opened(road: Road, maker: Client, eager: None) -> None:
    worker(1), worker(2)
    road.charge()
    assert reverse(OPEN) in text(maker, reverse("admin:contributions_debitbatch_changelist"))
    asked = {"city": "wuhan", "month": "2026-10"}
    page = text(maker, f"{reverse(OPEN)}?city=wuhan&month=2026-10")
    assert "确认开批 2 笔" in page
    assert not DebitBatch.objects.exists()
    answer = maker.post(reverse(OPEN), {**asked, "confirmed": "1"})
    assert "running=1" in answer["Location"]
    batch = DebitBatch.objects.get()
    assert batch.opened_by == collector()
    there = reverse("admin:contributions_debitbatch_change", args=[batch.pk])
    assert maker.get(answer["Location"])["Location"] == there
    assert maker.get(answer["Location"], headers={"HX-Request": "true"})["HX-Redirect"] == there
    assert "须由另一名征缴人员核对并放行" in text(maker, there)


def test_before_the_day_it_says_why_and_a_forged_press_opens_nothing(
    road: Road, maker: Client, eager: None
) -> None:
    worker(1)
    page = text(maker, f"{reverse(OPEN)}?city=wuhan&month=2026-11")
    assert "托收日是 2026-11-30" in page
    assert "确认开批" not in page
    maker.post(reverse(OPEN), {"city": "wuhan", "month": "2026-11", "confirmed": "1"})
    assert not DebitBatch.objects.exists()


def test_another_month_or_city_is_no_choice(road: Road, maker: Client) -> None:
    for asked in ("city=wuhan&month=2026-08", "city=shenzhen&month=2026-10", "city=wuhan&month=x"):
        assert maker.get(f"{reverse(OPEN)}?{asked}").status_code == 422


def test_others_open_nothing(road: Road, cast: Cast) -> None:
    worker(1)
    road.charge()
    for who in (cast.wuhan_reviewer, cast.ningbo_staff_without_role):
        assert login(who).get(reverse(OPEN)).status_code in (403, 404)
    ningbo = staff("ningbo-c", "高远", "ningbo", COLLECTOR)
    assert login(ningbo).get(reverse(OPEN)).status_code == 404


# Open lines


def lines_page(batch: DebitBatch) -> str:
    return reverse("admin:contributions_settle_lines", args=[batch.pk])


def propose(client: Client, batch: DebitBatch, way: str, *lines: DebitLine, **more: str) -> Any:
    return client.post(
        lines_page(batch),
        {
            "way": way,
            "evidence": "回函 12 号",
            "key": "0b0f5b1e-9d0c-4b52-a1c5-0a5a5c8f0001",
            "line": [str(line.pk) for line in lines],
            **more,
        },
    )


def test_lines_are_proposed_and_another_lets_them_take_effect(road: Road, maker: Client) -> None:
    batch = posted(road)
    first, second = missing(batch)
    there = reverse("admin:contributions_debitbatch_change", args=[batch.pk])
    assert "银行未返回 2 笔，去处理" in text(maker, there)
    assert first.holder in text(maker, lines_page(batch))
    wrong = propose(maker, batch, "paid", first)
    assert wrong.status_code == 422
    assert "逐笔填写银行回单流水号" in wrong.content.decode()
    propose(maker, batch, "paid", first, **{f"number-{first.pk}": "PS-778"})
    settlement = Settlement.objects.get()
    page = reverse("admin:contributions_settlement_change", args=[settlement.pk])
    assert "须由另一名征缴人员复核" in text(maker, page)
    maker.post(page, {"step": "approve"})
    assert DebitLine.objects.get(pk=first.pk).status == "missing"
    second_hand = login(checker())
    assert "PS-778" in text(second_hand, page)
    second_hand.post(page, {"step": "approve"})
    assert DebitLine.objects.get(pk=first.pk).status == "paid"
    assert missing(batch) == [second]


def test_what_was_typed_is_not_lost(road: Road, maker: Client) -> None:
    batch = posted(road)
    first = missing(batch)[0]
    page = propose(maker, batch, "paid", first, **{f"number-{first.pk}": "PS-778", "evidence": ""})
    body = page.content.decode()
    assert 'value="PS-778"' in body
    assert "checked" in body
    assert "请写明银行答复的依据" in body


def test_all_of_them_fail_at_once_and_a_refusal_says_why(road: Road, maker: Client) -> None:
    batch = posted(road)
    propose(maker, batch, "failed", all="1")
    settlement = Settlement.objects.get()
    assert settlement.line_count == 2
    page = reverse("admin:contributions_settlement_change", args=[settlement.pk])
    second_hand = login(checker())
    assert second_hand.post(page, {"step": "refuse", "refuse-why": ""}).status_code == 422
    second_hand.post(page, {"step": "refuse", "refuse-why": "回函没有盖章"})
    assert "回函没有盖章" in text(maker, page)
    assert len(missing(batch)) == 2


def test_asking_the_bank_again_is_kept_and_the_list_can_be_sent(road: Road, maker: Client) -> None:
    batch = posted(road)
    assert maker.post(lines_page(batch), {"ask": "1", "ask-note": ""}).status_code == 422
    maker.post(lines_page(batch), {"ask": "1", "ask-note": "致电清算部"})
    assert BankInquiry.objects.get().note == "致电清算部"
    assert "致电清算部" in text(maker, lines_page(batch))
    listed = maker.get(reverse("admin:contributions_settle_csv", args=[batch.pk]))
    assert missing(batch)[0].account_number in listed.content.decode()


def test_wrong_people_see_and_do_nothing(road: Road, cast: Cast) -> None:
    batch = posted(road)
    ningbo = login(staff("ningbo-c", "高远", "ningbo", COLLECTOR))
    assert ningbo.get(lines_page(batch)).status_code == 404
    reviewer = login(cast.wuhan_reviewer)
    assert reviewer.get(lines_page(batch)).status_code in (403, 404)
    assert reviewer.post(lines_page(batch), {"all": "1"}).status_code in (403, 404)
    client = Client()
    client.force_login(User.objects.create_person(worker(9), password="Ningbo-1127-hall"))
    assert client.get(lines_page(batch)).status_code in (302, 404)


# Held answers


def test_a_held_answer_is_given_up_by_two(road: Road, maker: Client) -> None:
    batch, file = held(road)
    page = reverse("admin:contributions_settle_file", args=[file.pk])
    there = reverse("admin:contributions_debitbatch_change", args=[batch.pk])
    assert page in text(maker, there)
    assert maker.post(page, {"way": "first_stands", "evidence": "x"}).status_code == 422
    maker.post(
        page,
        {"way": "no_answer", "evidence": "银行不能重发", "key": "0b0f5b1e-9d0c-4b52-a1c5-0a5a5c8f0002"},
    )
    settlement = Settlement.objects.get()
    assert page not in text(maker, there)
    login(checker()).post(
        reverse("admin:contributions_settlement_change", args=[settlement.pk]), {"step": "approve"}
    )
    batch.refresh_from_db()
    assert batch.status == "answered"


def test_a_second_answer_is_laid_aside(road: Road, maker: Client) -> None:
    batch = posted(road, workers=2, answered=2)
    answer_of(road, batch, rows=1)
    road.read()
    file = batch.files.get(status="held")
    page = reverse("admin:contributions_settle_file", args=[file.pk])
    assert "以已采用的结果为准" in text(maker, page)


# Suspensions


def test_who_is_suspended_is_found_with_what_to_do(road: Road, maker: Client) -> None:
    batch = posted(road, workers=1)
    who = worker(7, ending=POOR, name="李停")
    one = Suspension.objects.create(
        coverage=coverage_of(who), start=road.month, why="欠缴 4 个月，托收未成功", batch=batch,
        suspended_at=road.now,
    )  # fmt: skip
    listing = reverse("admin:contributions_suspension_changelist")
    assert "李停" in search(maker, listing, "李停").content.decode()
    assert "历史欠费补缴" in text(maker, reverse("admin:contributions_suspension_change", args=[one.pk]))
    client = Client()
    client.force_login(User.objects.create_person(who, password="Ningbo-1127-hall"))
    page = text(client, reverse("record"))
    assert "养老保险暂停缴费" in page
    assert "历史欠费补缴" in page
    assert reverse("service", args=["wuhan", "arrears-pay"]) in page
