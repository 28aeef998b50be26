"""Top-ups (社保卡个人账户充值): what an order is for, where it is for no charge."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contributions.models.account_movements import AccountMovement
from contributions.models.guards import differs
from contributions.models.orders import Order
from portal.columns import choices
from portal.shared.insurance import INSURANCE_LABELS, Insurance


class TopUp(models.Model):
    """Money for the payer's own medical account, named by its card: the one part of its order.
    ``movement`` is the credit, once paid.

    Only the medical account is topped up; the pension account grows by contributions alone.
    """

    order = models.OneToOneField(Order, models.PROTECT, related_name="top_up", verbose_name=_("订单"))
    insurance = models.CharField(
        _("险种"), max_length=20, choices=choices(INSURANCE_LABELS), default=Insurance.MEDICAL
    )
    bank = models.CharField(_("发卡银行"), max_length=20)
    card_number = models.CharField(_("社会保障卡卡号"), max_length=32)
    amount_fen = models.BigIntegerField(_("金额（分）"))
    movement = models.OneToOneField(
        AccountMovement,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="top_up",
        verbose_name=_("个人账户变动"),
    )

    class Meta:
        verbose_name = verbose_name_plural = _("个人账户充值")
        constraints = [
            models.CheckConstraint(condition=Q(insurance="medical"), name="top_up_is_for_medical_use"),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="top_up_amount_positive"),
            models.CheckConstraint(
                condition=Q(card_number__regex=r"^[0-9]{8,32}$"), name="top_up_names_its_card"
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="top_ups_are_credited_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    differs(["id", "order_id", "insurance", "bank", "card_number", "amount_fen"])
                    + " OR OLD.movement_id IS NOT NULL"
                ),
            ),
            pgtrigger.Protect(name="top_ups_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.order_id}: {self.amount_fen}"
