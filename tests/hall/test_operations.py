"""系统运行 in the workbench: each sees the failures of their own cities, with what to do, and says
that one is settled."""

import datetime as dt

import pytest
from django.core.cache import cache
from django.test import Client

# The page names the tasks of the schedule, which a worker has loaded and a test alone has not.
import portal.celery  # noqa: F401
from portal.accounts.roles import COLLECTOR, MANAGER
from portal.watch import failures, pulses
from portal.watch.models import Failure, TaskState
from tests.cast import Cast, staff
from tests.conftest import Clock

PAGE = "/admin/watch/failure/"
FRONT = "/admin/"


def signed_in(name: str, city: str, *roles: str) -> Client:
    client = Client()
    client.force_login(staff(name, name, city, *roles), backend="portal.accounts.doors.StaffDoor")
    return client


@pytest.fixture
def failed(clock: Clock, db: None) -> None:
    failures.report("charge_due", "武汉 2026-11", RuntimeError("wuhan's"), city="wuhan", now=clock.now)
    failures.report("send_batches", "无锡一批", RuntimeError("wuxi's"), city="wuxi", now=clock.now)
    failures.report("read_answers", "x.txt", RuntimeError("nobody's"), now=clock.now)


def test_staff_see_their_own_citys_failures_first_thing_with_what_to_do(failed: None) -> None:
    for client in (signed_in("甲", "wuhan", COLLECTOR), signed_in("乙", "wuhan", MANAGER)):
        for page in (FRONT, PAGE):
            text = client.get(page).content.decode()
            assert "计算应缴" in text
            assert "武汉 2026-11" in text
            assert "修复后系统自动补算" in text
            assert "无锡一批" not in text
            assert "x.txt" not in text
            # Where it broke in the code is for operators.
            assert "RuntimeError" not in text


def test_whoever_serves_all_cities_sees_all_and_where_it_broke(failed: None, cast: Cast) -> None:
    client = signed_in("丙", "", COLLECTOR)
    text = client.get(PAGE).content.decode()
    for part in ("武汉 2026-11", "无锡一批", "x.txt", "RuntimeError: nobody&#x27;s", "定时任务", "尚未运行"):
        assert part in text, part
    assert "查看全部 3 条" in client.get(FRONT).content.decode()


def test_whoever_has_no_role_sees_nothing(failed: None, cast: Cast) -> None:
    client = Client()
    client.force_login(cast.ningbo_staff_without_role, backend="portal.accounts.doors.StaffDoor")
    assert client.get(PAGE).status_code in (403, 404)
    assert "计算应缴" not in client.get(FRONT).content.decode()


def test_settled_by_somebody_of_the_city_it_stands_no_more_until_it_comes_again(
    failed: None, clock: Clock
) -> None:
    one = Failure.objects.get(city="wuhan")
    other = signed_in("丁", "wuxi", COLLECTOR)
    other.post(PAGE, {"failure": one.pk})
    one.refresh_from_db()
    assert one.resolved_at is None
    mine = signed_in("甲", "wuhan", COLLECTOR)
    for _press in range(2):
        assert mine.post(PAGE, {"failure": one.pk}, follow=True).status_code == 200
    settled = Failure.objects.get(pk=one.pk)
    assert (settled.resolved_at, settled.resolved_by) == (clock.now, "甲")
    assert "全部办成" in mine.get(PAGE).content.decode()
    failures.report("charge_due", "武汉 2026-11", RuntimeError("again"), city="wuhan", now=clock.now)
    assert Failure.objects.filter(city="wuhan", resolved_at=None).count() == 1


@pytest.mark.parametrize("nasty", ["", "x", "-1", "9" * 30, "１", "\0", "1.5"])
def test_whatever_is_sent_is_no_error(failed: None, nasty: str) -> None:
    assert signed_in("甲", "wuhan", COLLECTOR).post(PAGE, {"failure": nasty}).status_code == 302
    assert Failure.objects.filter(resolved_at=None).count() == 3


def test_what_is_overdue_or_dead_is_red_for_whoever_serves_all_cities(clock: Clock, db: None) -> None:
    cache.delete(pulses.BEAT)
    cache.delete(pulses.WORKERS)
    TaskState.objects.create(task="read_answers", known_since=clock.now - dt.timedelta(hours=1))
    text = signed_in("丙", "", COLLECTOR).get(FRONT).content.decode()
    assert "“读取银行结果”逾期没有完成" in text
    assert "定时器没有运行" in text
    assert "没有后台进程在运行" in text
    assert "逾期" not in signed_in("甲", "wuhan", COLLECTOR).get(FRONT).content.decode().split("wb-grid")[0]
    assert "<td>逾期</td>" in signed_in("戊", "", COLLECTOR).get(PAGE).content.decode()
