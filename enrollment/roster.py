"""The wages that an employer declares for a contribution year: of whom, what a spreadsheet says, and what approval sets.

A roster's rows follow the staff while it is a draft. Nothing here asks the database once per row.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from itertools import groupby
from types import MappingProxyType
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, F, Q, QuerySet, Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrollment import consequences, spreadsheets
from enrollment.models import ContributionBase, Coverage, Roster, RosterRow
from portal.hall.models import Case, Draft
from portal.hall.routing import FINAL, Status
from portal.people.models import Employer
from portal.policy.book import book
from portal.policy.terms import (
    ContributionTerms,
    ContributionYearTerms,
    contribution_terms,
    insurances,
)
from portal.shared import foreigners, identity, money, names
from portal.shared.characters import narrow
from portal.shared.identity import DOCUMENT_LABELS, Document
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month

MOST_FEN = 999_999_999
_HELD_AT_MOST = 40


# Who must be declared


def begin(
    *, draft: Draft, employer: Employer, city: str, start: Month, month: Month, now: datetime
) -> Roster:
    """The draft's roster for the year that begins with ``start``, made where there is none, its rows those of the staff now.

    A new one carries what was filled in for the same year in a declaration that was withdrawn or refused.
    """
    with transaction.atomic():
        Draft.objects.select_for_update().get(pk=draft.pk)
        roster = Roster.objects.filter(draft=draft).first()
        if roster is not None and (roster.start, roster.employer_id) != (start, employer.pk):
            roster.delete()
            roster = None
        if roster is None:
            roster = Roster.objects.create(
                draft=draft, employer=employer, city=city, start=start, made_at=now
            )
            refresh(roster, month)
            _carry(roster)
        else:
            refresh(roster, month)
    return roster


_STAFF = """
    SELECT DISTINCT ON (coverage.person_id) coverage.person_id, base.wage_fen
    FROM enrollment_coverage coverage
    LEFT JOIN enrollment_contributionbase base ON base.coverage_id = coverage.id
        AND base.start <= %(month)s AND (base.until IS NULL OR base.until > %(month)s)
    WHERE coverage.employer_id = %(employer)s AND coverage.city = %(city)s AND coverage.live
        AND coverage.capacity = 'employee' AND (coverage.until IS NULL OR coverage.until > %(after)s)
    ORDER BY coverage.person_id, base.wage_fen IS NULL, coverage.insurance <> 'pension', coverage.id
"""


def _told(roster: Roster, month: Month) -> dict[str, str | int | date]:
    return {
        "roster": roster.pk,
        "employer": roster.employer_id,
        "city": roster.city,
        "month": month.first_day,
        "after": max(month, roster.start).first_day,
    }


def refresh(roster: Roster, month: Month) -> None:
    """Adds who has joined, drops who has left; what was filled in stays. Two statements."""
    told = _told(roster, month)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            DELETE FROM enrollment_rosterrow WHERE roster_id = %(roster)s
                AND person_id NOT IN (SELECT person_id FROM ({_STAFF}) staff)
            """,  # noqa: S608 - the text is a constant
            told,
        )
        cursor.execute(
            f"""
            INSERT INTO enrollment_rosterrow (roster_id, person_id, former_fen)
            SELECT %(roster)s, staff.person_id, staff.wage_fen FROM ({_STAFF}) staff
            ON CONFLICT (roster_id, person_id) DO UPDATE SET former_fen = excluded.former_fen
            WHERE enrollment_rosterrow.former_fen IS DISTINCT FROM excluded.former_fen
            """,  # noqa: S608 - the text is a constant
            told,
        )


def staff_changed(roster: Roster, month: Month) -> int:
    """How many people joined or left since the roster's rows were laid."""
    told = _told(roster, month)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT count(*) FROM ({_STAFF}) staff
            FULL JOIN (SELECT person_id FROM enrollment_rosterrow WHERE roster_id = %(roster)s) listed USING (person_id)
            WHERE staff IS NULL OR listed.person_id IS NULL
            """,  # noqa: S608 - the text is a constant
            told,
        )
        return int(cursor.fetchone()[0])


def _carry(roster: Roster) -> None:
    """Take the wages of the latest declaration for the same year that came to nothing."""
    former = (
        Roster.objects.filter(
            employer=roster.employer_id,
            start=roster.start,
            case__status__in=[str(Status.VOIDED), str(Status.REFUSED)],
        )
        .order_by("-case__submitted_at", "-pk")
        .first()
    )
    if former is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE enrollment_rosterrow row SET wage_fen = former.wage_fen FROM enrollment_rosterrow former
            WHERE row.roster_id = %s AND former.roster_id = %s AND former.person_id = row.person_id
            """,
            [roster.pk, former.pk],
        )


# What is filled in


def rows_of(roster: Roster) -> QuerySet[RosterRow]:
    """The rows with their persons, in the order in which pages and files list them."""
    return (
        RosterRow.objects.filter(roster=roster).select_related("person").order_by("person__name", "person_id")
    )


def fill_in(roster: Roster, wages: Mapping[int, int | None], *, now: datetime) -> int:
    """Sets the wages (fen, None to empty) of persons who are in the roster, in one statement; how many there are.

    The draft has to be checked again before it is sent. Raises Roster.DoesNotExist where it was sent meanwhile.
    """
    with transaction.atomic():
        _open(roster, now)
        with connection.cursor() as cursor:
            cursor.execute(
                """
                UPDATE enrollment_rosterrow SET wage_fen = said.wage_fen
                FROM unnest(%s::bigint[], %s::bigint[]) said (person_id, wage_fen)
                WHERE roster_id = %s AND enrollment_rosterrow.person_id = said.person_id
                """,
                [list(wages), list(wages.values()), roster.pk],
            )
            return int(cursor.rowcount)


def keep_former(roster: Roster, *, now: datetime) -> int:
    """Fills in the wages in force now for everyone who has none yet; how many."""
    with transaction.atomic():
        _open(roster, now)
        return RosterRow.objects.filter(roster=roster, wage_fen=None, former_fen__gt=0).update(
            wage_fen=F("former_fen")
        )


def _open(roster: Roster, now: datetime) -> Roster:
    """The roster under its lock, while it is a draft; the draft is to be checked anew."""
    found = (
        Roster.objects.select_for_update(of=("self",))
        .select_related("draft")
        .get(pk=roster.pk, draft__isnull=False)
    )
    if found.draft is not None:
        Draft.objects.filter(pk=found.draft.pk).update(checked=False, updated_at=now)
    return found


# Spreadsheets

NUMBER, NAME, WAGE, KIND = "number", "name", "wage", "kind"
# Read where a list has it; whoever has a passport is found by its number or by the social-security number.
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
    """One cell that cannot be taken: its row and column as the spreadsheet counts them, what it holds, and what to do."""

    row: int
    column: str
    held: str
    why: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A spreadsheet against the staff: person → wage in fen for the rows that are good, and what is wrong with the others."""

    wages: Mapping[int, int]
    problems: tuple[Problem, ...]


def to_fill_in(roster: Roster) -> bytes:
    """The staff as an .xlsx file, with what is filled in already, to be sent back by ``upload``."""
    listed = rows_of(roster)
    # Whoever has a passport is told by it; a list without any is as it always was.
    mixed = listed.exclude(person__paper_kind="").exists()
    number_heads = (KIND_HEAD, _("证件号码")) if mixed else (HEADS[NUMBER],)
    heads = [
        _("序号"),
        str(HEADS[NAME]),
        *(str(head) for head in number_heads),
        _("现行申报工资（元）"),
        str(HEADS[WAGE]),
    ]

    def rows() -> Iterator[tuple[Any, ...]]:
        columns = ("name", "identity_number", "paper_kind", "paper_number")
        told = listed.values_list(*(f"person__{one}" for one in columns), "former_fen", "wage_fen")
        for place, (name, number, kind, paper_number, former, wage) in enumerate(told, 1):
            document = Document(kind) if kind else identity.document_of(number)
            whose = (_(DOCUMENT_LABELS[document]), paper_number or number) if mixed else (number,)
            yield (place, name, *whose, _yuan(former), _yuan(wage))

    widths = (8, 14, 26, 24, 20, 20) if mixed else (8, 14, 24, 20, 20)
    return spreadsheets.write_xlsx(_("职工基数申报"), heads, rows(), widths=widths)


def _yuan(fen: int | None) -> Decimal | None:
    return None if fen is None else money.yuan(fen)


def upload(roster: Roster, content: bytes, *, name: str, now: datetime) -> Checked:
    """Reads a spreadsheet into the roster: good rows are kept, all others told in ``report``, in one transaction.

    Raises spreadsheets.SheetRefused, and then nothing was kept; Roster.DoesNotExist where it was sent meanwhile.
    """
    table = spreadsheets.read_table(content)
    staff: dict[str, tuple[int, str]] = {}
    papers: dict[str, list[Holder]] = {}
    for pk, number, who, kind, paper_number in RosterRow.objects.filter(roster=roster).values_list(
        "person_id", "person__identity_number", "person__name", "person__paper_kind", "person__paper_number"
    ):
        staff[number] = (pk, who)
        if kind:
            papers.setdefault(paper_number, []).append(Holder(Document(kind), number))
    checked = check(table, staff, papers)
    with transaction.atomic():
        fill_in(roster, checked.wages, now=now)
        Roster.objects.filter(pk=roster.pk).update(
            report=[[one.row, one.column, one.held, one.why] for one in checked.problems],
            report_name=name[-200:],
            report_taken=len(checked.wages),
        )
    return checked


def problems_of(roster: Roster) -> list[Problem]:
    """What was wrong in the spreadsheet uploaded last."""
    return [Problem(*one) for one in roster.report]


@dataclass(frozen=True, slots=True)
class Holder:
    """Which paper a number is of, and its holder's social-security number."""

    document: Document
    number: str


def check(
    table: spreadsheets.Table,
    staff: Mapping[str, tuple[int, str]],
    papers: Mapping[str, Sequence[Holder]] = MappingProxyType({}),
) -> Checked:
    """Pure: which rows can be taken for this staff (number → person, name; ``papers``: number of another paper → its holders).
    SheetRefused where there is no such table in it."""
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
            told = "、".join(str(row) for row in rows[:5])
            for row in rows:
                problems.append(
                    Problem(
                        row,
                        spreadsheets.column_letter(columns[NUMBER]),
                        number,
                        _("第 %(rows)s 行是同一名职工，都没有采用。请只保留一行。") % {"rows": told},
                    )
                )
                wages.pop(of_row.get(row, 0), None)
    return Checked(wages=wages, problems=tuple(sorted(problems, key=lambda one: (one.row, one.column))))


def _heads(table: spreadsheets.Table) -> tuple[int, dict[str, int]]:
    """The row of the heads, and the column of each, from 1."""
    for row, cells in enumerate(table.rows[: spreadsheets.ROWS_ABOVE], 1):
        columns: dict[str, int] = {}
        for column, cell in enumerate(cells, 1):
            known = (
                _KNOWN_HEADS.get(re.sub(r"\(.*\)|\*", "", narrow(cell))) if isinstance(cell, str) else None
            )
            if known and known in columns:
                raise spreadsheets.SheetRefused(
                    _("表头中“%(head)s”有两列。请只保留一列。") % {"head": str(cell).strip()}
                )
            if known:
                columns[known] = column
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


# What stands below a list and is no row of it.
_FOOT = re.compile(
    "(?:合计|总计|小计|共计|总人数|制表|填表|填报|审核|复核|经办|负责人|单位负责人|单位（?盖章|盖章|日期|备注|说明)"
)


def _is_foot(cells: Sequence[Any], columns: Mapping[str, int]) -> bool:
    """Whether it is a sum or a signature below the list: its first text says so, and no number of a person stands there."""
    number = cells[columns[NUMBER] - 1]
    if _filled(number) and any(one.isdigit() for one in str(number)):
        return False
    first = next((narrow(cell) for cell in cells if isinstance(cell, str) and cell.strip()), "")
    return _FOOT.match(first) is not None


def _nothing_hidden(table: spreadsheets.Table, columns: Mapping[str, int], rows: Sequence[int]) -> None:
    """Refuses a list of which a part is not seen: whoever sent it may not know of it."""
    hidden = [row for row in rows if row in table.hidden_rows]
    if hidden:
        told = "、".join(_stretches(hidden)[:_STRETCHES_TOLD])
        raise spreadsheets.SheetRefused(
            _(
                "第 %(rows)s 行有内容，但在表格里被隐藏或筛选掉了（共 %(count)s 行），整个文件没有读入。"
                "请取消隐藏和筛选，核对或删去这些行，再上传。"
            )
            % {"rows": told, "count": len(hidden)}
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
    told: list[list[int]] = []
    for row in rows:
        if told and told[-1][1] == row - 1:
            told[-1][1] = row
        else:
            told.append([row, row])
    return [str(first) if first == last else f"{first}–{last}" for first, last in told]


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
    """The number and the wage (fen) of a row as far as they can be read, and what is wrong with it."""
    wrong: list[Problem] = []
    read: dict[str, Any] = {NUMBER: "", WAGE: None}
    for key, reader in ((NUMBER, partial(_number, papers=papers)), (NAME, _name), (WAGE, _wage)):
        column = columns[key]
        cell = cells[column - 1]
        try:
            if (row, column) in formulas:
                raise _Wrong(_("这一格是公式。请复制后用“选择性粘贴－数值”贴回，再上传。"))
            read[key] = reader(cell)
        except _Wrong as refusal:
            wrong.append(Problem(row, spreadsheets.column_letter(column), _held(cell), str(refusal)))
    number = read[NUMBER]
    holders = papers.get(number, ())
    if len(holders) == 1:
        number = holders[0].number
    elif holders:
        why = _("有 %(count)s 名职工的证件是这个号码。请改填社会保障号码。") % {"count": len(holders)}
        wrong.append(Problem(row, spreadsheets.column_letter(columns[NUMBER]), number, why))
        return "", read[WAGE], wrong
    if number in staff and (problem := _other_kind(row, cells, columns, number, kinds)):
        wrong.append(problem)
    if number and number not in staff:
        why = _("这个号码不在本单位应申报的职工中。请核对号码；新职工先办理参保登记，已离职的请删去这一行。")
        wrong.append(Problem(row, spreadsheets.column_letter(columns[NUMBER]), number, why))
    elif number and read.get(NAME) and not names.agree(read[NAME], staff[number][1]):
        why = _(
            "姓名与这个号码登记的姓名不一致：登记的是“%(registered)s”。请核对是否错行；姓名已变更的，请职工带身份证到窗口更新。"
        ) % {"registered": staff[number][1]}
        wrong.append(
            Problem(row, spreadsheets.column_letter(columns[NAME]), _held(cells[columns[NAME] - 1]), why)
        )
    return number, read[WAGE], wrong


def _other_kind(
    row: int,
    cells: Sequence[Any],
    columns: Mapping[str, int],
    number: str,
    kinds: Mapping[str, Document],
) -> Problem | None:
    """What is wrong with the kind of paper that a row names, where it names one. ``kinds``: number → paper, where the number does
    not say it."""
    cell = cells[columns[KIND] - 1] if KIND in columns else None
    if not _filled(cell):
        return None
    document = kinds.get(number) or identity.document_of(number)
    said = narrow(str(cell)).replace("(", "（").replace(")", "）")
    if said in _KIND_WORDS.get(document, ()):
        return None
    why = _("证件类型与登记的不一致：登记的是“%(kind)s”。请核对是否错行。") % {
        "kind": _(DOCUMENT_LABELS[document])
    }
    return Problem(row, spreadsheets.column_letter(columns[KIND]), _held(cell), why)


# What lists call them, besides what the hall does.
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
    other = foreigners.as_typed(text)
    if other in papers:
        return other
    if foreigners.is_made(other):
        return other
    if not other.isdigit() and (foreigners.may_be_passport(other) or foreigners.is_card(other)):
        return other
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
        # As the spreadsheet shows it: it calculates with binary fractions and shows 15 digits of them.
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
    """A wage (fen) as typed on the page, None for nothing. ValueError, in the user's words, for what is no wage."""
    if not text.strip():
        return None
    try:
        return _wage(text)
    except _Wrong as why:
        raise ValueError(str(why)) from why


def _held(cell: Any) -> str:
    return str(cell if cell is not None else "").strip()[:_HELD_AT_MOST]


# Limits, and what the wages come to


@dataclass(frozen=True, slots=True)
class Limits:
    """Insurances that share a floor and a ceiling (yuan)."""

    insurances: tuple[Insurance, ...]
    terms: ContributionTerms

    def base(self, wage_fen: int) -> Decimal:
        """What the wage is clamped to, in yuan."""
        return self.terms.clamp(money.yuan(wage_fen))


def limits(city: str, start: Month) -> list[Limits]:
    """The floors and ceilings of the city's insurances for employees, by the figures in force for the year's first month."""
    found = [
        contribution_terms(book(), city=city, capacity=Capacity.EMPLOYEE, insurance=one, month=start)
        for one in insurances(book(), city=city, capacity=Capacity.EMPLOYEE, month=start)
    ]
    found.sort(key=lambda terms: (terms.floor, terms.ceiling, terms.reference.title))
    grouped = groupby(
        found, key=lambda terms: (terms.floor, terms.ceiling, terms.reference.title, terms.since)
    )
    groups = [list(members) for _key, members in grouped]
    order = {insurance: number for number, insurance in enumerate(Insurance)}
    for members in groups:
        members.sort(key=lambda terms: order[terms.insurance])
    groups.sort(key=lambda members: order[members[0].insurance])
    return [Limits(tuple(one.insurance for one in members), members[0]) for members in groups]


@dataclass(frozen=True, slots=True)
class Overview:
    """A roster in numbers. ``clamped``: for each group of limits how many are raised to the floor, and cut to the ceiling."""

    total: int
    filled: int
    raised: int
    lowered: int
    same: int
    new: int
    outliers: int
    sum_fen: int
    former_sum_fen: int
    clamped: tuple[tuple[Limits, int, int], ...]


def outlying(terms: ContributionYearTerms) -> Q:
    """Wages that differ from the former ones by more than the city lets pass unseen."""
    return Q(wage_fen__gt=F("former_fen") * (1 + terms.review_rise)) | Q(
        wage_fen__lt=F("former_fen") * (1 - terms.review_fall)
    )


def overview(roster: Roster, terms: ContributionYearTerms) -> Overview:
    """Everything in one query."""
    groups = limits(roster.city, roster.start)
    filled = Q(wage_fen__isnull=False)
    asked: dict[str, Any] = {
        "total": Count("pk"),
        "filled": Count("pk", filter=filled),
        "raised": Count("pk", filter=Q(wage_fen__gt=F("former_fen"))),
        "lowered": Count("pk", filter=Q(wage_fen__lt=F("former_fen"))),
        "same": Count("pk", filter=Q(wage_fen=F("former_fen"))),
        "new": Count("pk", filter=filled & Q(former_fen__isnull=True)),
        "outliers": Count("pk", filter=outlying(terms)),
        "sum_fen": Sum("wage_fen", filter=filled, default=0),
        "former_sum_fen": Sum("former_fen", filter=filled, default=0),
    }
    for number, one in enumerate(groups):
        asked[f"low_{number}"] = Count("pk", filter=below(one))
        asked[f"high_{number}"] = Count("pk", filter=above(one))
    told = RosterRow.objects.filter(roster=roster).aggregate(**asked)
    clamped = tuple((one, told.pop(f"low_{n}"), told.pop(f"high_{n}")) for n, one in enumerate(groups))
    return Overview(**told, clamped=clamped)


def below(one: Limits) -> Q:
    return Q(wage_fen__lt=one.terms.floor * 100)


def above(one: Limits) -> Q:
    return Q(wage_fen__gt=one.terms.ceiling * 100)


def digest_of(roster: Roster) -> str:
    """SHA-256 over who is declared with what, so that what is approved is what was looked at."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT encode(sha256(convert_to(
                coalesce(string_agg(person_id || ':' || coalesce(wage_fen::text, ''), ',' ORDER BY person_id), ''), 'UTF8'
            )), 'hex') FROM enrollment_rosterrow WHERE roster_id = %s
            """,
            [roster.pk],
        )
        return str(cursor.fetchone()[0])


# Sending and approving


def send(roster: Roster, case: Case, *, digest: str) -> bool:
    """Gives the roster to the case, if it still holds what was looked at: from now on the database keeps it as it is."""
    found = Roster.objects.select_for_update().filter(pk=roster.pk, case__isnull=True).first()
    if found is None or digest_of(found) != digest:
        return False
    Roster.objects.filter(pk=roster.pk).update(
        draft=None, case=case, report=[], report_name="", report_taken=None
    )
    return True


def another_open(roster: Roster) -> bool:
    """Whether another declaration of the employer for the same year waits for a decision."""
    return (
        Roster.objects.filter(
            employer=roster.employer_id, city=roster.city, start=roster.start, case__isnull=False
        )
        .exclude(pk=roster.pk)
        .exclude(case__status__in=[str(status) for status in FINAL])
        .exists()
    )


@dataclass(frozen=True, slots=True)
class Applied:
    """What an approval set: how many people and coverages, and from when. ``later`` are coverages whose first months stand
    charged already; ``left`` are people of the roster whom the employer no longer insures."""

    people: int
    coverages: int
    unchanged: int
    later: Counter[Month]
    left: int


def apply(roster: Roster, *, case: Case) -> Applied:
    """Makes the declared wages the bases from the year's first month on, or from the month after the last that stands charged.

    A fixed number of statements, whatever the size of the roster. Must run in a transaction. Doing it twice changes nothing.
    """
    coverages = list(
        Coverage.objects.filter(
            Q(until__isnull=True) | Q(until__gt=roster.start),
            employer=roster.employer_id,
            city=roster.city,
            capacity=Capacity.EMPLOYEE,
            live=True,
            person__roster_rows__roster=roster,
        ).values_list("pk", flat=True)
    )
    # In the order in which a coverage that ends takes them, so that one waits for the other.
    list(
        ContributionBase.objects.select_for_update(of=("self",))
        .filter(coverage__in=coverages)
        .order_by("pk")
        .values_list("pk")
    )
    list(
        Coverage.objects.select_for_update(no_key=True)
        .filter(pk__in=coverages)
        .order_by("pk")
        .values_list("pk")
    )
    charged = consequences.charged_until(coverages, roster.start)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE TEMPORARY TABLE declared_wage ON COMMIT DROP AS
            SELECT coverage.id AS coverage_id, coverage.person_id, row.wage_fen, coverage.until,
                greatest(%(start)s, coverage.start, charged.until) AS start
            FROM enrollment_rosterrow row
            JOIN enrollment_coverage coverage ON coverage.person_id = row.person_id
            LEFT JOIN unnest(%(charged)s::bigint[], %(charged_until)s::date[]) charged (coverage_id, until)
                ON charged.coverage_id = coverage.id
            WHERE row.roster_id = %(roster)s AND row.wage_fen IS NOT NULL AND coverage.id = ANY(%(coverages)s) AND coverage.live
                AND (coverage.until IS NULL OR coverage.until > greatest(%(start)s, coverage.start, charged.until))
            """,
            {
                "start": roster.start.first_day,
                "roster": roster.pk,
                "coverages": coverages,
                "charged": list(charged),
                "charged_until": [month.first_day for month in charged.values()],
            },
        )
        cursor.execute("SELECT count(DISTINCT person_id), count(*) FROM declared_wage")
        people, wanted = cursor.fetchone()
        cursor.execute(
            """
            DELETE FROM declared_wage declared USING enrollment_contributionbase base
            WHERE base.coverage_id = declared.coverage_id AND base.wage_fen = declared.wage_fen
                AND base.start <= declared.start AND base.until IS NOT DISTINCT FROM declared.until
            """
        )
        unchanged = cursor.rowcount
        cursor.execute(
            """
            DELETE FROM enrollment_contributionbase base USING declared_wage declared
            WHERE base.coverage_id = declared.coverage_id AND base.start >= declared.start
            """
        )
        cursor.execute(
            """
            UPDATE enrollment_contributionbase base SET until = declared.start FROM declared_wage declared
            WHERE base.coverage_id = declared.coverage_id AND (base.until IS NULL OR base.until > declared.start)
            """
        )
        cursor.execute(
            """
            INSERT INTO enrollment_contributionbase (coverage_id, start, until, tier, wage_fen, set_by_id)
            SELECT coverage_id, start, until, '', wage_fen, %s FROM declared_wage ORDER BY coverage_id
            """,
            [case.pk],
        )
        cursor.execute(
            "SELECT start, count(*) FROM declared_wage WHERE start > %s GROUP BY 1", [roster.start.first_day]
        )
        later = Counter({Month.of(start): count for start, count in cursor.fetchall()})
        cursor.execute("DROP TABLE declared_wage")
    listed = RosterRow.objects.filter(roster=roster, wage_fen__isnull=False).count()
    return Applied(
        people=people, coverages=wanted - unchanged, unchanged=unchanged, later=later, left=listed - people
    )
