"""委托扣款协议: the account from which an employer lets its confirmed months be debited."""

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contributions.models.guards import differs
from portal.hall.models import Case
from portal.people.models import Employer


class DebitAgreement(models.Model):
    """That an employer's confirmed assessments are debited from an account, from ``agreed_at``
    until ``ended_at``.

    Signed and ended by a case. A later one ends the one before; there is one in force for each
    employer and city.
    """

    employer = models.ForeignKey(
        Employer, models.PROTECT, related_name="debit_agreements", verbose_name=_("单位")
    )
    city = models.CharField(_("扣款城市"), max_length=30)
    bank = models.CharField(_("银行代码"), max_length=20)
    account_number = models.CharField(_("账号"), max_length=32)
    holder = models.CharField(_("户名"), max_length=60)
    case = models.OneToOneField(
        Case, models.PROTECT, null=True, blank=True, related_name="debit_agreement", verbose_name=_("办件")
    )
    agreed_at = models.DateTimeField(_("签约时间"))
    ended_at = models.DateTimeField(_("终止时间"), null=True, blank=True)
    ended_by = models.ForeignKey(
        Case,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="ended_debit_agreements",
        verbose_name=_("终止办件"),
    )

    class Meta:
        verbose_name = verbose_name_plural = _("单位委托扣款协议")
        constraints = [
            models.UniqueConstraint(
                fields=["employer", "city"],
                condition=Q(ended_at__isnull=True),
                name="one_debit_agreement_per_employer_and_city",
            ),
            models.CheckConstraint(
                condition=Q(account_number__regex=r"^[0-9]{8,32}$"), name="debit_agreement_account_digits"
            ),
            models.CheckConstraint(condition=~Q(holder=""), name="debit_agreement_names_its_holder"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("agreed_at")),
                name="debit_agreement_ends_after_it_begins",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="debit_agreements_only_end",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    differs(
                        [
                            "id",
                            "employer_id",
                            "city",
                            "bank",
                            "account_number",
                            "holder",
                            "case_id",
                            "agreed_at",
                        ]
                    )
                    + " OR OLD.ended_at IS NOT NULL"
                ),
            ),
            pgtrigger.Protect(name="debit_agreements_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.employer_id} {self.bank} ····{self.account_number[-4:]}"
