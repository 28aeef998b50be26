"""Partners: systems of banks, city services and schools that use the hall by signed requests, their
keys, and what they asked."""

from datetime import datetime
from enum import StrEnum

import pghistory
import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from portal.accounts.models import User
from portal.columns import choices


class Scope(StrEnum):
    """What a partner may use."""

    ORDERS = "orders"
    PROOFS = "proofs"
    TRANSFERS = "transfers"


SCOPE_LABELS = {
    Scope.ORDERS: "缴费订单与对账",
    Scope.PROOFS: "证明核验",
    Scope.TRANSFERS: "关系转移接续",
}


@pghistory.track()
class Partner(models.Model):
    """A system outside that signs its requests. What it does is done in the name of ``user``, by
    which nobody can log in."""

    code = models.CharField(
        _("代码"),
        max_length=20,
        unique=True,
        validators=[RegexValidator(r"^[a-z][a-z0-9-]*$", _("代码为小写字母、数字和连字符，以字母开头。"))],
    )
    name = models.CharField(_("名称"), max_length=60)
    cities = ArrayField(models.CharField(max_length=30), verbose_name=_("开通城市"))
    scopes = ArrayField(
        models.CharField(max_length=20, choices=choices(SCOPE_LABELS)), verbose_name=_("开通范围")
    )
    per_minute = models.PositiveIntegerField(
        _("每分钟请求上限"), default=600, validators=[MinValueValidator(1), MaxValueValidator(100_000)]
    )
    active = models.BooleanField(_("启用"), default=True)
    user = models.OneToOneField(
        User, models.PROTECT, related_name="partner", editable=False, verbose_name=_("账号")
    )
    created_at = models.DateTimeField(_("开通时间"))

    class Meta:
        verbose_name = verbose_name_plural = _("接口合作方")
        constraints = [
            models.CheckConstraint(condition=Q(code__regex=r"^[a-z][a-z0-9-]*$"), name="partner_code_form"),
            models.CheckConstraint(condition=~Q(name=""), name="partner_has_name"),
            models.CheckConstraint(
                condition=Q(scopes__contained_by=[str(scope) for scope in Scope]), name="partner_scopes_known"
            ),
            models.CheckConstraint(condition=Q(per_minute__gt=0), name="partner_may_ask"),
        ]
        triggers = [
            pgtrigger.Protect(
                name="partners_keep_their_code",
                operation=pgtrigger.Update,
                # Payments and files name the partner by it.
                condition=pgtrigger.Condition(
                    "OLD.code IS DISTINCT FROM NEW.code OR OLD.user_id IS DISTINCT FROM NEW.user_id"
                ),
            ),
            pgtrigger.Protect(name="partners_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def channel(self) -> str:
        """The channel under which money is booked that this partner took."""
        return f"partner-{self.code}"


@pghistory.track()
class PartnerKey(models.Model):
    """A public key of a partner, good over [valid_from, valid_until) unless it is revoked. It is
    never changed."""

    partner = models.ForeignKey(Partner, models.PROTECT, related_name="keys", verbose_name=_("接口合作方"))
    # What the signature names; made from the key itself.
    key_id = models.CharField(_("密钥编号"), max_length=60, unique=True)
    public_key = models.TextField(_("公钥（PEM）"))
    fingerprint = models.CharField(_("指纹（SHA-256）"), max_length=64, unique=True)
    valid_from = models.DateTimeField(_("生效时间"))
    valid_until = models.DateTimeField(_("失效时间"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("吊销时间"), null=True, blank=True)
    revoked_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("吊销人")
    )
    added_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("登记人"))
    added_at = models.DateTimeField(_("登记时间"))

    class Meta:
        verbose_name = verbose_name_plural = _("合作方公钥")
        ordering = ("partner", "-valid_from", "-pk")
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from")),
                name="partner_key_times_in_order",
            ),
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True, revoked_by__isnull=True)
                | Q(revoked_at__isnull=False, revoked_by__isnull=False),
                name="partner_key_revoked_by_someone",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="partner_keys_stay",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "((OLD.partner_id, OLD.key_id, OLD.public_key, OLD.fingerprint, OLD.valid_from, OLD.added_by_id,"
                    " OLD.added_at)"
                    " IS DISTINCT FROM"
                    " (NEW.partner_id, NEW.key_id, NEW.public_key, NEW.fingerprint, NEW.valid_from, NEW.added_by_id,"
                    " NEW.added_at)"
                    " OR (OLD.revoked_at IS NOT NULL AND OLD.revoked_at IS DISTINCT FROM NEW.revoked_at))"
                ),
            ),
            pgtrigger.Protect(name="partner_keys_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.key_id

    def is_valid(self, now: datetime) -> bool:
        """Whether a request signed with it is taken at that moment."""
        return (
            self.revoked_at is None
            and self.valid_from <= now
            and (self.valid_until is None or now < self.valid_until)
        )


class SpentNonce(models.Model):
    """A nonce that a partner has signed with: taken once. Kept until no signature that names it
    could still be in time."""

    partner = models.ForeignKey(Partner, models.PROTECT, related_name="+")
    nonce = models.CharField(max_length=64)
    good_until = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["partner", "nonce"], name="a_nonce_is_spent_once")]
        indexes = [models.Index(fields=["good_until"], name="nonce_to_forget")]

    def __str__(self) -> str:
        return self.nonce


class KeptAnswer(models.Model):
    """What a partner was answered under an idempotency key: whoever sends the same again gets it
    again, years later too."""

    partner = models.ForeignKey(Partner, models.PROTECT, related_name="answers", verbose_name=_("接口合作方"))
    key = models.CharField(_("幂等键"), max_length=64)
    operation = models.CharField(_("操作"), max_length=200)
    digest = models.CharField(_("请求摘要"), max_length=64)
    status = models.PositiveSmallIntegerField(_("状态码"))
    body = models.TextField(_("应答"))
    at = models.DateTimeField(_("时间"))

    class Meta:
        verbose_name = verbose_name_plural = _("接口应答")
        constraints = [models.UniqueConstraint(fields=["partner", "key"], name="a_key_is_answered_once")]
        triggers = [pgtrigger.Protect(name="answers_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.key} {self.operation}"
