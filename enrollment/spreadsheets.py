"""Spreadsheets from and for employers. Their size is checked before they are read; no written cell
is a formula.

An .xlsx file is a zip archive of XML. Every part that is read is unpacked within limits and parsed
by a parser that refuses document types; only then are these parts, and no others, handed to the
reader.
"""

import csv
import io
import posixpath
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from xml.sax import SAXException
from xml.sax.handler import ContentHandler

import defusedxml.sax
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet
from python_calamine import CalamineWorkbook

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

MAX_BYTES = 5 * 1024 * 1024
MAX_ROWS = 10_000
# Rows above the table: a title, a few lines of explanation, the heads of the columns.
ROWS_ABOVE = 10
MAX_COLUMNS = 60
MAX_UNPACKED = 40 * 1024 * 1024
MAX_RATIO = 100
MAX_PARTS = 500
MAX_TAGS = 3_000_000
# A spreadsheet program puts no more than MAX_CELL characters into a cell. A text that many cells
# share is stored once in the file, but is copied into each cell when the file is read. So the sum
# over all cells is limited too.
MAX_CELL = 32_767
MAX_TEXT = 20_000_000

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_LINKS = "{http://schemas.openxmlformats.org/package/2006/relationships}"
_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_FRAME = ("[Content_Types].xml", "_rels/.rels", "xl/workbook.xml", "xl/_rels/workbook.xml.rels")
_OPTIONAL = ("xl/sharedStrings.xml", "xl/styles.xml")

# The number of characters across an A4 page in portrait.
_PORTRAIT_WIDTH = 90
# Characters that a spreadsheet takes for the start of a formula, in half and full width.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class SheetRefused(Exception):
    """The whole file is refused; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Table:
    """The first visible sheet: its rows from the top, the cells (row, column, both from 1) that
    hold formulas, and which rows and columns a viewer does not see, because they are hidden or
    filtered out."""

    rows: list[list[Any]]
    formulas: frozenset[tuple[int, int]]
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()


def column_letter(column: int) -> str:
    """The name of a column (from 1) as spreadsheets show it: 1 → A, 27 → AA."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


# Reading


def read_table(content: bytes) -> Table:
    """The first visible sheet of an .xlsx file. Raises SheetRefused where the content is no such
    file or exceeds a limit."""
    if len(content) > MAX_BYTES:
        raise SheetRefused(_("文件超过 5 MB。请删去图片和多余的工作表，或分成几个文件上传。"))
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise SheetRefused(
            _("这是旧版 .xls 文件，或设有打开密码。请去掉密码，另存为“Excel 工作簿（.xlsx）”后上传。")
        )
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = _Parts(archive)
            name, sheet = _first_sheet(parts)
            shared = _Texts()
            for optional, handler in zip(_OPTIONAL, (shared, _Tags()), strict=True):
                if optional in parts.names:
                    parts.check(optional, handler)
            guard = _SheetGuard(shared.lengths)
            parts.check(sheet, guard)
            measured = parts.packed_again()
    except _UNREADABLE as error:
        raise SheetRefused(_broken()) from error
    try:
        rows = (
            CalamineWorkbook.from_filelike(measured).get_sheet_by_name(name).to_python(skip_empty_area=False)
        )
    except Exception as error:  # whatever the reader raises, the file cannot be read
        raise SheetRefused(_broken()) from error
    except BaseException as error:
        # A panic in the reader's Rust code is no subclass of Exception.
        if type(error).__name__ != "PanicException":
            raise
        raise SheetRefused(_broken()) from error
    return Table(
        rows=rows,
        formulas=frozenset(guard.formulas),
        hidden_rows=frozenset(guard.hidden_rows),
        hidden_columns=frozenset(guard.hidden_columns),
    )


_UNREADABLE = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    KeyError,
    ValueError,
    SyntaxError,
    SAXException,
    zlib.error,
)


def _broken() -> str:
    return _("文件不是完整的 .xlsx 表格。请用表格软件打开，另存为“Excel 工作簿（.xlsx）”后重新上传。")


class _Parts:
    """The parts of the archive that were read. All of them together unpack to at most
    MAX_UNPACKED bytes."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        entries = archive.infolist()
        self.names = {entry.filename for entry in entries}
        if len(entries) > MAX_PARTS or len(self.names) != len(entries):
            raise SheetRefused(_broken())
        if sum(entry.file_size for entry in entries) > MAX_UNPACKED or any(
            entry.file_size > MAX_RATIO * max(entry.compress_size, 1024) for entry in entries
        ):
            raise SheetRefused(
                _("文件解压后过大，不能读取。请新建一个表格，只保留职工名单，复制为数值后上传。")
            )
        if not set(_FRAME) <= self.names:
            raise SheetRefused(_broken())
        self.left = MAX_UNPACKED
        self.read: dict[str, bytes] = {}
        types = self.get("[Content_Types].xml")
        if b"macroEnabled" in types:
            raise SheetRefused(_("文件带有宏，不能上传。请另存为不带宏的“Excel 工作簿（.xlsx）”。"))
        for name in _FRAME:
            self.check(name, _Tags())

    def get(self, name: str) -> bytes:
        """The unpacked part. Raises SheetRefused where the limit is exceeded: the size that the
        archive states may be false, so the bytes are counted."""
        if name not in self.read:
            with self.archive.open(name) as part:
                content = part.read(self.left + 1)
            self.left -= len(content)
            if self.left < 0:
                raise SheetRefused(_broken())
            self.read[name] = content
        return self.read[name]

    def check(self, name: str, handler: "_Tags") -> None:
        """Parses a part; refuses document types, entities and outside references."""
        try:
            defusedxml.sax.parseString(self.get(name), handler, forbid_dtd=True)
        except DefusedXmlException as error:
            raise SheetRefused(
                _("文件中带有不允许的内容（文档类型或实体声明），不能读取。请用表格软件另存后上传。")
            ) from error

    def packed_again(self) -> io.BytesIO:
        """An archive of only the parts that were read and checked."""
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            for name, content in self.read.items():
                archive.writestr(name, content)
        target.seek(0)
        return target


def _first_sheet(parts: _Parts) -> tuple[str, str]:
    """The name of the first visible sheet, and the part that holds it."""
    workbook = fromstring(parts.get("xl/workbook.xml"), forbid_dtd=True)
    links = fromstring(parts.get("xl/_rels/workbook.xml.rels"), forbid_dtd=True)
    targets = {link.get("Id"): link.get("Target", "") for link in links.iter(f"{_LINKS}Relationship")}
    for sheet in workbook.iter(f"{_MAIN}sheet"):
        if sheet.get("state", "visible") == "visible":
            target = targets[sheet.get(_ID)]
            path = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
            return str(sheet.get("name")), path
    raise SheetRefused(_("文件中没有可见的工作表。"))


class _Tags(ContentHandler):
    """Counts elements, so that a small file cannot keep the parser busy for long."""

    def __init__(self) -> None:
        super().__init__()
        self.tags = 0

    def startElement(self, name: str, attrs: Any) -> None:
        self.tags += 1
        if self.tags > MAX_TAGS:
            raise SheetRefused(_broken())


class _Texts(_Tags):
    """Measures the length of each shared text."""

    def __init__(self) -> None:
        super().__init__()
        self.lengths: list[int] = []

    def startElement(self, name: str, attrs: Any) -> None:
        super().startElement(name, attrs)
        if name.rpartition(":")[2] == "si":
            self.lengths.append(0)

    def characters(self, content: str) -> None:
        if self.lengths:
            self.lengths[-1] += len(content)
            if self.lengths[-1] > MAX_CELL:
                raise SheetRefused(_too_much_text())


def _too_much_text() -> str:
    return _(
        "表格中的文字过多（一格最多 {cell} 个字符），不能读取。请只保留模板中的列，复制为数值后上传。"
    ).format(cell=f"{MAX_CELL:,}")


class _SheetGuard(_Tags):
    """Checks the places of the cells and the sum of their texts before the sheet is read: one cell
    far from the others would fill the memory, and so would one long text in all cells. ``lengths``
    are those of the shared texts."""

    def __init__(self, lengths: Sequence[int]) -> None:
        super().__init__()
        self.formulas: set[tuple[int, int]] = set()
        self.hidden_rows: set[int] = set()
        self.hidden_columns: set[int] = set()
        self.row = self.column = 0
        self.lengths = lengths
        self.text = self.own = 0
        self.in_cell = self.shares = False
        self.value = ""

    def startElement(self, name: str, attrs: Any) -> None:
        super().startElement(name, attrs)
        tag = name.rpartition(":")[2]
        if tag == "row":
            self.row = int(attrs["r"]) if "r" in attrs else self.row + 1
            self.column = 0
            if _hides(attrs) and self.row <= MAX_ROWS + ROWS_ABOVE:
                self.hidden_rows.add(self.row)
        elif tag == "col":
            if _hides(attrs):
                self.hidden_columns.update(range(int(attrs["min"]), min(int(attrs["max"]), MAX_COLUMNS) + 1))
        elif tag == "c":
            place = attrs.get("r", "")
            if place:
                self.column, self.row = _place(place)
            else:
                self.column += 1
            self.own, self.in_cell, self.shares = 0, True, attrs.get("t") == "s"
        elif tag in ("v", "is", "f"):
            if self.row > MAX_ROWS + ROWS_ABOVE:
                raise SheetRefused(
                    _("名单超过 %(most)s 行。请分成几个文件，逐个上传。") % {"most": f"{MAX_ROWS:,}"}
                )
            if self.column > MAX_COLUMNS:
                raise SheetRefused(
                    _("表格的列数过多（第 %(column)s 列有内容），请只保留模板中的列。")
                    % {"column": column_letter(self.column)}
                )
            if tag == "f":
                self.formulas.add((self.row, self.column))
            self.value = ""

    def characters(self, content: str) -> None:
        if not self.in_cell:
            return
        self.own += len(content)
        if self.own > MAX_CELL:
            raise SheetRefused(_too_much_text())
        if self.shares:
            self.value += content

    def endElement(self, name: str) -> None:
        tag = name.rpartition(":")[2]
        if tag == "v" and self.shares:
            place = self.value.strip()
            # The reader refuses a cell that names no shared text.
            known = place.isascii() and place.isdecimal() and int(place[:9]) < len(self.lengths)
            self.own = self.lengths[int(place)] if known else 0
        elif tag == "c":
            self.in_cell = False
            self.text += self.own
            if self.text > MAX_TEXT:
                raise SheetRefused(_too_much_text())


def _hides(attrs: Any) -> bool:
    """Whether a row or column is not shown: it is hidden, filtered out, or has no size."""
    return attrs.get("hidden") in ("1", "true") or any(
        attrs.get(size) in ("0", "0.0") for size in ("ht", "width")
    )


def _place(text: str) -> tuple[int, int]:
    letters = text.rstrip("0123456789")
    column = 0
    for letter in letters:
        if not "A" <= letter <= "Z":
            raise ValueError(f"no cell: {text!r}")
        column = column * 26 + ord(letter) - 64
        if column > 20_000:
            raise ValueError(f"no cell: {text!r}")
    return column, int(text[len(letters) :][:9])


# Writing


def neutral(value: Any) -> Any:
    """The value; a text that a spreadsheet would take for a formula gets an apostrophe before
    it."""
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value


def plain(text: str) -> str:
    """The text without the apostrophe that ``neutral`` adds."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA_STARTS) else text


def write_xlsx(
    title: str, heads: Sequence[str], rows: Iterable[Sequence[Any]], widths: Sequence[int]
) -> bytes:
    """An .xlsx file of one sheet. Text cells stay text, whatever they begin with; amounts (Decimal)
    show at least two decimals. In print the sheet is as wide as the page, and each page has the
    heads.
    """
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet(title)
    sheet.freeze_panes = "A2"
    sheet.page_setup.paperSize = Worksheet.PAPERSIZE_A4
    sheet.page_setup.orientation = "landscape" if sum(widths) > _PORTRAIT_WIDTH else "portrait"
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    # 0: the number of pages is not limited.
    sheet.page_setup.fitToHeight = 0
    sheet.print_title_rows = "1:1"
    sheet.oddFooter.center.text = "&P / &N"
    for number, width in enumerate(widths, 1):
        sheet.column_dimensions[column_letter(number)].width = width
    bold = Font(bold=True)
    head_cells = [_text_cell(sheet, head) for head in heads]
    for cell in head_cells:
        cell.font = bold
    sheet.append(head_cells)
    for row in rows:
        sheet.append([_cell(sheet, one) for one in row])
    target = io.BytesIO()
    workbook.save(target)
    return target.getvalue()


def _cell(sheet: Any, value: Any) -> Any:
    if isinstance(value, str):
        return _text_cell(sheet, value)
    if isinstance(value, Decimal):
        cell = WriteOnlyCell(sheet, value)
        places = value.as_tuple().exponent
        # Bases may have more than two decimals; all of them are shown.
        cell.number_format = "#,##0." + "0" * max(2, -places if isinstance(places, int) else 2)
        return cell
    return value


def _text_cell(sheet: Any, text: str) -> WriteOnlyCell:
    cell = WriteOnlyCell(sheet, neutral(text))
    cell.data_type = "s"
    # The text format keeps the last digits of a long number when the cell is edited.
    cell.number_format = "@"
    return cell


def text_number(number: str) -> str:
    """A number for a CSV file with a tab behind it: spreadsheets then keep it as text with all
    digits, and do not show the tab."""
    return f"{number}\t"


def write_csv(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The text of a CSV file in pieces: it begins with the UTF-8 mark that spreadsheets need, and
    formulas are neutralised."""
    line = io.StringIO()
    writer = csv.writer(line)
    yield "\ufeff"
    writer.writerow(heads)
    for row in rows:
        writer.writerow([neutral(one) for one in row])
        if line.tell() > 1 << 15:
            yield line.getvalue()
            line.seek(0)
            line.truncate()
    yield line.getvalue()
