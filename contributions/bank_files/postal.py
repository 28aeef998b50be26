"""The Postal Savings Bank's debit files, of our own making after the usual shape of a 批量代扣
file.

Text, one record per line, fields divided by ``|``, amounts in fen. We write GB18030 and CRLF; we
read UTF-8 (with or without BOM) and GB18030 (and so GBK), LF or CRLF. The
first goes to the bank, the second comes from it::

    H|DK01|batch number|city code|month YYYYMM|date YYYYMMDD|count|sum|creditor
    D|sequence|account|holder|amount
    T|count|sum|check

    H|DR01|batch number|date YYYYMMDD|count|paid count|paid sum|failed count|failed sum
    D|sequence|account|amount|result code|bank's reference
    T|count|sum|check

``check`` is the SHA-256 of all text before the trailer, with LF line ends, in UTF-8: it outlives a
change of encoding on the way, and nothing else. A row that is missing from an answer was not
answered; a row that we never sent, or that stands there twice, makes the whole file unreadable.
"""

import codecs
import datetime as dt
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

from django.utils.translation import gettext as _

from contributions.bank_files.exchange import Sink
from contributions.bank_files.results import Reason, Result, Unreadable
from portal.shared.months import Month

ENCODING = "gb18030"
SUFFIX = ".txt"
PAID = "00"
REASONS = {
    "51": Reason.BALANCE,
    "62": Reason.FROZEN,
    "14": Reason.CLOSED,
    "15": Reason.HOLDER,
    "16": Reason.UNKNOWN,
    "40": Reason.AGREEMENT,
    "99": Reason.OTHER,
}

# What accounts are printed with is no matter of the layout.
LONGEST_ACCOUNT = 40

_BLOCK = 4096
_UNSAFE = str.maketrans({"|": " ", "\r": " ", "\n": " "})
_DIGITS = re.compile(r"[0-9]{1,15}")
_REFERENCE = re.compile(r"[0-9A-Za-z-]{1,40}")


@dataclass(frozen=True, slots=True)
class Heading:
    """What heads an order file; ``count`` and ``total_fen`` are what the lines must come to;
    ``made_at`` when it was let go."""

    number: str
    city_code: str
    month: Month
    on: dt.date
    count: int
    total_fen: int
    creditor: str
    made_at: dt.datetime


@dataclass(frozen=True, slots=True)
class AnswerHeading:
    """What heads an answer: which batch, and how many of its rows were paid and failed."""

    number: str
    count: int
    paid_count: int
    paid_fen: int
    failed_count: int
    failed_fen: int


def write(out: Sink, heading: Heading, orders: Iterable[tuple[int, str, str, int]]) -> None:
    """Write a whole order file from (sequence, account, holder, fen), in that order. ValueError
    where the rows do not come to the heading's count and sum: such a file must not leave."""
    check = hashlib.sha256()
    encode = codecs.getencoder(ENCODING)

    def put(text: str) -> None:
        check.update(text.encode())
        out.write(encode(text)[0].replace(b"\n", b"\r\n"))

    put(
        f"H|DK01|{heading.number}|{heading.city_code}|{heading.month.digits}|{heading.on:%Y%m%d}"
        f"|{heading.count}|{heading.total_fen}|{heading.creditor.translate(_UNSAFE)}\n"
    )
    count = total = 0
    rows = iter(orders)
    while block := list(islice(rows, _BLOCK)):
        # A divider inside a name would shift the amount: it is looked for once per block, and taken
        # out only then.
        names = "".join(holder for _sequence, _account, holder, _fen in block)
        if "|" in names or "\n" in names or "\r" in names:
            block = [
                (sequence, account, holder.translate(_UNSAFE), fen)
                for sequence, account, holder, fen in block
            ]
        put("".join([f"D|{sequence}|{account}|{holder}|{fen}\n" for sequence, account, holder, fen in block]))
        count += len(block)
        total += sum([row[3] for row in block])
    if (count, total) != (heading.count, heading.total_fen):
        raise ValueError(
            f"{heading.number}: {count} lines of {total} fen, not {heading.count} of {heading.total_fen}"
        )
    out.write(f"T|{count}|{total}|{check.hexdigest()}\r\n".encode(ENCODING))


class Answer:
    """An answer file, read as a stream: first ``heading``, then ``results()`` once, to the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._encoding = encoding_of(path)
        with self._open() as text:
            self.heading = _answer_heading(_complete(text.readline()))

    def _open(self) -> IO[str]:
        return self._path.open(encoding=self._encoding, errors="strict", newline="\n")

    def results(self, *, line_count: int) -> Iterator[Result]:
        """The rows, in the file's order. Raises Unreadable where a row, the counts, the sums or the
        check are wrong, the latest at the trailer: whoever consumes the rows must be able to undo
        until the end."""
        seen = bytearray(line_count + 1)
        check = hashlib.sha256()
        count = total = paid_count = paid_fen = 0
        with self._open() as text:
            check.update(_complete(text.readline()).encode() + b"\n")
            for number, raw in enumerate(text, 2):
                line = _complete(raw)
                if line.startswith("T|"):
                    _check_trailer(line, count, total, check.hexdigest())
                    if text.read().strip():
                        raise Unreadable(_("第 %(number)s 行：合计行之后还有内容。") % {"number": number + 1})
                    break
                check.update(line.encode() + b"\n")
                result = _result(line, number)
                if not 1 <= result.sequence <= line_count:
                    raise Unreadable(
                        _("第 %(number)s 行：序号 %(sequence)s 不在本批次内。")
                        % {
                            "number": number,
                            "sequence": result.sequence,
                        }
                    )
                if seen[result.sequence]:
                    raise Unreadable(
                        _("第 %(number)s 行：序号 %(sequence)s 重复出现。")
                        % {
                            "number": number,
                            "sequence": result.sequence,
                        }
                    )
                seen[result.sequence] = 1
                count += 1
                total += result.amount_fen
                if result.reason is None:
                    paid_count += 1
                    paid_fen += result.amount_fen
                yield result
            else:
                raise Unreadable(_("文件没有合计行，可能传输不完整。"))
        said, found = self.heading, (count, paid_count, paid_fen, count - paid_count, total - paid_fen)
        if found != (said.count, said.paid_count, said.paid_fen, said.failed_count, said.failed_fen):
            raise Unreadable(_("文件头的笔数或金额与明细不符。"))


def encoding_of(path: Path) -> str:
    """UTF-8 where the whole file is that, else GB18030 where it is that; Unreadable otherwise."""
    for encoding in ("utf-8", ENCODING):
        decoder = codecs.getincrementaldecoder(encoding)("strict")
        try:
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    decoder.decode(block)
                decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return "utf-8-sig" if encoding == "utf-8" else encoding
    raise Unreadable(_("文件编码既不是 UTF-8 也不是 GB18030。"))


def _complete(line: str) -> str:
    if not line.endswith("\n"):
        # Only the trailer may lack its line end; it is told by its check whether it is whole.
        if line.startswith("T|"):
            return line
        raise Unreadable(_("文件没有合计行，可能传输不完整。"))
    return line[:-2] if line.endswith("\r\n") else line[:-1]


def _answer_heading(line: str) -> AnswerHeading:
    fields = line.split("|")
    if (
        len(fields) != 9
        or fields[:2] != ["H", "DR01"]
        or not all(_DIGITS.fullmatch(field) for field in fields[3:])
    ):
        raise Unreadable(_("第 1 行：不是扣款结果文件的文件头。"))
    count, paid_count, paid_fen, failed_count, failed_fen = map(int, fields[4:])
    return AnswerHeading(fields[2], count, paid_count, paid_fen, failed_count, failed_fen)


def _result(line: str, number: int) -> Result:
    fields = line.split("|")
    if len(fields) != 6 or fields[0] != "D":
        raise Unreadable(_("第 %(number)s 行：不是一条扣款结果。") % {"number": number})
    _kind, sequence, account, amount, code, reference = fields
    if not (_DIGITS.fullmatch(sequence) and _DIGITS.fullmatch(amount)):
        raise Unreadable(_("第 %(number)s 行：序号或金额不是数字。") % {"number": number})
    if code != PAID and code not in REASONS:
        raise Unreadable(
            _("第 %(number)s 行：结果代码 %(code)s 不在约定之内。") % {"number": number, "code": code[:8]}
        )
    if not _REFERENCE.fullmatch(reference):
        raise Unreadable(_("第 %(number)s 行：没有银行流水号。") % {"number": number})
    return Result(int(sequence), account, int(amount), None if code == PAID else REASONS[code], reference)


def _check_trailer(line: str, count: int, total: int, check: str) -> None:
    fields = line.split("|")
    if len(fields) != 4 or not (_DIGITS.fullmatch(fields[1]) and _DIGITS.fullmatch(fields[2])):
        raise Unreadable(_("合计行不完整。"))
    if (int(fields[1]), int(fields[2])) != (count, total):
        raise Unreadable(_("合计行的笔数或金额与明细不符。"))
    if fields[3] != check:
        raise Unreadable(_("校验值不符，文件内容在传输中有改动。"))
