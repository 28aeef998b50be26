"""The register of certificates: frozen facts, and the sealed document made from them."""

from datetime import date
from enum import StrEnum
from functools import reduce
from operator import or_
from typing import NamedTuple

import pgtrigger
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from certificates.codes import grouped
from certificates.kinds import KIND_LABELS, KINDS, About, CertificateKind, Kind, about
from portal.accounts.models import User
from portal.columns import choices, one_of
from portal.hall.models import Case, WindowCheck
from portal.people.models import Employer, Person
from portal.shared.life_cycle import LifeCycle, Stage
from portal.shared.months import today_in_china


class Status(StrEnum):
    FROZEN = "frozen"
    ISSUED = "issued"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"


CERTIFICATE_LIFE_CYCLE = LifeCycle(
    Status,
    {
        Status.FROZEN: Stage("待盖章", "info", (Status.ISSUED,)),
        Status.ISSUED: Stage("有效", "good", (Status.REVOKED, Status.SUPERSEDED)),
        Status.REVOKED: Stage("已撤销", "bad"),
        Status.SUPERSEDED: Stage("已更正替换", "warn"),
    },
    begins=(Status.FROZEN,),
)

_SAID = (
    "serial_number",
    "code",
    "kind",
    "city",
    "person",
    "employer",
    "issued_to",
    "case",
    "visit",
    "facts",
    "facts_digest",
    "frozen_at",
    "valid_until",
)
_SEALED = ("document", "document_digest", "document_size", "key_fingerprint", "issued_at")
# The day of the freeze in China, whatever the session's time zone.
_DAY_FROZEN = Func(
    F("frozen_at"),
    template="((%(expressions)s) AT TIME ZONE 'Asia/Shanghai')::date",
    output_field=models.DateField(),
)


def _any_changes(fields: tuple[str, ...]) -> pgtrigger.Q:
    return reduce(
        or_, [pgtrigger.Q(**{f"old__{field}__df": pgtrigger.F(f"new__{field}")}) for field in fields]
    )


class Certificate(models.Model):
    """One certificate: its facts, frozen before it is drawn, and its sealed document.

    The database refuses changes of the facts, and of the document once it is issued. Only
    ``issuing`` writes, and ``correcting`` marks the replaced.
    """

    serial_number = models.CharField(_("证明编号"), max_length=40, unique=True)
    code = models.CharField(_("验证码"), max_length=28, unique=True)
    kind = models.CharField(_("证明种类"), max_length=10, choices=choices(KIND_LABELS))
    city = models.CharField(_("出具城市"), max_length=30)
    person = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="certificates", verbose_name=_("参保人")
    )
    employer = models.ForeignKey(
        Employer,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="certificates",
        verbose_name=_("参保单位"),
    )
    issued_to = models.ForeignKey(
        User, models.PROTECT, related_name="certificates", verbose_name=_("申请账号")
    )
    case = models.ForeignKey(
        Case, models.PROTECT, null=True, blank=True, related_name="certificates", verbose_name=_("办件")
    )
    # What was found at the window, for a paper about that: a case may have several of a kind.
    visit = models.ForeignKey(
        WindowCheck,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="papers_sealed",
        verbose_name=_("窗口核对记录"),
    )
    facts = models.JSONField(_("证明内容"))
    facts_digest = models.CharField(_("内容摘要"), max_length=64)
    frozen_at = models.DateTimeField(_("数据截止时间"))
    # The last day of validity, in China; empty where there is no end.
    valid_until = models.DateField(_("有效期至"), null=True, blank=True)
    status = models.CharField(
        _("状态"), max_length=10, choices=choices(CERTIFICATE_LIFE_CYCLE.labels), default=Status.FROZEN
    )
    # The sealed PDF: its name in the store of documents, its SHA-256, its size in bytes, the
    # SHA-256 of the seal's certificate.
    document = models.CharField(_("文件"), max_length=200, blank=True)
    document_digest = models.CharField(_("文件摘要"), max_length=64, blank=True)
    document_size = models.PositiveIntegerField(_("文件大小（字节）"), null=True, blank=True)
    key_fingerprint = models.CharField(_("印章证书指纹"), max_length=64, blank=True)
    issued_at = models.DateTimeField(_("出具时间"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("撤销时间"), null=True, blank=True)
    revoked_by = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="revoked_certificates",
        verbose_name=_("撤销人"),
    )
    revoked_reason = models.TextField(_("撤销原因"), blank=True)
    # The proof that staff issued instead, because the facts were wrong.
    superseded_by = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="supersedes",
        verbose_name=_("替换它的证明"),
    )
    superseded_at = models.DateTimeField(_("替换时间"), null=True, blank=True)
    corrected_by = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="corrected_certificates",
        verbose_name=_("更正人"),
    )
    superseded_reason = models.TextField(_("更正原因"), blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("证明")
        ordering = ("-frozen_at", "-id")
        constraints = [
            one_of("kind", CertificateKind, name="certificate_kind_known"),
            one_of("status", Status, name="certificate_status_known"),
            models.CheckConstraint(
                condition=Q(code__regex=r"^[0-9A-HJKMNP-TV-Z]{28}$"), name="certificate_code_form"
            ),
            models.CheckConstraint(
                condition=Q(facts_digest__regex=r"^[0-9a-f]{64}$"), name="certificate_facts_have_a_digest"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=about(About.PERSON), person__isnull=False, employer__isnull=True)
                | Q(kind__in=about(About.EMPLOYER), person__isnull=True, employer__isnull=False),
                name="certificate_subject_fits_its_kind",
            ),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gte=_DAY_FROZEN),
                name="certificate_ends_after_it_begins",
            ),
            models.CheckConstraint(
                condition=Q(
                    status="frozen",
                    document="",
                    document_digest="",
                    document_size__isnull=True,
                    key_fingerprint="",
                    issued_at__isnull=True,
                )
                | (
                    Q(
                        status__in=["issued", "revoked", "superseded"],
                        document_size__gt=0,
                        issued_at__gte=F("frozen_at"),
                    )
                    & Q(document_digest__regex=r"^[0-9a-f]{64}$", key_fingerprint__regex=r"^[0-9a-f]{64}$")
                    & ~Q(document="")
                ),
                name="certificate_issued_with_its_document",
            ),
            models.CheckConstraint(
                condition=(
                    Q(status="revoked", revoked_at__isnull=False, revoked_by__isnull=False)
                    & ~Q(revoked_reason="")
                )
                | (
                    ~Q(status="revoked")
                    & Q(revoked_at__isnull=True, revoked_by__isnull=True, revoked_reason="")
                ),
                name="certificate_revoked_with_reason",
            ),
            models.CheckConstraint(
                condition=(
                    Q(
                        status="superseded",
                        superseded_by__isnull=False,
                        superseded_at__isnull=False,
                        corrected_by__isnull=False,
                    )
                    & ~Q(superseded_reason="")
                    & ~Q(superseded_by=F("id"))
                )
                | (
                    ~Q(status="superseded")
                    & Q(
                        superseded_by__isnull=True,
                        superseded_at__isnull=True,
                        corrected_by__isnull=True,
                        superseded_reason="",
                    )
                ),
                name="certificate_superseded_by_another",
            ),
            models.UniqueConstraint(
                fields=["document_digest"],
                condition=~Q(document_digest=""),
                name="one_certificate_per_document",
            ),
            models.UniqueConstraint(
                fields=["case", "kind", "visit"],
                condition=Q(case__isnull=False),
                nulls_distinct=False,
                name="one_certificate_of_a_kind_per_case",
            ),
        ]
        indexes = [
            models.Index(fields=["person", "-frozen_at"], name="certificate_by_person"),
            models.Index(fields=["employer", "-frozen_at"], name="certificate_by_employer"),
            models.Index(fields=["city", "-frozen_at"], name="certificate_by_city"),
        ]
        triggers = [
            pgtrigger.FSM(
                name="certificate_moves_by_the_table",
                field="status",
                transitions=CERTIFICATE_LIFE_CYCLE.transitions,
            ),
            pgtrigger.ReadOnly(name="certificate_facts_are_frozen", fields=list(_SAID)),
            pgtrigger.Protect(
                name="certificate_document_stays",
                operation=pgtrigger.Update,
                condition=~pgtrigger.Q(old__status="frozen") & _any_changes(_SEALED),
            ),
            pgtrigger.Protect(name="certificate_is_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.serial_number

    @property
    def title(self) -> str:
        """The document's title: from the facts where they have one, else the name of the kind."""
        return str(self.facts.get("title") or self.get_kind_display())

    @property
    def form(self) -> Kind:
        """The definition of its kind."""
        return KINDS[CertificateKind(self.kind)]

    @property
    def called(self) -> str:
        """The short word for its kind: 证明, 票据, 回执单."""
        return self.form.called

    @property
    def dated(self) -> date:
        """The date on its documents, in China: the day of the freeze, whenever they are drawn."""
        return today_in_china(self.frozen_at)

    @property
    def grouped_code(self) -> str:
        """The verification code as printed, in groups of four."""
        return grouped(self.code)

    @property
    def is_revoked(self) -> bool:
        return self.status == Status.REVOKED

    @property
    def kind_code(self) -> CertificateKind:
        return CertificateKind(self.kind)

    @property
    def is_superseded(self) -> bool:
        return self.status == Status.SUPERSEDED

    @property
    def latest(self) -> "Sealed":
        """The latest sealed document of an issued certificate."""
        newest = self.versions.order_by("-version").first()
        if newest is not None:
            return newest.sealed
        return Sealed(1, self.document, self.document_digest, self.key_fingerprint)


class Sealed(NamedTuple):
    """One sealed document of a certificate; version 1 is the one of the issue."""

    version: int
    # Its name in the store of documents, its SHA-256, the SHA-256 of the seal's certificate.
    document: str
    digest: str
    fingerprint: str
