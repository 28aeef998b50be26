"""Spreadsheets of wages: what is wrong is told by row and column, and hostile files are refused
before they are laid out."""

import io
import re
import zipfile
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import openpyxl
import pytest

from enrollment import spreadsheets
from enrollment.roster import checking
from enrollment.roster.checking import Problem
from enrollment.spreadsheets import SheetRefused, Table, read_table
from tests.cast import identity_number

HEADS = ["序号", "姓名", "身份证号码", "月申报工资（元）"]
NUMBER = identity_number("330211", "1988-05-12", 24)
WITH_X = next(
    number
    for order in range(1, 400)
    if (number := identity_number("330211", "1990-01-01", order)).endswith("X")
)
STAFF = {NUMBER: (1, "王芳"), WITH_X: (2, "买买提·艾力")}


def sheet(*rows: Sequence[Any], heads: Sequence[Any] = HEADS) -> bytes:
    """An .xlsx file of these rows, as any program writes it."""
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.append(list(heads))
    for row in rows:
        page.append(list(row))
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def checked(*rows: Sequence[Any]) -> checking.Checked:
    return checking.check(read_table(sheet(*rows)), STAFF)


def wide(text: str) -> str:
    return "".join(chr(ord(one) + 0xFEE0) for one in text)


@pytest.mark.parametrize(
    ("number", "name", "wage", "person", "fen"),
    [
        (NUMBER, "王芳", 6500, 1, 650000),
        (NUMBER, "王 芳", "6,500.50", 1, 650050),
        (wide(NUMBER), "王芳", "６５００", 1, 650000),
        (WITH_X.lower(), "买买提•艾力", 6500.1, 2, 650010),
        *((WITH_X, f"买买提{dot}艾力", 6500, 2, 650000) for dot in ".．∙⋅●・･⸱"),
        (WITH_X, "买买提·艾\u2f12", 6500, 2, 650000),
        (f" {NUMBER[:6]} {NUMBER[6:]} ", "王芳", "6500元", 1, 650000),
        (NUMBER, "王芳", 4530.35 + 1200.1, 1, 573045),
        (NUMBER, "王芳", 6499.400000000001, 1, 649940),
        (NUMBER, "王芳", "6500.0000", 1, 650000),
        (NUMBER, "王芳", "6 600", 1, 660000),
        (NUMBER, "王芳", "６６００．５０", 1, 660050),
        (NUMBER, "王芳", "人民币6600元整", 1, 660000),
    ],
)
def test_what_people_type_is_read(number: str, name: str, wage: Any, person: int, fen: int) -> None:
    found = checked([1, name, number, wage])
    assert (found.wages, found.problems) == ({person: fen}, ())


@pytest.mark.parametrize(
    ("number", "name", "wage", "column", "why"),
    [
        (int(NUMBER[:17] + "0"), "王芳", 6500, "C", "被存成了数字"),
        (1.2e17, "王芳", 6500, "C", "被存成了数字"),
        ("1.2E+17", "王芳", 6500, "C", "科学记数法"),
        ("１.２e+17", "王芳", 6500, "C", "科学记数法"),
        (NUMBER[:-1], "王芳", 6500, "C", "这里是 17 位"),
        ("330211880512002", "王芳", 6500, "C", "15 位的旧号码"),
        (NUMBER[:-1] + ("0" if NUMBER[-1] != "0" else "1"), "王芳", 6500, "C", "校验位不对"),
        (NUMBER[:10] + "1399" + NUMBER[14:], "王芳", 6500, "C", "出生日期不存在"),
        ("", "王芳", 6500, "C", "没有填写身份证号码"),
        (True, "王芳", 6500, "C", "不是身份证号码"),
        (identity_number("420106", "1985-09-30", 37), "李强", 6500, "C", "不在本单位应申报的职工中"),
        (NUMBER, "王小芳", 6500, "B", "登记的是“王芳”"),
        (NUMBER, "", 6500, "B", "没有填写姓名"),
        (NUMBER, "王芳", "", "D", "没有填写工资"),
        (NUMBER, "王芳", "六千五", "D", "工资应为金额"),
        (NUMBER, "王芳", 6500.105, "D", "小数超过两位"),
        (NUMBER, "王芳", 8333.333333, "D", "小数超过两位"),
        (NUMBER, "王芳", "8333.333", "D", "工资应为金额"),
        (NUMBER, "王芳", "RMB6600", "D", "工资应为金额"),
        (NUMBER, "王芳", "6600/月", "D", "工资应为金额"),
        (NUMBER, "王芳", "6,6,00", "D", "工资应为金额"),
        (NUMBER, "王芳", 0, "D", "工资应在 1.00 元至"),
        (NUMBER, "王芳", -6500, "D", "工资应在 1.00 元至"),
        (NUMBER, "王芳", 1e12, "D", "工资应在 1.00 元至"),
        (NUMBER, "王芳", 1e300, "D", "工资应在 1.00 元至"),
        (NUMBER, "王芳", True, "D", "工资应为金额"),
        (NUMBER, "王芳", "=5000+1500", "D", "是公式"),
        (f'="{NUMBER}"', "王芳", 6500, "C", "是公式"),
    ],
)
def test_what_cannot_be_taken_is_told_by_row_and_column(
    number: Any, name: str, wage: Any, column: str, why: str
) -> None:
    found = checked(["", "", "", ""], [1, name, number, wage], [2, "买买提·艾力", WITH_X, 5000])
    assert found.wages == {2: 500000}
    [problem] = found.problems
    assert (problem.row, problem.column) == (3, column)
    assert why in problem.why


def hiding(rows: Sequence[int] = (), columns: str = "") -> bytes:
    """A sheet of two people in rows 2 and 4, with a sum below; these rows and columns are not
    shown."""
    workbook = openpyxl.load_workbook(
        io.BytesIO(
            sheet([1, "王芳", NUMBER, 6500], [], [2, "买买提·艾力", WITH_X, 99999], ["合计", "", "", 106499])
        )
    )
    page = workbook.active
    assert page is not None
    for row in rows:
        page.row_dimensions[row].hidden = True
    for column in columns:
        page.column_dimensions[column].hidden = True
    target = io.BytesIO()
    workbook.save(target)
    return target.getvalue()


@pytest.mark.parametrize(
    ("rows", "columns", "why"),
    [((4,), "", "第 4 行有内容，但在表格里被隐藏"), ((2, 3, 4), "", "第 2、4 行"), ((), "D", "D 列被隐藏")],
)
def test_what_is_hidden_or_filtered_out_is_told_before_anything_is_kept(
    rows: Sequence[int], columns: str, why: str
) -> None:
    with pytest.raises(SheetRefused, match=why):
        checking.check(read_table(hiding(rows, columns)), STAFF)


def test_hidden_rows_without_content_and_other_columns_do_not_matter() -> None:
    found = checking.check(read_table(hiding((3, 5, 6), "A")), STAFF)
    assert found.wages == {1: 650000, 2: 9999900}


@pytest.mark.parametrize(
    "foot",
    [
        ["合计", "", "", 13000],
        ["", "合 计", "", 13000],
        ["制表人：周敏", "", "审核人：", ""],
        ["总计", "2人", "", 13000],
    ],
)
def test_sums_and_signatures_below_the_list_are_no_rows_of_it(foot: Sequence[Any]) -> None:
    found = checked([1, "王芳", NUMBER, 6500], [2, "买买提·艾力", WITH_X, 6500], [], foot)
    assert (len(found.wages), found.problems) == (2, ())


def test_a_row_with_a_number_is_a_row_whatever_it_begins_with() -> None:
    [problem] = checked(["合计", "王芳", NUMBER[:-1], 6500]).problems
    assert "这里是 17 位" in problem.why


def test_a_person_who_is_there_twice_is_not_taken_at_all() -> None:
    found = checked([1, "王芳", NUMBER, 5000], [2, "买买提·艾力", WITH_X, 5000], [3, "王芳", NUMBER, 6000])
    assert found.wages == {2: 500000}
    assert [(one.row, one.column) for one in found.problems] == [(2, "C"), (4, "C")]
    assert all("第 2、4 行是同一名职工" in one.why for one in found.problems)


def test_the_heads_may_stand_lower_and_be_named_otherwise() -> None:
    content = sheet(
        ["单位：宁波甬江机械有限公司"],
        ["社会保障号", "申报工资", "姓名 "],
        [NUMBER, 5000, "王芳"],
        heads=["职工名单"],
    )
    assert checking.check(read_table(content), STAFF).wages == {1: 500000}


@pytest.mark.parametrize(
    ("heads", "why"),
    [
        (["姓名", "证件", "工资"], "没有找到表头"),
        (["身份证号码", "月申报工资"], "表头中没有“姓名”"),
        (["姓名", "身份证号码", "社会保障号", "月申报工资"], "有两列"),
    ],
)
def test_a_table_without_its_heads_is_refused(heads: list[str], why: str) -> None:
    with pytest.raises(SheetRefused, match=why):
        checking.check(read_table(sheet([1, 2, 3, 4], heads=heads)), STAFF)


def test_ten_thousand_rows_with_137_bad_ones() -> None:
    """Each bad row is told by its number, and the others are all taken."""
    staff = {}
    rows: list[list[Any]] = []
    bad = {3 + 73 * number for number in range(137)}
    for place in range(10_000):
        number = identity_number(f"3302{place // 900 + 10:02d}", "1990-01-01", place % 900 + 1)
        staff[number] = (place + 1, "张三")
        row = place + 2
        rows.append([place + 1, "张三", number, "无" if row in bad else 5000 + place % 1000])
    found = checking.check(read_table(sheet(*rows)), staff)
    assert {one.row for one in found.problems} == bad
    assert len(found.problems) == 137
    assert all(one.column == "D" for one in found.problems)
    assert len(found.wages) == 10_000 - 137


def test_more_than_ten_thousand_rows_are_refused() -> None:
    rows = [[place, "王芳", NUMBER, 5000] for place in range(spreadsheets.MAX_ROWS + 1)]
    with pytest.raises(SheetRefused, match="超过 10,000 行"):
        checking.check(read_table(sheet(*rows)), STAFF)


# Hostile files


def repacked(content: bytes, change: Callable[[str, bytes], bytes], *more: tuple[str, bytes]) -> bytes:
    """The file with its parts changed, and more parts added."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for entry in old.infolist():
            new.writestr(entry.filename, change(entry.filename, old.read(entry)))
        for name, part in more:
            new.writestr(name, part)
    return target.getvalue()


def with_shared_strings(content: bytes) -> bytes:
    """The file as spreadsheets write it: its texts in a part of their own."""
    texts: list[str] = []

    def shared(found: re.Match[str]) -> str:
        texts.append(found[2])
        return f'<c {found[1]}t="s"><v>{len(texts) - 1}</v></c>'

    def change(name: str, part: bytes) -> bytes:
        if name.endswith("sheet1.xml"):
            inline = r'<c ([^>]*?)t="inlineStr"><is>(.*?)</is></c>'
            return re.sub(inline, shared, part.decode()).encode()
        link = f'<Relationship Id="rId99" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
        if name.endswith("workbook.xml.rels"):
            return part.replace(b"</Relationships>", link.encode())
        return part

    changed = repacked(content, change)
    assert texts
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    strings = (
        f'<?xml version="1.0"?><sst xmlns="{main}">{"".join(f"<si>{text}</si>" for text in texts)}</sst>'
    )
    return repacked(changed, lambda name, part: part, ("xl/sharedStrings.xml", strings.encode()))


OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
GOOD = with_shared_strings(sheet([1, "王芳", NUMBER, 5000]))
LAUGHS = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
ELSEWHERE = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


def with_start(part: str, start: bytes) -> bytes:
    def change(name: str, content: bytes) -> bytes:
        if not name.endswith(part):
            return content
        return start + (content.split(b"?>", 1)[1] if content.startswith(b"<?xml") else content)

    return repacked(GOOD, change)


@pytest.mark.parametrize("part", ["sheet1.xml", "workbook.xml", "sharedStrings.xml", "[Content_Types].xml"])
@pytest.mark.parametrize("start", [LAUGHS, ELSEWHERE, LAUGHS.decode().encode("utf-16")])
def test_document_types_are_refused_in_every_part(part: str, start: bytes) -> None:
    with pytest.raises(SheetRefused):
        read_table(with_start(part, start))


def test_without_them_the_same_file_is_read() -> None:
    table = read_table(with_start("sheet1.xml", b'<?xml version="1.0"?>'))
    assert checking.check(table, STAFF).wages == {1: 500000}


def test_a_zip_bomb_is_refused_by_its_head_and_by_its_content() -> None:
    with pytest.raises(SheetRefused, match="解压后过大"):
        read_table(repacked(GOOD, lambda name, content: content, ("xl/media/1.xml", b" " * 50_000_000)))
    with pytest.raises(SheetRefused, match="解压后过大"):
        read_table(repacked(GOOD, lambda name, content: content, ("xl/media/1.xml", b" " * 3_000_000)))


def test_a_zip_whose_head_lies_about_its_size_is_refused() -> None:
    content = bytearray(
        repacked(
            GOOD,
            lambda name, part: part + b" " * 30_000_000 if name.endswith("sheet1.xml") else part,
        )
    )
    place = content.rindex(b"xl/worksheets/sheet1.xml") - 46
    assert content[place : place + 4] == b"PK\x01\x02"
    content[place + 24 : place + 28] = (1000).to_bytes(4, "little")
    with pytest.raises(SheetRefused):
        read_table(bytes(content))


def test_a_cell_far_away_does_not_fill_the_memory() -> None:
    far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    with pytest.raises(SheetRefused):
        read_table(
            repacked(
                GOOD, lambda name, part: part.replace(b"</sheetData>", far) if "sheet1" in name else part
            )
        )
    wide_row = b'<row r="3"><c r="XFD3"><v>1</v></c></row></sheetData>'
    with pytest.raises(SheetRefused, match="列数过多"):
        read_table(
            repacked(
                GOOD, lambda name, part: part.replace(b"</sheetData>", wide_row) if "sheet1" in name else part
            )
        )


def test_empty_rows_far_below_do_no_harm() -> None:
    """Spreadsheets keep rows that were only ever coloured."""
    coloured = b'<row r="1048576"><c r="A1048576" s="0"/></row></sheetData>'
    found = read_table(
        repacked(
            GOOD, lambda name, part: part.replace(b"</sheetData>", coloured) if "sheet1" in name else part
        )
    )
    assert len(found.rows) == 2


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "不是完整的 .xlsx"),
        (b"PK\x03\x04 broken", "不是完整的 .xlsx"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "旧版 .xls"),
        (GOOD[: len(GOOD) // 2], "不是完整的 .xlsx"),
        ("姓名,身份证号码\n".encode(), "不是完整的 .xlsx"),
        (b"x" * (spreadsheets.MAX_BYTES + 1), "超过 5 MB"),
        (
            repacked(
                GOOD, lambda name, part: part.replace(b"sheet.main+xml", b"sheet.macroEnabled.main+xml")
            ),
            "宏",
        ),
    ],
)
def test_what_is_no_plain_xlsx_is_refused_with_what_to_do(content: bytes, why: str) -> None:
    with pytest.raises(SheetRefused, match=why):
        read_table(content)


def test_one_flipped_byte_is_refused_or_read_as_it_was() -> None:
    for place in range(0, len(GOOD), 97):
        flipped = bytearray(GOOD)
        flipped[place] ^= 0x10
        try:
            table = read_table(bytes(flipped))
        except SheetRefused:
            continue
        assert isinstance(table, Table)


# Writing


@pytest.mark.parametrize("text", ["=1+1", "+86", "-1", "@SUM(A1)", "\t=1", "＝1+1", "=cmd|' /C calc'!A0"])
def test_no_text_becomes_a_formula_and_all_come_back(text: str) -> None:
    content = spreadsheets.write_xlsx("名单", ["姓名"], [[text]], widths=[10])
    page = openpyxl.load_workbook(io.BytesIO(content)).active
    assert page is not None
    assert page["A2"].data_type == "s"
    assert str(page["A2"].value).startswith("'")
    assert spreadsheets.plain(str(read_table(content).rows[1][0])) == text
    assert f"'{text[:1]}" in "".join(spreadsheets.write_csv(["姓名"], [[text]]))


def test_amounts_have_their_cents_and_the_sheet_prints_on_pages_as_wide_as_it_is() -> None:
    amounts = [Decimal("448"), Decimal("1234.5"), Decimal("3.125")]
    content = spreadsheets.write_xlsx("明细", ["一", "二", "三"], [amounts], widths=[40, 40, 40])
    page = openpyxl.load_workbook(io.BytesIO(content)).active
    assert page is not None
    assert [cell.number_format for cell in page[2]] == ["#,##0.00", "#,##0.00", "#,##0.000"]
    assert [cell.value for cell in page[2]] == [448, 1234.5, 3.125]
    assert page.page_setup.orientation == "landscape"
    assert page.sheet_properties.pageSetUpPr.fitToPage
    assert (page.page_setup.fitToWidth or 1, page.page_setup.fitToHeight) == (1, 0)
    assert page.print_title_rows == "$1:$1"


def test_a_number_in_a_csv_file_stays_text_and_a_name_is_no_formula() -> None:
    line = [spreadsheets.text_number("6217990000006104"), "=HYPERLINK(1)"]
    written = "".join(spreadsheets.write_csv(["账号", "户名"], [line]))
    assert "6217990000006104\t,'=HYPERLINK(1)" in written


def test_a_problem_is_kept_as_data() -> None:
    assert Problem(*(3, "C", "x", "y")) == Problem(3, "C", "x", "y")


# A long text that many cells share


def packed(shared: str, cells: int, *, text: str = "", kind: str = "s") -> bytes:
    """A small .xlsx file: one shared text, named by so many cells (``kind`` s), or each with
    ``text`` of its own (inlineStr)."""
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    links = "http://schemas.openxmlformats.org"
    office = f"{links}/officeDocument/2006/relationships"
    cell = '<c t="s"><v>0</v></c>' if kind == "s" else f'<c t="inlineStr"><is><t>{text}</t></is></c>'
    rows = "".join(f"<row>{cell * 10}</row>" for _row in range(cells // 10))
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{links}/package/2006/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{links}/package/2006/relationships"/>',
        "xl/workbook.xml": (
            f'<workbook {main} xmlns:r="{office}"><sheets><sheet name="1" sheetId="1" r:id="r1"/></sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": (
            f'<Relationships xmlns="{links}/package/2006/relationships"><Relationship Id="r1" '
            f'Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
        ),
        "xl/sharedStrings.xml": f"<sst {main}><si><t>{shared}</t></si></sst>",
        "xl/worksheets/sheet1.xml": f"<worksheet {main}><sheetData>{rows}</sheetData></worksheet>",
    }
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return target.getvalue()


@pytest.mark.parametrize(
    "content",
    [packed("x" * 60_000, 600), packed("x" * 30_000, 700), packed("", 700, text="x" * 30_000, kind="inline")],
    ids=["longer than a cell", "in too many cells", "in each cell its own"],
)
def test_more_text_than_is_read_is_refused_before_it_is_laid_out(
    content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found: a file of 20 KB, one text of a megabyte in 600 cells, took 1.3 GB and a minute."""
    monkeypatch.setattr(
        spreadsheets.CalamineWorkbook,
        "from_filelike",
        lambda _file: pytest.fail("it was laid out"),
        raising=False,
    )
    with pytest.raises(SheetRefused, match=r"文字过多|解压后过大"):
        read_table(content)


def test_a_reader_that_breaks_down_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    class PanicException(BaseException):
        """As the reader's own language ends: no Exception of Python's."""

    class Broken:
        @staticmethod
        def from_filelike(_file: Any) -> Any:
            raise PanicException

    monkeypatch.setattr(spreadsheets, "CalamineWorkbook", Broken)
    with pytest.raises(SheetRefused, match="不是完整的"):
        read_table(packed("王芳", 20))
