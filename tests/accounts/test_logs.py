"""Logs and stored traces carry no password, code, captcha, full identity number or phone."""

import io
import logging

import pytest
from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction
from django.test import Client

from portal.people.models import Person
from portal.shared.logs import MaskingFormatter, mask_numbers
from tests.accounts.knocking import BY_CODE, EMPLOYER, PERSON, code_sent_to, exist, hidden, knock
from tests.cast import PASSWORD, Cast


@pytest.mark.parametrize(
    ("said", "logged"),
    [
        ("POST /login/?q=330211198805120024", "POST /login/?q=330211********0024"),
        ("Key (identity_number)=(33021119880512002x)", "Key (identity_number)=(330211********002x)"),
        ("old 330211880512002.", "old 330211*****2002."),
        ("to 13800000001", "to 138****0001"),
        (
            "batch 2026112100000000000000000001, 0.130000000000000",
            "batch 2026112100000000000000000001, 0.130000000000000",
        ),
        ("digest 9f330211198805120024aa", "digest 9f330211198805120024aa"),
    ],
)
def test_numbers_are_masked(said: str, logged: str) -> None:
    assert mask_numbers(said) == logged


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """All that the root logger's console would say."""
    console = next(
        handler for handler in logging.getLogger().handlers if isinstance(handler.formatter, MaskingFormatter)
    )
    stream = io.StringIO()
    monkeypatch.setattr(console, "stream", stream)
    monkeypatch.setattr(console, "level", logging.DEBUG)
    return stream


@pytest.mark.django_db
def test_nothing_secret_is_written_at_the_doors(client: Client, cast: Cast, logged: io.StringIO) -> None:
    exist(cast.wang_fang_login)
    number, phone, clerk = cast.wang_fang.identity_number, cast.wang_fang.phone, cast.yongjiang_clerk
    knock(Client(), PERSON, {"login": number, "password": "wrong-password-1"})
    knock(Client(), PERSON, {"login": cast.newcomer_number, "password": "wrong-password-1"})
    typed = {"credit_code": cast.yongjiang.credit_code, "clerk": clerk.phone}
    knock(Client(), EMPLOYER, {**typed, "password": "wrong-password-1"})
    knock(client, f"{PERSON}?next=/account/%3Fq={number}", {"login": number, "password": PASSWORD})
    page = knock(Client(), BY_CODE, {"phone": phone})
    code = code_sent_to(phone)
    Client().post(BY_CODE, {**hidden(page), "code": code})
    said = logged.getvalue()
    assert "AXES" in said
    assert "request_started" in said
    for secret in (number, cast.newcomer_number, phone, clerk.phone, PASSWORD, "wrong-password-1", code):
        assert secret not in said

    for session in Session.objects.all():
        kept = repr(session.get_decoded())
        assert number not in kept
        assert PASSWORD not in kept


@pytest.mark.django_db
def test_a_traceback_is_masked_too(cast: Cast, logged: io.StringIO) -> None:
    number = cast.wang_fang.identity_number
    try:
        with transaction.atomic():
            Person.objects.create(identity_number=number, name="另一人", sex="male", birth_date="1988-05-12")
    except IntegrityError:
        logging.getLogger("hall").exception("could not write")
    assert "IntegrityError" in logged.getvalue()
    assert number[:6] in logged.getvalue()
    assert number not in logged.getvalue()
