"""Who has come in by a single sign-on door."""

import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _


class SignOnIdentity(models.Model):
    """That a subject of an OpenID Connect provider is the owner of a personal account: for good,
    and one subject of each provider for each account."""

    issuer = models.CharField(_("认证服务"), max_length=200)
    subject = models.CharField(_("认证服务的用户标识"), max_length=255)
    user = models.ForeignKey("accounts.User", models.PROTECT, related_name="sign_ons", verbose_name=_("账号"))
    first_at = models.DateTimeField(_("首次登录时间"))

    class Meta:
        verbose_name = verbose_name_plural = _("统一身份认证")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="one_account_of_a_subject"),
            models.UniqueConstraint(fields=["issuer", "user"], name="one_subject_of_an_account"),
        ]
        triggers = [
            pgtrigger.Protect(name="sign_ons_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.issuer} {self.user_id}"
