"""Resealing of certificates: the runs, the later documents, and the failures."""

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from certificates.models.certificates import Certificate, Sealed
from portal.accounts.models import User


class ResealingRun(models.Model):
    """One run after a seal was replaced: certificates issued under earlier keys of a city get a new
    document under the present key.

    The remaining work is read from the register, so that a stopped run can go on.
    """

    city = models.CharField(_("出具城市"), max_length=30)
    reason = models.TextField(_("重新盖章原因"))
    # SHA-256 of the certificate of the new seal.
    key_fingerprint = models.CharField(_("新印章证书指纹"), max_length=64)
    # Also reseals documents under the same key: for a new algorithm with the old key.
    everything = models.BooleanField(_("包括同一印章的证明"), default=False)
    total = models.PositiveIntegerField(_("应重新盖章（份）"))
    started_by = models.ForeignKey(
        User, models.PROTECT, related_name="resealing_runs", verbose_name=_("发起人")
    )
    started_at = models.DateTimeField(_("发起时间"))
    finished_at = models.DateTimeField(_("完成时间"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("重新盖章")
        ordering = ("-started_at", "-id")
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="resealing_has_a_reason"),
            models.CheckConstraint(
                condition=Q(key_fingerprint__regex=r"^[0-9a-f]{64}$"), name="resealing_names_a_key"
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True) | Q(finished_at__gte=F("started_at")),
                name="resealing_ends_after_it_begins",
            ),
            models.UniqueConstraint(
                fields=["city"], condition=Q(finished_at__isnull=True), name="one_open_resealing_per_city"
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="resealing_stays_as_ordered",
                fields=[
                    "city",
                    "reason",
                    "key_fingerprint",
                    "everything",
                    "total",
                    "started_by",
                    "started_at",
                ],
            ),
            pgtrigger.Protect(
                name="resealing_ends_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__finished_at__isnull=False),
            ),
            pgtrigger.Protect(name="resealing_is_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.city} {self.started_at:%Y-%m-%d %H:%M}"


class SealedVersion(models.Model):
    """A later document of a certificate with the same facts, number and code. Never changed."""

    certificate = models.ForeignKey(
        Certificate, models.PROTECT, related_name="versions", verbose_name=_("证明")
    )
    # 1 is the document in the certificate's own row.
    version = models.PositiveSmallIntegerField(_("版本"))
    run = models.ForeignKey(ResealingRun, models.PROTECT, related_name="versions", verbose_name=_("重新盖章"))
    document = models.CharField(_("文件"), max_length=200)
    document_digest = models.CharField(_("文件摘要"), max_length=64, unique=True)
    document_size = models.PositiveIntegerField(_("文件大小（字节）"))
    key_fingerprint = models.CharField(_("印章证书指纹"), max_length=64)
    sealed_at = models.DateTimeField(_("盖章时间"))

    class Meta:
        verbose_name = verbose_name_plural = _("重新盖章的文件")
        ordering = ("certificate", "version")
        constraints = [
            models.UniqueConstraint(fields=["certificate", "version"], name="one_document_per_version"),
            models.UniqueConstraint(fields=["certificate", "run"], name="resealed_once_in_a_run"),
            models.CheckConstraint(
                condition=Q(version__gte=2, document_size__gt=0)
                & Q(document_digest__regex=r"^[0-9a-f]{64}$", key_fingerprint__regex=r"^[0-9a-f]{64}$")
                & ~Q(document=""),
                name="version_is_whole",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="versions_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.certificate} · {self.version}"

    @property
    def sealed(self) -> Sealed:
        return Sealed(self.version, self.document, self.document_digest, self.key_fingerprint)


class ResealingFailure(models.Model):
    """A certificate that a run could not reseal, with the reason; its earlier document stays. Never
    changed."""

    run = models.ForeignKey(ResealingRun, models.PROTECT, related_name="failures", verbose_name=_("重新盖章"))
    certificate = models.ForeignKey(
        Certificate, models.PROTECT, related_name="resealing_failures", verbose_name=_("证明")
    )
    why = models.CharField(_("原因"), max_length=200)
    at = models.DateTimeField(_("时间"))

    class Meta:
        verbose_name = verbose_name_plural = _("未能重新盖章的证明")
        ordering = ("run", "certificate")
        constraints = [models.UniqueConstraint(fields=["run", "certificate"], name="failed_once_in_a_run")]
        triggers = [
            pgtrigger.Protect(
                name="resealing_failures_are_kept", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return f"{self.certificate}: {self.why}"
