"""Paying late: months priced by a rule that came after them, and months that the next debit is
asked to collect."""

from enum import StrEnum

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contributions.models.charges import Charge, ChargeStatus
from contributions.models.debit import DebitLine
from contributions.models.guards import differs, illegal
from contributions.models.surcharges import Surcharge
from portal.columns import MonthField, choices, first_of_month, one_of, told_why
from portal.hall.models import Case
from portal.shared.insurance import Insurance
from portal.shared.life_cycle import LifeCycle, Stage


class Repricing(models.Model):
    """That a charge was priced by the rule in force in ``priced_in``, not in its own month: a gap
    paid back, or a month that had been written off (``replaces``). The database lets only
    written-off pension be replaced, by a charge of the same month.
    """

    charge = models.OneToOneField(Charge, models.PROTECT, related_name="repricing", verbose_name=_("应缴"))
    replaces = models.ForeignKey(
        Charge,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="repriced_by",
        verbose_name=_("已注销的应缴"),
    )
    priced_in = MonthField(_("按何时标准"))
    at = models.DateTimeField(_("核定时间"))
    case = models.ForeignKey(
        Case, models.PROTECT, null=True, blank=True, related_name="repricings", verbose_name=_("办件")
    )

    class Meta:
        verbose_name = verbose_name_plural = _("按补缴时标准核定")
        constraints = [first_of_month("priced_in", name="repricing_month_is_month")]
        triggers = [
            pgtrigger.Protect(name="repricings_are_kept", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="only_written_off_pension_is_replaced",
                operation=pgtrigger.Insert,
                when=pgtrigger.After,
                func=f"""
                    IF NEW.replaces_id IS NOT NULL AND NOT EXISTS (
                        SELECT 1 FROM contributions_charge former, contributions_charge later
                        WHERE former.id = NEW.replaces_id AND later.id = NEW.charge_id AND former.id <> later.id
                          AND former.status = '{ChargeStatus.WRITTEN_OFF}' AND former.insurance = '{Insurance.PENSION}'
                          AND (former.person_id, former.insurance, former.month)
                            = (later.person_id, later.insurance, later.month)
                    ) THEN
                        RAISE EXCEPTION 'charge % cannot replace charge %', NEW.charge_id, NEW.replaces_id
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,  # noqa: S608 - the codes are constants
            ),
        ]

    def __str__(self) -> str:
        return f"{self.charge_id} {self.priced_in}"


class RequestKind(StrEnum):
    RECOLLECT = "recollect"
    ARREARS = "arrears"
    GAP = "gap"


REQUEST_KIND_LABELS = {
    RequestKind.RECOLLECT: "补托收",
    RequestKind.ARREARS: "历史欠费补缴",
    RequestKind.GAP: "中断期补缴",
}


class RequestStatus(StrEnum):
    WAITING = "waiting"
    TAKEN = "taken"
    DROPPED = "dropped"


REQUEST_LIFE_CYCLE = LifeCycle(
    RequestStatus,
    {
        RequestStatus.WAITING: Stage("等待托收", "info", (RequestStatus.TAKEN, RequestStatus.DROPPED)),
        RequestStatus.TAKEN: Stage("已列入托收批次", "info"),
        RequestStatus.DROPPED: Stage("已取消", "quiet"),
    },
    begins=(RequestStatus.WAITING,),
)


class RecollectRequest(models.Model):
    """That a debit is to collect a charge that its month's own debit does not, or did in vain: the
    city's next batch takes it.

    ``month`` is the month whose debit is meant; a surcharge is priced for that debit's day, so that
    no later month's may take it. ``live`` says the same as waiting.
    """

    city = models.CharField(_("城市"), max_length=30)
    charge = models.ForeignKey(
        Charge, models.PROTECT, related_name="recollect_requests", db_index=False, verbose_name=_("应缴")
    )
    kind = models.CharField(_("类别"), max_length=10, choices=choices(REQUEST_KIND_LABELS))
    month = MonthField(_("托收月份"))
    surcharge = models.ForeignKey(
        Surcharge,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="recollect_requests",
        verbose_name=_("利息或滞纳金"),
    )
    case = models.ForeignKey(
        Case, models.PROTECT, null=True, blank=True, related_name="recollect_requests", verbose_name=_("办件")
    )
    asked_at = models.DateTimeField(_("申请时间"))
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="recollect_requests",
        verbose_name=_("申请人"),
    )
    status = models.CharField(
        _("状态"), max_length=8, choices=choices(REQUEST_LIFE_CYCLE.labels), default=RequestStatus.WAITING
    )
    live = models.BooleanField(default=True)
    line = models.OneToOneField(
        DebitLine,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="recollect_request",
        verbose_name=_("托收明细"),
    )
    ended_at = models.DateTimeField(_("完结时间"), null=True, blank=True)
    why = models.CharField(_("取消原因"), max_length=200, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("补托收申请")
        constraints = [
            one_of("kind", RequestKind, name="recollect_request_kind_known"),
            one_of("status", RequestStatus, name="recollect_request_status_known"),
            first_of_month("month", name="recollect_request_month_is_month"),
            models.CheckConstraint(
                condition=Q(live=True, status="waiting", ended_at__isnull=True)
                | Q(live=False, status__in=["taken", "dropped"], ended_at__isnull=False),
                name="recollect_request_live_while_waiting",
            ),
            models.CheckConstraint(
                condition=Q(status="taken", line__isnull=False) | (~Q(status="taken") & Q(line__isnull=True)),
                name="recollect_request_taken_into_a_line",
            ),
            told_why("dropped", name="recollect_request_dropped_with_reason"),
            models.UniqueConstraint(
                fields=["charge"], condition=Q(live=True), name="one_live_recollect_request_per_charge"
            ),
        ]
        indexes = [
            models.Index(fields=["city", "month"], condition=Q(live=True), name="recollect_request_waiting"),
            models.Index(fields=["charge"], name="recollect_request_by_charge"),
        ]
        triggers = [
            pgtrigger.Protect(
                name="recollect_requests_stay_frozen",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    differs(
                        [
                            "id",
                            "city",
                            "charge_id",
                            "kind",
                            "month",
                            "surcharge_id",
                            "case_id",
                            "asked_at",
                            "asked_by_id",
                        ]
                    )
                    + " OR OLD.status <> 'waiting' OR "
                    + illegal("status", REQUEST_LIFE_CYCLE)
                ),
            ),
            pgtrigger.Protect(name="recollect_requests_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.charge_id} {self.get_kind_display()} {self.month}"
