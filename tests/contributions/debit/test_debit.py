"""The debit's road: batch, file, the stand-in bank, answer, posting, closing; and everything that
may happen twice."""

import datetime as dt
import errno
import hashlib
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
from django.db import DataError, connection, transaction

from contributions.audit.looking import audit
from contributions.bank_files import exchange
from contributions.books import ledger
from contributions.books.receiving import receive
from contributions.consequences import Money
from contributions.debit import closing, freezing, opening, reading, recollecting, sending
from contributions.models import (
    AccountKind,
    BankFile,
    BatchEvent,
    Charge,
    DebitBatch,
    DebitLine,
    Entry,
    Receipt,
    RequestKind,
)
from portal.accounts.models import Notice, User
from portal.policy.book import PolicyMissing
from portal.shared.insurance import Insurance
from portal.shared.months import Month
from portal.watch.failures import Watch
from portal.watch.models import Failure
from tests.cast import Cast, cover, moment
from tests.contributions.money_cast import (
    CLOSED,
    FROZEN,
    NOVEMBER,
    OCTOBER,
    POOR,
    Road,
    account,
    charge_of,
    worker,
)

PENSION, MEDICAL = Insurance.PENSION, Insurance.MEDICAL


def proved() -> bool:
    broken = [one for one in audit() if not one.holds]
    assert not broken, broken
    return True


def inbox(road: Road) -> list[Path]:
    return sorted((road.exchange / "inbox").iterdir())


def resealed(text: str) -> str:
    """An answer whose check fits again after it was changed."""
    body = text[: text.index("T|")]
    rows = [line.split("|") for line in body.splitlines()[1:]]
    check = hashlib.sha256(body.encode()).hexdigest()
    return f"{body}T|{len(rows)}|{sum(int(row[3]) for row in rows)}|{check}\n"


def answer(road: Road, batch: DebitBatch) -> tuple[Path, str]:
    """The bank's answer as it lies in the inbox, with LF line ends."""
    road.bank()
    [path] = inbox(road)
    return path, path.read_text(encoding="gb18030").replace("\r\n", "\n")


def test_the_whole_road(road: Road, cast: Cast) -> None:
    good = worker(1, insurances=(PENSION, MEDICAL))
    poor, frozen, closed = (worker(order, ending=end) for order, end in ((2, POOR), (3, FROZEN), (4, CLOSED)))
    batch = road.walked()

    assert (batch.status, batch.line_count, batch.total_fen) == ("closed", 5, 4 * 39304 + 19652)
    assert {one.status: (one.count, one.fen) for one in closing.tally(batch)} == {
        "paid": (2, 58956),
        "failed": (3, 117912),
    }
    assert [charge_of(good, insurance).status for insurance in (PENSION, MEDICAL)] == ["paid", "paid"]
    for who, reason in ((poor, "balance"), (frozen, "frozen"), (closed, "closed")):
        assert charge_of(who).status == "owed"
        assert charge_of(who).debit_lines.get().reason_code == reason
    assert [event.status for event in batch.events.all()] == [
        "opened",
        "released",
        "sent",
        "answered",
        "posted",
        "closed",
    ]
    assert [one.applied for one in Receipt.objects.all()] == [True, True]
    entry = Entry.objects.get()
    assert (entry.kind, entry.reference) == ("debit", f"{batch.number}/1")
    balances = {
        (one.account.kind, one.account.insurance): one.balance_fen
        for one in ledger.trial_balance(cities=["wuhan"])
    }
    assert balances == {
        ("clearing", ""): 58956,
        ("personal", "pension"): -15721,
        ("pooled", "pension"): -(39304 - 15721),
        ("personal", "medical"): -charge_of(good, MEDICAL).account_fen,
        ("pooled", "medical"): -(19652 - charge_of(good, MEDICAL).account_fen),
    }
    assert proved()


def test_every_step_again_changes_nothing(road: Road) -> None:
    worker(1)
    worker(2, ending=POOR)
    batch = road.walked()
    before = (batch.line_count, Receipt.objects.count(), Entry.objects.count(), BatchEvent.objects.count())

    assert road.charge().created == 0
    assert road.open() == batch
    assert road.send(batch).exists() is False  # the bank has taken it, and it is not written again
    assert road.bank() == ""
    assert road.read() == []
    road.post(batch)
    road.close(batch)
    assert (
        batch.line_count,
        Receipt.objects.count(),
        Entry.objects.count(),
        BatchEvent.objects.count(),
    ) == before
    assert proved()


def test_nothing_to_draw_opens_nothing(road: Road) -> None:
    assert opening.open_batch(city="wuhan", month=OCTOBER, by=road.by, now=road.now) is None
    assert not DebitBatch.objects.exists()


def test_a_city_that_does_not_debit_opens_nothing(road: Road) -> None:
    with pytest.raises(PolicyMissing):
        opening.open_batch(city="ningbo", month=OCTOBER, by=road.by, now=road.now)


def test_who_is_drawn(road: Road, cast: Cast) -> None:
    drawn = worker(1)
    paid, without_account, by_another_bank, later_account = (worker(order) for order in (2, 3, 4, 5))
    without_account.bank_accounts.all().delete()
    by_another_bank.bank_accounts.update(bank="icbc")
    later_account.bank_accounts.update(start=NOVEMBER)
    cover(cast.wang_fang, PENSION, "wuhan", "2026-01", at=cast.donghu, wage_fen=900_000)
    account(cast.wang_fang, "6217990000999988")
    road.charge()
    receive([charge_of(paid)], channel="bank", provider_number="1", at=road.now, by=road.by)
    batch = road.open()
    assert [line.of_charge.person for line in batch.lines.select_related("charge__person")] == [drawn]


def test_where_accounts_overlap_the_later_one_is_drawn_once(road: Road) -> None:
    who = worker(1)
    who.bank_accounts.update(until=NOVEMBER)
    account(who, "6217990000777788", start="2026-10")
    road.charge()
    batch = road.open()
    assert [line.account_number for line in batch.lines.all()] == ["6217990000777788"]


def test_a_second_round_takes_only_what_was_asked_for(road: Road) -> None:
    worker(1)
    poor = worker(2, ending=POOR)
    road.walked()
    assert opening.open_batch(city="wuhan", month=OCTOBER, by=road.by, now=road.now, round_number=2) is None
    with transaction.atomic():
        recollecting.ask(
            [charge_of(poor)], kind=RequestKind.RECOLLECT, month=OCTOBER, by=road.by, now=road.now
        )
    second = opening.open_batch(city="wuhan", month=OCTOBER, by=road.by, now=road.now, round_number=2)
    assert second is not None
    assert [line.charge for line in second.lines.select_related("charge")] == [charge_of(poor)]


def test_the_lines_keep_what_was_sent_when_the_account_changes(road: Road) -> None:
    who = worker(1)
    road.charge()
    batch = road.open()
    who.bank_accounts.update(number="6217990000555501")
    text = road.send(batch).read_text(encoding="gb18030")
    assert "6217990000000188" in text


def test_a_file_that_was_written_but_not_marked_is_written_again_the_same(road: Road) -> None:
    for order in range(1, 4):
        worker(order)
    road.charge()
    batch = road.open()
    first = road.send(batch).read_bytes()
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("DELETE FROM contributions_bankfile")
        cursor.execute("DELETE FROM contributions_batchevent WHERE status = 'sent'")
        cursor.execute(
            "UPDATE contributions_debitbatch SET status = 'released', file_name = '', file_digest = ''"
        )
        cursor.execute("SET session_replication_role = origin")
    road.now += dt.timedelta(days=2)
    assert road.send(batch).read_bytes() == first


def test_an_answer_that_comes_before_our_mark_waits(road: Road) -> None:
    worker(1)
    road.charge()
    batch = road.open()
    road.send(batch)
    road.bank()
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE contributions_debitbatch SET status = 'released'")
        cursor.execute("SET session_replication_role = origin")
    assert [one.outcome for one in road.read()] == ["left"]
    assert len(inbox(road)) == 1
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE contributions_debitbatch SET status = 'sent'")
        cursor.execute("SET session_replication_role = origin")
    assert [one.outcome for one in road.read()] == ["accepted"]


def test_the_same_file_again_or_renamed_is_one(road: Road) -> None:
    worker(1)
    road.charge()
    batch = road.open()
    road.send(batch)
    path, _text = answer(road, batch)
    content = path.read_bytes()
    road.read()
    path.write_bytes(content)
    (path.parent / "renamed.txt").write_bytes(content)
    assert [one.outcome for one in road.read()] == ["repeated", "repeated"]
    assert inbox(road) == []
    assert BankFile.objects.filter(direction="in").count() == 1
    road.post(batch)
    assert Receipt.objects.count() == 1


def test_other_content_for_an_answered_batch_is_held_and_of_no_effect(road: Road) -> None:
    worker(1)
    road.charge()
    batch = road.open()
    road.send(batch)
    path, text = answer(road, batch)
    road.read()
    changed = resealed(text.replace("|00|", "|51|").replace("|1|1|39304|0|0", "|1|0|0|1|39304"))
    path.write_text(changed, encoding="utf-8")
    [read] = road.read()
    assert read.outcome == "held"
    assert "内容不同" in read.why
    assert batch.files.get(status="held").batch == batch
    batch = road.post(batch)
    assert batch.status == "posted"
    assert batch.lines.get().status == "paid"
    assert [one.name.split("-", 1)[1] for one in (road.exchange / "held").iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda text: text[:-40], "校验值|合计行"),
        (lambda text: resealed(text.replace("6217990000000188", "6217990000000189")), "账号或金额"),
        (lambda text: resealed(text.replace("39304", "39305")), "账号或金额"),
        (lambda text: text.replace("|00|", "|51|"), "校验值"),
        (lambda text: resealed(text.replace("D|1|", "D|9|")), "不在本批次"),
        (lambda text: text.replace("420100-202610", "420100-209910"), "没有批次"),
    ],
)
def test_a_damaged_answer_is_held_and_a_good_one_still_goes_through(road: Road, damage, why: str) -> None:
    worker(1)
    worker(2, ending=POOR)
    road.charge()
    batch = road.open()
    road.send(batch)
    path, text = answer(road, batch)
    good = path.read_bytes()
    path.write_text(damage(text), encoding="utf-8")
    [read] = road.read()
    assert read.outcome == "held"
    assert any(part in read.why for part in why.split("|")), read.why
    assert set(batch.lines.values_list("status", flat=True)) == {"pending"}
    batch.refresh_from_db()
    assert batch.status == ("sent" if why == "没有批次" else "held")

    path.write_bytes(good)
    assert [one.outcome for one in road.read()] == ["accepted"]
    batch.refresh_from_db()
    assert road.close(road.post(batch)).status == "closed"
    assert proved()


def test_rows_that_the_bank_left_out_are_missing_and_never_drawn_again(road: Road) -> None:
    first, second = worker(1), worker(2)
    road.charge()
    batch = road.open()
    road.send(batch)
    path, text = answer(road, batch)
    lines = [line for line in text.splitlines() if not line.startswith("D|2|")]
    lines[0] = lines[0].replace("|2|2|78608|0|0", "|1|1|39304|0|0")
    path.write_text(resealed("\n".join(lines[:2]) + "\nT|"), encoding="utf-8")
    assert [one.outcome for one in road.read()] == ["accepted"]
    assert [line.status for line in batch.lines.order_by("sequence")] == ["paid", "missing"]
    batch.refresh_from_db()
    batch = road.close(road.post(batch))
    assert (batch.status, charge_of(first).status, charge_of(second).status) == ("closed", "paid", "owed")
    assert opening.open_batch(city="wuhan", month=OCTOBER, by=road.by, now=road.now, round_number=2) is None
    assert proved()


def test_paid_by_another_road_while_the_file_was_at_the_bank_lies_in_suspense(road: Road) -> None:
    who = worker(1)
    road.charge()
    batch = road.open()
    road.send(batch)
    receive([charge_of(who)], channel="counter", provider_number="7", at=road.now, by=road.by)
    road.bank()
    road.read()
    batch.refresh_from_db()
    batch = road.close(road.post(batch))
    assert batch.status == "closed"
    assert list(Receipt.objects.order_by("id").values_list("channel", "applied")) == [
        ("counter", True),
        ("debit:psbc", False),
    ]
    suspense = [
        one for one in ledger.trial_balance(cities=["wuhan"]) if one.account.kind == AccountKind.SUSPENSE
    ]
    assert [one.balance_fen for one in suspense] == [-39304]
    assert proved()


def test_coverage_that_stopped_while_the_file_was_at_the_bank_lies_in_suspense(road: Road) -> None:
    who = worker(1)
    road.charge()
    batch = road.open()
    road.send(batch)
    coverage = who.coverages.get()
    assert Money().stop_barriers(coverage, OCTOBER)
    coverage.until = OCTOBER
    coverage.save()
    Money().stopped([coverage], OCTOBER, by=road.by, now=road.now)
    road.bank()
    road.read()
    batch.refresh_from_db()
    road.close(road.post(batch))
    assert Charge.objects.get().status == "void"
    assert Receipt.objects.get().applied is False
    assert proved()


def test_a_batch_closes_only_when_it_is_posted_and_comes_out_even(road: Road) -> None:
    worker(1)
    batch = road.answered()
    with pytest.raises(closing.CannotClose, match="尚未记账"):
        road.close(batch)
    batch = road.post(batch)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE contributions_debitbatch SET total_fen = total_fen + 1")
        cursor.execute("SET session_replication_role = origin")
    with pytest.raises(closing.CannotClose, match="不符"):
        road.close(batch)


def test_chunks_make_an_entry_each(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freezing, "CHUNK", 2)
    for order in range(1, 6):
        worker(order)
    batch = road.walked()
    assert sorted(Entry.objects.values_list("reference", flat=True)) == [
        f"{batch.number}/{n}" for n in (1, 2, 3)
    ]
    assert list(Entry.objects.order_by("number").values_list("number", flat=True)) == [1, 2, 3]
    assert proved()


def test_a_chunk_ends_with_a_persons_last_line(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freezing, "CHUNK", 3)
    both = (Insurance.PENSION, Insurance.MEDICAL)
    for order in range(1, 6):
        worker(order, insurances=both)
    batch = road.walked()
    assert list(batch.chunks.order_by("number").values_list("first", "last")) == [(1, 4), (5, 6), (7, 10)]
    for chunk in batch.chunks.all():
        lines = batch.lines.filter(sequence__range=(chunk.first, chunk.last))
        assert len(lines) == 2 * len({line.of_charge.person_id for line in lines})
    assert Notice.objects.count() == 5
    assert proved()


def test_rare_names_go_out_and_come_back(road: Road) -> None:
    worker(1, name="䶮𬱖㛃")
    batch = road.walked()
    assert batch.lines.get().holder == "䶮𬱖㛃"
    assert batch.lines.get().status == "paid"


def test_a_full_disk_sends_nothing_and_the_next_run_does(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    worker(1)
    road.charge()
    batch = road.release(road.open())

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            sending.write_file(batch, by=road.by, now=road.now)
    batch.refresh_from_db()
    assert batch.status == "released"
    assert list((road.exchange / "outbox").iterdir()) == []
    assert road.send(batch).exists()


def test_december_goes_over_into_january(road: Road) -> None:
    worker(1)
    road.month, road.now = Month(2026, 12), moment("2026-12-31 02:10")
    road.charge()
    assert road.open().number == "420100-202612-psbc-1"


def test_moves_have_an_actor_and_a_time(road: Road, cast: Cast) -> None:
    worker(1)
    batch = road.post(road.answered())
    closing.close(batch, by=cast.wuhan_collector, now=road.now)
    batch.refresh_from_db()
    assert batch.closed_by == cast.wuhan_collector
    assert batch.events.get(status="closed").by == cast.wuhan_collector
    assert batch.events.get(status="opened").by == User.objects.system()
    assert DebitLine.objects.count() == 1


# One unreadable file does not stop the others


def sent(road: Road) -> tuple[DebitBatch, Path, str]:
    """A batch at the bank, and the bank's good answer."""
    worker(1)
    road.charge()
    batch = road.open()
    road.send(batch)
    path, text = answer(road, batch)
    later = path.with_name("zzz-good.txt")
    path.rename(later)
    return batch, later, text


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (
            "a-nul-in-the-batch-number.txt",
            b"H|DR01|420100-2026\x0010-psbc-1|20261117|1|1|39304|0|0\nT|1|39304|x\n",
        ),
        ("a-nuls.txt", b"\0" * 77),
        ("a-number-too-large.txt", b""),
        ("a-empty.txt", b""),
        ("a-noise.bin", bytes(range(256)) * 4),
        ("a-message.xml", b'<?xml version="1.0"?><Document><a>\x00</a></Document>'),
        ("a" * 200 + ".txt", b"H|"),
        ("\udcff-name.txt", b"H|"),
    ],
)
def test_what_cannot_be_worked_on_is_held_with_its_reason_and_the_others_go_on(
    road: Road, name: str, content: bytes
) -> None:
    batch, good, text = sent(road)
    if name == "a-number-too-large.txt":
        content = resealed(text.replace("D|1|", "D|99999999999999999999|")).encode()
    (good.parent / name).write_bytes(content)
    done = {one.name: one for one in road.read()}
    assert done[name].outcome == "held"
    assert done[name].why
    assert "\0" not in done[name].why
    assert done[good.name].outcome == "accepted"
    assert inbox(road) == []
    assert len(list((road.exchange / "held").iterdir())) == 1
    batch.refresh_from_db()
    assert batch.status == "answered"
    if BankFile.objects.get(status="held").batch is None:
        # No batch's page tells of it: it stands among what the hall could not do.
        told = Failure.objects.get()
        assert (told.task, told.resolved_at) == ("read_answers", None)
        # The next ring does not take it away; staff do.
        road.read()
        assert Failure.objects.filter(resolved_at=None).exists()
    proved()


def test_what_nobody_foresaw_in_a_file_is_held(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    _batch, good, _text = sent(road)
    (good.parent / "a.txt").write_bytes(b"whatever")
    accept = reading.accept

    def odd(path: Path, *rest: object) -> bool:
        if path.name == "a.txt":
            raise DataError("value out of range")
        return accept(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(reading, "accept", odd)
    assert [one.outcome for one in road.read()] == ["held", "accepted"]
    assert "DataError" in BankFile.objects.get(status="held").why


@pytest.mark.parametrize(
    "problem", [PermissionError(13, "Permission denied"), OSError(5, "Input/output error")]
)
def test_what_the_disk_does_not_give_out_is_left_told_and_tried_again(
    road: Road, monkeypatch: pytest.MonkeyPatch, kept: list[object], problem: OSError
) -> None:
    _batch, good, _text = sent(road)
    (good.parent / "a.txt").write_bytes(b"whatever")
    fingerprint = exchange.fingerprint_of

    def closed(path: Path) -> exchange.Fingerprint:
        if path.name == "a.txt":
            raise problem
        return fingerprint(path)

    with monkeypatch.context() as disk:
        disk.setattr(exchange, "fingerprint_of", closed)
        assert [one.outcome for one in road.read()] == ["accepted"]
        road.read()
    told = Failure.objects.get()
    assert (told.item, told.count, told.resolved_at) == ("a.txt", 2, None)
    # Given out, it is dealt with, and what was told is resolved.
    assert [one.outcome for one in road.read()] == ["held"]
    told.refresh_from_db()
    assert told.resolved_at
    assert len(kept) == 2


def test_an_inbox_on_a_mount_of_its_own(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    batch, good, _text = sent(road)
    (good.parent / "a.txt").write_bytes(b"whatever")
    content = good.read_bytes()
    replace = Path.replace

    def across(self: Path, target: Path) -> Path:
        if self.parent.name != Path(target).parent.name:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", across)
    assert [one.outcome for one in road.read()] == ["held", "accepted"]
    assert inbox(road) == []
    [archived] = (road.exchange / "archive").iterdir()
    assert archived.read_bytes() == content
    assert [one.name.split("-", 1)[1] for one in (road.exchange / "held").iterdir()] == ["a.txt"]
    batch.refresh_from_db()
    assert batch.status == "answered"


def test_control_where_nothing_is_caught_the_others_are_not_read(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, good, _text = sent(road)
    (good.parent / "a.txt").write_bytes(b"\0" * 77)
    monkeypatch.setattr(reading, "read_answer", _as_before(reading.read_answer))
    monkeypatch.setattr(Watch, "item", lambda self, name, **_more: nullcontext())
    with pytest.raises(ValueError, match="NUL"):
        road.read()
    batch.refresh_from_db()
    assert batch.status == "sent"


def _as_before(read: Callable[..., reading.Read | None]) -> Callable[..., reading.Read | None]:
    def as_before(path: Path, **more: object) -> reading.Read | None:
        if path.name == "a.txt":
            raise ValueError("A string literal cannot contain NUL (0x00) characters.")
        return read(path, **more)

    return as_before
