"""The trial balance of a day in the workbench."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import F, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _

from contributions import channels
from contributions.books import day_sheets
from contributions.models import (
    DaySheet,
    HeldReceipt,
    LedgerAccount,
    RefundPart,
    RefundStatus,
)
from contributions.refunds import held_money
from contributions.workbench.base import MoneyAdmin
from enrollment.spreadsheets import write_csv
from portal.accounts import permissions
from portal.policy.book import book
from portal.shared import money
from portal.shared.months import parse_day, today_in_china

# Of what lies in suspense so many rows are shown on the page; all of them are in their own list.
HELD_SHOWN = 20


class Day:
    """A city's day as the page shows it: as it was kept, or as the books have it now."""

    def __init__(self, city: str, day: dt.date) -> None:
        self.city = book().city(city)
        self.day = day
        self.sheet = DaySheet.objects.filter(city=city, day=day).first()
        if self.sheet:
            self.rows: list[Any] = list(
                self.sheet.lines.select_related("account").order_by(
                    "account__kind", "account__insurance", "account__channel"
                )
            )
            self.compared: list[Any] = list(self.sheet.comparisons.order_by("-channel"))
        else:
            reckoned = day_sheets.reckon(city=city, day=day)
            self.rows, self.compared = list(reckoned.lines), list(reckoned.comparisons)
        self.debit_fen = sum(one.debit_fen for one in self.rows)
        self.credit_fen = sum(one.credit_fen for one in self.rows)
        self.titles = channels.account_titles(one.account for one in self.rows)

    @property
    def differs(self) -> bool:
        return self.debit_fen != self.credit_fen or any(one.difference_fen for one in self.compared)

    def comparisons(self) -> list[tuple[str, Any, str]]:
        """What is compared, the comparison, and what to do where it differs."""
        named = channels.titles(one.channel for one in self.compared)
        return [
            (
                _("%(channel)s：本日收付") % {"channel": named[one.channel]}
                if one.channel
                else _("暂收款：期末余额"),
                one,
                ""
                if not one.difference_fen
                else _("核对当日分录与银行结果、渠道账单；多记的冲正、漏记的补记，次日复核相符。")
                if one.channel
                else _("逐笔核对待退回款项和退款记录，找出没有分录或没有到账记录的一笔。"),
            )
            for one in self.compared
        ]

    def titled(self) -> list[tuple[str, Any]]:
        """Each account as people call it, with its line."""
        return [(self.titles[one.account.pk], one) for one in self.rows]

    def held(self) -> list[HeldReceipt]:
        """What lies in suspense now, oldest first, with ``still_fen``: what has not gone back
        yet."""
        gone = (
            RefundPart.objects.filter(receipt=OuterRef("pk"), refund__status=RefundStatus.SUCCEEDED)
            .order_by()
            .values("receipt")
            .annotate(fen=Sum("amount_fen"))
            .values("fen")
        )
        rows = held_money.held([self.city.slug]).annotate(
            still_fen=F("back_fen") - Coalesce(Subquery(gone), 0)
        )
        return list(rows.filter(still_fen__gt=0)[: HELD_SHOWN + 1])


@admin.register(LedgerAccount)
class LedgerAccountAdmin(MoneyAdmin):
    """The accounts are shown as the trial balance of a day."""

    city_column = "city"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [path("", view(self.changelist_view), name="contributions_ledgeraccount_changelist")]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise Http404
        today = today_in_china(timezone.now())
        day, wrong = today, ""
        if day_text := request.GET.get("day", ""):
            try:
                day = parse_day(day_text)
            except ValueError:
                wrong = _("“{day}”不是日期，请写成 2026-11-20 这样。").format(day=day_text[:20])
        if day > today:
            day, wrong = today, _("这一天还没有到，请选择今天或以前的日期。")
        days = [Day(city, day) for city in permissions.staff_cities(request.user)]
        days = [one for one in days if one.rows]
        if "csv" in request.GET and not wrong:
            return _csv(day, days)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("试算平衡表"),
            "day": day,
            "before": day - dt.timedelta(days=1),
            "after": day + dt.timedelta(days=1) if day < today else None,
            "today": today,
            "wrong": wrong,
            "cities": [
                {"day": one, "held": held[:HELD_SHOWN], "more_held": len(held) > HELD_SHOWN}
                for one in days
                for held in [one.held()]
            ],
            **(extra_context or {}),
        }
        return TemplateResponse(
            request, "admin/contributions/trial_balance.html", context, status=422 if wrong else 200
        )


def _csv(day: dt.date, days: list[Day]) -> HttpResponse:
    """The day as a table for a spreadsheet; the mark at its head tells such programs that it is
    UTF-8."""
    heads = [
        _("城市"),
        _("日期"),
        _("项目"),
        _("期初"),
        _("借方"),
        _("贷方"),
        _("期末"),
        _("对方"),
        _("差额"),
    ]
    response = HttpResponse(write_csv(heads, _rows(day, days)), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="trial-balance-{day}.csv"'
    return response


def _rows(day: dt.date, days: list[Day]) -> Iterator[list[Any]]:
    for city_day in days:
        head = [city_day.city.title, str(day)]
        for title, row in city_day.titled():
            fens = (row.opening_fen, row.debit_fen, row.credit_fen, row.closing_fen)
            yield [*head, title, *(_plain(fen) for fen in fens), "", ""]
        for what, compared, _todo in city_day.comparisons():
            beside = (compared.booked_fen, compared.said_fen, compared.difference_fen)
            yield [*head, what, "", "", "", *(_plain(fen) for fen in beside)]


def _plain(fen: int) -> Decimal:
    return money.yuan(fen)
