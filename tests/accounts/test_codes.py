"""Codes by text message: for one phone and purpose, once, for five minutes, five guesses, and not
too many of them."""

import datetime as dt
import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from portal.accounts.codes import GUESSES, Purpose, TooMany, TooSoon, send_code, spend_code
from portal.accounts.models import OutboxMessage, TextMessageCode
from tests.accounts.knocking import code_sent_to, last_message
from tests.cast import NOW

PHONE = "13800000001"


def after(**by: float) -> dt.datetime:
    return NOW + dt.timedelta(**by)


def send(now: dt.datetime = NOW, phone: str = PHONE, purpose: Purpose = Purpose.LOGIN, **more: Any) -> str:
    send_code(phone=phone, purpose=purpose, now=now, **more)
    return code_sent_to(phone)


def spend(code: str, now: dt.datetime = NOW, phone: str = PHONE, purpose: Purpose = Purpose.LOGIN) -> bool:
    return spend_code(phone=phone, purpose=purpose, code=code, now=now)


def other(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


@pytest.mark.django_db
class TestOneCode:
    def test_counts_once(self) -> None:
        code = send()
        assert spend(code, after(minutes=1))
        assert not spend(code, after(minutes=1))

    def test_is_kept_as_a_salted_hash(self) -> None:
        code = send()
        kept = TextMessageCode.objects.get()
        assert code not in kept.code_hash
        send(phone="13800000009")
        assert len({each.code_hash.partition("$")[0] for each in TextMessageCode.objects.all()}) == 2

    def test_ends_after_five_minutes(self) -> None:
        code = send()
        assert not spend(code, after(minutes=5))
        assert spend(code, after(minutes=4, seconds=59))

    def test_takes_five_guesses(self) -> None:
        code = send()
        for _guess in range(GUESSES - 1):
            assert not spend(other(code))
        assert spend(code)

    def test_is_closed_after_the_fifth_wrong_guess(self) -> None:
        code = send()
        for _guess in range(GUESSES):
            assert not spend(other(code))
        assert not spend(code)

    def test_is_for_its_phone_and_purpose(self) -> None:
        code = send()
        assert not spend(code, phone="13800000002")
        assert not spend(code, purpose=Purpose.REGISTER)
        assert spend(code)

    def test_ends_when_the_next_is_sent(self) -> None:
        first = send()
        second = send(after(minutes=2))
        if first != second:
            assert not spend(first, after(minutes=2))
        assert spend(second, after(minutes=2))

    def test_says_what_it_is_for_and_warns(self) -> None:
        send(purpose=Purpose.NEW_PHONE)
        text = last_message(PHONE)
        assert re.match(r"【社保网上办事大厅】验证码 [0-9]{6}，用于更换手机号码，5 分钟内有效。", text)
        assert text.endswith("请勿告诉他人。")


@pytest.mark.django_db
class TestHowMany:
    def test_one_a_minute(self) -> None:
        send()
        with pytest.raises(TooSoon) as wait:
            send(after(seconds=45))
        assert wait.value.seconds == 15
        assert OutboxMessage.objects.count() == 1
        send(after(seconds=60))

    def test_five_an_hour_to_a_phone_whatever_for(self) -> None:
        for turn, purpose in enumerate(list(Purpose)[:5]):
            send(after(minutes=2 * turn), purpose=purpose)
        with pytest.raises(TooMany):
            send(after(minutes=59), purpose=Purpose.REGISTER)
        send(after(minutes=60, seconds=1), purpose=Purpose.REGISTER)

    def test_thirty_an_hour_from_an_address(self) -> None:
        for turn in range(30):
            send(after(seconds=turn), phone=f"138000001{turn:02}", address="198.51.100.7")
        with pytest.raises(TooMany):
            send(after(minutes=1), phone="13800000200", address="198.51.100.7")
        send(after(minutes=1), phone="13800000200", address="198.51.100.8")

    def test_a_text_instead_of_a_code_counts_alike_and_cannot_be_spent(self) -> None:
        send_code(phone=PHONE, purpose=Purpose.LOGIN, now=NOW, instead="没有这个账号")
        assert last_message(PHONE) == "【社保网上办事大厅】没有这个账号"
        assert not spend("")
        assert not spend("000000")
        with pytest.raises(TooSoon):
            send(after(seconds=1))


@pytest.mark.django_db
class TestStrangers:
    """A code is good where it was asked for, and strangers neither burn it nor use up what its
    owner may ask for."""

    def test_it_is_good_only_in_the_browser_that_asked(self) -> None:
        code = send(browser="here")
        assert not spend_code(phone=PHONE, purpose=Purpose.LOGIN, code=code, now=NOW, browser="there")
        assert not spend(code)
        assert spend_code(phone=PHONE, purpose=Purpose.LOGIN, code=code, now=NOW, browser="here")

    def test_guesses_of_others_do_not_count(self) -> None:
        code = send(browser="here")
        for _guess in range(2 * GUESSES):
            spend_code(phone=PHONE, purpose=Purpose.LOGIN, code=other(code), now=NOW, browser="there")
        assert spend_code(phone=PHONE, purpose=Purpose.LOGIN, code=code, now=NOW, browser="here")

    def test_a_code_that_someone_else_asks_for_leaves_mine(self) -> None:
        code = send(browser="here", address="198.51.100.1")
        send(after(seconds=10), browser="there", address="198.51.100.2")
        assert spend_code(
            phone=PHONE, purpose=Purpose.LOGIN, code=code, now=after(seconds=20), browser="here"
        )

    def test_strangers_do_not_use_up_the_owners_codes(self) -> None:
        for turn in range(15):
            send(after(seconds=turn), browser=f"there {turn}", address=f"198.51.100.{turn}")
        with pytest.raises(TooMany):
            send(after(seconds=30), browser="another", address="198.51.100.99")
        for turn in range(5):
            send(after(minutes=1 + turn), browser="mine", address="198.51.100.0", known=True)
        with pytest.raises(TooMany):
            send(after(minutes=10), browser="mine", address="198.51.100.0", known=True)


def at_once(number: int, action) -> list[object]:
    """The results, or exceptions, of one action in that many threads that start together."""
    barrier = Barrier(number)

    def run(turn: int) -> object:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=20)
            return action(turn)
        except (TooSoon, TooMany) as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(run, range(number)))


@pytest.mark.django_db(transaction=True)
def test_spent_ten_times_at_once_it_counts_once() -> None:
    code = send()
    assert at_once(10, lambda _turn: spend(code)).count(True) == 1


@pytest.mark.django_db(transaction=True)
def test_guesses_at_once_are_not_more_than_five() -> None:
    code = send()
    at_once(10, lambda _turn: spend(other(code)))
    assert TextMessageCode.objects.get().wrong_guesses == GUESSES
    assert not spend(code)


@pytest.mark.django_db(transaction=True)
def test_asked_for_ten_times_at_once_one_is_sent() -> None:
    results = at_once(
        10, lambda _turn: send_code(phone=PHONE, purpose=Purpose.LOGIN, now=NOW, address="198.51.100.7")
    )
    assert results.count(None) == 1
    assert OutboxMessage.objects.count() == 1
