"""Audits of the books (账目核对): what each found, and how far it had seen, so that the next need
not begin at the beginning."""

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class AuditRun(models.Model):
    """One audit: of everything, or of what has changed ``since`` a former one.

    ``place`` is where the database stood when it looked (``changed_rows.Place``); without one
    nothing can be audited since. A ``failure`` says why an audit did not come to its end.
    """

    started_at = models.DateTimeField(_("开始时间"))
    finished_at = models.DateTimeField(_("结束时间"))
    since = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("自哪次核对以来")
    )
    # [{"number", "title", "broken", "examples": [text]}], one for each invariant.
    findings = models.JSONField(_("核对结果"), default=list)
    broken = models.PositiveIntegerField(_("不符的不变量"))
    failure = models.TextField(_("未完成的原因"), blank=True)
    place = models.JSONField(null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("账目核对")
        constraints = [
            models.CheckConstraint(
                condition=Q(finished_at__gte=F("started_at")), name="audit_ends_after_it_began"
            ),
            models.CheckConstraint(
                condition=Q(failure="") | Q(place__isnull=True), name="audit_that_failed_has_no_place"
            ),
        ]
        triggers = [pgtrigger.Protect(name="audits_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)]

    @property
    def sound(self) -> bool:
        """Whether it came to its end and found nothing."""
        return not self.broken and not self.failure

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M}"
