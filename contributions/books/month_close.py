"""月结: two members of staff close a month of a city's books, for good.

Afterwards no entry can be dated into the month; corrections are booked in the open month. The
totals are frozen, and their digest is a link of the chain of entries.
"""

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import F, Min, Sum
from django.utils.translation import gettext as _

from contributions import locks
from contributions.books import ledger
from contributions.books.day_sheets import days, end_of
from contributions.models import (
    BankFile,
    BatchStatus,
    DayComparison,
    DaySheet,
    DaySheetLine,
    DebitBatch,
    Difference,
    DifferenceStatus,
    Entry,
    FileStatus,
    MonthClose,
    MonthCloseLine,
    Payment,
    PaymentStatus,
    PostingChunk,
)
from portal.accounts import permissions
from portal.accounts.models import User
from portal.shared.months import Month, month_in_china, today_in_china


class CannotClose(Exception):
    """The month cannot be proposed or closed; the message says why in Chinese."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A reason why a month cannot be closed: what it is, how many, what to do, and the kind of list
    where that is done."""

    what: str
    count: int
    todo: str
    place: str  # batches, files, payments, differences, sheets, sheets-missing, month


def next_month(city: str) -> Month | None:
    """The month to be closed next: the one after the last closed month, or the month of the first
    entry. None where nothing is booked."""
    closed = ledger.closed_through(city)
    if closed is not None:
        return closed + 1
    first = Entry.objects.filter(city=city).aggregate(at=Min("at"))["at"]
    return month_in_china(first) if first else None


def obstacles(*, city: str, month: Month, now: dt.datetime) -> list[Obstacle]:
    """All reasons why the month cannot be closed, in the order in which they are dealt with; empty
    where it can be closed."""
    in_the_way: list[Obstacle] = []
    end = end_of(month.last_day)
    if month_in_china(now) <= month:
        in_the_way.append(Obstacle(_("本月尚未结束"), 1, _("月末之后再办理。"), "month"))
    if next_month(city) != month:
        in_the_way.append(
            Obstacle(_("不是下一个待结月份"), 1, _("月份按先后逐月办理，已结的不再办理。"), "month")
        )
    batches = DebitBatch.objects.filter(city=city, month__lte=month).exclude(status=BatchStatus.CLOSED)
    chunks = PostingChunk.objects.filter(batch__in=batches, posted_at__isnull=True)
    held_files = BankFile.objects.filter(
        batch__city=city, status=FileStatus.HELD, received_at__lt=end
    ).exclude(settlements__status="approved")
    unknown_payments = Payment.objects.filter(
        order__city=city, status__in=[PaymentStatus.STARTED, PaymentStatus.UNKNOWN], begun_at__lt=end
    )
    differences = Difference.objects.filter(city=city, day__lte=month.last_day).exclude(
        status=DifferenceStatus.SETTLED
    )
    in_the_way += [
        Obstacle(what, count, todo, place)
        for what, count, todo, place in (
            (_("托收批次未关闭"), batches.count(), _("处理完毕后关闭批次。"), "batches"),
            (_("托收结果未记账"), chunks.count(), _("等系统记账，或在批次页按“记账”。"), "batches"),
            (_("银行结果文件有疑点"), held_files.count(), _("与银行核对后处理。"), "files"),
            (_("支付结果未定"), unknown_payments.count(), _("向支付渠道查询，等结果确定。"), "payments"),
            (_("与合作方对账有差异"), differences.count(), _("逐笔核对并复核。"), "differences"),
        )
        if count
    ]
    sheets = DaySheet.objects.filter(city=city, day__gte=month.first_day, day__lte=month.last_day)
    missing = set(_days_to_have(city, month)) - set(sheets.values_list("day", flat=True))
    if missing:
        in_the_way.append(
            Obstacle(
                _("缺日终试算平衡表"),
                len(missing),
                _("系统每天零点后生成，也可以现在补做；最早缺 %(day)s。") % {"day": min(missing)},
                "sheets-missing",
            )
        )
    if differing := _differing(city, month):
        in_the_way.append(
            Obstacle(
                _("账实不符"),
                differing,
                _("在试算平衡表查明差异，补记或冲正；更正后的次日核对相符即可办理。"),
                "sheets",
            )
        )
    return in_the_way


def _differing(city: str, month: Month) -> int:
    """For how many channels, and suspense, the books still differ from the other side at the end of
    the month. A difference of one day that a later day makes good does not count."""
    until = DayComparison.objects.filter(sheet__city=city, sheet__day__lte=month.last_day)
    channels = (
        until.exclude(channel="")
        .values("channel")
        .annotate(fen=Sum(F("booked_fen") - F("said_fen")))
        .exclude(fen=0)
    )
    suspense = until.filter(channel="", sheet__day=month.last_day).exclude(booked_fen=F("said_fen"))
    return channels.count() + suspense.count()


def _days_to_have(city: str, month: Month) -> Iterable[dt.date]:
    first = Entry.objects.filter(city=city).aggregate(at=Min("at"))["at"]
    if first is None:
        return ()
    return days(max(today_in_china(first), month.first_day), month.last_day)


def propose(*, city: str, month: Month, by: User, now: dt.datetime) -> MonthClose:
    """Propose that a second person closes the month. A second call changes nothing. Raises
    CannotClose."""
    _check(city, month, by, now)
    with transaction.atomic():
        close, _made = MonthClose.objects.get_or_create(
            city=city, month=month, defaults={"proposed_at": now, "proposed_by": by}
        )
    return close


def why_not(close: MonthClose, user: User) -> str:
    """Why this login may not close the proposed month; "" where it may."""
    if close.city not in permissions.staff_cities(user):
        return _("只有本市的征缴人员可以办理月结。")
    if close.proposed_by_id == user.pk:
        return _("这次月结由您提请，须由另一名征缴人员复核。")
    return ""


def close(proposed: MonthClose, *, by: User, now: dt.datetime) -> MonthClose:
    """Close a proposed month, for good. A second call by the same login changes nothing. Raises
    CannotClose."""
    try:
        with transaction.atomic():
            # New entries wait for this lock; all earlier entries are visible.
            locks.chain(proposed.city)
            current = MonthClose.objects.select_for_update(no_key=True).get(pk=proposed.pk)
            if current.closed_at and current.closed_by_id == by.pk:
                return current
            if current.closed_at:
                raise CannotClose(_("这个月已经月结。"))
            if problem := why_not(current, by):
                raise CannotClose(problem)
            _check(current.city, current.month, by, now)
            lines = lines_of_month(current)
            MonthCloseLine.objects.bulk_create(lines)
            current.last_number, current.previous_digest = ledger.tip(current.city)
            current.closed_at, current.closed_by = now, by
            current.digest = digest(current, lines)
            current.save()
            return current
    except IntegrityError as error:
        raise CannotClose(_("月结没有完成，请刷新后按页面当前状态操作。")) from error


def _check(city: str, month: Month, by: User, now: dt.datetime) -> None:
    if city not in permissions.staff_cities(by):
        raise CannotClose(_("只有本市的征缴人员可以办理月结。"))
    if in_the_way := obstacles(city=city, month=month, now=now):
        raise CannotClose(
            _("%(month)s还不能月结：%(what)s。")
            % {"month": month.zh, "what": _("；").join(one.what for one in in_the_way)}
        )


def lines_of_month(close: MonthClose) -> list[MonthCloseLine]:
    """The month's totals by account, from the sheets of its days."""
    of_month = DaySheetLine.objects.filter(
        sheet__city=close.city, sheet__day__gte=close.month.first_day, sheet__day__lte=close.month.last_day
    )
    sums = {
        row["account"]: (row["debit"], row["credit"])
        for row in of_month.values("account").annotate(debit=Sum("debit_fen"), credit=Sum("credit_fen"))
    }
    ending = dict(of_month.filter(sheet__day=close.month.last_day).values_list("account", "closing_fen"))
    return [
        MonthCloseLine(
            close=close,
            account_id=account,
            opening_fen=ending[account] - debit + credit,
            debit_fen=debit,
            credit_fen=credit,
            closing_fen=ending[account],
        )
        for account, (debit, credit) in sorted(sums.items())
    ]


def digest(close: MonthClose, lines: Iterable[MonthCloseLine]) -> str:
    """SHA-256 over a close, its totals and the previous link of the chain."""
    if close.closed_at is None:
        raise ValueError(f"{close} is not closed")
    text = "\n".join(
        [
            close.previous_digest,
            close.city,
            str(close.month),
            str(close.last_number),
            str(close.proposed_by_id),
            close.closed_at.astimezone(dt.UTC).isoformat(),
            str(close.closed_by_id),
            *(
                f"{one.account_id}:{one.opening_fen}:{one.debit_fen}:{one.credit_fen}:{one.closing_fen}"
                for one in sorted(lines, key=lambda one: one.account_id)
            ),
        ]
    )
    return hashlib.sha256(text.encode()).hexdigest()


def links() -> dict[str, list[tuple[int, str, str]]]:
    """The closes of each city as links of its chain, in order: (number of the entry before it,
    previous digest, its digest)."""
    links_of_city: dict[str, list[tuple[int, str, str]]] = {}
    for close in MonthClose.objects.filter(closed_at__isnull=False).order_by("city", "month"):
        links_of_city.setdefault(close.city, []).append(
            (close.last_number or 0, close.previous_digest, close.digest)
        )
    return links_of_city


def broken_digests() -> Iterator[str]:
    """For the audit: closed months whose totals no longer have the recorded digest."""
    for close in MonthClose.objects.filter(closed_at__isnull=False).prefetch_related("lines").order_by("pk"):
        if digest(close, close.lines.all()) != close.digest:
            yield _("%(city)s %(month)s 的月结与封存的摘要不符") % {"city": close.city, "month": close.month}


# For the audit: entries dated into a closed month after its close, and totals that differ from the
# sums of the days.
CHECKS = (
    """
    SELECT format('%s 的分录 #%s 记在已月结的 %s', entry.city, entry.number, close.month)
    FROM contributions_monthclose close
    JOIN contributions_entry entry ON entry.city = close.city AND entry.number > close.last_number
        AND entry.at < (close.month + interval '1 month') AT TIME ZONE 'Asia/Shanghai'
    WHERE close.closed_at IS NOT NULL
    """,
    """
    SELECT format('%s %s 月结的科目 %s 与各日合计不符', city, month, account_id)
    FROM (
        SELECT close.city, close.month, line.account_id, line.debit_fen, line.credit_fen
        FROM contributions_monthclose close JOIN contributions_monthcloseline line ON line.close_id = close.id
    ) line
    FULL JOIN (
        SELECT close.city, close.month, line.account_id, sum(line.debit_fen)::bigint AS debit_fen,
            sum(line.credit_fen)::bigint AS credit_fen
        FROM contributions_monthclose close
        JOIN contributions_daysheet sheet ON sheet.city = close.city AND sheet.day >= close.month
            AND sheet.day < close.month + interval '1 month'
        JOIN contributions_daysheetline line ON line.sheet_id = sheet.id
        WHERE close.closed_at IS NOT NULL
        GROUP BY close.city, close.month, line.account_id
    ) days USING (city, month, account_id)
    WHERE (line.debit_fen, line.credit_fen) IS DISTINCT FROM (days.debit_fen, days.credit_fen)
    """,
)
