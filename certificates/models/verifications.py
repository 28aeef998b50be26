"""The log of verifications of certificates."""

from enum import StrEnum

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from certificates.models.certificates import Certificate
from portal.columns import choices, one_of


class Way(StrEnum):
    CODE = "code"
    QR = "qr"
    FILE = "file"
    API = "api"


WAY_LABELS = {Way.CODE: "验证码", Way.QR: "二维码", Way.FILE: "上传文件", Way.API: "机构接口"}


class Result(StrEnum):
    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"
    ALTERED = "altered"
    UNKNOWN = "unknown"


RESULT_LABELS = {
    Result.VALID: "真实有效",
    Result.EXPIRED: "已过有效期",
    Result.REVOKED: "已撤销",
    Result.SUPERSEDED: "已被替换",
    Result.ALTERED: "已被改动",
    Result.UNKNOWN: "无法确认",
}


class VerificationLog(models.Model):
    """One verification of a certificate and its result. It records nothing about the asker, except
    the name of an institution that asks by the signed API. Never changed.
    """

    at = models.DateTimeField(_("时间"))
    way = models.CharField(_("方式"), max_length=10, choices=choices(WAY_LABELS))
    result = models.CharField(_("结果"), max_length=10, choices=choices(RESULT_LABELS))
    asker = models.CharField(_("核验机构"), max_length=100, blank=True)
    certificate = models.ForeignKey(
        Certificate,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="verifications",
        verbose_name=_("证明"),
    )

    class Meta:
        verbose_name = verbose_name_plural = _("核验记录")
        ordering = ("-at", "-id")
        constraints = [
            one_of("way", Way, name="verification_way_known"),
            one_of("result", Result, name="verification_result_known"),
            models.CheckConstraint(
                condition=Q(asker="") | Q(way="api"), name="verification_names_institutions_only"
            ),
        ]
        indexes = [models.Index(fields=["-at"], name="verification_by_time")]
        triggers = [
            pgtrigger.Protect(name="verifications_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.result}"
