"""Partners' days as files (对账): what we booked of a day, the partner's own file of it, both
compared.

A file is UTF-8 text, a line each: a header, the deeds, a trailer.

    H,1,<partner>,<day>
    P,<the partner's number>,<order>,<fen>       a payment
    R,<the partner's number of the payment>,<order>,<fen>    its reversal
    T,<number of deeds>,<payments less reversals, fen>,<SHA-256 of all that stands before this line>

Both sides use it. A file is taken whole or not at all, and compared in sets.
"""

import datetime as dt
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from contributions.models import DayFile, DayRow, Deed, Payment, Reversal, Side
from portal.locks import hold
from portal.partners.models import Partner, Scope
from portal.policy.book import book
from portal.policy.terms.payment import reconciliation_terms
from portal.shared.months import CHINA
from portal.shared.tables import Some
from portal.watch.failures import Watch

_AT_A_TIME = 5000
_MARKS = Some({Deed.PAYMENT: "P", Deed.REVERSAL: "R"})
_DEEDS = {mark: deed for deed, mark in _MARKS.items()}
_NUMBER = re.compile(r"[A-Za-z0-9_-]{6,40}")
_ORDER = re.compile(r"[A-Za-z0-9-]{1,40}")
_FEN = re.compile(r"[1-9][0-9]{0,14}")
DAY = dt.timedelta(days=1)


class FileRefused(Exception):
    """A partner's file that is not taken: a stable ``code``, and why in Chinese."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


@dataclass(frozen=True, slots=True)
class Line:
    """One deed as a file tells it."""

    deed: Deed
    provider_number: str
    order_number: str
    amount_fen: int


def make_files(*, now: dt.datetime) -> int:
    """Make every partner's files of the days that are over and ready, from the last one made on;
    how many. Twice makes none."""
    made, watch = 0, Watch("make_day_files", now=now)
    for partner in (
        Partner.objects.filter(scopes__contains=[str(Scope.ORDERS)]).exclude(cities=[]).order_by("pk")
    ):
        with watch.item(partner.name, city=partner.cities[0] if len(partner.cities) == 1 else ""):
            for day in days_to_make(partner, now):
                made += make_file(partner, day, now=now)
    watch.finished()
    return made


def days_to_make(partner: Partner, now: dt.datetime) -> Iterator[dt.date]:
    """The days that are over and due, of which the partner has no file of ours yet."""
    last = DayFile.objects.filter(partner=partner, side=Side.OURS).order_by("-day").first()
    day = last.day + DAY if last else partner.created_at.astimezone(CHINA).date()
    while is_ready(partner, day, now):
        yield day
        day += DAY


def is_ready(partner: Partner, day: dt.date, now: dt.datetime) -> bool:
    """Whether a day is over and the partner's file of it is due: by the latest of its cities."""
    at = max(reconciliation_terms(book(), city=city, on=day).ready_at for city in partner.cities)
    return now >= dt.datetime.combine(day + DAY, at, tzinfo=CHINA)


@transaction.atomic
def make_file(partner: Partner, day: dt.date, *, now: dt.datetime) -> bool:
    """Freeze what we booked of the partner's day; whether it was this call that did. ValueError
    before the day is ready."""
    if not is_ready(partner, day, now):
        raise ValueError(f"{day} is not ready")
    hold("day file", partner.pk)
    if DayFile.objects.filter(partner=partner, day=day, side=Side.OURS).exists():
        return False
    keep_file(partner, day, Side.OURS, list(_booked(partner, day)), now=now)
    return True


def _booked(partner: Partner, day: dt.date) -> Iterator[Line]:
    since = dt.datetime.combine(day, dt.time(), tzinfo=CHINA)
    paid = Payment.objects.filter(
        channel=partner.channel, entry__at__gte=since, entry__at__lt=since + DAY
    ).order_by("provider_number")
    for number, order, fen in paid.values_list("provider_number", "order__number", "received_fen").iterator():
        yield Line(Deed.PAYMENT, number, order, fen or 0)
    reversed_then = Reversal.objects.filter(channel=partner.channel, business_day=day).order_by(
        "payment__provider_number"
    )
    for number, order, fen in reversed_then.values_list(
        "payment__provider_number", "payment__order__number", "payment__received_fen"
    ).iterator():
        yield Line(Deed.REVERSAL, number, order, fen or 0)


def written(partner_code: str, day: dt.date, lines: Iterable[Line]) -> bytes:
    """The lines as a file."""
    content = bytearray(f"H,1,{partner_code},{day}\n".encode())
    count = total = 0
    for line in lines:
        content += (
            f"{_MARKS[line.deed]},{line.provider_number},{line.order_number},{line.amount_fen}\n".encode()
        )
        count += 1
        total += line.amount_fen if line.deed == Deed.PAYMENT else -line.amount_fen
    content += f"T,{count},{total},{hashlib.sha256(content).hexdigest()}\n".encode()
    return bytes(content)


def keep_file(
    partner: Partner, day: dt.date, side: Side, lines: list[Line], *, now: dt.datetime, content: bytes = b""
) -> DayFile:
    """Keep a file with its rows; ``content`` is made of the lines where it is not given."""
    content = content or written(partner.code, day, lines)
    file = DayFile.objects.create(
        partner=partner,
        day=day,
        side=side,
        content=content,
        digest=hashlib.sha256(content).hexdigest(),
        line_count=len(lines),
        sum_fen=sum(one.amount_fen if one.deed == Deed.PAYMENT else -one.amount_fen for one in lines),
        at=now,
    )
    DayRow.objects.bulk_create(
        (
            DayRow(
                file=file,
                deed=one.deed,
                provider_number=one.provider_number,
                order_number=one.order_number,
                amount_fen=one.amount_fen,
            )
            for one in lines
        ),
        batch_size=_AT_A_TIME,
    )
    return file


def take_file(partner: Partner, day: dt.date, content: bytes, *, now: dt.datetime) -> DayFile:
    """Take a partner's file of a day and compare it with what we booked. The same file again is the
    same.

    Raises FileRefused: before our own is ready, where the file is not whole and right, and where
    another of that day stands.
    """
    if not is_ready(partner, day, now):
        raise FileRefused("too_early", _("这一天的对账尚未开始，请在次日对账文件备好以后上传。"))
    lines = read(content, partner_code=partner.code, day=day)
    make_file(partner, day, now=now)
    with transaction.atomic():
        hold("day file", partner.pk)
        standing = DayFile.objects.filter(partner=partner, day=day, side=Side.THEIRS).first()
        if standing is not None:
            if standing.digest != hashlib.sha256(content).hexdigest():
                raise FileRefused(
                    "file_differs", _("这一天已收到过另一份对账文件，不能更换；差异请与经办机构核实。")
                )
            return standing
        file = keep_file(partner, day, Side.THEIRS, lines, now=now, content=content)
        _compare(partner, day, now)
        DayFile.objects.filter(pk=file.pk).update(compared_at=now)
        file.refresh_from_db()
        return file


def read(content: bytes, *, partner_code: str, day: dt.date) -> list[Line]:
    """The deeds of a file. Raises FileRefused, with the line that is wrong."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise FileRefused("file_malformed", _("文件不是 UTF-8 编码。")) from problem
    rows = text.split("\n")
    if len(rows) < 3 or rows[-1] != "":
        raise FileRefused("file_malformed", _("文件不完整：须有首行、尾行，每行以换行结束。"))
    if rows[0] != f"H,1,{partner_code},{day}":
        raise FileRefused("file_malformed", _("第 1 行应为 H,1,合作方代码,日期，并与本次上传的相符。"))
    lines = [_line(row, number) for number, row in enumerate(rows[1:-2], start=2)]
    if len({(one.deed, one.provider_number) for one in lines}) < len(lines):
        raise FileRefused("file_malformed", _("文件中有重复的流水号。"))
    # Count, sum and check value, written again from what was read: nothing else is right.
    if written(partner_code, day, lines) != content:
        raise FileRefused("file_malformed", _("尾行的笔数、净额或校验值与内容不符。"))
    return lines


def _line(row: str, number: int) -> Line:
    parts = row.split(",")
    right = (
        len(parts) == 4
        and parts[0] in _DEEDS
        and _NUMBER.fullmatch(parts[1])
        and _ORDER.fullmatch(parts[2])
        and _FEN.fullmatch(parts[3])
    )
    if not right:
        raise FileRefused(
            "file_malformed",
            _("第 %(number)s 行不合格式：应为 P 或 R、流水号、订单号、金额（分）。") % {"number": number},
        )
    return Line(_DEEDS[parts[0]], parts[1], parts[2], int(parts[3]))


# What the partner tells is looked for among all that we booked, whatever the day: it may file it a
# day later than we do. What we booked is looked for in all files of the partner. A reversal that
# settled a difference is known to both already.
_COMPARE = """
    WITH ours AS (
        SELECT 'payment' AS deed, payment.provider_number, orders.number AS order_number, payment.received_fen AS fen
        FROM contributions_payment payment JOIN contributions_order orders ON orders.id = payment.order_id
        WHERE payment.channel = %(channel)s AND payment.entry_id IS NOT NULL
        UNION ALL
        SELECT 'reversal', payment.provider_number, orders.number, payment.received_fen
        FROM contributions_reversal reversal
        JOIN contributions_payment payment ON payment.id = reversal.payment_id
        JOIN contributions_order orders ON orders.id = payment.order_id
        WHERE reversal.channel = %(channel)s
    ), theirs AS (
        SELECT line.deed, line.provider_number, line.order_number, line.amount_fen AS fen, file.day
        FROM contributions_dayrow line JOIN contributions_dayfile file ON file.id = line.file_id
        WHERE file.partner_id = %(partner)s AND file.side = 'theirs'
    ), found AS (
        SELECT theirs.deed, theirs.provider_number, theirs.order_number, ours.fen AS ours_fen, theirs.fen AS theirs_fen,
            CASE WHEN ours.fen IS NULL THEN 'only_theirs' WHEN ours.fen <> theirs.fen THEN 'amount' ELSE 'order' END AS kind
        FROM theirs LEFT JOIN ours USING (deed, provider_number)
        WHERE theirs.day = %(day)s
            AND (ours.fen, ours.order_number) IS DISTINCT FROM (theirs.fen, theirs.order_number)
        UNION ALL
        SELECT line.deed, line.provider_number, line.order_number, line.amount_fen, NULL, 'only_ours'
        FROM contributions_dayrow line JOIN contributions_dayfile file ON file.id = line.file_id
        WHERE file.partner_id = %(partner)s AND file.side = 'ours' AND file.day = %(day)s
            AND NOT EXISTS (
                SELECT 1 FROM theirs
                WHERE theirs.deed = line.deed AND theirs.provider_number = line.provider_number
            )
            AND NOT EXISTS (
                SELECT 1 FROM contributions_difference settled
                JOIN contributions_reversal reversal ON reversal.id = settled.reversal_id
                JOIN contributions_payment payment ON payment.id = reversal.payment_id
                WHERE line.deed = 'reversal' AND payment.channel = %(channel)s
                    AND payment.provider_number = line.provider_number
            )
    )
    INSERT INTO contributions_difference
        (partner_id, day, deed, kind, provider_number, city, order_number, order_id, ours_fen, theirs_fen, found_at, status,
         way, reason, asked_why)
    SELECT %(partner)s, %(day)s, found.deed, found.kind, found.provider_number, coalesce(orders.city, ''),
        found.order_number, orders.id, found.ours_fen, found.theirs_fen, %(now)s, 'open', '', '', ''
    FROM found
    LEFT JOIN contributions_order orders ON orders.number = found.order_number AND orders.placed_by_id = %(user)s
    ORDER BY found.deed, found.provider_number
    ON CONFLICT DO NOTHING
"""


def _compare(partner: Partner, day: dt.date, now: dt.datetime) -> None:
    named: dict[str, Any] = {
        "partner": partner.pk,
        "channel": partner.channel,
        "user": partner.user_id,
        "day": day,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_COMPARE, named)
