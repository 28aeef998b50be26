"""Redis gone or hanging: people sign in, read and work all the same, and nobody waits for it more
than once."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as hall
from django.contrib.sessions.models import Session
from django.core.cache import cache, caches
from django.test import Client
from redis.exceptions import RedisError

from portal import caching
from portal.caching import STANDINGS
from tests.accounts.knocking import PERSON, exist, knock
from tests.cast import PASSWORD, Cast
from tests.conftest import Clock
from tests.redis_line import RedisLine, redis_line
from tests.web.conftest import signed_in

pytestmark = pytest.mark.django_db

PAGES = ("/", "/ningbo/", "/record/", "/cases/", "/messages/", "/proofs/", "/account/", "/verify/")
AWAY = pytest.mark.parametrize("state", ["cut", "silent"])


@pytest.fixture
def line(settings: Any) -> Iterator[RedisLine]:
    """All the cache's words go by this line; nothing is known of it yet."""
    with redis_line() as line:
        own = {**hall.CACHES["default"], "LOCATION": line.url, "KEY_PREFIX": uuid4().hex}
        settings.CACHES = {"default": own}
        STANDINGS.clear()
        yield line
        STANDINGS.clear()


@AWAY
def test_people_sign_in_and_read(line: RedisLine, cast: Cast, clock: Clock, state: str) -> None:
    exist(cast.wang_fang_login)
    line.turn(state)
    client = Client()
    came = knock(client, PERSON, {"login": cast.wang_fang.identity_number, "password": PASSWORD})
    assert came.status_code == 302
    for page in PAGES:
        assert client.get(page, follow=True).status_code == 200, page
    assert "王芳" in client.get("/account/").content.decode()
    assert line.knocks <= 2, "once it did not answer, it is left alone"


@AWAY
def test_staff_work(line: RedisLine, cast: Cast, clock: Clock, state: str) -> None:
    client = Client()
    client.force_login(cast.ningbo_reviewer, backend="portal.accounts.doors.StaffDoor")
    line.turn(state)
    assert client.get("/admin/").status_code == 200
    assert client.get("/admin/hall/case/").status_code == 200


@AWAY
def test_without_the_guard_a_page_is_a_fault(line: RedisLine, cast: Cast, settings: Any, state: str) -> None:
    """The control: Django's own cache."""
    own = settings.CACHES["default"]
    settings.CACHES = {"default": {**own, "BACKEND": "django.core.cache.backends.redis.RedisCache"}}
    client = signed_in(cast.wang_fang_login)
    line.turn(state)
    with pytest.raises(RedisError):
        client.get("/record/")


@AWAY
def test_who_left_meanwhile_does_not_come_back_with_redis(
    line: RedisLine, cast: Cast, clock: Clock, state: str
) -> None:
    """The session lies in Redis as it was before; nothing of it counts any more."""
    client = signed_in(cast.wang_fang_login)
    assert client.get("/record/").status_code == 200
    kept = client.cookies["sessionid"].value
    line.turn(state)
    client.post("/logout/")
    assert not Session.objects.filter(session_key=kept).exists()
    line.turn("open")
    _forgiven()
    client.cookies["sessionid"] = kept
    assert client.get("/record/").status_code == 302


def test_a_counter_that_nobody_can_keep_counts_nobody(line: RedisLine) -> None:
    cache.add("counter", 0)
    assert cache.incr("counter") == 1
    line.turn("cut")
    assert cache.add("counter", 0) is False
    with pytest.raises(ValueError, match="counter"):
        cache.incr("counter")
    assert cache.get("counter", "nothing") == "nothing"
    assert cache.get_many(["counter"]) == {}
    assert not caches["default"].answers()  # type: ignore[attr-defined]


def test_too_much_to_take_out_and_all_goes(line: RedisLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caching, "MOST_OWED", 2)
    cache.set("kept", 1)
    line.turn("cut")
    for number in range(4):
        cache.delete(str(number))
    line.turn("open")
    _forgiven()
    assert cache.get("kept") is None
    assert not any(standing.owed for standing in STANDINGS.values())


def _forgiven() -> None:
    """The time that it is left alone is over."""
    for standing in STANDINGS.values():
        standing.left_alone_until = 0.0
