"""Checks a spreadsheet of wages against the staff: which rows are valid, and what is wrong."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrollment import spreadsheets
from portal.shared import foreigners, identity, money, names
from portal.shared.characters import narrow
from portal.shared.identity import DOCUMENT_LABELS, Document

MOST_FEN = 999_999_999
_HELD_AT_MOST = 40

NUMBER, NAME, WAGE, KIND = "number", "name", "wage", "kind"
# An optional column. A person with a passport is found by its number or by the social-security
# number.
KIND_HEAD = gettext_lazy("证件类型")
HEADS = {
    NUMBER: gettext_lazy("身份证号码"),
    NAME: gettext_lazy("姓名"),
    WAGE: gettext_lazy("月申报工资（元）"),
}
_KNOWN_HEADS = {
    "身份证号码": NUMBER,
    "身份证号": NUMBER,
    "公民身份号码": NUMBER,
    "社会保障号": NUMBER,
    "社会保障号码": NUMBER,
    "证件号码": NUMBER,
    "身份证件号码": NUMBER,
    "证件类型": KIND,
    "姓名": NAME,
    "职工姓名": NAME,
    "月申报工资": WAGE,
    "申报工资": WAGE,
    "月平均工资": WAGE,
    "上年度月平均工资": WAGE,
}
_POWER = re.compile(r"[0-9](\.[0-9]+)?[Ee]\+?[0-9]+")


@dataclass(frozen=True, slots=True)
class Problem:
    """One invalid cell: its row and column as the spreadsheet counts them, its content ``held``,
    and what to do."""

    row: int
    column: str
    held: str
    why: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A checked spreadsheet: person id → wage in fen for the valid rows, and the problems of the
    others."""

    wages: Mapping[int, int]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Holder:
    """The kind of a paper, and its holder's social-security number."""

    document: Document
    number: str


def check(
    table: spreadsheets.Table,
    staff: Mapping[str, tuple[int, str]],
    papers: Mapping[str, Sequence[Holder]] = MappingProxyType({}),
) -> Checked:
    """Pure: the valid rows for this staff (number → person id, name; ``papers``: number of another
    paper → its holders). Raises SheetRefused where the sheet holds no such table."""
    head_row, columns = _heads(table)
    body = [
        (row, cells)
        for row, cells in enumerate(table.rows[head_row:], head_row + 1)
        if any(_filled(cells[column - 1]) or (row, column) in table.formulas for column in columns.values())
        and not _is_foot(cells, columns)
    ]
    _nothing_hidden(table, columns, [row for row, _cells in body])
    if len(body) > spreadsheets.MAX_ROWS:
        raise spreadsheets.SheetRefused(
            _("名单超过 %(most)s 行。请分成几个文件，逐个上传。") % {"most": f"{spreadsheets.MAX_ROWS:,}"}
        )
    if not body:
        raise spreadsheets.SheetRefused(_("表头下面没有内容。请填写职工名单后再上传。"))
    problems: list[Problem] = []
    wages: dict[int, int] = {}
    rows_by_number: dict[str, list[int]] = {}
    of_row: dict[int, int] = {}
    kinds = {one.number: one.document for holders in papers.values() for one in holders}
    for row, cells in body:
        found = _row(row, cells, columns, table.formulas, staff, papers, kinds)
        number, wage_fen, wrong = found
        if number:
            rows_by_number.setdefault(number, []).append(row)
        problems += wrong
        if not wrong and wage_fen is not None:
            person = staff[number][0]
            wages[person] = wage_fen
            of_row[row] = person
    for number, rows in rows_by_number.items():
        if len(rows) > 1:
            listed = "、".join(str(row) for row in rows[:5])
            for row in rows:
                problems.append(
                    Problem(
                        row,
                        spreadsheets.column_letter(columns[NUMBER]),
                        number,
                        _("第 %(rows)s 行是同一名职工，都没有采用。请只保留一行。") % {"rows": listed},
                    )
                )
                wages.pop(of_row.get(row, 0), None)
    return Checked(wages=wages, problems=tuple(sorted(problems, key=lambda one: (one.row, one.column))))


def _heads(table: spreadsheets.Table) -> tuple[int, dict[str, int]]:
    """The row of the heads, and the column of each, from 1."""
    for row, cells in enumerate(table.rows[: spreadsheets.ROWS_ABOVE], 1):
        columns: dict[str, int] = {}
        for column, cell in enumerate(cells, 1):
            column_key = (
                _KNOWN_HEADS.get(re.sub(r"\(.*\)|\*", "", narrow(cell))) if isinstance(cell, str) else None
            )
            if column_key and column_key in columns:
                raise spreadsheets.SheetRefused(
                    _("表头中“%(head)s”有两列。请只保留一列。") % {"head": str(cell).strip()}
                )
            if column_key:
                columns[column_key] = column
        if NUMBER in columns:
            missing = [str(head) for key, head in HEADS.items() if key not in columns]
            if missing:
                raise spreadsheets.SheetRefused(
                    _("表头中没有“%(heads)s”。请下载本页的名单，在其中填写后上传。")
                    % {"heads": "”“".join(missing)}
                )
            return row, columns
    raise spreadsheets.SheetRefused(
        _("没有找到表头（姓名、身份证号码、月申报工资）。请下载本页的名单，在其中填写后上传。")
    )


# First words of the lines below a list that are no rows of it: sums and signatures.
_FOOT = re.compile(
    "(?:合计|总计|小计|共计|总人数|制表|填表|填报|审核|复核|经办|负责人|单位负责人|单位（?盖章|盖章|日期|备注|说明)"
)


def _is_foot(cells: Sequence[Any], columns: Mapping[str, int]) -> bool:
    """Whether the line is a sum or a signature below the list: its first text says so, and it holds
    no number of a person."""
    number = cells[columns[NUMBER] - 1]
    if _filled(number) and any(one.isdigit() for one in str(number)):
        return False
    first = next((narrow(cell) for cell in cells if isinstance(cell, str) and cell.strip()), "")
    return _FOOT.match(first) is not None


def _nothing_hidden(table: spreadsheets.Table, columns: Mapping[str, int], rows: Sequence[int]) -> None:
    """Refuses a list with hidden rows or columns: the sender may not know what they hold."""
    hidden = [row for row in rows if row in table.hidden_rows]
    if hidden:
        listed = "、".join(_stretches(hidden)[:_STRETCHES_TOLD])
        raise spreadsheets.SheetRefused(
            _(
                "第 %(rows)s 行有内容，但在表格里被隐藏或筛选掉了（共 %(count)s 行），整个文件没有读入。"
                "请取消隐藏和筛选，核对或删去这些行，再上传。"
            )
            % {"rows": listed, "count": len(hidden)}
        )
    letters = [spreadsheets.column_letter(one) for one in columns.values() if one in table.hidden_columns]
    if letters:
        raise spreadsheets.SheetRefused(
            _("%(columns)s 列被隐藏，整个文件没有读入。请取消隐藏，核对内容后再上传。")
            % {"columns": "、".join(letters)}
        )


_STRETCHES_TOLD = 20


def _stretches(rows: Sequence[int]) -> list[str]:
    """Rows in words, neighbours together: 3, 5, 6, 7 → "3", "5–7"."""
    stretches: list[list[int]] = []
    for row in rows:
        if stretches and stretches[-1][1] == row - 1:
            stretches[-1][1] = row
        else:
            stretches.append([row, row])
    return [str(first) if first == last else f"{first}–{last}" for first, last in stretches]


def _filled(cell: Any) -> bool:
    return bool(cell.strip()) if isinstance(cell, str) else cell is not None


def _row(
    row: int,
    cells: Sequence[Any],
    columns: Mapping[str, int],
    formulas: frozenset[tuple[int, int]],
    staff: Mapping[str, tuple[int, str]],
    papers: Mapping[str, Sequence[Holder]],
    kinds: Mapping[str, Document],
) -> tuple[str, int | None, list[Problem]]:
    """The number ("" where unreadable) and the wage (fen, None where unreadable) of a row, and its
    problems."""
    wrong: list[Problem] = []
    values: dict[str, Any] = {NUMBER: "", WAGE: None}
    for key, reader in ((NUMBER, partial(_number, papers=papers)), (NAME, _name), (WAGE, _wage)):
        column = columns[key]
        cell = cells[column - 1]
        try:
            if (row, column) in formulas:
                raise _Wrong(_("这一格是公式。请复制后用“选择性粘贴－数值”贴回，再上传。"))
            values[key] = reader(cell)
        except _Wrong as refusal:
            wrong.append(Problem(row, spreadsheets.column_letter(column), _held(cell), str(refusal)))
    number = values[NUMBER]
    holders = papers.get(number, ())
    if len(holders) == 1:
        number = holders[0].number
    elif holders:
        why = _("有 %(count)s 名职工的证件是这个号码。请改填社会保障号码。") % {"count": len(holders)}
        wrong.append(Problem(row, spreadsheets.column_letter(columns[NUMBER]), number, why))
        return "", values[WAGE], wrong
    if number in staff and (problem := _other_kind(row, cells, columns, number, kinds)):
        wrong.append(problem)
    if number and number not in staff:
        why = _("这个号码不在本单位应申报的职工中。请核对号码；新职工先办理参保登记，已离职的请删去这一行。")
        wrong.append(Problem(row, spreadsheets.column_letter(columns[NUMBER]), number, why))
    elif number and values.get(NAME) and not names.agree(values[NAME], staff[number][1]):
        why = _(
            "姓名与这个号码登记的姓名不一致：登记的是“%(registered)s”。请核对是否错行；姓名已变更的，请职工带身份证到窗口更新。"
        ) % {"registered": staff[number][1]}
        wrong.append(
            Problem(row, spreadsheets.column_letter(columns[NAME]), _held(cells[columns[NAME] - 1]), why)
        )
    return number, values[WAGE], wrong


def _other_kind(
    row: int,
    cells: Sequence[Any],
    columns: Mapping[str, int],
    number: str,
    kinds: Mapping[str, Document],
) -> Problem | None:
    """The problem where a row names another kind of paper than is registered. ``kinds``: number →
    kind, where the number does not say it."""
    cell = cells[columns[KIND] - 1] if KIND in columns else None
    if not _filled(cell):
        return None
    document = kinds.get(number) or identity.document_of(number)
    word = narrow(str(cell)).replace("(", "（").replace(")", "）")
    if word in _KIND_WORDS.get(document, ()):
        return None
    why = _("证件类型与登记的不一致：登记的是“%(kind)s”。请核对是否错行。") % {
        "kind": _(DOCUMENT_LABELS[document])
    }
    return Problem(row, spreadsheets.column_letter(columns[KIND]), _held(cell), why)


# Other words that employers' lists use for the kinds of paper, besides the hall's own.
_KIND_WORDS = {
    **{kind: {label} for kind, label in DOCUMENT_LABELS.items()},
    Document.RESIDENT: {"居民身份证", "身份证"},
    Document.PASSPORT: {"护照", "外国护照"},
    **{
        kind: {DOCUMENT_LABELS[kind], "港澳台居民居住证", "居住证"}
        for kind in (Document.HONG_KONG, Document.MACAO, Document.TAIWAN)
    },
    **{
        kind: {DOCUMENT_LABELS[kind], "外国人永久居留身份证", "外国人永久居留证", "永久居留身份证", "永居证"}
        for kind in (Document.FOREIGN_RESIDENT, Document.FOREIGN_RESIDENT_BEFORE)
    },
}


class _Wrong(Exception):
    """Why a cell cannot be taken, and what to do."""


_IDENTITY_WORDS = {
    "paper": gettext_lazy(
        "这是护照、通行证或旧版永久居留证的号码。请填写登记参保时的 18 位号码；没有的，请到参保地社保经办窗口办理。"
    ),
    "characters": gettext_lazy("身份证号码只能是数字，最后一位可以是 X。请核对。"),
    "date": gettext_lazy("身份证号码中的出生日期不存在。请逐位核对。"),
    "check": gettext_lazy("身份证号码的校验位不对，很可能有一位输错了。请逐位核对。"),
}


def _number(cell: Any, papers: Mapping[str, Sequence[Holder]]) -> str:
    if isinstance(cell, bool | date):
        raise _Wrong(_("这一格不是身份证号码。请把格式改为“文本”后重新填写。"))
    if isinstance(cell, int | float):
        raise _Wrong(
            _("身份证号码被存成了数字，末几位已经丢失。请先把这一列的格式改为“文本”，再重新填写全部 18 位。")
        )
    text = narrow(spreadsheets.plain(str(cell or "").strip())).upper()
    if not text:
        raise _Wrong(_("没有填写身份证号码。"))
    if _POWER.fullmatch(text):
        raise _Wrong(
            _(
                "身份证号码变成了科学记数法，末几位已经丢失。请先把这一列的格式改为“文本”，再重新填写全部 18 位。"
            )
        )
    number = foreigners.as_typed(text)
    if number in papers:
        return number
    if foreigners.is_made(number):
        return number
    if not number.isdigit() and (foreigners.may_be_passport(number) or foreigners.is_card(number)):
        return number
    try:
        return identity.parse(text).number
    except identity.InvalidIdentity as error:
        if error.code == "length":
            if len(text) == 15:
                raise _Wrong(_("这是 15 位的旧号码。请填写现在的 18 位号码。")) from error
            raise _Wrong(_("身份证号码应为 18 位，这里是 %(length)s 位。") % {"length": len(text)}) from error
        raise _Wrong(str(_IDENTITY_WORDS[error.code])) from error


def _name(cell: Any) -> str:
    text = names.canonical(spreadsheets.plain(cell.strip())) if isinstance(cell, str) else ""
    if not text:
        raise _Wrong(_("没有填写姓名。"))
    return text


def _wage(cell: Any) -> int:
    amount_expected = _("工资应为金额，例如 5600 或 5600.50，最多两位小数。")
    if isinstance(cell, bool | date):
        raise _Wrong(amount_expected)
    if isinstance(cell, int | float):
        # A spreadsheet stores binary fractions and shows 15 digits. The wage is the number that it
        # shows.
        exact = Decimal(f"{cell:.15g}")
        if not exact.is_finite() or abs(exact) > MOST_FEN:
            raise _Wrong(_("工资应在 1.00 元至 %(most)s 元之间。") % {"most": money.format_yuan(MOST_FEN)})
        if exact != exact.quantize(Decimal("0.01")):
            raise _Wrong(_("工资的小数超过两位。请按元、角、分填写，最多两位小数。"))
        fen = money.to_fen(exact)
    else:
        text = spreadsheets.plain(str(cell or "").strip())
        if not text:
            raise _Wrong(_("没有填写工资。"))
        try:
            fen = money.parse_yuan(text)
        except ValueError as error:
            raise _Wrong(amount_expected) from error
    if not 100 <= fen <= MOST_FEN:
        raise _Wrong(_("工资应在 1.00 元至 %(most)s 元之间。") % {"most": money.format_yuan(MOST_FEN)})
    return fen


def parse_wage(text: str) -> int | None:
    """A wage (fen) typed on the page, None for an empty field. Raises ValueError with a message for
    the user where the text is no wage."""
    if not text.strip():
        return None
    try:
        return _wage(text)
    except _Wrong as why:
        raise ValueError(str(why)) from why


def _held(cell: Any) -> str:
    return str(cell if cell is not None else "").strip()[:_HELD_AT_MOST]
