"""A key is replaced: what was issued gets a new document, once, whoever is killed; the old one says
that there is a newer."""

from collections.abc import Callable
from contextlib import nullcontext
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connections, transaction
from django.urls import reverse

from certificates import (
    authority,
    development_authority,
    documents,
    fonts,
    issuing,
    rendering,
    resealing,
    seal_tasks,
    verifying_files,
)
from certificates.models import Certificate, ResealingRun, Result, SealedVersion
from portal import locks
from portal.accounts.models import User
from portal.accounts.roles import CERTIFIER
from tests.cast import NOW, Cast, moment, staff
from tests.certificates import engines
from tests.certificates.test_audit import broken, triggers_off
from tests.certificates.test_pages import signed_in
from tests.conftest import Clock, Kept

pytestmark = pytest.mark.django_db

Freeze = Callable[..., Certificate]
LATER = moment("2026-11-18 09:00")


@pytest.fixture(autouse=True)
def own_keys(tmp_path: Path, settings: Any) -> None:
    """Keys that may be replaced without others noticing."""
    settings.SEAL_DIR = tmp_path / "keys"
    development_authority.make_development_ca(cities=development_authority.development_cities(), now=NOW)


def replace_key() -> None:
    development_authority.replace_development_seal("ningbo", "宁波市社会保险管理服务中心", now=LATER)


def start(**more: Any) -> ResealingRun:
    asked: dict[str, Any] = {
        "city": "ningbo",
        "reason": "更换印章",
        "by": User.objects.system(),
        "now": LATER,
    }
    return resealing.start(**asked | more)


def result(document: bytes) -> Result:
    return verifying_files.verify_pdf(document, now=LATER).result


def test_the_facts_the_number_and_the_date_stay_and_the_seal_is_new(frozen: Freeze) -> None:
    certificate = frozen()
    old = issuing.produce(certificate, now=NOW)
    said = dict(certificate.facts)
    replace_key()
    run = start()
    assert resealing.go_on(run, most=10, now=LATER) == 1
    new = issuing.produce(certificate, now=LATER)
    assert new != old
    certificate.refresh_from_db()
    assert certificate.facts == said
    assert certificate.issued_at == NOW
    assert certificate.latest.version == 2
    assert certificate.latest.fingerprint == authority.seal_for("ningbo").fingerprint
    assert result(new) == Result.VALID
    found = verifying_files.verify_pdf(old, now=LATER)
    assert (found.result, found.certificate, found.resealed) == (Result.SUPERSEDED, certificate, True)
    assert "重新盖章" in found.why
    assert {check.label for check in found.checks if check.passed is False} == {"版本"}
    assert verifying_files.verify_pdf(new + b"\n", now=LATER).result == Result.ALTERED
    assert run.finished_at == LATER
    assert broken() == ()


def test_what_was_drawn_by_an_older_edition_is_drawn_anew(
    frozen: Freeze, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the cut font whose numbers MuPDF and Ghostscript do not find, sealed, and the seal
    unchanged since."""
    settings.DATA_DIR = tmp_path / "older"
    certificate = frozen()
    with monkeypatch.context() as older:
        older.setattr(fonts, "EDITION", 1)
        older.setattr(fonts, "numbered_anew", lambda font: font)
        older.setattr(rendering, "press_of_thread", rendering.Press)
        old = issuing.produce(certificate, now=NOW)
    monkeypatch.setattr(rendering, "press_of_thread", rendering.Press)
    run = start(everything=True, reason="换用各种阅读器都能显示的字体")
    assert resealing.go_on(run, most=10, now=LATER) == 1
    new = issuing.produce(certificate, now=LATER)

    def unlike(document: bytes, name: str) -> float:
        (tmp_path / name).mkdir()
        first, other = (
            engines.drawn(document, engine, tmp_path / name)[0] for engine in (engines.poppler, engines.mupdf)
        )
        return engines.difference(first, other)

    assert unlike(old, "old") > engines.MOST_DIFFERENCE > unlike(new, "new")
    assert (result(old), result(new)) == (Result.SUPERSEDED, Result.VALID)


def test_only_what_needs_it_and_only_once(cast: Cast, frozen: Freeze) -> None:
    valid, revoked = frozen(), frozen()
    ended = frozen(valid_until=NOW.date())
    for one in (valid, revoked, ended):
        issuing.produce(one, now=NOW)
    frozen()
    issuing.revoke(revoked, by=cast.ningbo_reviewer, reason="有误", now=NOW)
    with pytest.raises(resealing.NotStarted, match="没有需要"):
        start()
    replace_key()
    after = frozen()
    issuing.produce(after, now=LATER)
    run = start()
    assert run.total == 1
    with pytest.raises(resealing.NotStarted, match="正在进行"):
        start()
    resealing.go_on(run, most=10, now=LATER)
    assert [version.certificate for version in SealedVersion.objects.all()] == [valid]
    assert resealing.go_on(run, most=10, now=LATER) == 0
    with pytest.raises(resealing.NotStarted, match="没有需要"):
        start()
    # Where an algorithm is replaced and not the key.
    again = start(everything=True)
    assert again.total == 2
    resealing.go_on(again, most=10, now=LATER)
    assert sorted(version.version for version in SealedVersion.objects.all()) == [2, 2, 3]


def test_killed_at_any_point_it_goes_on_where_it_stopped(
    frozen: Freeze, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificates = [frozen() for _one in range(3)]
    for certificate in certificates:
        issuing.produce(certificate, now=NOW)
    replace_key()
    run = start()
    assert resealing.go_on(run, most=1, now=LATER) == 1
    store = documents.store

    def killed(serial_number: str, document: bytes) -> str:
        store(serial_number, document)
        raise SystemExit("killed")

    monkeypatch.setattr(documents, "store", killed)
    with pytest.raises(SystemExit):
        resealing.go_on(run, most=10, now=LATER)
    monkeypatch.setattr(documents, "store", store)
    progress = resealing.progress(run, now=LATER)
    assert (progress.total, progress.done, progress.left) == (3, 1, 2)

    out = StringIO()
    call_command("reseal_certificates", "--city", "ningbo", stdout=out)
    run.refresh_from_db()
    assert run.finished_at
    assert "已完成 3，失败 0" in out.getvalue()
    for certificate in certificates:
        folder = documents.path_of(certificate.latest.document).parent
        assert len(list(folder.iterdir())) == 2
    assert broken() == ()


def test_one_that_cannot_be_drawn_does_not_lose_the_rest(
    frozen: Freeze, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = frozen(), frozen()
    for certificate in (bad, good):
        issuing.produce(certificate, now=NOW)
    replace_key()
    draw = rendering.render

    def render(certificate: Certificate, **more: Any) -> bytes:
        if certificate.pk == bad.pk:
            raise KeyError("schema")
        return draw(certificate, **more)

    monkeypatch.setattr(rendering, "render", render)
    error = StringIO()
    with pytest.raises(SystemExit):
        call_command(
            "reseal_certificates", "--city", "ningbo", "--reason", "更换", stdout=StringIO(), stderr=error
        )
    assert bad.serial_number in error.getvalue()
    assert good.latest.version == 2
    # The document that it has stays good, and the next run tries again.
    assert bad.latest.version == 1
    monkeypatch.setattr(rendering, "render", draw)
    seal_tasks.go_on_resealing()
    assert start().total == 1


def test_without_a_seal_it_waits_and_with_yet_another_it_ends(
    frozen: Freeze, settings: Any, kept: Kept
) -> None:
    certificate = frozen()
    issuing.produce(certificate, now=NOW)
    replace_key()
    run = start()
    file = settings.SEAL_DIR / "ningbo.pem"
    file.rename(settings.SEAL_DIR / "away")
    with pytest.raises(CommandError, match="接着做"):
        call_command("reseal_certificates", "--city", "ningbo", stdout=StringIO())
    seal_tasks.go_on_resealing()
    assert [(task, city) for task, city, _why in kept] == [("go_on_resealing", "宁波")]
    run.refresh_from_db()
    assert run.finished_at is None
    (settings.SEAL_DIR / "away").rename(file)
    replace_key()
    with pytest.raises(resealing.SealReplaced):
        resealing.go_on(run, most=1, now=LATER)
    assert ResealingRun.objects.get().finished_at == LATER
    assert certificate.latest.version == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_do_not_do_it_twice(frozen: Freeze, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = frozen()
    issuing.produce(certificate, now=NOW)
    replace_key()
    run = start()
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [f"sealing anew:{run.pk}"])
        assert resealing.go_on(run, most=10, now=LATER) == 0
        assert certificate.latest.version == 1
        # Without the guard both would be at it.
        monkeypatch.setattr(locks, "attempt", lambda _what, _of: nullcontext(True))
        assert resealing.go_on(run, most=10, now=LATER) == 1
    finally:
        other.close()


def test_a_version_is_never_changed(frozen: Freeze) -> None:
    issuing.produce(frozen(), now=NOW)
    replace_key()
    run = start()
    resealing.go_on(run, most=1, now=LATER)
    for change in (
        lambda: SealedVersion.objects.update(version=9),
        lambda: SealedVersion.objects.all().delete(),
        lambda: ResealingRun.objects.update(reason="x"),
        lambda: ResealingRun.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_a_version_that_is_lost_is_found_by_the_audit(frozen: Freeze) -> None:
    certificate = frozen()
    issuing.produce(certificate, now=NOW)
    replace_key()
    resealing.go_on(start(), most=1, now=LATER)
    documents.path_of(certificate.latest.document).unlink()
    assert broken() == (f"{certificate.serial_number}（第 2 版）：文件缺失或与登记的摘要不符",)


def test_versions_without_a_gap_are_checked_by_the_audit(frozen: Freeze) -> None:
    certificate = frozen()
    issuing.produce(certificate, now=NOW)
    replace_key()
    resealing.go_on(start(), most=1, now=LATER)
    with triggers_off():
        SealedVersion.objects.update(version=3)
    assert any("版本不连续" in found for found in broken())


# The workbench


def test_staff_order_a_run_after_a_second_look_and_see_how_far_it_is(frozen: Freeze, clock: Clock) -> None:
    certificate = frozen()
    issuing.produce(certificate, now=NOW)
    replace_key()
    clock.set(LATER)
    client = signed_in(staff("ningbo-9", "沈洁", "ningbo", CERTIFIER))
    page = reverse("admin:certificates_resealingrun_changelist")
    assert "1 份" in client.get(page).content.decode()
    assert client.post(page, {"city": "ningbo", "reason": " "}).status_code == 422
    assert client.post(page, {"city": "wuhan", "reason": "更换"}).status_code == 422
    look = client.post(page, {"city": "ningbo", "reason": "证书到期"}).content.decode()
    assert "确认重新盖章" in look
    assert not ResealingRun.objects.exists()
    client.post(page, {"city": "ningbo", "reason": "证书到期", "confirmed": "1"})
    run = ResealingRun.objects.get()
    assert (run.reason, run.started_by.name) == ("证书到期", "沈洁")
    assert "剩余 1" in client.get(page).content.decode()
    seal_tasks.go_on_resealing()
    shown = client.get(page).content.decode()
    assert "已完成 1" in shown
    assert certificate.latest.version == 2


def test_others_do_not(cast: Cast, frozen: Freeze, clock: Clock) -> None:
    issuing.produce(frozen(), now=NOW)
    replace_key()
    page = reverse("admin:certificates_resealingrun_changelist")
    for stranger in (cast.ningbo_reviewer, cast.ningbo_staff_without_role):
        client = signed_in(stranger)
        assert client.get(page).status_code == 404
        assert client.post(page, {"city": "ningbo", "reason": "x", "confirmed": "1"}).status_code == 404
    wuhan = signed_in(staff("wuhan-9", "宋岩", "wuhan", CERTIFIER))
    asked = {"city": "ningbo", "reason": "x", "confirmed": "1"}
    assert wuhan.post(page, asked).status_code == 422
    assert not ResealingRun.objects.exists()
