"""A case (办件), its history, the papers with it, and the draft that it was before."""

import uuid
from enum import StrEnum
from typing import Any

import pgtrigger
from django.core.files.storage import storages
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.accounts.models import User
from portal.columns import by_another, choices, ended_by_someone, one_of, told_why
from portal.hall.routing import CASE_LIFE_CYCLE, OPEN, REPEATED, UNPAID, Status
from portal.people.models import Employer, Person
from portal.policy.book import MODE_LABELS, Mode, Offer, book
from portal.shared.life_cycle import LifeCycle, Stage


class Case(models.Model):
    """One use of an offer. Only ``lifecycle`` writes ``status``; the database refuses a move that
    is not in the table."""

    number = models.CharField(_("办件编号"), max_length=24, unique=True)
    city = models.CharField(_("城市"), max_length=30)
    service = models.CharField(_("事项"), max_length=40)
    mode = models.CharField(_("办理方式"), max_length=10, choices=choices(MODE_LABELS))
    status = models.CharField(
        _("状态"), max_length=12, choices=choices(CASE_LIFE_CYCLE.labels), default=Status.SUBMITTED
    )
    filed_by = models.ForeignKey(User, models.PROTECT, related_name="filed_cases", verbose_name=_("经办账号"))
    applicant_person = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="applications", verbose_name=_("申请人")
    )
    applicant_employer = models.ForeignKey(
        Employer,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="applications",
        verbose_name=_("申请单位"),
    )
    # The person that it is about; empty for a new person until the effect makes their file, and
    # where it is about nobody.
    subject = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="cases", verbose_name=_("办理对象")
    )
    subject_identity_number = models.CharField(_("办理对象证件号"), max_length=18, blank=True)
    answers = models.JSONField(_("申报内容"))
    facts = models.JSONField(_("提交时的情况"), default=dict)
    mismatches = models.JSONField(_("比对不一致"), default=list)
    outcome = models.JSONField(_("办理结果"), default=dict)
    # The same key with the same answers is the same case; with other answers it is refused.
    key = models.UUIDField(_("提交标识"), unique=True)
    digest = models.CharField(_("内容摘要"), max_length=64)
    submitted_at = models.DateTimeField(_("提交时间"))
    due_on = models.DateField(_("承诺办结日期"), null=True, blank=True)
    # The last day on which a pre-application is kept for the window; empty: it is kept for good.
    keep_until = models.DateField(_("预申请保留至"), null=True, blank=True)
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="decided_cases", verbose_name=_("审核人")
    )
    decided_at = models.DateTimeField(_("办结时间"), null=True, blank=True)
    reason = models.TextField(_("理由"), blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("办件")
        constraints = [
            one_of("status", Status, name="case_status_known"),
            one_of("mode", Mode, name="case_mode_known"),
            models.CheckConstraint(
                condition=Q(applicant_person__isnull=True, applicant_employer__isnull=False)
                | Q(applicant_person__isnull=False, applicant_employer__isnull=True),
                name="case_has_one_applicant",
            ),
            by_another("decided_by", "filed_by", name="case_decided_by_another"),
            told_why(Status.REFUSED, field="reason", name="case_refused_with_reason"),
            told_why(Status.LAPSED, field="reason", name="case_lapsed_with_reason"),
            models.UniqueConstraint(
                fields=["city", "service", "applicant_employer", "subject_identity_number"],
                condition=Q(status__in=[str(status) for status in OPEN]) & ~Q(subject_identity_number=""),
                nulls_distinct=False,
                name="one_open_case_per_applicant_and_subject",
            ),
        ]
        indexes = [
            models.Index(fields=["city", "status", "due_on"], name="case_queue"),
            models.Index(fields=["applicant_person", "-submitted_at"], name="case_by_person"),
            models.Index(fields=["applicant_employer", "-submitted_at"], name="case_by_employer"),
            models.Index(
                fields=["city", "keep_until"], condition=Q(status="pre_applied"), name="case_kept_for_window"
            ),
        ]
        triggers = [
            pgtrigger.FSM(
                name="case_moves_by_the_table",
                field="status",
                transitions=CASE_LIFE_CYCLE.transitions,
            ),
            pgtrigger.Protect(name="case_is_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def offer(self) -> Offer:
        """The offer that was used, as the policy book has it now."""
        return book().city(self.city).offers[self.service]

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def is_unpaid(self) -> bool:
        """Whether it is done when the money is there, and the money is not there yet."""
        return self.status in UNPAID

    @property
    def applicant(self) -> Person | Employer:
        return self.applicant_employer or self.applicant_person  # type: ignore[return-value]  # one is set, by constraint


class CaseEvent(models.Model):
    """One move of a case: who, when, from where to where, and what they said. Never changed."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="events", verbose_name=_("办件"))
    at = models.DateTimeField(_("时间"))
    actor = models.ForeignKey(User, models.PROTECT, verbose_name=_("操作人"))
    from_status = models.CharField(
        _("原状态"), max_length=12, blank=True, choices=choices(CASE_LIFE_CYCLE.labels)
    )
    to_status = models.CharField(_("新状态"), max_length=12, choices=choices(CASE_LIFE_CYCLE.labels))
    note = models.TextField(_("说明"), blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("办件经过")
        ordering = ("at", "id")
        constraints = [
            models.UniqueConstraint(
                fields=["case", "to_status"],
                condition=~Q(to_status__in=[str(status) for status in REPEATED]),
                name="a_case_reaches_a_status_once",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="case_events_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.case_id} → {self.to_status}"


class OverrulingStatus(StrEnum):
    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    DECLINED = "declined"


OVERRULING_LIFE_CYCLE = LifeCycle(
    OverrulingStatus,
    {
        OverrulingStatus.PROPOSED: Stage(
            "待第二人确认", "warn", (OverrulingStatus.CONFIRMED, OverrulingStatus.DECLINED)
        ),
        OverrulingStatus.CONFIRMED: Stage("已确认", "good"),
        OverrulingStatus.DECLINED: Stage("未同意", "bad"),
    },
    begins=(OverrulingStatus.PROPOSED,),
)


class Overruling(models.Model):
    """That a case is to be done by two: although the register says otherwise, or because money or
    years arise from it. One reviewer proposes, with the grounds, another confirms.

    It holds for exactly the ``mismatches`` that the proposer saw; none where the service asks for
    two. Only its end is written later.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="overrulings", verbose_name=_("办件"))
    mismatches = models.JSONField(_("与登记不一致之处"))
    reason = models.TextField(_("办理依据"))
    status = models.CharField(
        _("状态"),
        max_length=9,
        choices=choices(OVERRULING_LIFE_CYCLE.labels),
        default=OverrulingStatus.PROPOSED,
    )
    proposed_at = models.DateTimeField(_("提出时间"))
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("提出人"))
    ended_at = models.DateTimeField(_("确认时间"), null=True, blank=True)
    ended_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("确认人")
    )
    why = models.CharField(_("未同意的原因"), max_length=200, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("与登记不一致仍予办理")
        ordering = ("pk",)
        constraints = [
            one_of("status", OverrulingStatus, name="overruling_status_known"),
            models.CheckConstraint(condition=~Q(reason=""), name="overruling_has_grounds"),
            ended_by_someone("ended", unless="proposed", name="overruling_ended_by_someone"),
            by_another(
                "ended_by", "proposed_by", status="confirmed", name="overruling_confirmed_by_a_second_person"
            ),
            told_why("declined", name="overruling_declined_with_reason"),
            models.UniqueConstraint(
                fields=["case"], condition=Q(status="proposed"), name="one_overruling_of_a_case_stands"
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="overrulings_stay_as_proposed",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.status <> 'proposed' OR "
                    + " OR ".join(
                        f"OLD.{column} IS DISTINCT FROM NEW.{column}"
                        for column in (
                            "id",
                            "case_id",
                            "mismatches",
                            "reason",
                            "proposed_at",
                            "proposed_by_id",
                        )
                    )
                ),
            ),
            pgtrigger.Protect(name="overrulings_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.status}"


class Draft(models.Model):
    """What someone has typed and not yet sent; it outlives the session. Its key becomes the case's
    key.

    A clerk who types the numbers of several people has a draft for each of them: ``subject`` is the
    number, "" until a valid one was typed and where a service asks for none.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="drafts")
    # The ward that it is for; empty for the user's own.
    ward = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    city = models.CharField(max_length=30)
    service = models.CharField(max_length=40)
    subject = models.CharField(max_length=40, blank=True, default="")
    key = models.UUIDField(default=uuid.uuid4, unique=True)
    # Form field → list of values, as the browser sent them.
    typed = models.JSONField(default=dict)
    # True once the form and its captcha were passed with exactly these values.
    checked = models.BooleanField(default=False)
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "city", "service", "ward", "subject"],
                nulls_distinct=False,
                name="one_draft_per_user_offer_and_subject",
            )
        ]

    def __str__(self) -> str:
        return f"{self.city} {self.service}"


def private_storage() -> Any:
    return storages["default"]


def attachment_path(attachment: "Attachment", _filename: str) -> str:
    """Where an upload lies: by its digest, so that no name that a user chose reaches the disk."""
    return f"attachments/{attachment.digest[:2]}/{attachment.digest}"


class Attachment(models.Model):
    """A paper handed in: first with a draft, or with what a returned case is to be amended by, then
    with the case. Served only to those who may see the case.

    One that was handed in anew stays with the case, with the moment at which it was replaced.
    """

    draft = models.ForeignKey(Draft, models.CASCADE, null=True, blank=True, related_name="attachments")
    case = models.ForeignKey(Case, models.PROTECT, null=True, blank=True, related_name="attachments")
    amendment = models.ForeignKey(
        "hall.Amendment", models.PROTECT, null=True, blank=True, related_name="attachments"
    )
    replaced_at = models.DateTimeField(null=True, blank=True)
    paper = models.CharField(_("材料"), max_length=40)
    name = models.CharField(_("文件名"), max_length=200)
    content_type = models.CharField(max_length=60)
    size = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    file = models.FileField(storage=private_storage, upload_to=attachment_path, max_length=200)
    uploaded_at = models.DateTimeField()

    class Meta:
        verbose_name = verbose_name_plural = _("申报材料")
        constraints = [
            models.CheckConstraint(
                condition=Q(draft__isnull=True, case__isnull=False, amendment__isnull=True)
                | Q(draft__isnull=False, case__isnull=True, amendment__isnull=True)
                | Q(draft__isnull=True, case__isnull=True, amendment__isnull=False),
                name="attachment_has_one_home",
            ),
            models.CheckConstraint(
                condition=Q(replaced_at__isnull=True) | Q(case__isnull=False), name="replaced_papers_are_kept"
            ),
            models.UniqueConstraint(fields=["draft", "paper"], name="one_file_per_draft_and_paper"),
            models.UniqueConstraint(fields=["amendment", "paper"], name="one_file_per_amendment_and_paper"),
        ]

    def __str__(self) -> str:
        return self.name


class WorkdayOverride(models.Model):
    """A day that staff of a city declare a working day there, or none, against the official
    calendar or beyond its last year. Without a city it holds in every city that has no override of
    its own. Two members of staff set it (working_days)."""

    city = models.CharField(_("城市"), max_length=30, blank=True)
    day = models.DateField(_("日期"))
    is_workday = models.BooleanField(_("是工作日"))
    reason = models.CharField(_("依据"), max_length=200)

    class Meta:
        verbose_name = verbose_name_plural = _("工作日调整")
        ordering = ("-day", "city")
        constraints = [models.UniqueConstraint(fields=["city", "day"], name="one_override_a_day_and_city")]

    def __str__(self) -> str:
        return str(self.day)


# Imported so that Django finds their tables: it looks for this module alone.
from portal.hall.amendment_models import AMENDMENT_LIFE_CYCLE as AMENDMENT_LIFE_CYCLE  # noqa: E402
from portal.hall.amendment_models import Amendment as Amendment  # noqa: E402
from portal.hall.amendment_models import AmendmentStatus as AmendmentStatus  # noqa: E402
from portal.hall.window_models import CONCLUSION_LABELS as CONCLUSION_LABELS  # noqa: E402
from portal.hall.window_models import Conclusion as Conclusion  # noqa: E402
from portal.hall.window_models import WindowCheck as WindowCheck  # noqa: E402
