"""离线核验: the kept page, opened from a file with the network off, tells a code of ours from every
other."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from certificates import development_authority, offline, summaries
from certificates.issuing import facts_digest
from certificates.kinds import CertificateKind
from certificates.models import Certificate

pytestmark = pytest.mark.usefixtures("seals")


def code_of(valid_until: str | None = None) -> str:
    """What the QR code of a proof says; it need not be in any register."""
    facts = {"person": {"name": "王芳", "identity_number": "33020019900101123X"}}
    proof = Certificate(
        serial_number="330200-PP-20261121-000001",
        code="7" * 28,
        kind=CertificateKind.PERSON,
        facts=facts,
        facts_digest=facts_digest(facts),
        frozen_at=timezone.now(),
        valid_until=date.fromisoformat(valid_until) if valid_until else None,
    )
    return "".join(summaries.address(proof, site="https://hall.example.gov.cn"))


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Page:
    kept = tmp_path / "verify.html"
    kept.write_text(offline.page(), encoding="utf-8")
    context = browser.new_context(offline=True, viewport={"width": 360, "height": 740})
    opened = context.new_page()
    opened.goto(kept.as_uri())
    return opened


def check(page: Page, text: str, result: str) -> None:
    page.get_by_label("二维码的内容").fill(text)
    page.get_by_role("button", name="核验").click()
    expect(page.locator("#outcome")).to_have_attribute("data-result", result)


def test_a_code_of_ours_and_every_other(page: Page) -> None:
    genuine = code_of()
    check(page, genuine, "valid")
    shown = page.locator("#outcome").inner_text()
    for told in ("签名有效", "330200-PP-20261121-000001", "个人参保证明", "王*", "123X", "未规定"):
        assert told in shown
    expect(page.get_by_role("heading", name="签名有效")).to_be_focused()
    # The digits alone, as a scanner at a counter may be set to give them.
    check(page, genuine.split("#")[1], "valid")
    check(page, code_of("2026-01-31"), "expired")
    changed = genuine[:-9] + str((int(genuine[-9]) + 1) % 10) + genuine[-8:]
    check(page, changed, "forged")
    check(page, "https://hall.example.gov.cn/verify/ABC/", "unknown")
    assert page.evaluate("document.documentElement.scrollWidth <= 360")
    page.context.close()


def test_a_code_by_another_key_is_not_ours(page: Page, tmp_path: Path, settings: Any) -> None:
    settings.SEAL_DIR = tmp_path / "others"
    development_authority.make_development_ca(cities=[], now=timezone.now())
    check(page, code_of(), "forged")
    page.context.close()
