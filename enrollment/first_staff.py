"""The first staff of a new employer: rows that are typed or pasted, checked one by one as
``employer-add-staff`` checks its applicant, and insured together.

A row that cannot be taken keeps nobody else out: rows are parted.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from enrollment.adding_staff import MANAGEMENT, STOP, WORKER, facts_about, why_not
from enrollment.models import ContributionBase, Coverage
from enrollment.queries import held_by
from portal.accounts.fields import IdentityNumberField, NameField
from portal.accounts.identity_corrections import corrected_among, was_corrected
from portal.hall.fields import YuanField
from portal.hall.models import Case
from portal.hall.queries import open_about_any
from portal.hall.service import Ask
from portal.people import papers
from portal.people.models import Employer, Person
from portal.policy.terms import offers
from portal.shared import identity, money
from portal.shared.characters import narrow
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month

MOST = 200
# What parts the cells of a line that was typed.
_TYPED = re.compile(r"[,，;；\s]+")
# Without signs between them only eight figures say one day: 2026112 may be two.
_DAY = re.compile(r"([0-9]{4})(?:[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?|([0-9]{2})([0-9]{2}))")
_MONTH = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})月?")
_POSTS = {"工人": WORKER, "管理": MANAGEMENT, "技术": MANAGEMENT}

Row = Mapping[str, Any]


def parse(text: str, *, today: date) -> list[dict[str, str]]:
    """The rows of a text, each line one member of staff: number, name, hired on, wage, and where
    wanted a month and a post, as JSON-able text. Raises ValidationError with each line that cannot
    be read."""
    rows: list[dict[str, str]] = []
    problems: list[str] = []
    lines = [(at, line.strip()) for at, line in enumerate(text.splitlines(), 1)]
    lines = [(at, line) for at, line in lines if line and not line.startswith(("身份证", "社会保障号"))]
    if len(lines) > MOST:
        raise forms.ValidationError(
            _("首批职工最多 %(most)s 名，这里是 %(count)s 行。其余职工请在开户后办理职工参保登记。"),
            params={"most": MOST, "count": len(lines)},
        )
    at_line: dict[str, int] = {}
    for at, line in lines:
        try:
            row = _row(_cells(line), today)
        except forms.ValidationError as wrong:
            problems += [_("第 {line} 行：{why}").format(line=at, why=why) for why in wrong.messages]
            continue
        if row["identity_number"] in at_line:
            problems.append(
                _("第 {line} 行：与第 {first} 行是同一个号码，请只保留一行。").format(
                    line=at, first=at_line[row["identity_number"]]
                )
            )
            continue
        at_line[row["identity_number"]] = at
        rows.append(row)
    if problems:
        raise forms.ValidationError(problems)
    return rows


def _cells(line: str) -> list[str]:
    """The cells of a line: what a spreadsheet gives is parted by tabs alone."""
    parts = line.split("\t") if "\t" in line else _TYPED.split(line)
    return [part.strip() for part in parts if part.strip()]


def _row(cells: Sequence[str], today: date) -> dict[str, str]:
    if len(cells) < 4:
        raise forms.ValidationError(
            _("请依次写身份证号码、姓名、用工起始日期、月申报工资，用空格或制表符分开。")
        )
    number = IdentityNumberField().clean(cells[0])
    try:
        identity.parse(number)
    except identity.InvalidIdentity as other_paper:
        raise forms.ValidationError(
            _("请填 18 位的身份证号码。持护照等其他证件的职工，请在开户后办理职工参保登记。")
        ) from other_paper
    row = {
        "identity_number": number,
        "name": NameField().clean(cells[1]),
        "hired_on": _hired_on(cells[2], today).isoformat(),
        "wage": str(YuanField(at_least=Decimal("1.00")).clean(cells[3])),
        "month": "",
        "post": "",
    }
    for cell in cells[4:]:
        month = _month(cell)
        post = next((post for word, post in _POSTS.items() if word in cell), "")
        if month:
            row["month"] = str(month)
        elif post:
            row["post"] = post
        else:
            raise forms.ValidationError(
                _("“%(cell)s”不是参保月份（例如 2026-10），也不是岗位（工人或管理）。"),
                params={"cell": cell[:20]},
            )
    return row


def _month(cell: str) -> Month | None:
    parts = _MONTH.fullmatch(narrow(cell))
    try:
        return Month.parse(f"{parts[1]}-{int(parts[2]):02d}") if parts else None
    except ValueError:
        return None


def _hired_on(cell: str, today: date) -> date:
    parts = _DAY.fullmatch(narrow(cell))
    try:
        day = date(*(int(part) for part in parts.groups() if part)) if parts else None
    except ValueError:
        day = None
    if day is None:
        raise forms.ValidationError(_("用工起始日期请写成 2026-11-02。"))
    if day > today:
        raise forms.ValidationError(_("用工起始日期在今天之后，请在职工入职后再申报。"))
    return day


@dataclass(frozen=True)
class Checked:
    """One row: who, from which month each insurance, and why it cannot be taken (none: it can)."""

    row: Row
    starts: Mapping[Insurance, Month]
    bars: tuple[str, ...]

    @property
    def about(self) -> str:
        return f"{self.row['name']}（{identity.mask(self.row['identity_number'])}）"


def starts_of(ask: Ask, row: Row) -> dict[Insurance, Month]:
    """The first month of each insurance of the offer: the row's own where it names one that the
    insurance may begin in, else the one that was chosen for all."""
    starts = {}
    for insurance in offers.offered_insurances(ask.offer):
        own = Month.parse(row["month"]) if row.get("month") else None
        months = offers.start_months(ask.offer, insurance, filed_in=ask.month)
        starts[insurance] = own if own in months else Month.parse(str(ask.answers[f"start_{insurance}"]))
    return starts


def as_added(ask: Ask, row: Row) -> Ask:
    """The row as an application of ``employer-add-staff``."""
    starts = {f"start_{insurance}": str(month) for insurance, month in starts_of(ask, row).items()}
    return replace(ask, answers={**row, **starts})


def check(ask: Ask) -> list[Checked]:
    """All rows of an application, in their order; reads in sets, and writes nothing."""
    rows: Sequence[Row] = ask.answers["staff"]
    numbers = [row["identity_number"] for row in rows]
    known = {one.identity_number: one for one in Person.objects.filter(identity_number__in=numbers)}
    held, stopping = held_by(numbers), open_about_any(numbers, STOP)
    corrected = corrected_among([number for number in numbers if number not in known])
    checked = []
    for row in rows:
        number, added = row["identity_number"], as_added(ask, row)
        facts = facts_about(
            added,
            person=known.get(number),
            held=held.get(number, []),
            stopping=stopping.get(number, []),
            corrected=number in corrected and was_corrected(number, row["name"]),
            employer_id=None,
        )
        bars = tuple(dict.fromkeys(one.why for one in why_not(added, facts)))
        checked.append(Checked(row, starts_of(ask, row), bars))
    return checked


def insure(employer: Employer, taken: Sequence[Checked], *, case: Case, now: datetime) -> list[Coverage]:
    """Opens the coverages of rows that can be taken, and the files of whoever has none. Runs under
    the locks of all of them; the database refuses what overlaps."""
    numbers = [one.row["identity_number"] for one in taken]
    known = set(Person.objects.filter(identity_number__in=numbers).values_list("identity_number", flat=True))
    Person.objects.bulk_create(
        Person(
            identity_number=one.row["identity_number"],
            name=one.row["name"],
            **papers.of_number(one.row["identity_number"]).columns,
        )
        for one in taken
        if one.row["identity_number"] not in known
    )
    on_file = {one.identity_number: one for one in Person.objects.filter(identity_number__in=numbers)}
    opened = Coverage.objects.bulk_create(
        Coverage(
            person=on_file[one.row["identity_number"]],
            insurance=insurance,
            capacity=Capacity.EMPLOYEE,
            city=employer.city,
            district=employer.district,
            employer=employer,
            start=start,
            opened_by=case,
            created_at=now,
        )
        for one in taken
        for insurance, start in one.starts.items()
    )
    wages = {one.row["identity_number"]: money.to_fen(Decimal(one.row["wage"])) for one in taken}
    ContributionBase.objects.bulk_create(
        ContributionBase(
            coverage=one,
            start=one.start,
            until=None,
            tier="",
            wage_fen=wages[one.person.identity_number],
            set_by=case,
        )
        for one in opened
    )
    return opened
