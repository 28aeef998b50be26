"""What a page may load, who may keep it, and how much a request may send."""

import re

import pytest
from django.test import Client

from tests.cast import Cast
from tests.conftest import Clock
from tests.web.conftest import ADD_STAFF, signed_in

pytestmark = pytest.mark.django_db


def test_the_halls_pages_run_no_script_of_anyone_else(client: Client) -> None:
    policy = client.get("/ningbo/")["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_pages_hold_no_script_or_style_that_the_policy_would_stop(cast: Cast, clerk: Client) -> None:
    for page in ("/ningbo/", "/help/", ADD_STAFF, f"{ADD_STAFF}apply/", "/cases/", "/ningbo/search/?q=停保"):
        text = clerk.get(page).content.decode()
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), page
        assert not re.search(r"\sstyle=|\son\w+=\"|<style", text), page


def test_the_admin_has_its_own_laxer_policy(client: Client) -> None:
    policy = client.get("/admin/login/")["Content-Security-Policy"]
    assert "'unsafe-eval'" in policy
    assert "frame-ancestors 'none'" in policy


def test_nothing_of_whoever_is_signed_in_is_stored(clerk: Client, client: Client) -> None:
    for page in ("/ningbo/", "/cases/", "/help/"):
        assert "no-store" in clerk.get(page)["Cache-Control"]
    assert "no-store" not in client.get("/help/").get("Cache-Control", "")


@pytest.mark.parametrize("page", ["/ningbo/", "/nowhere/", "/admin/login/"])
def test_every_answer_carries_the_policies(client: Client, page: str) -> None:
    headers = client.get(page).headers
    for name in (
        "Content-Security-Policy",
        "Permissions-Policy",
        "X-Content-Type-Options",
        "X-Frame-Options",
    ):
        assert headers.get(name), name
    assert headers["Referrer-Policy"] == "same-origin"


def test_a_request_that_announces_too_much_is_refused_unread(clerk: Client) -> None:
    answer = clerk.post(f"{ADD_STAFF}materials/", {}, CONTENT_LENGTH=str(33 * 1024 * 1024))
    assert answer.status_code == 413
    assert "不能超过 32 MB" in answer.content.decode()


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_pages_that_only_show_answer_nothing_else(cast: Cast, clock: Clock, method: str) -> None:
    client = signed_in(cast.yongjiang_clerk)
    for page in (
        "/",
        "/ningbo/",
        "/ningbo/services/",
        ADD_STAFF,
        "/cases/",
        "/city/wuhan/",
        "/elder/",
        "/help/",
    ):
        assert getattr(client, method)(page).status_code == 405
