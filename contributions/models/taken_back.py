"""Paid months that no longer count: what was taken back of them, to be refunded."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contributions.models.account_movements import AccountMovement
from contributions.models.books import Receipt
from contributions.models.partners import Difference
from portal.hall.models import Case


class TakenBack(models.Model):
    """That a month's money, applied once, no longer pays: its movement took it out of personal
    account and pooled fund, and it lies in suspense until it is refunded. One for each receipt, for
    good.

    Either the month is paid ``elsewhere``, too (重复缴费, found by a case), or its order was undone
    at a partner's request.
    """

    receipt = models.OneToOneField(
        Receipt, models.PROTECT, related_name="taken_back", verbose_name=_("到账记录")
    )
    movement = models.OneToOneField(
        AccountMovement, models.PROTECT, related_name="taken_back", verbose_name=_("个人账户变动")
    )
    case = models.ForeignKey(
        Case, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("办件")
    )
    request = models.ForeignKey(
        Difference,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="taken_back",
        verbose_name=_("合作方的申请"),
    )
    amount_fen = models.BigIntegerField(_("金额（分）"))
    # Where the month is paid besides, as staff found it proven.
    elsewhere = models.CharField(_("另一参保地"), max_length=60, blank=True)
    at = models.DateTimeField(_("时间"))

    class Meta:
        verbose_name = verbose_name_plural = _("缴费扣回")
        constraints = [
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="taken_back_amount_positive"),
            models.CheckConstraint(
                condition=(Q(case__isnull=False, request__isnull=True) & ~Q(elsewhere=""))
                | Q(case__isnull=True, request__isnull=False, elsewhere=""),
                name="taken_back_by_a_case_or_a_request",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="taken_back_is_kept", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="no_more_is_taken_back_than_was_paid",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                func="""
                    IF NOT EXISTS (
                        SELECT 1 FROM contributions_receipt receipt, contributions_accountmovement movement
                        WHERE receipt.id = NEW.receipt_id AND receipt.applied AND NEW.amount_fen <= receipt.amount_fen
                            AND movement.id = NEW.movement_id
                            AND movement.kind = CASE WHEN NEW.request_id IS NULL THEN 'duplicate_taken_back' ELSE 'reversed' END
                            AND movement.amount_fen + movement.pooled_fen + movement.surcharge_fen = -NEW.amount_fen
                    ) THEN
                        RAISE EXCEPTION 'receipt %: % fen are not what was paid and taken back',
                            NEW.receipt_id, NEW.amount_fen USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.receipt_id}: {self.amount_fen}"
