"""Every operation of the API, as its description lists them: who is kept out of it, what is another
partner's, and that whatever is sent is answered as the description says."""

import json
from functools import cache
from io import StringIO
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ed25519
from django.core.management import call_command
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contributions.models import Order, Payment, Receipt, Refund
from contributions.refunds import drafting, held_money, sending
from portal.partners import signing
from portal.partners.models import Scope
from tests.cast import staff
from tests.conftest import Clock
from tests.contributions.api.conftest import API, Counter, audit
from tests.partners.calling import Caller, partner_called

DAY = "2026-11-16"
SAMPLES = {
    "number": "320200-20991231-ABCDEFGH",
    "provider_number": "BANK-9999",
    "day": DAY,
    "serial_number": "X",
}
BODIES: dict[str, Any] = {
    "dues": {"city": "wuxi", "identity_number": "330211198805120249", "name": "王芳"},
    "place_order": {
        "city": "wuxi",
        "identity_number": "330211198805120249",
        "name": "王芳",
        "picks": [{"insurance": "pension", "tier": "60", "months": ["2026-11"]}],
        "arrears": [{"insurance": "pension", "months": ["2026-09"]}],
    },
    "tell_payment": {
        "amount_fen": 1,
        "provider_number": "BANK-0001",
        "taken_at": "2026-11-17T10:00:00+08:00",
    },
    "reverse_payment": {"provider_number": "BACK-0001", "reason": "撤销"},
    "request_refund": {"reason": "撤销"},
    "tell_refund": {"provider_number": "RETURN-0001"},
    "verify_proof_by_code": {"code": "ABCD", "last_four": "0249"},
    "verify_proof_by_digest": {"digest": "0" * 64},
    "tell_transfer": {"kind": "letter"},
}


@cache
def described() -> dict[str, Any]:
    out = StringIO()
    call_command("spectacular", stdout=out)
    return dict(yaml.safe_load(out.getvalue())["paths"])


def operations() -> list[Any]:
    """All that are signed; the others are open to anybody (tests/partners/test_schema.py)."""
    return [
        pytest.param(method.upper(), path, operation, id=operation["operationId"])
        for path, methods in described().items()
        for method, operation in methods.items()
        if "security" in operation
    ]


every_operation = pytest.mark.parametrize(("method", "path", "operation"), operations())


def at(path: str, **named: str) -> str:
    return path.format(**{**SAMPLES, **named})


def body_of(method: str, operation: dict[str, Any]) -> Any:
    if method == "GET" or "requestBody" not in operation:
        return None
    return BODIES.get(operation["operationId"], {})


@pytest.fixture
def stranger(db: None, clock: Clock) -> Caller:
    """May everything, in every city, and owns nothing."""
    return partner_called("strange-bank", cities=["wuxi", "shenzhen", "wuhan", "ningbo"], scopes=list(Scope))


# Who is kept out


@every_operation
def test_without_a_signature(db: None, method: str, path: str, operation: dict[str, Any]) -> None:
    response = Client().generic(method, at(path), b"{}", content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (401, "signature_missing")


@every_operation
def test_by_another_key(stranger: Caller, method: str, path: str, operation: dict[str, Any]) -> None:
    secret = ed25519.Ed25519PrivateKey.generate()
    response = stranger.send(method, at(path), body_of(method, operation), key=str(uuid4()), secret=secret)
    assert (response.status_code, response.json()["code"]) == (401, "signature_invalid")
    response = stranger.send(
        method, at(path), body_of(method, operation), key=str(uuid4()), key_id="no-such-key"
    )
    assert (response.status_code, response.json()["code"]) == (401, "key_unknown")


@every_operation
def test_sent_again_as_it_was(stranger: Caller, method: str, path: str, operation: dict[str, Any]) -> None:
    key = str(uuid4()) if method != "GET" else ""
    message = stranger.message(method, at(path), body_of(method, operation), key=key)
    signing.sign(message, secret=stranger.secret, key_id=stranger.key.key_id)
    first = stranger.deliver(message)
    assert first.status_code not in (401, 500), first.content
    again = stranger.deliver(message)
    assert (again.status_code, again.json()["code"]) == (401, "signature_replayed")


@every_operation
def test_without_the_scope(db: None, method: str, path: str, operation: dict[str, Any]) -> None:
    """A partner that was given the other scopes only."""
    scope = next(
        one for one, places in {
            Scope.PROOFS: "/proofs/", Scope.TRANSFERS: "/transfers/", Scope.ORDERS: "/",
        }.items() if places in path
    )  # fmt: skip
    other = partner_called("a-school", scopes=[one for one in Scope if one != scope])
    response = other.send(method, at(path), body_of(method, operation), key=str(uuid4()))
    assert (response.status_code, response.json()["code"]) == (403, "scope_missing")


# What is another partner's


OWNED = {
    "order",
    "cancel_order",
    "tell_payment",
    "payment",
    "reverse_payment",
    "request_refund",
    "tell_refund",
}


@pytest.fixture
def theirs(counter: Counter) -> dict[str, str]:
    """An order of another bank's, its payment, and a refund through that bank."""
    order = counter.placed()
    counter.tell(order)
    counter.tell(order, number="BANK-0002")
    [held] = held_money.to_draft(["wuxi"])
    maker, checker = (staff(f"wuxi-{n}", f"员工{n}", "wuxi", "征缴") for n in (1, 2))
    now = counter.till.now
    drafted = drafting.draft(held, amount_fen=held.amount_fen, reason="重复", key=uuid4(), by=maker, now=now)
    drafting.approve(drafted, by=checker, now=now)
    sending.send_due(by=counter.till.system, now=now)
    return {"order": order.number, "refund": Refund.objects.get().number, "payment": "BANK-0001"}


def test_every_operation_on_something_is_of_somebodys() -> None:
    named = {
        operation["operationId"]
        for path, methods in described().items()
        if path.startswith((f"{API}/orders/", f"{API}/payments/", f"{API}/refunds/")) and "{" in path
        for operation in methods.values()
    }
    assert named == OWNED


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [one for one in operations() if one.values[2]["operationId"] in OWNED],
)
def test_anothers_is_not_there(
    stranger: Caller, theirs: dict[str, str], method: str, path: str, operation: dict[str, Any]
) -> None:
    name = operation["operationId"]
    number = theirs["refund"] if name == "tell_refund" else theirs["order"]
    where = at(path, number=number, provider_number=theirs["payment"])
    before = (Order.objects.get().status, Payment.objects.count(), Receipt.objects.count())
    response = stranger.send(
        method, where, body_of(method, operation), key=str(uuid4()) if method != "GET" else ""
    )
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert before == (Order.objects.get().status, Payment.objects.count(), Receipt.objects.count())
    audit()


# Whatever is sent


@pytest.mark.parametrize(
    "day", ["0000-00-00", "2026-02-30", "2026-13-99", "1899-12-31", "20261117", "２０２６-11-17"]
)
@every_operation
def test_a_day_that_is_none_has_no_file(
    stranger: Caller, method: str, path: str, operation: dict[str, Any], day: str
) -> None:
    if "{day}" not in path:
        return
    key, body = (str(uuid4()), b"H") if method != "GET" else ("", None)
    response = stranger.send(method, at(path, day=quote(day)), body, key=key, content_type="text/csv")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


@every_operation
def test_another_method_is_answered_as_described(
    stranger: Caller, method: str, path: str, operation: dict[str, Any]
) -> None:
    described_there = {one.upper() for one in described()[path]}
    for other in {"GET", "POST", "PUT", "DELETE"} - described_there:
        body: dict[str, Any] | None = None if other == "GET" else {}
        key = "" if other == "GET" else str(uuid4())
        response = stranger.send(other, at(path), body, key=key)
        assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
        assert "405" in operation["responses"]


@every_operation
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 3000 + b"]" * 3000,
        b'{"a":' * 3000 + b"1" + b"}" * 3000,
        b"9" * 5000,
        b'{"name": "\\ud800"}',
        b'{"name": "a\\u0000b"}',
        b"NaN",
        b"\xff\xfe",
        b"",
    ],
    ids=["lists", "objects", "digits", "surrogate", "nul", "nan", "bytes", "nothing"],
)
def test_a_body_that_nobody_can_read_is_answered_as_described(
    stranger: Caller, method: str, path: str, operation: dict[str, Any], body: bytes
) -> None:
    """Found: a body nested three thousand times was a fault (500) with a page of HTML."""
    if "requestBody" not in operation:
        return
    response = stranger.send(method, at(path), body, key=str(uuid4()), content_type="application/json")
    assert str(response.status_code) in operation["responses"], (response.status_code, response.content)
    assert response.status_code < 500
    assert response.headers["Content-Type"] == "application/problem+json"


_leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12)
_junk = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def spoilt(draw: st.DrawFn, body: Any) -> Any:
    """A body with one place in it exchanged for something else, or left out."""
    whole = json.loads(json.dumps(body))
    places: list[tuple[Any, Any]] = []

    def walk(part: Any) -> None:
        for key in part if isinstance(part, dict) else range(len(part)) if isinstance(part, list) else ():
            places.append((part, key))
            walk(part[key])

    walk(whole)
    if not places or draw(st.integers(0, 9)) == 0:
        return draw(_junk)
    parent, key = draw(st.sampled_from(places))
    if isinstance(parent, dict) and draw(st.booleans()):
        del parent[key]
    else:
        parent[key] = draw(_junk)
    return whole


@every_operation
@settings(
    max_examples=15, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
@given(data=st.data())
def test_whatever_is_sent_is_answered_as_described(
    stranger: Caller, method: str, path: str, operation: dict[str, Any], data: st.DataObject
) -> None:
    stranger.partner.per_minute = 100_000
    stranger.partner.save()
    body = body_of(method, operation)
    sent = data.draw(spoilt(body)) if body is not None else None
    response = stranger.send(method, at(path), sent, key=str(uuid4()) if method != "GET" else "")
    assert str(response.status_code) in operation["responses"], (response.status_code, response.content)


@every_operation
def test_wrong_addresses_and_types_are_answered_as_described(
    stranger: Caller, method: str, path: str, operation: dict[str, Any]
) -> None:
    key = str(uuid4()) if method != "GET" else ""
    for odd in ("%00", "x" * 300, "a%2Fb", "%E7%8E%8B"):
        where = at(path, number=odd, provider_number=odd, serial_number=odd)
        response = stranger.send(method, where, body_of(method, operation), key=key)
        assert response.status_code < 500, (where, response.content)
    if body_of(method, operation) is not None:
        response = stranger.send(method, at(path), b"<a/>", key=str(uuid4()), content_type="application/xml")
        assert str(response.status_code) in operation["responses"], (response.status_code, response.content)
