"""The roster as a spreadsheet: made to be filled in, and read back."""

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
    """Reads a spreadsheet into the roster: good rows are kept, all others told in ``report``, in
    one transaction.

    Raises spreadsheets.SheetRefused, and then nothing was kept; Roster.DoesNotExist where it was
    sent meanwhile.
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
