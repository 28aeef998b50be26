"""What moves a personal account besides contributions: interest, top-ups, lump sums, transfers, and
what is taken back."""

from enum import StrEnum

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contributions.models.books import Entry, LedgerAccount
from portal.columns import choices, one_of
from portal.people.models import Person
from portal.shared.insurance import INSURANCE_LABELS


class MovementKind(StrEnum):
    INTEREST = "interest"
    TOP_UP = "top_up"
    LUMP_SUM = "lump_sum"
    TRANSFER_IN = "transfer_in"
    TRANSFER_OUT = "transfer_out"
    DUPLICATE_TAKEN_BACK = "duplicate_taken_back"
    REVERSED = "reversed"


MOVEMENT_KIND_LABELS = {
    MovementKind.INTEREST: "记账利息",
    MovementKind.TOP_UP: "个人充值",
    MovementKind.LUMP_SUM: "一次性缴费",
    MovementKind.TRANSFER_IN: "转移接续转入",
    MovementKind.TRANSFER_OUT: "转移接续转出",
    MovementKind.DUPLICATE_TAKEN_BACK: "重复缴费扣回",
    MovementKind.REVERSED: "缴费冲正",
}

# Kinds that only bring money, kinds that only take it, and those whose entry moves the pooled fund,
# too.
_BRING = ["top_up", "lump_sum", "transfer_in"]
_TAKE = ["transfer_out", "duplicate_taken_back", "reversed"]
_POOLED = ["lump_sum", "transfer_in", "transfer_out", "duplicate_taken_back", "reversed"]


class AccountMovement(models.Model):
    """One movement of a person's account: ``amount_fen`` is credited (positive) or taken
    (negative). Never changed.

    Its entry books it, and what moves in the pooled fund and the account of surcharges with it
    (``pooled_fen`` and ``surcharge_fen``, same sign), against one account of the ledger. The
    database lets nothing take an account below zero.
    """

    person = models.ForeignKey(
        Person, models.PROTECT, related_name="account_movements", db_index=False, verbose_name=_("参保人")
    )
    city = models.CharField(_("城市"), max_length=30)
    insurance = models.CharField(_("险种"), max_length=20, choices=choices(INSURANCE_LABELS))
    kind = models.CharField(_("类别"), max_length=20, choices=choices(MOVEMENT_KIND_LABELS))
    amount_fen = models.BigIntegerField(_("金额（分）"))
    pooled_fen = models.BigIntegerField(_("统筹部分（分）"), default=0)
    # Interest or a late fee that was paid on top, and goes back with a reversed month.
    surcharge_fen = models.BigIntegerField(_("利息或滞纳金（分）"), default=0)
    against = models.ForeignKey(
        LedgerAccount,
        models.PROTECT,
        related_name="account_movements",
        db_index=False,
        verbose_name=_("对方科目"),
    )
    booked_on = models.DateField(_("记账日期"))
    key = models.CharField(_("凭据"), max_length=100, unique=True)
    entry = models.ForeignKey(Entry, models.PROTECT, related_name="account_movements", verbose_name=_("分录"))

    class Meta:
        verbose_name = verbose_name_plural = _("个人账户变动")
        constraints = [
            one_of("kind", MovementKind, name="account_movement_kind_known"),
            # A reversed month of an insurance without accounts moves the pooled fund alone.
            models.CheckConstraint(
                condition=Q(insurance__in=["pension", "medical"]) | Q(kind="reversed", amount_fen=0),
                name="account_movement_insurance_has_accounts",
            ),
            models.CheckConstraint(
                condition=~Q(amount_fen=0) | (~Q(pooled_fen=0) & Q(kind__in=_POOLED)),
                name="account_movement_moves_something",
            ),
            models.CheckConstraint(
                condition=(~Q(kind__in=_BRING) | Q(amount_fen__gte=0, pooled_fen__gte=0))
                & (~Q(kind__in=_TAKE) | Q(amount_fen__lte=0, pooled_fen__lte=0))
                & (Q(kind__in=_POOLED) | Q(pooled_fen=0))
                & (Q(kind="reversed", surcharge_fen__lte=0) | Q(surcharge_fen=0)),
                name="account_movement_goes_the_way_of_its_kind",
            ),
            models.CheckConstraint(
                condition=~Q(kind="top_up") | Q(insurance="medical"), name="only_medical_is_topped_up"
            ),
            models.CheckConstraint(condition=~Q(key=""), name="account_movement_has_a_key"),
        ]
        indexes = [models.Index(fields=["person", "city", "insurance"], name="account_movement_of_account")]
        triggers = [
            pgtrigger.Protect(
                name="account_movements_are_kept", operation=pgtrigger.Update | pgtrigger.Delete
            ),
            pgtrigger.Trigger(
                name="no_account_below_zero",
                operation=pgtrigger.Insert,
                when=pgtrigger.After,
                condition=pgtrigger.Condition("NEW.amount_fen < 0"),
                declare=[("balance", "bigint")],
                # The person stays locked until the transaction ends: two takings are counted one
                # after the other.
                func="""
                    PERFORM 1 FROM people_person WHERE id = NEW.person_id FOR NO KEY UPDATE;
                    SELECT coalesce(sum(fen), 0) INTO balance FROM (
                        SELECT receipt.account_fen AS fen
                        FROM contributions_charge charge
                        JOIN contributions_receipt receipt ON receipt.charge_id = charge.id AND receipt.applied
                        WHERE charge.person_id = NEW.person_id AND charge.city = NEW.city
                            AND charge.insurance = NEW.insurance
                        UNION ALL
                        SELECT amount_fen FROM contributions_accountmovement
                        WHERE person_id = NEW.person_id AND city = NEW.city AND insurance = NEW.insurance
                    ) moved;
                    IF balance < 0 THEN
                        RAISE EXCEPTION 'the % account of person % in % would hold % fen',
                            NEW.insurance, NEW.person_id, NEW.city, balance USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
