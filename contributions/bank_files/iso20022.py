"""ISO 20022: direct debits go out as pain.008.001.08 and come back as pain.002.001.10, for banks
that take no postal layout.

One payment information block per file; ``EndToEndId`` is the batch's number and the line's
sequence, accounts stand under ``Othr``, amounts are yuan with two decimals. Files go out in UTF-8.
Answers are read in UTF-8, with or without a byte-order mark, else in GB18030, whatever they
declare; as a stream, without entities, document types or network. The format has no check value:
what is compared is counts and sums, by state and in all, and each row's account and amount with
what was sent.
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from django.utils.translation import gettext as _
from lxml import etree

from contributions.bank_files.postal import AnswerHeading, Heading, encoding_of
from contributions.bank_files.results import Reason, Result, Unreadable

SUFFIX = ".xml"
OUT = "urn:iso:std:iso:20022:tech:xsd:pain.008.001.08"
BACK = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"
MESSAGE = "pain.008.001.08"
PAID, FAILED = "ACSC", "RJCT"
REASONS = {
    "AM04": Reason.BALANCE,
    "AC06": Reason.FROZEN,
    "AC04": Reason.CLOSED,
    "BE01": Reason.HOLDER,
    "AC01": Reason.UNKNOWN,
    "MD01": Reason.AGREEMENT,
    "MS03": Reason.OTHER,
}

# The characters of an account that is no IBAN.
LONGEST_ACCOUNT = 34

_BLOCK = 1 << 16
_DIGITS = re.compile(r"[0-9]{1,15}")
_YUAN = re.compile(r"[0-9]{1,15}(\.[0-9]{1,2})?")
_REFERENCE = re.compile(r"[0-9A-Za-z-]{1,35}")
# What XML cannot hold, however it is escaped.
_UNSAFE = re.compile("[\x00-\x1f\x7f\ufffe\uffff]")


def write(out: IO[bytes], heading: Heading, orders: Iterable[tuple[int, str, str, int]]) -> None:
    """Write a whole order file from (sequence, account, holder, fen), in that order. ValueError
    where the rows do not come to the heading's count and sum, or the schema has no room for what
    stands in one: such a file must not leave."""
    count = total = 0
    _fit(heading.number, "MsgId", heading.number, 35)
    _fit(heading.number, "Cdtr/Nm", heading.creditor, 140)
    with etree.xmlfile(out, encoding="UTF-8") as xml:
        xml.write_declaration()
        with xml.element("Document", nsmap={None: OUT}), xml.element("CstmrDrctDbtInitn"):
            with xml.element("GrpHdr"):
                _put(xml, "MsgId", heading.number)
                _put(xml, "CreDtTm", heading.made_at.isoformat(timespec="seconds"))
                _put_sums(xml, heading)
                _put(xml, "InitgPty/Nm", heading.creditor)
            with xml.element("PmtInf"):
                _put(xml, "PmtInfId", heading.number)
                _put(xml, "PmtMtd", "DD")
                _put_sums(xml, heading)
                _put(xml, "ReqdColltnDt", f"{heading.on:%Y-%m-%d}")
                _put(xml, "Cdtr/Nm", heading.creditor)
                _put(xml, "CdtrAcct/Id/Othr/Id", heading.city_code)
                _put(xml, "CdtrAgt/FinInstnId/Othr/Id", "NOTPROVIDED")
                for sequence, account, holder, fen in orders:
                    line = f"{heading.number} {sequence}"
                    _fit(line, "DbtrAcct", account, LONGEST_ACCOUNT)
                    _fit(line, "Dbtr/Nm", holder, 140)
                    reference = end_to_end(heading.number, sequence)
                    _fit(line, "EndToEndId", reference, 35)
                    with xml.element("DrctDbtTxInf"):
                        _put(xml, "PmtId/EndToEndId", reference)
                        _put(xml, "InstdAmt", _yuan(fen), Ccy="CNY")
                        _put(xml, "DbtrAgt/FinInstnId/Othr/Id", "NOTPROVIDED")
                        _put(xml, "Dbtr/Nm", holder)
                        _put(xml, "DbtrAcct/Id/Othr/Id", account)
                    count += 1
                    total += fen
    if (count, total) != (heading.count, heading.total_fen):
        raise ValueError(
            f"{heading.number}: {count} lines of {total} fen, not {heading.count} of {heading.total_fen}"
        )


def end_to_end(number: str, sequence: int) -> str:
    """What a line is called by, among all lines of all batches."""
    return f"{number}-{sequence}"


def _fit(where: str, field: str, text: str, longest: int) -> None:
    if not 1 <= len(_UNSAFE.sub(" ", text).strip()) <= longest:
        raise ValueError(f"{where}: {field} has {len(text)} characters, not 1 to {longest}")


def _put_sums(xml: Any, heading: Heading) -> None:
    _put(xml, "NbOfTxs", str(heading.count))
    _put(xml, "CtrlSum", _yuan(heading.total_fen))


def _put(xml: Any, path: str, text: str, **attributes: str) -> None:
    name, _slash, rest = path.partition("/")
    with xml.element(name, attributes):
        if rest:
            _put(xml, rest, text)
        else:
            xml.write(_UNSAFE.sub(" ", text))


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def looks_like_it(path: Path) -> bool:
    """Whether a file is XML, by its first character."""
    with path.open("rb") as file:
        return file.read(64).removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"<")


class Answer:
    """An answer file, read as a stream: first ``heading``, then ``results()`` once, to the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._encoding = encoding_of(path)
        for element in self._elements(_name("OrgnlGrpInfAndSts")):
            self.heading = _heading(element)
            return
        raise Unreadable(_("不是扣款结果文件：没有原批次信息。"))

    def results(self, *, line_count: int) -> Iterator[Result]:
        """The rows, in the file's order. Raises Unreadable where a row, the counts or the sums are
        wrong, the latest at the end: whoever consumes the rows must be able to undo until then."""
        seen = bytearray(line_count + 1)
        count = total = paid_count = paid_fen = 0
        for number, element in enumerate(self._elements(_name("TxInfAndSts")), 1):
            result = _result(element, number, self.heading.number)
            if not 1 <= result.sequence <= line_count:
                raise Unreadable(
                    _("第 %(number)s 笔：序号 %(sequence)s 不在本批次内。")
                    % {"number": number, "sequence": result.sequence}
                )
            if seen[result.sequence]:
                raise Unreadable(
                    _("第 %(number)s 笔：序号 %(sequence)s 重复出现。")
                    % {"number": number, "sequence": result.sequence}
                )
            seen[result.sequence] = 1
            count += 1
            total += result.amount_fen
            if result.reason is None:
                paid_count += 1
                paid_fen += result.amount_fen
            yield result
        said, found = self.heading, (count, paid_count, paid_fen, count - paid_count, total - paid_fen)
        if found != (said.count, said.paid_count, said.paid_fen, said.failed_count, said.failed_fen):
            raise Unreadable(_("文件头的笔数或金额与明细不符。"))

    def _elements(self, wanted: str) -> Iterator[Any]:
        """The elements of that name, each let go once it was dealt with; Unreadable where the file
        is no whole XML document of the format."""
        try:
            with self._path.open("rb") as file:
                context = etree.iterparse(
                    _Recoded(file, self._encoding),
                    events=("start", "end"),
                    encoding="UTF-8",
                    resolve_entities=False,
                    no_network=True,
                    load_dtd=False,
                    huge_tree=False,
                    remove_comments=True,
                    remove_pis=True,
                )
                checked = False
                for event, element in context:
                    if not checked:
                        if element.getroottree().docinfo.doctype or element.tag != _name("Document"):
                            raise Unreadable(_("不是 pain.002.001.10 格式的扣款结果文件。"))
                        checked = True
                    if event == "end" and element.tag == wanted:
                        yield element
                        element.clear()
                        while element.getprevious() is not None:
                            del element.getparent()[0]
        except etree.XMLSyntaxError as problem:
            raise Unreadable(
                _("文件不是完整的 XML，可能传输不完整（第 %(line)s 行）。") % {"line": problem.lineno or 0}
            ) from problem


class _Recoded:
    """A file's text as UTF-8, whatever it was written in."""

    def __init__(self, file: IO[bytes], encoding: str) -> None:
        self._file = file
        self._decode = codecs.getincrementaldecoder(encoding)("strict").decode

    def read(self, _size: int = -1) -> bytes:
        while block := self._file.read(_BLOCK):
            if text := self._decode(block):
                return text.encode()
        return self._decode(b"", True).encode()


def _name(tag: str) -> str:
    return f"{{{BACK}}}{tag}"


def _text(element: Any, path: str) -> str:
    found = element.find("/".join(_name(tag) for tag in path.split("/")))
    return (found.text or "").strip() if found is not None else ""


def _heading(element: Any) -> AnswerHeading:
    if _text(element, "OrgnlMsgNmId") != MESSAGE:
        raise Unreadable(_("结果文件对应的不是 %(message)s 报文。") % {"message": MESSAGE})
    sums = {PAID: (0, 0), FAILED: (0, 0)}
    for part in element.findall(_name("NbOfTxsPerSts")):
        state = _text(part, "DtldSts")
        if state not in sums:
            raise Unreadable(_("汇总状态 %(state)s 不在约定之内。") % {"state": state[:8]})
        sums[state] = (_count(_text(part, "DtldNbOfTxs")), _fen(_text(part, "DtldCtrlSum")))
    count, total = _count(_text(element, "OrgnlNbOfTxs")), _fen(_text(element, "OrgnlCtrlSum"))
    if (count, total) != (sums[PAID][0] + sums[FAILED][0], sums[PAID][1] + sums[FAILED][1]):
        raise Unreadable(_("文件头的笔数或金额与各状态的汇总不符。"))
    return AnswerHeading(_text(element, "OrgnlMsgId"), count, *sums[PAID], *sums[FAILED])


def _count(text: str) -> int:
    if not _DIGITS.fullmatch(text):
        raise Unreadable(_("文件头的笔数不是数字。"))
    return int(text)


def _fen(text: str) -> int:
    if not _YUAN.fullmatch(text):
        raise Unreadable(_("金额 %(amount)s 不是以元为单位、最多两位小数的数字。") % {"amount": text[:20]})
    return int(Decimal(text) * 100)


def _result(element: Any, number: int, batch: str) -> Result:
    # Files of before December 2026 called a line by its sequence alone.
    sequence = _text(element, "OrgnlEndToEndId").removeprefix(end_to_end(batch, 0)[:-1])
    state = _text(element, "TxSts")
    code, reference = _text(element, "StsRsnInf/Rsn/Cd"), _text(element, "StsId")
    if not _DIGITS.fullmatch(sequence):
        raise Unreadable(_("第 %(number)s 笔：序号不是数字。") % {"number": number})
    if state not in (PAID, FAILED) or (code not in REASONS if state == FAILED else code):
        raise Unreadable(
            _("第 %(number)s 笔：结果代码 %(code)s 不在约定之内。")
            % {"number": number, "code": f"{state} {code}"[:16]}
        )
    if not _REFERENCE.fullmatch(reference):
        raise Unreadable(_("第 %(number)s 笔：没有银行流水号。") % {"number": number})
    return Result(
        int(sequence),
        _text(element, "OrgnlTxRef/DbtrAcct/Id/Othr/Id"),
        _fen(_text(element, "OrgnlTxRef/Amt/InstdAmt")),
        REASONS[code] if state == FAILED else None,
        reference,
    )
