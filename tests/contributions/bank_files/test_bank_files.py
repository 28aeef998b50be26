"""The postal format: what we write, and every way in which an answer can be damaged."""

import datetime as dt
import hashlib
import io
import os
import stat
from pathlib import Path

import pytest

from contributions.bank_files import postal, stand_in
from contributions.bank_files.exchange import place
from contributions.bank_files.results import Reason, Unreadable
from portal.shared.months import Month
from tests.cast import moment

HEADING = postal.Heading(
    number="420100-202610-psbc-1",
    city_code="420100",
    month=Month(2026, 10),
    on=dt.date(2026, 10, 31),
    count=3,
    total_fen=60000,
    creditor="武汉市社会保险基金结算中心",
    made_at=moment("2026-10-31 09:00"),
)
ORDERS = [
    (1, "62179900000188", "张三", 10000),
    (2, "62179900000201", "䶮𬱖㛃", 20000),
    (3, "62179900000302", "欧阳·买买提", 30000),
]


def written(heading: postal.Heading = HEADING, orders: list[tuple[int, str, str, int]] = ORDERS) -> bytes:
    out = io.BytesIO()
    postal.write(out, heading, orders)
    return out.getvalue()


def answer_text(
    rows: list[str] | None = None, *, heading: str | None = None, trailer: str | None = None
) -> str:
    """A whole answer of three rows: one paid, two failed."""
    rows = rows if rows is not None else [
        "D|1|62179900000188|10000|00|PS1",
        "D|2|62179900000201|20000|51|PS2",
        "D|3|62179900000302|30000|62|PS3",
    ]  # fmt: skip
    fields = [row.split("|") for row in rows]
    paid = [int(row[3]) for row in fields if row[4] == "00"]
    failed = [int(row[3]) for row in fields if row[4] != "00"]
    if heading is None:
        heading = f"H|DR01|{HEADING.number}|20261031|{len(rows)}|{len(paid)}|{sum(paid)}|{len(failed)}|{sum(failed)}"
    body = "".join(f"{line}\n" for line in [heading, *rows])
    check = hashlib.sha256(body.encode()).hexdigest()
    return body + (trailer if trailer is not None else f"T|{len(rows)}|{sum(paid) + sum(failed)}|{check}\n")


def read(tmp_path: Path, content: bytes, *, line_count: int = 3) -> list[tuple[int, Reason | None]]:
    path = tmp_path / "answer.txt"
    path.write_bytes(content)
    return [(one.sequence, one.reason) for one in postal.Answer(path).results(line_count=line_count)]


WHOLE = [(1, None), (2, Reason.BALANCE), (3, Reason.FROZEN)]


def test_a_file_says_what_the_lines_come_to() -> None:
    lines = written().decode("gb18030").split("\r\n")
    assert lines[0] == "H|DK01|420100-202610-psbc-1|420100|202610|20261031|3|60000|武汉市社会保险基金结算中心"
    assert lines[2] == "D|2|62179900000201|䶮𬱖㛃|20000"
    assert lines[4].startswith("T|3|60000|")
    assert lines[5:] == [""]


def test_a_file_that_does_not_come_to_the_frozen_sum_is_not_written() -> None:
    with pytest.raises(ValueError, match="3 lines of 60001"):
        written(orders=[*ORDERS[:2], (3, "62179900000302", "欧阳", 30001)])
    with pytest.raises(ValueError, match="2 lines"):
        written(orders=ORDERS[:2])


def test_a_divider_in_a_name_shifts_nothing() -> None:
    lines = (
        written(orders=[(1, "62179900000188", "张|三\r\n四", 10000), *ORDERS[1:]])
        .decode("gb18030")
        .split("\r\n")
    )
    assert lines[1] == "D|1|62179900000188|张 三  四|10000"


def test_the_bank_understands_what_we_write_and_we_its_answer(tmp_path: Path) -> None:
    (tmp_path / "outbox").mkdir()
    (tmp_path / "outbox" / "b.txt").write_bytes(written())
    target = stand_in.answer_file(tmp_path / "outbox" / "b.txt", tmp_path)
    answer = postal.Answer(target)
    assert answer.heading == postal.AnswerHeading(HEADING.number, 3, 1, 10000, 2, 50000)
    assert [(one.sequence, one.reason) for one in answer.results(line_count=3)] == WHOLE


def test_the_bank_takes_no_damaged_order(tmp_path: Path) -> None:
    path = tmp_path / "b.txt"
    for damaged in (written()[:-80], written().replace(b"|20000", b"|20001"), written() + b"D|4|1|x|1\r\n"):
        path.write_bytes(damaged)
        with pytest.raises(stand_in.Refused):
            stand_in.answer_file(path, tmp_path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_an_answer_is_read_in_every_usual_encoding(tmp_path: Path, encoding: str, line_end: str) -> None:
    assert read(tmp_path, answer_text().replace("\n", line_end).encode(encoding)) == WHOLE


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_an_answer_cut_anywhere_is_refused(tmp_path: Path, encoding: str) -> None:
    whole = answer_text().encode(encoding)
    # Without its last line end it is still whole: the check stands before it.
    for length in range(len(whole) - 1):
        with pytest.raises(Unreadable):
            read(tmp_path, whole[:length])


def test_an_answer_with_one_byte_flipped_anywhere_is_refused(tmp_path: Path) -> None:
    whole = answer_text().replace("\n", "\r\n").encode()
    for offset in range(len(whole) - 2):
        for bit in (0x01, 0x20, 0x80):
            flipped = bytearray(whole)
            flipped[offset] ^= bit
            with pytest.raises(Unreadable):
                read(tmp_path, bytes(flipped))


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (["D|1|62179900000188|10000|00|PS1", "D|1|62179900000188|10000|00|PS1"], "重复"),
        (["D|4|62179900000188|10000|00|PS1"], "不在本批次内"),
        (["D|0|62179900000188|10000|00|PS1"], "不在本批次内"),
        (["D|1|62179900000188|10000|77|PS1"], "不在约定之内"),
        (["D|1|62179900000188|10000|00|"], "流水号"),
        (["D|x|62179900000188|10000|00|PS1"], "不是数字"),
        (["D|１|62179900000188|10000|00|PS1"], "不是数字"),
        (["X|1|62179900000188|10000|00|PS1"], "不是一条扣款结果"),
    ],
)
def test_a_row_that_cannot_be_is_told_with_its_line(tmp_path: Path, rows: list[str], why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read(tmp_path, answer_text(rows).encode())


def test_counts_and_sums_of_head_and_foot_must_agree(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="文件头"):
        read(tmp_path, answer_text(heading=f"H|DR01|{HEADING.number}|20261031|3|2|10000|1|50000").encode())
    body = answer_text(trailer="")
    check = hashlib.sha256(body.encode()).hexdigest()
    for trailer in (f"T|4|60000|{check}\n", f"T|3|60001|{check}\n", f"T|3|60000|{'0' * 64}\n", "T|3\n"):
        with pytest.raises(Unreadable):
            read(tmp_path, (body + trailer).encode())
    with pytest.raises(Unreadable, match="之后"):
        read(tmp_path, (answer_text() + "\n\nD|1\n").encode())


def test_what_is_no_text_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="编码"):
        read(tmp_path, b"\xff\xff\xff" + answer_text().encode())
    with pytest.raises(Unreadable):
        read(tmp_path, b"")


def test_a_disk_that_fails_leaves_no_file(exchange: Path) -> None:
    def full(out: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        place("b.txt", full)
    assert list((exchange / "outbox").iterdir()) == []


def test_a_file_being_written_is_not_seen(exchange: Path) -> None:
    seen: list[list[str]] = []

    def write(out: object) -> None:
        seen.append([path.name for path in (exchange / "outbox").iterdir() if not path.name.startswith(".")])

    place("b.txt", write)
    assert seen == [[]]
    assert [path.name for path in (exchange / "outbox").iterdir()] == ["b.txt"]


def test_files_and_folders_are_for_the_programs_own_user(exchange: Path) -> None:
    former = os.umask(0o000)
    try:
        place("a.txt", lambda out: (out.write(b"1"), None)[1])
    finally:
        os.umask(former)
    outbox = exchange / "outbox"
    assert stat.S_IMODE(outbox.stat().st_mode) == 0o700
    assert stat.S_IMODE((outbox / "a.txt").stat().st_mode) == 0o600
