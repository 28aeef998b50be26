"""ISO 20022 as a bank's format: the whole road, and every way in which an answer can be wrong."""

import datetime as dt
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from contributions.audit.looking import audit
from contributions.bank_files import iso20022
from contributions.debit import opening, payers
from contributions.models import DebitBatch
from portal.people.models import BankAccount
from tests.contributions.bank_files.test_bank_files import HEADING
from tests.contributions.money_cast import POOR, Road, charge_of, worker


@pytest.fixture(autouse=True)
def by_iso20022(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wuhan's bank takes ISO 20022 here."""
    terms = opening.debit_terms

    def changed(*args, **named):
        found = terms(*args, **named)
        object.__setattr__(found, "format", "iso20022")
        return found

    for module in (opening, payers):
        monkeypatch.setattr(module, "debit_terms", changed)


def sent(road: Road) -> DebitBatch:
    worker(1, name="䶮𬱖㛃")
    worker(2, ending=POOR, name="张<&>敏")
    road.charge()
    batch = road.open()
    road.send(batch)
    return batch


@pytest.fixture
def answered(road: Road) -> tuple[DebitBatch, Path]:
    batch = sent(road)
    road.bank()
    [path] = (road.exchange / "inbox").iterdir()
    return batch, path


def test_the_whole_road(road: Road) -> None:
    batch = sent(road)
    root = etree.parse(str(road.exchange / "outbox" / batch.file_name)).getroot()
    names = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.008.001.08"}
    assert batch.file_name.endswith(".xml")
    assert root.xpath("//p:GrpHdr/p:NbOfTxs/text()", namespaces=names) == ["2"]
    assert root.xpath("//p:GrpHdr/p:CtrlSum/text()", namespaces=names) == ["786.08"]
    assert root.xpath("//p:Dbtr/p:Nm/text()", namespaces=names) == ["䶮𬱖㛃", "张<&>敏"]
    assert root.xpath("//p:InstdAmt/text()", namespaces=names) == ["393.04", "393.04"]
    assert "→" in road.bank()
    assert [one.outcome for one in road.read()] == ["accepted"]
    batch.refresh_from_db()
    batch = road.close(road.post(batch))
    assert [(line.status, line.reason_code) for line in batch.lines.order_by("sequence")] == [
        ("paid", ""),
        ("failed", "balance"),
    ]
    assert all(one.holds for one in audit())


def test_lines_are_told_apart_among_all_batches_and_the_time_is_that_of_the_release(road: Road) -> None:
    batch = sent(road)
    root = etree.parse(str(road.exchange / "outbox" / batch.file_name)).getroot()
    names = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.008.001.08"}
    called = root.xpath("//p:EndToEndId/text()", namespaces=names)
    assert called == [f"{batch.number}-1", f"{batch.number}-2"]
    assert all(len(one) <= 35 for one in called)
    assert batch.released_at is not None
    [made] = root.xpath("//p:CreDtTm/text()", namespaces=names)
    assert dt.datetime.fromisoformat(made) == batch.released_at.replace(microsecond=0)


def test_an_answer_to_a_file_of_before_calls_lines_by_their_sequence(
    road: Road, answered: tuple[DebitBatch, Path]
) -> None:
    batch, path = answered
    path.write_text(path.read_text(encoding="utf-8").replace(f"EndToEndId>{batch.number}-", "EndToEndId>"))
    assert [one.outcome for one in road.read()] == ["accepted"]


@pytest.mark.parametrize(
    ("number", "holder", "account", "field"),
    [
        ("B1", "", "6217", "Dbtr/Nm"),
        ("B1", "  ", "6217", "Dbtr/Nm"),
        ("B1", "名" * 141, "6217", "Dbtr/Nm"),
        ("B1", "张三", "", "DbtrAcct"),
        ("B1", "张三", "6" * 35, "DbtrAcct"),
        ("B" * 34, "张三", "6217", "EndToEndId"),
        ("B" * 36, "张三", "6217", "MsgId"),
    ],
)
def test_what_the_schema_has_no_room_for_never_leaves(
    number: str, holder: str, account: str, field: str
) -> None:
    heading = replace(HEADING, number=number, count=1, total_fen=100)
    with pytest.raises(ValueError, match=f"{number}.*{field}"):
        iso20022.write(io.BytesIO(), heading, [(1, account, holder, 100)])
    iso20022.write(io.BytesIO(), replace(heading, number="B" * 33), [(1, "6" * 34, "名" * 140, 100)])


def test_whose_account_fits_no_line_is_left_out_and_told_and_the_others_go_on(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(iso20022, "LONGEST_ACCOUNT", 16)
    good, bad = worker(1), worker(2)
    BankAccount.objects.filter(person=bad).update(number="6" * 17)
    road.charge()
    batch = road.open()
    assert [line.of_charge.person for line in batch.lines.select_related("charge__person")] == [good]
    opened = batch.events.get(status="opened")
    assert "1 笔未列入" in opened.note
    assert f"{bad.name} ****6666" in opened.note
    road.send(batch)
    road.bank()
    assert [one.outcome for one in road.read()] == ["accepted"]
    assert charge_of(bad).status == "owed"


def test_the_same_file_again_is_one(road: Road, answered: tuple[DebitBatch, Path]) -> None:
    _batch, path = answered
    content = path.read_bytes()
    assert [one.outcome for one in road.read()] == ["accepted"]
    path.write_bytes(content)
    assert [one.outcome for one in road.read()] == ["repeated"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_any_encoding_and_line_end(
    road: Road, answered: tuple[DebitBatch, Path], encoding: str, line_end: str
) -> None:
    _batch, path = answered
    text = path.read_text(encoding="utf-8").replace("<GrpHdr>", "<GrpHdr><!-- 扣款结果 -->")
    path.write_bytes(text.replace("\n", line_end).encode(encoding))
    assert [one.outcome for one in road.read()] == ["accepted"]


LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
FILES = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda text: text[:-30], "XML"),
        (lambda text: text[: len(text) // 2], "XML"),
        (lambda text: text.replace("ACSC</TxSts>", "ACSD</TxSts>"), "不在约定"),
        (lambda text: text.replace("AM04", "XX99"), "不在约定"),
        (lambda text: text.replace("393.04</InstdAmt>", "393.05</InstdAmt>"), "不符"),
        (lambda text: text.replace("6217990000000188", "6217990000000189"), "账号或金额"),
        (lambda text: text.replace("-1</OrgnlEndToEndId>", "-2</OrgnlEndToEndId>"), "重复"),
        (lambda text: text.replace("-1</OrgnlEndToEndId>", "-9</OrgnlEndToEndId>"), "不在本批次"),
        (lambda text: text.replace("393.04</InstdAmt>", "3.9e2</InstdAmt>"), "两位小数"),
        (lambda text: text.replace("PS000000001", ""), "流水号"),
        (lambda text: text.replace("pain.002.001.10", "pain.002.001.03"), "pain.002"),
        (lambda text: text.replace("?>\n", f"?>\n{LAUGHS}", 1).replace("R-", "R-&c;"), "pain.002"),
        (lambda text: text.replace("?>\n", f"?>\n{FILES}", 1).replace("PS000000001", "&a;"), "pain.002"),
    ],
)
def test_a_damaged_answer_is_held_and_a_good_one_still_goes_through(
    road: Road, answered: tuple[DebitBatch, Path], damage: Callable[[str], str], why: str
) -> None:
    batch, path = answered
    good = path.read_text(encoding="utf-8")
    bad = damage(good)
    assert bad != good
    path.write_text(bad, encoding="utf-8")
    [read] = road.read()
    assert read.outcome == "held"
    assert why in read.why, read.why
    assert set(batch.lines.values_list("status", flat=True)) == {"pending"}
    path.write_text(good, encoding="utf-8")
    assert [one.outcome for one in road.read()] == ["accepted"]
    batch.refresh_from_db()
    assert road.close(road.post(batch)).status == "closed"


def test_the_bank_refuses_a_file_that_does_not_come_to_its_sum(road: Road) -> None:
    batch = sent(road)
    path = road.exchange / "outbox" / batch.file_name
    path.write_text(path.read_text(encoding="utf-8").replace("393.04", "393.05", 1), encoding="utf-8")
    assert "do not agree" in road.bank()
    assert charge_of(batch.lines.select_related("charge__person")[0].of_charge.person).status == "owed"
