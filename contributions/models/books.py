"""The books: accounts, balanced entries, their legs, and the receipts that they sum."""

from enum import StrEnum

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contributions.locks import CHAIN
from contributions.models.charges import Charge
from contributions.models.debit import DebitLine
from contributions.models.guards import never_without
from contributions.models.surcharges import Surcharge
from portal.columns import choices, one_of
from portal.locks import key_sql
from portal.people.models import Person
from portal.shared.insurance import INSURANCE_LABELS


class AccountKind(StrEnum):
    CLEARING = "clearing"
    POOLED = "pooled"
    PERSONAL = "personal"
    SURCHARGE = "surcharge"
    SUSPENSE = "suspense"
    INTEREST = "interest"
    TRANSFER = "transfer"


ACCOUNT_KIND_LABELS = {
    AccountKind.CLEARING: "收款清算",
    AccountKind.POOLED: "统筹基金收入",
    AccountKind.PERSONAL: "个人账户收入",
    AccountKind.SURCHARGE: "利息和滞纳金收入",
    AccountKind.SUSPENSE: "暂收款（待核实退回）",
    AccountKind.INTEREST: "个人账户记账利息支出",
    AccountKind.TRANSFER: "转移资金清算",
}


class LedgerAccount(models.Model):
    """An account of a city's books. ``insurance`` is empty for clearing and suspense. ``channel``
    names the channel of a clearing account, and the other agency of one for transfers; it is empty
    for all others."""

    city = models.CharField(_("城市"), max_length=30)
    kind = models.CharField(_("科目"), max_length=10, choices=choices(ACCOUNT_KIND_LABELS))
    insurance = models.CharField(_("险种"), max_length=20, blank=True, choices=choices(INSURANCE_LABELS))
    channel = models.CharField(_("收款渠道"), max_length=30, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("会计科目")
        constraints = [
            one_of("kind", AccountKind, name="ledger_account_kind_known"),
            models.UniqueConstraint(
                fields=["city", "kind", "insurance", "channel"], name="one_account_of_a_kind"
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="ledger_accounts_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        parts = [
            self.get_kind_display(),
            self.get_insurance_display() if self.insurance else "",
            self.channel,
        ]
        return " · ".join(str(part) for part in parts if part)


class Entry(models.Model):
    """One posting (分录) in a city's book. Entries of a city are numbered without gaps, each sealed
    over the one before."""

    city = models.CharField(_("城市"), max_length=30)
    number = models.BigIntegerField(_("序号"))
    kind = models.CharField(_("类别"), max_length=30)
    # What was booked: the same kind and reference are booked once.
    reference = models.CharField(_("凭据"), max_length=100)
    at = models.DateTimeField(_("记账时间"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("记账人"))
    previous_digest = models.CharField(_("上一分录摘要"), max_length=64, blank=True)
    digest = models.CharField(_("摘要"), max_length=64)

    class Meta:
        verbose_name = verbose_name_plural = _("分录")
        constraints = [
            models.UniqueConstraint(fields=["kind", "reference"], name="booked_once"),
            models.UniqueConstraint(fields=["city", "number"], name="entries_of_a_city_in_one_row"),
        ]
        indexes = [models.Index(fields=["city", "at"], name="entry_by_city_and_time")]
        triggers = [
            pgtrigger.Protect(name="entries_are_kept", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="closed_months_take_no_entries",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                # The lock of the city's chain: a close and an entry wait for each other, and the
                # later one sees the earlier.
                func=f"""
                    PERFORM pg_advisory_xact_lock({key_sql(CHAIN, "NEW.city")});
                    IF EXISTS (
                        SELECT 1 FROM contributions_monthclose
                        WHERE city = NEW.city AND closed_at IS NOT NULL
                            AND (month + interval '1 month') AT TIME ZONE 'Asia/Shanghai' > NEW.at
                    ) THEN
                        RAISE EXCEPTION 'the month of % is closed in %', NEW.at, NEW.city USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,  # noqa: S608 - the lock is a constant
            ),
            never_without(
                "entries_have_legs", table="contributions_leg", column="entry_id", says="entry % has no legs"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"


class Leg(models.Model):
    """One side of an entry: debit positive, credit negative. All legs of an entry come by one
    statement and sum to zero."""

    entry = models.ForeignKey(Entry, models.PROTECT, related_name="legs", verbose_name=_("分录"))
    account = models.ForeignKey(LedgerAccount, models.PROTECT, related_name="legs", verbose_name=_("科目"))
    amount_fen = models.BigIntegerField(_("金额（分）"))

    class Meta:
        verbose_name = verbose_name_plural = _("分录明细")
        constraints = [models.CheckConstraint(condition=~Q(amount_fen=0), name="leg_is_not_zero")]
        triggers = [
            pgtrigger.Protect(name="legs_are_kept", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="entries_balance",
                level=pgtrigger.Statement,
                operation=pgtrigger.Insert,
                when=pgtrigger.After,
                referencing=pgtrigger.Referencing(new="new_legs"),
                # Old legs count too, so that nothing can be added to an entry once it stands.
                func="""
                    IF EXISTS (SELECT 1 FROM new_legs GROUP BY entry_id HAVING sum(amount_fen) <> 0) THEN
                        RAISE EXCEPTION 'the legs of an entry do not sum to zero' USING ERRCODE = 'check_violation';
                    END IF;
                    IF EXISTS (
                        SELECT 1 FROM contributions_leg leg
                        WHERE leg.entry_id IN (SELECT entry_id FROM new_legs)
                          AND NOT EXISTS (SELECT 1 FROM new_legs WHERE new_legs.id = leg.id)
                    ) THEN
                        RAISE EXCEPTION 'the entry has its legs already' USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.amount_fen}"


# Behind the provider's number of a receipt that is held for an order.
HELD = "/order"


class Receipt(models.Model):
    """Money that a channel confirmed for a charge, or held for an order of none: the ledger's
    sub-ledger. Never changed.

    ``applied`` receipts pay their charge, one each; the others (paid twice, or paid for what no
    longer is owed) lie in suspense until they are given back. A receipt with a surcharge paid both,
    or was meant to: its amount is the sum.
    """

    channel = models.CharField(_("渠道"), max_length=30)
    provider_number = models.CharField(_("渠道流水号"), max_length=64)
    amount_fen = models.BigIntegerField(_("金额（分）"))
    charge = models.ForeignKey(
        Charge,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="receipts",
        db_index=False,
        verbose_name=_("应缴"),
    )
    # Instead of a charge: an order of a top-up or a lump sum whose money could not be credited.
    # What could is booked by its movement.
    order = models.ForeignKey(
        "contributions.Order",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="receipts",
        db_index=False,
        verbose_name=_("订单"),
    )
    surcharge = models.ForeignKey(
        Surcharge,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="receipts",
        db_index=False,
        verbose_name=_("利息或滞纳金"),
    )
    applied = models.BooleanField(_("已入账"))
    received_at = models.DateTimeField(_("到账时间"))
    account_fen = models.BigIntegerField(_("划入个人账户（分）"))
    entry = models.ForeignKey(Entry, models.PROTECT, related_name="receipts", verbose_name=_("分录"))
    debit_line = models.ForeignKey(
        DebitLine,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="receipts",
        db_index=False,
        verbose_name=_("托收明细"),
    )

    class Meta:
        verbose_name = verbose_name_plural = _("到账记录")
        constraints = [
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="receipt_amount_positive"),
            models.CheckConstraint(
                condition=Q(account_fen__gte=0, account_fen__lte=F("amount_fen"))
                & (Q(applied=True) | Q(account_fen=0)),
                name="receipt_account_part_of_amount",
            ),
            models.CheckConstraint(
                condition=~Q(channel="") & ~Q(provider_number=""), name="receipt_names_its_source"
            ),
            models.CheckConstraint(
                condition=Q(charge__isnull=False, order__isnull=True)
                | Q(charge__isnull=True, order__isnull=False, applied=False, surcharge__isnull=True),
                name="receipt_is_for_a_charge_or_held_for_an_order",
            ),
            models.UniqueConstraint(fields=["channel", "provider_number"], name="a_payment_is_received_once"),
            models.UniqueConstraint(
                fields=["charge"], condition=Q(applied=True), name="a_charge_is_paid_once"
            ),
            models.UniqueConstraint(
                fields=["surcharge"],
                condition=Q(applied=True, surcharge__isnull=False),
                name="a_surcharge_is_paid_once",
            ),
        ]
        indexes = [
            models.Index(fields=["charge"], condition=Q(applied=False), name="receipt_in_suspense"),
            models.Index(
                fields=["order"], condition=Q(order__isnull=False), name="receipt_held_for_an_order"
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="receipts_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.provider_number}"

    @property
    def number_given(self) -> str:
        """The number that the provider, bank or counter gave, without what makes it this receipt's
        among several."""
        return self.provider_number.removesuffix(f"/{self.charge_id}").removesuffix(HELD)

    @property
    def of_charge(self) -> Charge:
        """The charge that it was for; ValueError for one held for an order."""
        if self.charge is None:
            raise ValueError(f"{self} is for no charge")
        return self.charge

    @property
    def city(self) -> str:
        return self.order.city if self.order else self.of_charge.city

    @property
    def person(self) -> Person:
        """Whose month, or whose account, it was for."""
        if self.order is None:
            return self.of_charge.person
        if self.order.person is None:
            raise ValueError(f"{self} is for no person")
        return self.order.person
