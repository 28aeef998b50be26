"""A request that writes is done once, and answered the same ever after."""

import threading
from typing import Any

import pytest
from django.db import connection
from django.db.utils import InternalError
from pytest_django import Settings

from portal import locks
from portal.accounts.models import Notice
from portal.partners import once as once_module
from portal.partners.models import KeptAnswer
from tests.conftest import Clock
from tests.partners.calling import Caller, partner_called

pytestmark = pytest.mark.urls("tests.partners.trial_urls")

NOTES = "/api/v1/notes/"


def test_the_same_again_is_answered_the_same(bank: Caller, clock: Clock) -> None:
    first = bank.post(NOTES, {"text": "一"}, key="order-0001")
    # Years later the key still stands for what it stood for.
    clock.step(days=3 * 365)
    again = bank.post(NOTES, {"text": "一"}, key="order-0001")
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert Notice.objects.count() == 1


def test_the_same_key_with_another_body_or_address(bank: Caller) -> None:
    bank.post(NOTES, {"text": "一"}, key="order-0001")
    for path, body in ((NOTES, {"text": "二"}), (NOTES + "?x=1", {"text": "二"})):
        response = bank.post(path, body, key="order-0001")
        assert (response.status_code, response.json()["code"]) == (409, "idempotency_key_reused")
    assert Notice.objects.count() == 1


def test_each_partner_has_its_own_keys(bank: Caller) -> None:
    other = partner_called("other-bank")
    assert bank.post(NOTES, {"text": "一"}, key="order-0001").status_code == 201
    assert other.post(NOTES, {"text": "二"}, key="order-0001").status_code == 201
    one, two = Notice.objects.order_by("pk")
    assert one.title != two.title


@pytest.mark.parametrize("key", ["", "short", "a key with spaces", "x" * 65])
def test_a_key_is_needed(bank: Caller, key: str) -> None:
    cover = ("@method", "@target-uri", "content-digest", "idempotency-key")
    message = bank.message("POST", NOTES, {"text": "一"}, key=key)
    if not key:
        # What is not there cannot be signed, and what is not signed is not taken.
        response = bank.post(NOTES, {"text": "一"}, key="", cover=cover[:3])
        assert response.json()["code"] == "signature_incomplete"
        return
    response = bank.post(NOTES, {"text": "一"}, key=message.headers["Idempotency-Key"], cover=cover)
    assert (response.status_code, response.json()["code"]) == (400, "idempotency_key_missing")
    assert not Notice.objects.exists()


def test_a_refusal_does_nothing_and_is_kept_too(bank: Caller) -> None:
    first = bank.post(NOTES, {"text": "refuse"}, key="order-0001")
    again = bank.post(NOTES, {"text": "refuse"}, key="order-0001")
    assert first.status_code == again.status_code == 409
    assert first.content == again.content
    assert first["Content-Type"] == again["Content-Type"] == "application/problem+json"
    assert not Notice.objects.exists()


def test_a_fault_leaves_nothing_and_can_be_tried_again(bank: Caller) -> None:
    with pytest.raises(RuntimeError):
        bank.post(NOTES, {"text": "fault"}, key="order-0001")
    assert not Notice.objects.exists()
    assert not KeptAnswer.objects.exists()
    assert bank.post(NOTES, {"text": "一"}, key="order-0001").status_code == 201


def test_mistakes_stand_beside_their_fields(bank: Caller) -> None:
    response = bank.post(NOTES, {"text": "字" * 21})
    assert response.status_code == 422
    said = response.json()
    assert said["code"] == "invalid"
    assert [one["field"] for one in said["errors"]] == ["text"]
    assert "20" in said["errors"][0]["message"]


def test_what_is_no_json(bank: Caller) -> None:
    response = bank.post(NOTES, b"{")
    assert (response.status_code, response.json()["code"]) == (400, "malformed")
    response = bank.post(NOTES, b"<a/>", content_type="application/xml")
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")
    assert bank.send("DELETE", NOTES, key="order-0001").json()["code"] == "method_not_allowed"


def test_too_large(bank: Caller, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    response = bank.post(NOTES, {"text": "字" * 200})
    assert (response.status_code, response.json()["code"]) == (413, "too_large")


def test_answers_are_never_changed(bank: Caller) -> None:
    bank.post(NOTES, {"text": "一"})
    with pytest.raises(InternalError):
        KeptAnswer.objects.update(body="{}")


def test_a_partner_is_throttled_by_the_minute_and_others_are_not(db: None, clock: Clock) -> None:
    slow = partner_called("slow-bank", per_minute=2)
    other = partner_called("other-bank")
    answers = [slow.get(NOTES) for _call in range(6)]
    # The minute may turn once in between: then two times two are taken.
    refused = [one for one in answers if one.status_code == 429]
    assert len(refused) >= 2
    assert refused[0].json()["code"] == "throttled"
    assert 0 < int(refused[0]["Retry-After"]) <= 61
    assert other.get(NOTES).status_code == 200


def test_without_the_cache_paying_goes_on(bank: Caller, settings: Settings) -> None:
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}
    assert bank.get(NOTES).status_code == 200


def _twins(bank: Caller) -> list[Any]:
    """Two requests under one key, signed apart, at the same moment."""
    answers: list[Any] = []
    ready = threading.Barrier(2)

    def send() -> None:
        ready.wait()
        try:
            answers.append(bank.post(NOTES, {"text": "一"}, key="order-0001"))
        except Exception as error:
            answers.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _one in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.django_db(transaction=True)
def test_twins_are_done_once(transactional_db: None, clock: Clock) -> None:
    bank = partner_called()
    for _round in range(5):
        answers = _twins(bank)
        assert [one.status_code for one in answers] == [201, 201]
        assert answers[0].content == answers[1].content
        assert Notice.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_control_without_the_lock_twins_collide(
    transactional_db: None, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = partner_called()
    both = threading.Barrier(2)
    monkeypatch.setattr(locks, "hold", lambda what, of: None)
    done = once_module.done_once

    def after_both_have_looked(*args: Any, **kwargs: Any) -> Any:
        both.wait(timeout=10)
        return done(*args, **kwargs)

    monkeypatch.setattr(once_module, "done_once", after_both_have_looked)
    assert any(isinstance(one, Exception) for one in _twins(bank))
