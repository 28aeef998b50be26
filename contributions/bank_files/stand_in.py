"""A bank that stands in for the Postal Savings Bank where there is none: it knows the exchange
folder and the file format, and nothing of the hall. It is written from the description of the
format alone, so that it also checks our files.

How an account fares goes by its last two digits::

    01  余额不足 (51)      02  账户冻结 (62)      03  账户已销户 (14)
    04  账号户名不符 (15)   05  未签订代扣协议 (40)   all others are paid
"""

import argparse
import datetime as dt
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from lxml import etree

PAID = "00"
FAILURES = {"01": "51", "02": "62", "03": "14", "04": "15", "05": "40"}
SECONDS_BETWEEN_LOOKS = 1.0


class Refused(Exception):
    """An order file that the bank does not take."""


def serve(root: Path, *, once: bool, delay: float, say: Callable[[str], None]) -> None:
    """Answer the files of ``root/outbox`` in ``root/inbox``, for ever or ``once``; ``delay``
    seconds pass before each answer."""
    while True:
        for path in _orders(root):
            time.sleep(delay)
            try:
                answer = answer_file(path, root)
            except Refused as why:
                _move(path, root / "bank" / "refused")
                say(f"{path.name}: {why}")
            else:
                say(f"{path.name} → {answer.name}")
        if once:
            return
        time.sleep(SECONDS_BETWEEN_LOOKS)


def answer_file(path: Path, root: Path) -> Path:
    """Answer one order file; the answer appears whole, and only then is the order put away. The
    same order gives the same answer, so that a bank that was stopped in between, or gets a file
    again, does not answer differently."""
    inbox = root / "inbox"
    inbox.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".xml":
        return _answer_message(path, inbox, root)
    header, count, total = _check(path)
    number, date = header[2], header[5]
    tally = {True: [0, 0], False: [0, 0]}
    for fields in _rows(path):
        part = tally[result_of(fields[2]) == PAID]
        part[0] += 1
        part[1] += int(fields[4])
    check = hashlib.sha256()
    target = inbox / f"{path.stem}.result.txt"
    draft = inbox / f".{target.name}.{os.getpid()}"
    with draft.open("wb") as out:

        def put(line: str) -> None:
            check.update(f"{line}\n".encode())
            out.write(f"{line}\r\n".encode("gb18030"))

        (paid, paid_sum), (failed, failed_sum) = tally[True], tally[False]
        put(f"H|DR01|{number}|{date}|{count}|{paid}|{paid_sum}|{failed}|{failed_sum}")
        for _kind, sequence, account, _holder, amount in _rows(path):
            put(f"D|{sequence}|{account}|{amount}|{result_of(account)}|PS{date}{int(sequence):09d}")
        out.write(f"T|{count}|{total}|{check.hexdigest()}\r\n".encode("gb18030"))
        out.flush()
        os.fsync(out.fileno())
    draft.replace(target)
    _move(path, root / "bank" / "taken")
    return target


# ISO 20022: the same, for banks that take pain.008 and answer with pain.002.
_PAIN_008 = "{urn:iso:std:iso:20022:tech:xsd:pain.008.001.08}"
_CODES = {"51": "AM04", "62": "AC06", "14": "AC04", "15": "BE01", "40": "MD01"}


def _answer_message(path: Path, inbox: Path, root: Path) -> Path:
    number, made, count, total, rows = _read_message(path)
    tally: dict[bool, list[Any]] = {True: [0, Decimal(0)], False: [0, Decimal(0)]}
    for _sequence, account, amount in rows:
        part = tally[result_of(account) == PAID]
        part[0] += 1
        part[1] += amount
    target = inbox / f"{path.stem}.result.xml"
    draft = inbox / f".{target.name}.{os.getpid()}"
    with draft.open("w", encoding="utf-8") as out:
        out.write(
            '<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10">'
            f"<CstmrPmtStsRpt><GrpHdr><MsgId>R-{number}</MsgId><CreDtTm>{made}</CreDtTm></GrpHdr>\n"
            f"<OrgnlGrpInfAndSts><OrgnlMsgId>{number}</OrgnlMsgId><OrgnlMsgNmId>pain.008.001.08</OrgnlMsgNmId>"
            f"<OrgnlNbOfTxs>{count}</OrgnlNbOfTxs><OrgnlCtrlSum>{total}</OrgnlCtrlSum>"
        )
        for paid, state in ((True, "ACSC"), (False, "RJCT")):
            out.write(
                f"<NbOfTxsPerSts><DtldNbOfTxs>{tally[paid][0]}</DtldNbOfTxs><DtldSts>{state}</DtldSts>"
                f"<DtldCtrlSum>{tally[paid][1]:.2f}</DtldCtrlSum></NbOfTxsPerSts>"
            )
        out.write(f"</OrgnlGrpInfAndSts>\n<OrgnlPmtInfAndSts><OrgnlPmtInfId>{number}</OrgnlPmtInfId>\n")
        for sequence, account, amount in rows:
            result = result_of(account)
            why = "" if result == PAID else f"<StsRsnInf><Rsn><Cd>{_CODES[result]}</Cd></Rsn></StsRsnInf>"
            out.write(
                f"<TxInfAndSts><StsId>PS{int(sequence.rpartition('-')[2]):09d}</StsId><OrgnlEndToEndId>{sequence}</OrgnlEndToEndId>"
                f"<TxSts>{'RJCT' if why else 'ACSC'}</TxSts>{why}<OrgnlTxRef>"
                f'<Amt><InstdAmt Ccy="CNY">{amount:.2f}</InstdAmt></Amt>'
                f"<DbtrAcct><Id><Othr><Id>{account}</Id></Othr></Id></DbtrAcct></OrgnlTxRef></TxInfAndSts>\n"
            )
        out.write("</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>\n")
        out.flush()
        os.fsync(out.fileno())
    draft.replace(target)
    _move(path, root / "bank" / "taken")
    return target


def _read_message(path: Path) -> tuple[str, str, int, Decimal, list[tuple[str, str, Decimal]]]:
    """Number, time, count, sum and rows of a pain.008; a bank takes it only where count and sum
    agree."""
    try:
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        [message] = etree.parse(str(path), parser).getroot()
        header = {child.tag.removeprefix(_PAIN_008): child.text or "" for child in message[0]}
        rows = [
            (
                row.findtext(f"{_PAIN_008}PmtId/{_PAIN_008}EndToEndId") or "",
                row.findtext("/".join(f"{_PAIN_008}{tag}" for tag in ("DbtrAcct", "Id", "Othr", "Id"))) or "",
                Decimal(row.findtext(f"{_PAIN_008}InstdAmt") or ""),
            )
            for row in message.iter(f"{_PAIN_008}DrctDbtTxInf")
        ]
        count, total = int(header["NbOfTxs"]), Decimal(header["CtrlSum"])
    except (etree.XMLSyntaxError, ValueError, KeyError, InvalidOperation) as error:
        raise Refused(str(error)) from error
    if (count, total) != (len(rows), sum(amount for _sequence, _account, amount in rows)):
        raise Refused("count or sum do not agree")
    return header["MsgId"], header["CreDtTm"], count, total, rows


def _orders(root: Path) -> Iterator[Path]:
    outbox = root / "outbox"
    outbox.mkdir(parents=True, exist_ok=True)
    return iter(sorted(path for path in outbox.iterdir() if path.is_file() and not path.name.startswith(".")))


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="gb18030", newline="\n") as text:
        for line in text:
            yield line.rstrip("\r\n")


def _rows(path: Path) -> Iterator[list[str]]:
    for line in _lines(path):
        if line.startswith("D|"):
            yield line.split("|")


def _check(path: Path) -> tuple[list[str], int, int]:
    """The header, and the count and sum that the file comes to; a bank takes a file only where all
    agree."""
    check = hashlib.sha256()
    header: list[str] = []
    trailer: list[str] = []
    count = total = 0
    try:
        for line in _lines(path):
            if trailer:
                raise Refused("text after the trailer")
            fields = line.split("|")
            if fields[0] == "T":
                trailer = fields
                continue
            check.update(f"{line}\n".encode())
            if fields[0] == "H":
                header = fields
            elif fields[0] == "D" and len(fields) == 5:
                count += 1
                total += int(fields[4])
                if int(fields[1]) != count:
                    raise Refused(f"row {count} has the sequence {fields[1]}")
            else:
                raise Refused(f"row {count + 1} is no order")
    except (UnicodeDecodeError, ValueError) as error:
        raise Refused(str(error)) from error
    if len(header) != 9 or len(trailer) != 4:
        raise Refused("header or trailer is missing")
    if header[6:8] != [str(count), str(total)] or trailer[1:] != [str(count), str(total), check.hexdigest()]:
        raise Refused("count, sum or check do not agree")
    return header, count, total


def result_of(account: str) -> str:
    return FAILURES.get(account[-2:], PAID)


def _move(path: Path, to: Path) -> None:
    to.mkdir(parents=True, exist_ok=True)
    path.replace(to / f"{dt.datetime.now(dt.UTC):%Y%m%d%H%M%S%f}-{path.name}")


def main() -> None:
    parser = argparse.ArgumentParser(description="A bank that answers the debit files of an exchange folder.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--once", action="store_true", help="answer what lies there, and end")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    options = parser.parse_args()
    serve(options.folder, once=options.once, delay=options.delay, say=lambda line: print(line, flush=True))  # noqa: T201


if __name__ == "__main__":
    main()
