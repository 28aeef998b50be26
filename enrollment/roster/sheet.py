"""The roster as a spreadsheet that clerks download, fill in and upload."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from enrollment import spreadsheets
from enrollment.models import Roster, RosterRow
from enrollment.roster.checking import HEADS, KIND_HEAD, NAME, NUMBER, WAGE, Checked, Holder, Problem, check
from enrollment.roster.drafting import fill_in, rows_of
from portal.shared import identity, money
from portal.shared.identity import DOCUMENT_LABELS, Document


def to_fill_in(roster: Roster) -> bytes:
    """The staff as an .xlsx file with the wages filled in so far; ``upload`` reads it back."""
    listed = rows_of(roster)
    # People with another paper, such as a passport, are listed by its number. A list without such
    # people has no column for the kind of paper.
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
        values = listed.values_list(*(f"person__{one}" for one in columns), "former_fen", "wage_fen")
        for place, (name, number, kind, paper_number, former, wage) in enumerate(values, 1):
            document = Document(kind) if kind else identity.document_of(number)
            paper = (_(DOCUMENT_LABELS[document]), paper_number or number) if mixed else (number,)
            yield (place, name, *paper, _yuan(former), _yuan(wage))

    widths = (8, 14, 26, 24, 20, 20) if mixed else (8, 14, 24, 20, 20)
    return spreadsheets.write_xlsx(_("职工基数申报"), heads, rows(), widths=widths)


def _yuan(fen: int | None) -> Decimal | None:
    return None if fen is None else money.yuan(fen)


def upload(roster: Roster, content: bytes, *, name: str, now: datetime) -> Checked:
    """Reads a spreadsheet into the roster in one transaction: valid rows are stored, the problems
    of the others go into ``report``.

    Raises spreadsheets.SheetRefused, and then nothing is stored; Roster.DoesNotExist where the
    roster was sent meanwhile.
    """
    table = spreadsheets.read_table(content)
    staff: dict[str, tuple[int, str]] = {}
    papers: dict[str, list[Holder]] = {}
    for pk, number, person_name, kind, paper_number in RosterRow.objects.filter(roster=roster).values_list(
        "person_id", "person__identity_number", "person__name", "person__paper_kind", "person__paper_number"
    ):
        staff[number] = (pk, person_name)
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
    """The problems of the latest uploaded spreadsheet."""
    return [Problem(*one) for one in roster.report]
