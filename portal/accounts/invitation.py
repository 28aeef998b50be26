"""That the first clerk of an employer invites a colleague by phone, as a row that is kept."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class ClerkInvitation(models.Model):
    """A link that opens one clerk's account of an employer, to the phone that was invited: once,
    until ``good_until``, unless it is withdrawn before. Only the digest of the link is kept."""

    employer = models.ForeignKey(
        "people.Employer", models.PROTECT, related_name="invitations", verbose_name=_("单位")
    )
    phone = models.CharField(_("手机号码"), max_length=20)
    digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(
        "accounts.User", models.PROTECT, related_name="+", verbose_name=_("邀请人")
    )
    invited_at = models.DateTimeField(_("邀请时间"))
    good_until = models.DateTimeField(_("有效期至"))
    withdrawn_at = models.DateTimeField(_("撤回时间"), null=True, blank=True)
    taken_at = models.DateTimeField(_("开通时间"), null=True, blank=True)
    taken_by = models.ForeignKey(
        "accounts.User",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("开通的经办人"),
    )

    class Meta:
        verbose_name = verbose_name_plural = _("经办人邀请")
        ordering = ("-invited_at", "-pk")
        constraints = [
            models.UniqueConstraint(
                fields=["employer", "phone"],
                condition=Q(withdrawn_at=None, taken_at=None),
                name="one_open_invitation_of_a_phone",
            ),
            models.CheckConstraint(
                condition=Q(taken_at=None, taken_by=None)
                | Q(taken_at__isnull=False, taken_by__isnull=False, withdrawn_at=None),
                name="invitation_is_taken_or_withdrawn",
            ),
            models.CheckConstraint(
                condition=Q(good_until__gt=models.F("invited_at")), name="invitation_ends_after_it_began"
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="invitations_stay_as_sent",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "((OLD.employer_id, OLD.phone, OLD.digest, OLD.invited_by_id, OLD.invited_at, OLD.good_until)"
                    " IS DISTINCT FROM (NEW.employer_id, NEW.phone, NEW.digest, NEW.invited_by_id,"
                    " NEW.invited_at, NEW.good_until) OR OLD.withdrawn_at IS NOT NULL OR OLD.taken_at IS NOT NULL)"
                ),
            ),
            pgtrigger.Protect(name="invitations_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.employer_id} {self.good_until:%Y-%m-%d}"

    @property
    def is_open(self) -> bool:
        """Whether it waits for an answer; its time may be over."""
        return self.withdrawn_at is None and self.taken_at is None
