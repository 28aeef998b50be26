"""Everyone learns what became of their debit, once; only failures go out by text message; nobody
reads another's."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from contributions.books.receiving import receive
from contributions.debit import notices, posting
from contributions.models import BatchStatus, DebitBatch
from portal.accounts import messages
from portal.accounts import notices as told
from portal.accounts.models import Notice, OutboxMessage, User
from portal.shared.insurance import Insurance
from tests.cast import Cast
from tests.contributions.debit.test_races import at_once
from tests.contributions.money_cast import FROZEN, POOR, Road, charge_of, worker

PENSION, MEDICAL = Insurance.PENSION, Insurance.MEDICAL


AGAIN_POOR = "请在扣款账户足额存款。2026年11月30日系统自动再次扣款，不用另行办理。"
AGAIN_FROZEN = "请到银行解除冻结，或更换扣款账户。2026年11月30日系统自动再次扣款，不用另行办理。"


def login(order: int, **named: object) -> User:
    return User.objects.create_person(worker(order, **named), password=None, phone=f"1380000{order:04d}")  # type: ignore[arg-type]


def visit(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="portal.accounts.doors.PersonDoor")
    return client


def test_each_learns_what_was_debited_and_what_not_and_why(road: Road) -> None:
    good = login(1, insurances=(PENSION, MEDICAL))
    poor, frozen = login(2, ending=POOR, insurances=(PENSION, MEDICAL)), login(3, ending=FROZEN)
    batch = road.post(road.answered())
    assert Notice.objects.count() == 3
    for who, title, text in (
        (good, "2026年10月托收扣款成功", "2026年10月养老保险 393.04 元、2026年10月医疗保险 196.52 元。"),
        (poor, "2026年10月托收扣款失败",
         "2026年10月养老保险 393.04 元（余额不足）、2026年10月医疗保险 196.52 元（余额不足）。"
         + AGAIN_POOR),
        (frozen, "2026年10月托收扣款失败", "2026年10月养老保险 393.04 元（账户冻结）。"
         + AGAIN_FROZEN),
    ):  # fmt: skip
        [notice] = told.notices_of(who)
        assert (notice.title, notice.text) == (title, f"{title}：{text}")
        assert (notice.at, notice.by_text) == (road.now, who != good)
    assert batch.status == BatchStatus.POSTED


def test_told_again_says_nothing_new(road: Road) -> None:
    login(1)
    login(2, ending=POOR)
    batch = road.post(road.answered())
    with transaction.atomic():
        notices.tell_results(batch.chunks.get(), now=road.now)
    road.post(batch)
    assert Notice.objects.count() == 2


def test_money_that_is_not_applied_is_said_to_be_returned(road: Road) -> None:
    who = login(1)
    batch = road.answered()
    assert who.person is not None
    receive([charge_of(who.person)], channel="counter", provider_number="1", at=road.now, by=road.by)
    road.post(batch)
    assert "本笔款项待退还" in told.notices_of(who).get().text


def test_rows_that_the_bank_left_out_tell_nothing(road: Road) -> None:
    login(1)
    road.charge()
    batch = road.open()
    road.send(batch)
    batch.lines.update(status="missing")
    with transaction.atomic():
        notices.tell_results(batch.chunks.get(), now=road.now)
    assert not Notice.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_run_that_is_killed_while_it_tells_tells_all_the_next_time(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    login(1)
    login(2, ending=POOR)
    batch = road.answered()
    tell = notices.tell_results

    class Killed(BaseException):
        pass

    def killed(*what: object, **named: object) -> None:
        tell(*what, **named)  # type: ignore[arg-type]
        raise Killed

    with monkeypatch.context() as broken:
        broken.setattr(notices, "tell_results", killed)
        with pytest.raises(Killed):
            road.post(batch)
    batch.refresh_from_db()
    assert (batch.status, Notice.objects.count()) == (BatchStatus.ANSWERED, 0)
    outcomes = at_once(lambda: posting.post(DebitBatch.objects.get(), by=road.by, now=road.now).status)
    assert "posted" in outcomes
    assert Notice.objects.count() == 2


def test_only_failures_go_out_by_text_message_and_once(road: Road) -> None:
    login(1)
    poor = login(2, ending=POOR)
    road.post(road.answered())
    assert [told.send_text_messages(now=road.now) for _time in range(2)] == [1, 0]
    [message] = OutboxMessage.objects.all()
    assert (message.phone, message.text) == (poor.phone, told.notices_of(poor).get().text)


def test_a_text_message_that_is_refused_waits(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    login(2, ending=POOR)
    road.post(road.answered())

    def refuse(**_named: object) -> None:
        raise messages.MessageNotSent

    with monkeypatch.context() as broken:
        broken.setattr(messages, "send", refuse)
        assert told.send_text_messages(now=road.now) == 0
    assert told.send_text_messages(now=road.now) == 1


@pytest.mark.django_db(transaction=True)
def test_several_workers_send_each_text_message_once(road: Road) -> None:
    for order in range(1, 9):
        login(order, ending=POOR)
    road.post(road.answered())
    sent = at_once(lambda: told.send_text_messages(now=road.now))
    assert sum(one for one in sent if isinstance(one, int)) == OutboxMessage.objects.count() == 8


def test_the_page_and_the_badge(road: Road) -> None:
    poor = login(2, ending=POOR)
    road.post(road.answered())
    client = visit(poor)
    shown = client.get("/messages/").content.decode()
    assert "余额不足" in shown
    assert ">未读</span>1</span>" in shown
    notice = told.notices_of(poor).get()
    assert client.post(f"/messages/{notice.pk}/read/").status_code == 302
    shown = client.get("/messages/").content.decode()
    assert "已读" in shown
    assert "未读" not in shown
    notice.refresh_from_db()
    first = notice.read_at
    client.post("/messages/read/")
    notice.refresh_from_db()
    assert notice.read_at == first


def test_anothers_notice_is_not_there(road: Road, cast: Cast) -> None:
    poor, other = login(2, ending=POOR), login(3)
    road.post(road.answered())
    notice = told.notices_of(poor).get()
    assert visit(other).post(f"/messages/{notice.pk}/read/").status_code == 404
    assert "余额不足" not in visit(other).get("/messages/").content.decode()
    visit(other).post("/messages/read/")
    notice.refresh_from_db()
    assert notice.read_at is None


def test_the_page_asks_no_more_where_there_is_more_to_tell(road: Road) -> None:
    poor = login(2, ending=POOR)
    road.post(road.answered())
    client = visit(poor)
    client.get("/messages/")
    with CaptureQueriesContext(connection) as one:
        client.get("/messages/")
    Notice.objects.bulk_create(
        Notice(person=poor.person, kind="x", reference=str(n), title="t", text="x", at=road.now)
        for n in range(15)
    )
    with CaptureQueriesContext(connection) as many:
        client.get("/messages/")
    assert len(one) == len(many)


def test_a_notice_stays_as_it_was_told(road: Road) -> None:
    login(2, ending=POOR)
    road.post(road.answered())
    for change in (
        lambda: Notice.objects.update(text="x"),
        lambda: Notice.objects.all()._raw_delete("default"),
    ):
        with pytest.raises(DatabaseError, match="Cannot"), transaction.atomic():
            change()
