"""What staff found at the window: one row for each visit with a pre-application."""

import uuid
from enum import StrEnum

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.accounts.models import User
from portal.columns import NameField, choices, name_in_form, one_of


class Conclusion(StrEnum):
    """How a visit to the window ended."""

    ACCEPTED = "accepted"
    LACKING = "lacking"
    DECLINED = "declined"


CONCLUSION_LABELS = {
    Conclusion.ACCEPTED: "受理",
    Conclusion.LACKING: "材料不全，已告知补充",
    Conclusion.DECLINED: "不予受理",
}


class WindowCheck(models.Model):
    """One look at a pre-application at the window: who came, which papers were seen, and how it
    ended. Never changed.

    ``papers``: [{"code", "title", "seen", "agrees", "copied"}] of the offer's papers that the case
    needed at that moment. ``words``: what is missing, one line each, or why it is declined. The
    same ``key`` is the same visit.
    """

    case = models.ForeignKey(
        "hall.Case", models.PROTECT, related_name="window_checks", verbose_name=_("办件")
    )
    key = models.UUIDField(_("提交标识"), unique=True, default=uuid.uuid4)
    at = models.DateTimeField(_("时间"))
    by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("经办人"))
    # Both empty where the applicant came in person.
    agent_name = NameField(_("代理人姓名"), max_length=60, blank=True)
    agent_number = models.CharField(_("代理人证件号码"), max_length=18, blank=True)
    papers = models.JSONField(_("核对的材料"), default=list)
    conclusion = models.CharField(_("结论"), max_length=10, choices=choices(CONCLUSION_LABELS))
    words = models.TextField(_("告知内容"), blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("窗口核对记录")
        ordering = ("at", "pk")
        constraints = [
            one_of("conclusion", Conclusion, name="window_conclusion_known"),
            models.CheckConstraint(
                condition=Q(conclusion="accepted") | ~Q(words=""), name="window_told_what_or_why"
            ),
            models.CheckConstraint(
                condition=Q(agent_name="", agent_number="") | (~Q(agent_name="") & ~Q(agent_number="")),
                name="window_agent_is_named",
            ),
            name_in_form("agent_name", name="window_agent_name_in_form", unless=Q(agent_name="")),
        ]
        triggers = [
            pgtrigger.Protect(name="window_checks_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.conclusion}"

    @property
    def missing(self) -> list[str]:
        """What was noted as missing, a line each."""
        return [line for line in self.words.splitlines() if line.strip()]
