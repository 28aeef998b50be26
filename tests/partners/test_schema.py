"""The description of the API: whole, without a warning, and open to everybody."""

from io import StringIO

import pytest
import yaml
from django.core.management import call_command
from django.test import Client


@pytest.fixture
def described() -> dict:
    """As ``manage.py spectacular --validate --fail-on-warn`` makes it: it raises where anything is left unsaid."""
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
        assert operation["security"] == [{"signature": []}], path
        headers = {one["name"] for one in operation.get("parameters", []) if one["in"] == "header"}
        assert ("Idempotency-Key" in headers) == (method != "get"), path
        assert {"401", "403", "429"} <= set(operation["responses"]), path


def test_anybody_may_read_it(db: None) -> None:
    response = Client().get("/api/v1/schema/")
    assert response.status_code == 200
    assert yaml.safe_load(response.content)["info"]["title"] == "社保网上办事大厅接口"
