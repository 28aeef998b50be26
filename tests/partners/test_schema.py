"""The description of the API: whole, without a warning, and open to everybody."""

import re
from io import StringIO
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.test import Client

from portal.policy.book import book

# What anybody may ask for.
OPEN = {"description", "keys"}


@pytest.fixture
def described() -> dict:
    """As ``manage.py spectacular --validate --fail-on-warn`` makes it: it raises where anything is
    left unsaid."""
    out = StringIO()
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=out)
    return yaml.safe_load(out.getvalue())


def test_the_description_is_valid_and_says_how_to_sign(described: dict) -> None:
    assert described["components"]["securitySchemes"]["signature"]["name"] == "Signature"


def test_every_operation_is_signed_and_every_write_has_a_key(described: dict) -> None:
    operations = [
        (path, method, operation)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    ]
    for path, method, operation in operations:
        if operation["operationId"] in OPEN:
            assert "security" not in operation, path
            continue
        assert operation["security"] == [{"signature": []}], path
        headers = {one["name"] for one in operation.get("parameters", []) if one["in"] == "header"}
        assert ("Idempotency-Key" in headers) == (method != "get"), path
        assert {"401", "403", "405", "429"} <= set(operation["responses"]), path


def test_anybody_may_read_it(db: None) -> None:
    response = Client().get("/api/v1/schema/")
    assert response.status_code == 200
    assert yaml.safe_load(response.content)["info"]["title"] == "社保网上办事大厅接口"
    disposition = response.headers["Content-Disposition"]
    assert disposition.isascii()
    assert "=?" not in disposition, "a header is not written as mail is"


def test_it_says_where_the_hall_is(described: dict, settings: Any) -> None:
    assert described["servers"] == [{"url": settings.PUBLIC_URL}]


def test_what_a_field_takes_is_said(described: dict) -> None:
    """Patterns, bounds and choices: who goes by the description is not refused for the form of what
    is sent."""
    schemas = described["components"]["schemas"]
    order, payment = schemas["NewOrderRequest"]["properties"], schemas["NewPaymentRequest"]["properties"]
    assert schemas["CityEnum"]["enum"] == [city.slug for city in book().cities]
    assert re.fullmatch(order["identity_number"]["pattern"], "330211198805120249")
    months = schemas["PickRequest"]["properties"]["months"]
    assert re.fullmatch(months["items"]["pattern"], "2026-11")
    assert (payment["amount_fen"]["minimum"], payment["amount_fen"]["maximum"]) == (1, 10**12)
    assert re.fullmatch(payment["provider_number"]["pattern"], "BANK-0001")
    proof = schemas["CodeRequest"]["properties"]
    assert re.fullmatch(proof["code"]["pattern"], "7K2M-7K2M-7K2M-7K2M-7K2M-7K2M-7K2M")
    assert re.fullmatch(proof["last_four"]["pattern"], "024X")
    assert re.fullmatch(schemas["DigestRequest"]["properties"]["digest"]["pattern"], "0" * 64)
    messages = described["paths"]["/api/v1/transfers/messages/"]["get"]
    [after] = [one for one in messages["parameters"] if one["name"] == "after"]
    assert after["schema"]["minimum"] == 0
    day = described["paths"]["/api/v1/reconciliation/{day}/"]["post"]
    assert "404" in day["responses"]
    assert all(
        re.fullmatch(one["schema"]["pattern"], "school:2026-0001")
        for one in day["parameters"]
        if one["name"] == "Idempotency-Key"
    )


def test_nothing_is_null_without_a_type(described: dict) -> None:
    """``nullable`` beside a reference, as it was written once, says nothing."""
    assert "nullable" not in str(described)
