"""Community desks, the qualifications to act online that they open, the letters signed for them,
first passwords, and the residents whom a desk helps."""

from enum import StrEnum
from typing import Any

import pghistory
import pgtrigger
from django.core.files.storage import storages
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from portal.accounts.models import User
from portal.columns import CityField, choices, one_of
from portal.people.models import Person


@pghistory.track()
class Desk(models.Model):
    """A community desk (社区网点) of a city; the agency's staff keep the list."""

    city = CityField(_("城市"), max_length=30)
    district = models.CharField(_("所在区"), max_length=40)
    title = models.CharField(_("名称"), max_length=60)
    address = models.CharField(_("地址"), max_length=120)
    hours = models.CharField(_("办公时间"), max_length=80)
    phone = models.CharField(_("电话"), max_length=30, blank=True)
    open = models.BooleanField(_("在用"), default=True)

    class Meta:
        verbose_name = verbose_name_plural = _("社区网点")
        ordering = ("city", "district", "title")
        constraints = [models.UniqueConstraint(fields=["city", "title"], name="one_desk_of_a_title")]
        # Its clerks and what they did stay with the city.
        triggers = [pgtrigger.ReadOnly(name="a_desks_city_stays", fields=["city"])]

    def __str__(self) -> str:
        return self.title


class DeskClerk(models.Model):
    """Which desk an account of the kind ``desk`` works at. A desk has several clerks, a clerk one
    desk."""

    user = models.OneToOneField(User, models.PROTECT, related_name="at_desk", verbose_name=_("账号"))
    desk = models.ForeignKey(Desk, models.PROTECT, related_name="clerks", verbose_name=_("社区网点"))

    class Meta:
        verbose_name = verbose_name_plural = _("社区经办人")
        triggers = [pgtrigger.Protect(name="clerks_of_desks_are_kept", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.desk} {self.user}"


class Right(StrEnum):
    """What somebody may do online: look up, or file for themselves as well."""

    QUERY = "query"
    FILE = "file"


RIGHT_LABELS = {Right.QUERY: "查询", Right.FILE: "查询和办理"}


class Qualification(models.Model):
    """网上办事资格 of a person in a city, opened by a desk that saw their identity card; until it
    is ended, with a reason."""

    person = models.ForeignKey(
        Person, models.PROTECT, related_name="qualifications", verbose_name=_("参保人")
    )
    city = CityField(_("城市"), max_length=30)
    right = models.CharField(_("权限"), max_length=10, choices=choices(RIGHT_LABELS))
    desk = models.ForeignKey(Desk, models.PROTECT, related_name="+", verbose_name=_("开通网点"))
    seen = models.CharField(_("核验的证件"), max_length=60)
    opened_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("开通人"))
    opened_at = models.DateTimeField(_("开通时间"))
    ended_at = models.DateTimeField(_("终止时间"), null=True, blank=True)
    ended_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("终止人")
    )
    why = models.CharField(_("终止原因"), max_length=200, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("网上办事资格")
        ordering = ("-opened_at", "-pk")
        constraints = [
            one_of("right", Right, name="qualification_right_known"),
            models.UniqueConstraint(
                fields=["person", "city"],
                condition=Q(ended_at__isnull=True),
                name="one_live_qualification_of_a_person",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_by__isnull=True, why="")
                | (Q(ended_at__isnull=False, ended_by__isnull=False) & ~Q(why="")),
                name="qualification_ended_by_someone_for_a_reason",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="qualifications_end_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.ended_at IS NOT NULL OR (OLD.person_id, OLD.city, OLD.desk_id, OLD.seen, OLD.opened_by_id,"
                    " OLD.opened_at) IS DISTINCT FROM (NEW.person_id, NEW.city, NEW.desk_id, NEW.seen,"
                    " NEW.opened_by_id, NEW.opened_at)"
                ),
            ),
            pgtrigger.Protect(name="qualifications_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.city} {self.right}"


class SignedHow(StrEnum):
    PAPER = "paper"
    SCREEN = "screen"


SIGNED_HOW_LABELS = {SignedHow.PAPER: "纸面签字，扫描件存档", SignedHow.SCREEN: "本人登录后确认"}


def _private() -> Any:
    return storages["default"]


def _scan_path(letter: "Letter", _filename: str) -> str:
    return f"letters/{letter.signed_at:%Y/%m}/{letter.digest[:8]}-{letter.scan_digest}"


class Letter(models.Model):
    """承诺书, signed in one version of its text: kept as it was signed, and never changed."""

    qualification = models.ForeignKey(
        Qualification, models.PROTECT, related_name="letters", verbose_name=_("网上办事资格")
    )
    version = models.CharField(_("版本"), max_length=20)
    title = models.CharField(_("标题"), max_length=120)
    text = models.TextField(_("内容"))
    digest = models.CharField(_("内容摘要"), max_length=64)
    how = models.CharField(_("签订方式"), max_length=10, choices=choices(SIGNED_HOW_LABELS))
    signed_at = models.DateTimeField(_("签订时间"))
    # The desk's clerk who took the paper, or the person themselves.
    taken_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("经手账号"))
    scan = models.FileField(_("扫描件"), storage=_private, upload_to=_scan_path, blank=True)
    scan_digest = models.CharField(max_length=64, blank=True)
    content_type = models.CharField(max_length=40, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("网上办事承诺书")
        ordering = ("-signed_at", "-pk")
        constraints = [
            one_of("how", SignedHow, name="letter_signed_in_a_known_way"),
            models.UniqueConstraint(fields=["qualification", "version"], name="a_version_is_signed_once"),
            models.CheckConstraint(
                condition=Q(how=SignedHow.SCREEN, scan="") | (Q(how=SignedHow.PAPER) & ~Q(scan="")),
                name="a_paper_letter_has_its_scan",
            ),
        ]
        triggers = [pgtrigger.Protect(name="letters_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.qualification_id} {self.version}"


class Slip(models.Model):
    """密码条: that a desk gave somebody a first password. The password itself is kept nowhere."""

    user = models.ForeignKey(User, models.PROTECT, related_name="slips", verbose_name=_("账号"))
    desk = models.ForeignKey(Desk, models.PROTECT, related_name="+", verbose_name=_("网点"))
    issued_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("签发人"))
    issued_at = models.DateTimeField(_("签发时间"))
    good_until = models.DateField(_("有效期至"))

    class Meta:
        verbose_name = verbose_name_plural = _("密码条")
        ordering = ("-issued_at", "-pk")
        indexes = [models.Index(fields=["user", "-issued_at"], name="slip_by_user")]
        triggers = [pgtrigger.Protect(name="slips_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.user_id} {self.good_until}"


class Visit(models.Model):
    """That a resident stands at a desk whose clerk has seen their card: until then the clerk files
    for them what they ask for."""

    clerk = models.ForeignKey(User, models.PROTECT, related_name="visits", verbose_name=_("社区经办人"))
    desk = models.ForeignKey(Desk, models.PROTECT, related_name="+", verbose_name=_("网点"))
    resident = models.ForeignKey(Person, models.PROTECT, related_name="+", verbose_name=_("居民"))
    seen = models.CharField(_("核验的证件"), max_length=60)
    began_at = models.DateTimeField(_("开始时间"))
    until = models.DateTimeField(_("结束时间"))

    class Meta:
        verbose_name = verbose_name_plural = _("社区帮办")
        ordering = ("-began_at", "-pk")
        indexes = [models.Index(fields=["clerk", "-began_at"], name="visit_by_clerk")]
        constraints = [
            models.CheckConstraint(condition=Q(until__gte=F("began_at")), name="visit_ends_after_it_began")
        ]
        triggers = [
            pgtrigger.Protect(
                name="visits_only_end_earlier",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "NEW.until > OLD.until OR (OLD.clerk_id, OLD.desk_id, OLD.resident_id, OLD.seen, OLD.began_at)"
                    " IS DISTINCT FROM (NEW.clerk_id, NEW.desk_id, NEW.resident_id, NEW.seen, NEW.began_at)"
                ),
            ),
            pgtrigger.Protect(name="visits_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.clerk_id} {self.began_at:%Y-%m-%d %H:%M}"
