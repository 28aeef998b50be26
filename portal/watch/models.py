"""The record of the hall's own work: the items that failed, when each task came to its end last,
and the time that was accepted last."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class Failure(models.Model):
    """That a task fails at one item (``item`` empty: as a whole), from when until when and how
    often; resolved when the item next succeeds, is no longer there, or somebody says so.

    ``city`` is empty where it is about all cities, or the city is not known. ``message`` and
    ``traceback`` name no person: only the first line of an exception is kept, numbers masked.
    """

    task = models.CharField(_("任务"), max_length=60)
    item = models.CharField(_("对象"), max_length=200, blank=True)
    city = models.CharField(_("城市"), max_length=30, blank=True)
    first_at = models.DateTimeField(_("首次出现"))
    last_at = models.DateTimeField(_("最近出现"))
    count = models.PositiveIntegerField(_("次数"), default=1)
    message = models.CharField(_("错误"), max_length=300)
    traceback = models.TextField(_("程序位置"), blank=True)
    resolved_at = models.DateTimeField(_("解除时间"), null=True, blank=True)
    # The login's name, where a person resolved it.
    resolved_by = models.CharField(_("解除人"), max_length=150, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("系统运行")
        default_permissions = ("view", "change")
        constraints = [
            models.UniqueConstraint(
                fields=["task", "item"],
                condition=Q(resolved_at__isnull=True),
                name="one_open_failure_per_task_and_item",
            ),
            models.CheckConstraint(
                condition=Q(last_at__gte=F("first_at"), count__gte=1), name="failure_in_order"
            ),
        ]
        indexes = [models.Index(fields=["-last_at"], name="failure_by_time")]

    def __str__(self) -> str:
        return f"{self.task} {self.item}".strip()


class TaskState(models.Model):
    """When a scheduled task began last, came to its end last, and broke off last. ``known_since``:
    when it was first listed."""

    task = models.CharField(_("任务"), max_length=60, primary_key=True)
    known_since = models.DateTimeField(_("登记时间"))
    begun_at = models.DateTimeField(_("最近开始"), null=True, blank=True)
    succeeded_at = models.DateTimeField(_("最近完成"), null=True, blank=True)
    failed_at = models.DateTimeField(_("最近中断"), null=True, blank=True)
    seconds = models.FloatField(_("耗时（秒）"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("定时任务")

    def __str__(self) -> str:
        return self.task


class KnownTime(models.Model):
    """The latest time that was accepted from the hall's clocks; one row."""

    seen_at = models.DateTimeField()

    class Meta:
        verbose_name = verbose_name_plural = _("可信时间")
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="one_known_time")]

    def __str__(self) -> str:
        return f"{self.seen_at:%Y-%m-%d %H:%M:%S}"
