"""What is logged of a request."""

import logging

import pytest
from django.test import Client


@pytest.mark.django_db
def test_the_address_in_the_log_is_not_what_a_visitor_says(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    client.get("/wuhan/", REMOTE_ADDR="192.0.2.7", HTTP_X_FORWARDED_FOR="198.51.100.9")
    told = [line for line in caplog.messages if "request_finished" in line]
    assert told
    assert all("ip=192.0.2.7" in line for line in told)
    assert "198.51.100.9" not in caplog.text
