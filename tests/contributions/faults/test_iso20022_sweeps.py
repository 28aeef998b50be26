"""An ISO 20022 answer cut at every byte and with a bit of every byte flipped: refused, or of no
consequence for any fen."""

from pathlib import Path

import pytest

from contributions.bank_files import iso20022, stand_in
from contributions.bank_files.results import Reason, Unreadable
from portal.shared.months import Month
from tests.contributions.bank_files.test_bank_files import HEADING, ORDERS

BITS = (0x01, 0x02, 0x04, 0x20, 0x80)


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The stand-in bank's answer to three orders: one paid, one without money, one frozen."""
    root = tmp_path_factory.mktemp("bank")
    path = root / "outbox" / "b.xml"
    path.parent.mkdir()
    with path.open("wb") as out:
        iso20022.write(out, HEADING, ORDERS)
    assert HEADING.month == Month(2026, 10)
    return stand_in.answer_file(path, root).read_bytes()


def money(path: Path, content: bytes) -> list[tuple[int, str, int, bool]]:
    """What the answer does to money: which line, from which account, how much, and whether it was
    paid."""
    path.write_bytes(content)
    found = iso20022.Answer(path)
    return [
        (one.sequence, one.account_number, one.amount_fen, one.reason is None)
        for one in found.results(line_count=len(ORDERS))
    ]


def test_the_whole_one_is_read(answer: bytes, tmp_path: Path) -> None:
    path = tmp_path / "answer.xml"
    path.write_bytes(answer)
    reasons = [one.reason for one in iso20022.Answer(path).results(line_count=3)]
    assert reasons == [None, Reason.BALANCE, Reason.FROZEN]


def test_cut_anywhere_it_is_refused(answer: bytes, tmp_path: Path) -> None:
    whole = answer.rstrip()
    for length in range(len(whole)):
        with pytest.raises(Unreadable):
            money(tmp_path / "answer.xml", whole[:length])


def test_a_bit_flipped_anywhere_moves_no_fen(answer: bytes, tmp_path: Path) -> None:
    """XML has no check over its bytes, as the postal layout has: a flip in what nobody reads passes
    (a bank's own mark, a blank, the reason of a failure), and so does one in an account, which is
    compared with the line before anything counts."""
    whole = money(tmp_path / "answer.xml", answer)
    refused = 0
    for offset in range(len(answer)):
        for bit in BITS:
            flipped = bytearray(answer)
            flipped[offset] ^= bit
            try:
                found = money(tmp_path / "answer.xml", bytes(flipped))
            except Unreadable:
                refused += 1
                continue
            assert [(one[0], one[2], one[3]) for one in found] == [
                (one[0], one[2], one[3]) for one in whole
            ], (
                offset,
                bit,
            )
    assert refused > len(answer)
