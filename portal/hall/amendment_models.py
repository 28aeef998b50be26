"""What the agency asked an applicant to amend in a case (退回补正), and what came of it."""

from enum import StrEnum

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.accounts.models import User
from portal.columns import choices, ended_by_someone, one_of
from portal.shared.life_cycle import LifeCycle, Stage


class AmendmentStatus(StrEnum):
    ASKED = "asked"
    ANSWERED = "answered"
    TAKEN_BACK = "taken_back"
    ENDED = "ended"


AMENDMENT_LIFE_CYCLE = LifeCycle(
    AmendmentStatus,
    {
        AmendmentStatus.ASKED: Stage(
            "待补正", "warn", (AmendmentStatus.ANSWERED, AmendmentStatus.TAKEN_BACK, AmendmentStatus.ENDED)
        ),
        AmendmentStatus.ANSWERED: Stage("已补正", "good"),
        AmendmentStatus.TAKEN_BACK: Stage("已收回", "quiet"),
        AmendmentStatus.ENDED: Stage("未补正，办件作废", "quiet"),
    },
    begins=(AmendmentStatus.ASKED,),
)

# What was asked never changes; how it ended is written once.
_ASKED = ("id", "case_id", "fields", "papers", "until", "days_left", "before", "asked_at", "asked_by_id")


class Amendment(models.Model):
    """That a case went back to its applicant: which answers and papers are to be amended, and why.

    ``fields`` and ``papers``: name or code → why. ``until``: the last day to answer, in China.
    ``days_left``: the working days that were left of the promise then; None where none was made.
    ``before`` and ``after``: {"answers": …, "summary": [[label, value]…]} of the case. ``reply``:
    what the applicant said with it.
    """

    case = models.ForeignKey("hall.Case", models.PROTECT, related_name="amendments", verbose_name=_("办件"))
    fields = models.JSONField(_("要更正的内容"), default=dict)
    papers = models.JSONField(_("要重交的材料"), default=dict)
    until = models.DateField(_("补正截止日期"))
    days_left = models.PositiveSmallIntegerField(_("暂停时剩余的工作日"), null=True, blank=True)
    before = models.JSONField(_("补正前"))
    after = models.JSONField(_("补正后"), default=dict)
    reply = models.CharField(_("申请人说明"), max_length=200, blank=True)
    status = models.CharField(
        _("状态"),
        max_length=10,
        choices=choices(AMENDMENT_LIFE_CYCLE.labels),
        default=AmendmentStatus.ASKED,
    )
    asked_at = models.DateTimeField(_("退回时间"))
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("退回人"))
    ended_at = models.DateTimeField(_("结束时间"), null=True, blank=True)
    ended_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("补正人")
    )

    class Meta:
        verbose_name = verbose_name_plural = _("退回补正")
        ordering = ("pk",)
        constraints = [
            one_of("status", AmendmentStatus, name="amendment_status_known"),
            models.CheckConstraint(condition=~Q(fields={}, papers={}), name="amendment_asks_something"),
            models.CheckConstraint(
                condition=Q(status="answered") | Q(after={}, reply=""), name="amendment_answered_by_applicant"
            ),
            ended_by_someone("ended", unless="asked", name="amendment_ended_by_someone"),
            models.UniqueConstraint(
                fields=["case"], condition=Q(status="asked"), name="one_amendment_of_a_case_stands"
            ),
        ]
        indexes = [
            models.Index(fields=["until"], condition=Q(status="asked"), name="amendment_waits_until"),
        ]
        triggers = [
            pgtrigger.Protect(
                name="amendments_stay_as_asked",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.status <> 'asked' OR "
                    + " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in _ASKED)
                ),
            ),
            pgtrigger.Protect(name="amendments_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.status}"

    @property
    def differences(self) -> list[tuple[str, str, str]]:
        """(label, before, after) of the summary's lines that differ; "" where a line was not
        there."""
        before, after = (dict(map(tuple, one.get("summary", []))) for one in (self.before, self.after))
        if not self.after:
            return []
        return [
            (label, before.get(label, ""), after.get(label, ""))
            for label in dict.fromkeys([*before, *after])
            if before.get(label, "") != after.get(label, "")
        ]
