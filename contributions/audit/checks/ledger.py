"""What must hold of the ledger: entries balance and form a chain, and closed months stand."""

from collections.abc import Iterator

from django.db import connection
from django.utils.translation import gettext as _

from contributions.audit.check import Check
from contributions.books import month_close
from contributions.books.ledger import entry_digest

_ROWS_AT_A_TIME = 2000


def _chain() -> Iterator[str]:
    """Entries of a city follow one another without a gap, each sealed over the one before and over
    its own legs; the close of a month is a link between two of them."""
    previous: dict[str, tuple[int, str]] = {}
    closes = month_close.links()
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            """
            SELECT entry.city, entry.number, entry.kind, entry.reference, entry.at, entry.by_id, entry.previous_digest,
                entry.digest, leg.accounts, leg.amounts
            FROM contributions_entry entry
            LEFT JOIN (
                SELECT entry_id, array_agg(account_id) AS accounts, array_agg(amount_fen) AS amounts
                FROM contributions_leg GROUP BY entry_id
            ) leg ON leg.entry_id = entry.id
            ORDER BY entry.city, entry.number
            """
        )
        while rows := cursor.fetchmany(_ROWS_AT_A_TIME):
            for city, number, kind, reference, at, by, said, digest, accounts, amounts in rows:
                last, before = previous.get(city, (0, ""))
                while (waiting := closes.get(city)) and waiting[0][0] < number:
                    follows, sealed_over, close_digest = waiting.pop(0)
                    if follows != last or sealed_over != before:
                        yield _("%(city)s #%(number)s 之后的月结与凭证链不衔接") % {
                            "city": city,
                            "number": follows,
                        }
                    before = close_digest
                name = f"{city} #{number} {kind} {reference}"
                if number != last + 1 or said != before:
                    yield name + _("：与上一分录不衔接")
                legs = dict(zip(accounts or (), amounts or (), strict=True))
                if digest != entry_digest(
                    city=city,
                    number=number,
                    kind=kind,
                    reference=reference,
                    at=at,
                    by=by,
                    legs=legs,
                    previous=said,
                ):
                    yield name + _("：内容与摘要不符")
                previous[city] = (number, digest)
    for city, waiting in closes.items():
        for follows, sealed_over, close_digest in waiting:
            if (follows, sealed_over) != previous.get(city):
                yield _("%(city)s #%(number)s 之后的月结与凭证链不衔接") % {"city": city, "number": follows}
            previous[city] = (follows, close_digest)


CHECKS: tuple[Check, ...] = (
    Check(
        1,
        """
        SELECT format('分录 %s 借贷差额 %s 分', entry_id, sum(amount_fen)) FROM contributions_leg
        GROUP BY entry_id HAVING sum(amount_fen) <> 0
        """,
    ),
    Check(1, _chain),
    Check(1, month_close.broken_digests),
    *(Check(1, rows) for rows in month_close.CHECKS),
)
