"""The books at the end of a day (日终试算平衡) and of a month (月结): written once, never
changed."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contributions.models.books import LedgerAccount
from contributions.models.guards import differs
from portal.columns import MonthField, by_another, first_of_month


class DaySheet(models.Model):
    """A city's trial balance at the end of a day. It covers the entries dated before its end that
    no sheet before it does, up to ``last_number``: an entry that is booked later under an earlier
    date is in the next sheet."""

    city = models.CharField(_("城市"), max_length=30)
    day = models.DateField(_("日期"))
    made_at = models.DateTimeField(_("生成时间"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("生成人"))
    last_number = models.BigIntegerField(_("最后分录序号"))
    entries = models.PositiveIntegerField(_("分录数"))
    agrees = models.BooleanField(_("账实相符"))

    class Meta:
        verbose_name = verbose_name_plural = _("日终试算平衡")
        constraints = [models.UniqueConstraint(fields=["city", "day"], name="one_sheet_for_a_day")]
        triggers = [
            pgtrigger.Protect(name="day_sheets_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.city} {self.day}"


class DaySheetLine(models.Model):
    """One account on a sheet, in fen: opening + debit − credit = closing."""

    sheet = models.ForeignKey(DaySheet, models.PROTECT, related_name="lines", db_index=False)
    account = models.ForeignKey(
        LedgerAccount, models.PROTECT, related_name="day_lines", verbose_name=_("科目")
    )
    opening_fen = models.BigIntegerField(_("期初（分）"))
    debit_fen = models.BigIntegerField(_("借方（分）"))
    credit_fen = models.BigIntegerField(_("贷方（分）"))
    closing_fen = models.BigIntegerField(_("期末（分）"))

    class Meta:
        verbose_name = verbose_name_plural = _("日终科目余额")
        constraints = [
            models.UniqueConstraint(fields=["sheet", "account"], name="an_account_once_on_a_sheet"),
            models.CheckConstraint(
                condition=Q(
                    debit_fen__gte=0,
                    credit_fen__gte=0,
                    closing_fen=F("opening_fen") + F("debit_fen") - F("credit_fen"),
                ),
                name="day_line_adds_up",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="day_lines_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.sheet_id} {self.account_id}"


class DayComparison(models.Model):
    """The books beside what was said elsewhere: a channel's movements of the day beside the
    channel's own word, or, with an empty channel, what suspense holds at the day's end beside the
    receipts that lie in it. Fen."""

    sheet = models.ForeignKey(DaySheet, models.PROTECT, related_name="comparisons", db_index=False)
    channel = models.CharField(_("收款渠道"), max_length=30, blank=True)
    booked_fen = models.BigIntegerField(_("账面（分）"))
    said_fen = models.BigIntegerField(_("对方（分）"))

    class Meta:
        verbose_name = verbose_name_plural = _("日终核对")
        constraints = [models.UniqueConstraint(fields=["sheet", "channel"], name="a_channel_once_on_a_sheet")]
        triggers = [
            pgtrigger.Protect(name="day_comparisons_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.sheet_id} {self.channel}"

    @property
    def difference_fen(self) -> int:
        return self.booked_fen - self.said_fen


class MonthClose(models.Model):
    """The close of a city's month: proposed by one member of staff, made by another, for good. Once
    it is made no entry can be dated into the month, and its digest is a link of the entries' chain
    after ``last_number``."""

    city = models.CharField(_("城市"), max_length=30)
    month = MonthField(_("月份"))
    proposed_at = models.DateTimeField(_("提请时间"))
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="proposed_closes", verbose_name=_("提请人")
    )
    closed_at = models.DateTimeField(_("月结时间"), null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="made_closes",
        verbose_name=_("复核人"),
    )
    last_number = models.BigIntegerField(_("最后分录序号"), null=True, blank=True)
    previous_digest = models.CharField(_("上一环摘要"), max_length=64, blank=True)
    digest = models.CharField(_("摘要"), max_length=64, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("月结")
        constraints = [
            first_of_month("month", name="closed_month_is_month"),
            models.UniqueConstraint(fields=["city", "month"], name="a_month_is_closed_once"),
            by_another("closed_by", "proposed_by", name="month_closed_by_a_second_person"),
            models.CheckConstraint(
                condition=(
                    Q(closed_at__isnull=True, closed_by__isnull=True, last_number__isnull=True, digest="")
                )
                | (
                    Q(closed_at__isnull=False, closed_by__isnull=False, last_number__isnull=False)
                    & ~Q(digest="")
                    & ~Q(previous_digest="")
                ),
                name="closed_month_is_sealed",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="closed_months_stay_closed",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.closed_at IS NOT NULL OR "
                    + differs(["id", "city", "month", "proposed_at", "proposed_by_id"])
                ),
            ),
            pgtrigger.Protect(name="closes_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.city} {self.month}"


class MonthCloseLine(models.Model):
    """One account's totals of a closed month, in fen: opening + debit − credit = closing."""

    close = models.ForeignKey(MonthClose, models.PROTECT, related_name="lines", db_index=False)
    account = models.ForeignKey(
        LedgerAccount, models.PROTECT, related_name="month_lines", verbose_name=_("科目")
    )
    opening_fen = models.BigIntegerField(_("期初（分）"))
    debit_fen = models.BigIntegerField(_("借方（分）"))
    credit_fen = models.BigIntegerField(_("贷方（分）"))
    closing_fen = models.BigIntegerField(_("期末（分）"))

    class Meta:
        verbose_name = verbose_name_plural = _("月结科目余额")
        constraints = [
            models.UniqueConstraint(fields=["close", "account"], name="an_account_once_in_a_close"),
            models.CheckConstraint(
                condition=Q(
                    debit_fen__gte=0,
                    credit_fen__gte=0,
                    closing_fen=F("opening_fen") + F("debit_fen") - F("credit_fen"),
                ),
                name="month_line_adds_up",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="month_lines_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.close_id} {self.account_id}"
