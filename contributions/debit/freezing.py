"""What a debit batch takes is frozen in its lines: of people or of employers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from contributions.models import BatchEvent, BatchStatus, DebitBatch, PostingChunk
from contributions.planner import row_by_row, whole_tables

# Lines of a chunk, or charges where a line draws many; those of one payer are never parted.
CHUNK = 20_000
# So many of what is left out of a batch are named.
UNFIT_SHOWN = 3


class CannotOpen(Exception):
    """A batch that this person may not open, or not yet; the message says why in Chinese."""


@dataclass(frozen=True, slots=True)
class Drawable:
    """What a batch would take: of what and from where, in Chinese, how many and how much."""

    what: str
    source: str
    count: int
    fen: int


@dataclass(frozen=True, slots=True)
class Selection:
    """The statements that choose what a batch takes, and their values.

    ``unfit`` gives (count of all, name, end of the account) of what fits no line of the bank's
    file, ``shown`` of them. ``take`` makes the lines of ``batch``, and gives their count and sum.
    """

    unfit: str
    take: str
    values: Mapping[str, Any]


def freeze(
    batch: DebitBatch, selection: Selection, ends_of_chunks: Callable[[int, int], Iterable[int]]
) -> bool:
    """Save the batch with its lines, its chunks of lines and its event; False, and nothing is
    saved, where there is nothing to draw.

    ``ends_of_chunks(batch's id, count of lines)`` gives the last line of each chunk. Must run in a
    transaction, under the lock of the city's openings.
    """
    with connection.cursor() as cursor:
        whole_tables(cursor)
        cursor.execute("SELECT nextval(pg_get_serial_sequence('contributions_debitbatch', 'id'))")
        [batch.pk] = cursor.fetchone()
        cursor.execute(selection.unfit, {**selection.values, "shown": UNFIT_SHOWN})
        unfit = cursor.fetchall()
        cursor.execute(selection.take, {**selection.values, "batch": batch.pk})
        batch.line_count, batch.total_fen = cursor.fetchone()
        row_by_row(cursor)
    if not batch.line_count:
        return False
    batch.save(force_insert=True)
    ends = ends_of_chunks(batch.pk, batch.line_count)
    PostingChunk.objects.bulk_create(
        PostingChunk(batch=batch, number=number, first=before + 1, last=last)
        for number, (before, last) in enumerate(pairwise([0, *ends]), 1)
    )
    BatchEvent.objects.create(
        batch=batch,
        at=batch.opened_at,
        by=batch.opened_by,
        status=BatchStatus.OPENED,
        note=left_out_words(unfit),
    )
    return True


def left_out_words(unfit: Sequence[tuple[int, str, str]]) -> str:
    """What of a batch was left out, for its account fits no line of the bank's file: how many, and
    the first of them."""
    if not unfit:
        return ""
    return _("%(count)s 笔未列入：户名或账号为空，或账号超过银行文件的长度（%(who)s），请更正账户登记") % {
        "count": unfit[0][0],
        "who": "、".join(f"{name[:20]} ****{end}" for _count, name, end in unfit),
    }
