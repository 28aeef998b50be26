"""Money: what is owed, drawn, received and booked. Rows are appended; a status moves only along its table, in the database.

Amounts are fen. Months are [from, until).
"""

from collections.abc import Iterable
from enum import StrEnum

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contributions.banks.results import REASON_LABELS, Reason
from enrollment.models import Coverage
from portal.columns import MonthField, choices, first_of_month, one_of
from portal.people.models import Employer, Person
from portal.shared.insurance import CAPACITY_LABELS, INSURANCE_LABELS, Capacity, Insurance


class ChargeStatus(StrEnum):
    OWED = "owed"
    PAID = "paid"
    WRITTEN_OFF = "written_off"
    VOID = "void"


CHARGE_STATUS_LABELS = {
    ChargeStatus.OWED: "待缴",
    ChargeStatus.PAID: "已缴",
    ChargeStatus.WRITTEN_OFF: "已注销",
    ChargeStatus.VOID: "已作废",
}

CHARGE_MOVES = (
    (ChargeStatus.OWED, ChargeStatus.PAID),
    (ChargeStatus.OWED, ChargeStatus.WRITTEN_OFF),
    (ChargeStatus.OWED, ChargeStatus.VOID),
)


class BatchStatus(StrEnum):
    OPENED = "opened"
    SENT = "sent"
    HELD = "held"
    ANSWERED = "answered"
    POSTED = "posted"
    CLOSED = "closed"


BATCH_STATUS_LABELS = {
    BatchStatus.OPENED: "待送银行",
    BatchStatus.SENT: "已送银行",
    BatchStatus.HELD: "结果有疑,已暂缓",
    BatchStatus.ANSWERED: "已收结果,记账中",
    BatchStatus.POSTED: "已记账,待关闭",
    BatchStatus.CLOSED: "已关闭",
}

BATCH_MOVES = (
    (BatchStatus.OPENED, BatchStatus.SENT),
    (BatchStatus.SENT, BatchStatus.HELD),
    (BatchStatus.SENT, BatchStatus.ANSWERED),
    (BatchStatus.HELD, BatchStatus.ANSWERED),
    (BatchStatus.ANSWERED, BatchStatus.POSTED),
    (BatchStatus.POSTED, BatchStatus.CLOSED),
)


class LineStatus(StrEnum):
    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
    MISSING = "missing"


LINE_STATUS_LABELS = {
    LineStatus.PENDING: "待银行处理",
    LineStatus.PAID: "扣款成功",
    LineStatus.FAILED: "扣款失败",
    LineStatus.MISSING: "银行未返回",
}

LINE_MOVES = (
    (LineStatus.PENDING, LineStatus.PAID),
    (LineStatus.PENDING, LineStatus.FAILED),
    (LineStatus.PENDING, LineStatus.MISSING),
    (LineStatus.MISSING, LineStatus.PAID),
    (LineStatus.MISSING, LineStatus.FAILED),
)

# While a line is one of these its charge cannot be drawn again. Missing is among them: nobody knows yet whether the bank
# took the money, and nothing is drawn twice before that is known.
DRAWING = (LineStatus.PENDING, LineStatus.PAID, LineStatus.MISSING)


class Direction(StrEnum):
    OUT = "out"
    IN = "in"


DIRECTION_LABELS = {Direction.OUT: "送银行", Direction.IN: "银行返回"}


class FileStatus(StrEnum):
    ACCEPTED = "accepted"
    HELD = "held"


FILE_STATUS_LABELS = {FileStatus.ACCEPTED: "已采用", FileStatus.HELD: "已暂缓"}


class AccountKind(StrEnum):
    CLEARING = "clearing"
    POOLED = "pooled"
    PERSONAL = "personal"
    SUSPENSE = "suspense"


ACCOUNT_KIND_LABELS = {
    AccountKind.CLEARING: "收款清算",
    AccountKind.POOLED: "统筹基金收入",
    AccountKind.PERSONAL: "个人账户收入",
    AccountKind.SUSPENSE: "暂收款(待核实退回)",
}


class CancellationKind(StrEnum):
    VOID = "void"
    WRITTEN_OFF = "written_off"


CANCELLATION_LABELS = {CancellationKind.VOID: "作废", CancellationKind.WRITTEN_OFF: "注销"}


def _differs(columns: Iterable[str]) -> str:
    """SQL that is true where one of the columns differs between the old and the new row."""
    return " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in columns)


def _illegal(column: str, moves: Iterable[tuple[str, str]]) -> str:
    """SQL that is true where the column moves, and not along the table. A WHEN clause: a million legal moves call no function."""
    legal = ", ".join(f"('{start}', '{end}')" for start, end in moves)
    return f"(OLD.{column} <> NEW.{column} AND (OLD.{column}, NEW.{column}) NOT IN ({legal}))"


class Charge(models.Model):
    """What one covered month of one insurance owes (应缴), and the policy leaf that priced it. Only ``status`` ever moves.

    ``live`` says the same as ``status <> void``: the unique indexes go by it, so that a payment touches no index.
    """

    city = models.CharField(_("参保地"), max_length=30)
    person = models.ForeignKey(
        Person, models.PROTECT, related_name="charges", db_index=False, verbose_name=_("参保人")
    )
    coverage = models.ForeignKey(
        Coverage, models.PROTECT, related_name="charges", db_index=False, verbose_name=_("参保关系")
    )
    employer = models.ForeignKey(
        Employer,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="charges",
        db_index=False,
        verbose_name=_("单位"),
    )
    insurance = models.CharField(_("险种"), max_length=20, choices=choices(INSURANCE_LABELS))
    capacity = models.CharField(_("参保身份"), max_length=12, choices=choices(CAPACITY_LABELS))
    month = MonthField(_("所属月份"))
    # Yuan, exact: a share of an average wage is not a whole number of fen.
    base = models.DecimalField(_("缴费基数(元)"), max_digits=16, decimal_places=6)
    amount_fen = models.BigIntegerField(_("应缴金额(分)"))
    personal_fen = models.BigIntegerField(_("个人缴纳(分)"))
    employer_fen = models.BigIntegerField(_("单位缴纳(分)"))
    account_fen = models.BigIntegerField(_("划入个人账户(分)"))
    policy = models.CharField(_("计费依据"), max_length=60)
    policy_since = models.DateField(_("依据起用日期"))
    # The tier's code, or the declared wage in yuan, that the base was worked out from.
    basis = models.CharField(_("缴费档次或申报工资"), max_length=20)
    status = models.CharField(
        _("状态"), max_length=12, choices=choices(CHARGE_STATUS_LABELS), default=ChargeStatus.OWED
    )
    live = models.BooleanField(default=True)
    due_on = models.DateField(_("缴费期限"))
    created_at = models.DateTimeField(_("核定时间"))

    class Meta:
        verbose_name = verbose_name_plural = _("应缴")
        constraints = [
            one_of("insurance", Insurance, name="charge_insurance_known"),
            one_of("capacity", Capacity, name="charge_capacity_known"),
            one_of("status", ChargeStatus, name="charge_status_known"),
            first_of_month("month", name="charge_month_is_month"),
            models.CheckConstraint(
                condition=Q(live=True, status__in=["owed", "paid", "written_off"])
                | Q(live=False, status="void"),
                name="charge_live_unless_void",
            ),
            models.CheckConstraint(
                condition=Q(amount_fen=F("personal_fen") + F("employer_fen")),
                name="charge_shares_make_the_amount",
            ),
            models.CheckConstraint(
                condition=Q(amount_fen__gt=0, personal_fen__gte=0, employer_fen__gte=0, base__gt=0),
                name="charge_is_positive",
            ),
            models.CheckConstraint(
                condition=Q(account_fen__gte=0, account_fen__lte=F("amount_fen")),
                name="charge_account_part_of_amount",
            ),
            models.CheckConstraint(condition=~Q(policy="") & ~Q(basis=""), name="charge_names_its_policy"),
            models.CheckConstraint(
                condition=Q(capacity="employee", employer__isnull=False)
                | (~Q(capacity="employee") & Q(employer__isnull=True)),
                name="charge_employer_only_for_employees",
            ),
            models.UniqueConstraint(
                fields=["person", "insurance", "month"],
                condition=Q(live=True),
                name="one_live_charge_per_insurance_and_month",
            ),
            models.UniqueConstraint(
                fields=["coverage", "month"],
                condition=Q(live=True),
                name="one_live_charge_per_coverage_and_month",
            ),
        ]
        indexes = [
            models.Index(fields=["city", "month"], name="charge_by_city_and_month"),
            models.Index(
                fields=["employer", "month"], condition=Q(employer__isnull=False), name="charge_by_employer"
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="charges_only_change_status",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    _differs(
                        [
                            "id",
                            "city",
                            "person_id",
                            "coverage_id",
                            "employer_id",
                            "insurance",
                            "capacity",
                            "month",
                            "base",
                            "amount_fen",
                            "personal_fen",
                            "employer_fen",
                            "account_fen",
                            "policy",
                            "policy_since",
                            "basis",
                            "due_on",
                            "created_at",
                        ]
                    )
                    + " OR "
                    + _illegal("status", CHARGE_MOVES)
                ),
            ),
            pgtrigger.Protect(name="charges_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.month} {self.get_insurance_display()}"


class Cancellation(models.Model):
    """Why an owed charge fell away: voided because its coverage ended, or written off. One for each such charge."""

    charge = models.OneToOneField(Charge, models.PROTECT, related_name="cancellation", verbose_name=_("应缴"))
    kind = models.CharField(_("方式"), max_length=12, choices=choices(CANCELLATION_LABELS))
    at = models.DateTimeField(_("时间"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("操作人"))
    why = models.CharField(_("原因"), max_length=200)

    class Meta:
        verbose_name = verbose_name_plural = _("应缴作废与注销")
        constraints = [
            one_of("kind", CancellationKind, name="cancellation_kind_known"),
            models.CheckConstraint(condition=~Q(why=""), name="cancellation_says_why"),
        ]
        triggers = [
            pgtrigger.Protect(name="cancellations_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.charge_id} {self.kind}"


class ChargingRun(models.Model):
    """That a city's month was charged, and what could not be priced then. A later run of the same month adds another row."""

    city = models.CharField(_("城市"), max_length=30)
    month = MonthField(_("月份"))
    capacities = models.JSONField(_("参保身份"))
    at = models.DateTimeField(_("时间"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("操作人"))
    created = models.PositiveIntegerField(_("新增应缴笔数"))
    # What was not charged, and why: [{"capacity", "insurance", "tier", "count", "why", "coverages": [ids, at most 20]}]
    left_out = models.JSONField(_("未能核定"), default=list)

    class Meta:
        verbose_name = verbose_name_plural = _("核定记录")
        constraints = [first_of_month("month", name="charging_run_month_is_month")]
        indexes = [models.Index(fields=["city", "-month"], name="charging_run_by_city")]
        triggers = [
            pgtrigger.Protect(name="charging_runs_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.city} {self.month}"


class DebitBatch(models.Model):
    """One debit file (托收批次): frozen count and sum, what the bank answered, and how far it has come."""

    number = models.CharField(_("批次号"), max_length=30, unique=True)
    city = models.CharField(_("城市"), max_length=30)
    month = MonthField(_("托收月份"))
    bank = models.CharField(_("银行"), max_length=20)
    round = models.PositiveSmallIntegerField(_("轮次"), default=1)
    status = models.CharField(
        _("状态"), max_length=10, choices=choices(BATCH_STATUS_LABELS), default=BatchStatus.OPENED
    )
    line_count = models.PositiveIntegerField(_("笔数"))
    total_fen = models.BigIntegerField(_("金额(分)"))
    file_name = models.CharField(_("文件名"), max_length=120, blank=True)
    file_digest = models.CharField(_("文件摘要"), max_length=64, blank=True)
    opened_at = models.DateTimeField(_("开批时间"))
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="opened_batches", verbose_name=_("开批人")
    )
    closed_at = models.DateTimeField(_("关闭时间"), null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="closed_batches",
        verbose_name=_("关闭人"),
    )

    class Meta:
        verbose_name = verbose_name_plural = _("托收批次")
        constraints = [
            one_of("status", BatchStatus, name="batch_status_known"),
            first_of_month("month", name="batch_month_is_month"),
            models.CheckConstraint(condition=Q(line_count__gt=0, total_fen__gt=0), name="batch_is_not_empty"),
            models.CheckConstraint(
                condition=Q(status="opened") | (~Q(file_name="") & ~Q(file_digest="")),
                name="batch_sent_with_its_file",
            ),
            models.CheckConstraint(
                condition=(~Q(status="closed") & Q(closed_at__isnull=True, closed_by__isnull=True))
                | Q(status="closed", closed_at__isnull=False, closed_by__isnull=False),
                name="batch_closed_by_someone",
            ),
            models.UniqueConstraint(
                fields=["city", "month", "bank", "round"], name="one_batch_per_month_bank_and_round"
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="batches_stay_frozen",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    _differs(
                        [
                            "id",
                            "number",
                            "city",
                            "month",
                            "bank",
                            "round",
                            "line_count",
                            "total_fen",
                            "opened_at",
                            "opened_by_id",
                        ]
                    )
                    + " OR (OLD.status <> 'opened' AND ("
                    + _differs(["file_name", "file_digest"])
                    + "))"
                    + " OR "
                    + _illegal("status", BATCH_MOVES)
                ),
            ),
            pgtrigger.Protect(name="batches_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.number


class BatchEvent(models.Model):
    """One move of a batch: who, when, to where."""

    batch = models.ForeignKey(DebitBatch, models.PROTECT, related_name="events", verbose_name=_("批次"))
    at = models.DateTimeField(_("时间"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("操作人"))
    status = models.CharField(_("到达状态"), max_length=10, choices=choices(BATCH_STATUS_LABELS))
    note = models.TextField(_("说明"), blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("批次经过")
        ordering = ("at", "id")
        constraints = [
            models.UniqueConstraint(fields=["batch", "status"], name="a_batch_reaches_a_status_once")
        ]
        triggers = [
            pgtrigger.Protect(name="batch_events_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.batch_id} → {self.status}"


class DebitLine(models.Model):
    """One charge in one debit file, with the account and amount as sent. ``sequence`` counts from 1 within the batch.

    ``drawing`` says the same as ``status`` being one of DRAWING; the index that keeps a charge from being drawn twice goes by it.
    """

    batch = models.ForeignKey(
        DebitBatch, models.PROTECT, related_name="lines", db_index=False, verbose_name=_("批次")
    )
    sequence = models.PositiveIntegerField(_("序号"))
    charge = models.ForeignKey(
        Charge, models.PROTECT, related_name="debit_lines", db_index=False, verbose_name=_("应缴")
    )
    account_number = models.CharField(_("账号"), max_length=32)
    holder = models.CharField(_("户名"), max_length=60)
    amount_fen = models.BigIntegerField(_("金额(分)"))
    status = models.CharField(
        _("状态"), max_length=8, choices=choices(LINE_STATUS_LABELS), default=LineStatus.PENDING
    )
    drawing = models.BooleanField(default=True)
    # One of banks.results.Reason, whatever the bank's own code was.
    reason_code = models.CharField(_("失败原因"), max_length=12, blank=True, choices=choices(REASON_LABELS))
    bank_reference = models.CharField(_("银行流水号"), max_length=40, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("托收明细")
        constraints = [
            one_of("status", LineStatus, name="line_status_known"),
            models.CheckConstraint(
                condition=Q(drawing=True, status__in=[str(status) for status in DRAWING])
                | Q(drawing=False, status="failed"),
                name="line_drawing_unless_failed",
            ),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="line_amount_positive"),
            models.CheckConstraint(
                condition=Q(status="failed", reason_code__in=[str(reason) for reason in Reason])
                | (~Q(status="failed") & Q(reason_code="")),
                name="line_failed_with_reason",
            ),
            models.UniqueConstraint(fields=["batch", "sequence"], name="one_line_per_sequence"),
            models.UniqueConstraint(fields=["charge", "batch"], name="a_charge_once_in_a_batch"),
            models.UniqueConstraint(
                fields=["charge"], condition=Q(drawing=True), name="a_charge_is_drawn_once"
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="lines_only_change_result",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    _differs(
                        ["id", "batch_id", "sequence", "charge_id", "account_number", "holder", "amount_fen"]
                    )
                    + " OR "
                    + _illegal("status", LINE_MOVES)
                    + " OR (OLD.status = NEW.status AND ("
                    + _differs(["reason_code", "bank_reference"])
                    + "))"
                ),
            ),
            pgtrigger.Protect(name="lines_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id}-{self.sequence}"


class PostingChunk(models.Model):
    """A stretch of a batch's lines [first, last] that is posted in one transaction; the row is the queue."""

    batch = models.ForeignKey(DebitBatch, models.PROTECT, related_name="chunks")
    number = models.PositiveIntegerField()
    first = models.PositiveIntegerField()
    last = models.PositiveIntegerField()
    posted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["batch", "number"], name="one_chunk_per_number"),
            models.CheckConstraint(condition=Q(last__gte=F("first")), name="chunk_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id}/{self.number}"


class BankFile(models.Model):
    """A file that went to a bank or came from it; the same content is one row however often it arrives."""

    batch = models.ForeignKey(
        DebitBatch, models.PROTECT, null=True, blank=True, related_name="files", verbose_name=_("批次")
    )
    direction = models.CharField(_("方向"), max_length=3, choices=choices(DIRECTION_LABELS))
    name = models.CharField(_("文件名"), max_length=200)
    digest = models.CharField(_("摘要"), max_length=64)
    size = models.BigIntegerField(_("字节数"))
    received_at = models.DateTimeField(_("时间"))
    status = models.CharField(_("处理"), max_length=10, choices=choices(FILE_STATUS_LABELS))
    why = models.TextField(_("说明"), blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("银行文件")
        ordering = ("received_at", "id")
        constraints = [
            one_of("direction", Direction, name="bank_file_direction_known"),
            one_of("status", FileStatus, name="bank_file_status_known"),
            models.CheckConstraint(
                condition=~Q(status="held") | ~Q(why=""), name="bank_file_held_with_reason"
            ),
            models.UniqueConstraint(fields=["direction", "digest"], name="the_same_file_counts_once"),
            models.UniqueConstraint(
                fields=["batch", "direction"],
                condition=Q(status="accepted"),
                name="one_accepted_file_each_way",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="bank_files_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return self.name


class LedgerAccount(models.Model):
    """An account of a city's books. ``insurance`` is empty for clearing and suspense, ``channel`` for all but clearing."""

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

    def __str__(self) -> str:
        parts = [
            self.get_kind_display(),
            self.get_insurance_display() if self.insurance else "",
            self.channel,
        ]
        return " · ".join(str(part) for part in parts if part)


class Entry(models.Model):
    """One posting (分录) in a city's book. Entries of a city are numbered without gaps, each sealed over the one before."""

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
                name="entries_have_legs",
                operation=pgtrigger.Insert,
                when=pgtrigger.After,
                timing=pgtrigger.Deferred,
                func="""
                    IF NOT EXISTS (SELECT 1 FROM contributions_leg WHERE entry_id = NEW.id) THEN
                        RAISE EXCEPTION 'entry % has no legs', NEW.id USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"


class Leg(models.Model):
    """One side of an entry: debit positive, credit negative. All legs of an entry come by one statement and sum to zero."""

    entry = models.ForeignKey(Entry, models.PROTECT, related_name="legs", verbose_name=_("分录"))
    account = models.ForeignKey(LedgerAccount, models.PROTECT, related_name="legs", verbose_name=_("科目"))
    amount_fen = models.BigIntegerField(_("金额(分)"))

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


class Receipt(models.Model):
    """Money that a channel confirmed for a charge: the ledger's sub-ledger. Never changed.

    ``applied`` receipts pay their charge, one each; the others (paid twice, or paid for what no longer is owed) lie in
    suspense until they are given back.
    """

    channel = models.CharField(_("渠道"), max_length=30)
    provider_number = models.CharField(_("渠道流水号"), max_length=64)
    amount_fen = models.BigIntegerField(_("金额(分)"))
    charge = models.ForeignKey(
        Charge, models.PROTECT, related_name="receipts", db_index=False, verbose_name=_("应缴")
    )
    applied = models.BooleanField(_("已入账"))
    received_at = models.DateTimeField(_("到账时间"))
    account_fen = models.BigIntegerField(_("划入个人账户(分)"))
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
            models.UniqueConstraint(fields=["channel", "provider_number"], name="a_payment_is_received_once"),
            models.UniqueConstraint(
                fields=["charge"], condition=Q(applied=True), name="a_charge_is_paid_once"
            ),
        ]
        indexes = [models.Index(fields=["charge"], condition=Q(applied=False), name="receipt_in_suspense")]
        triggers = [
            pgtrigger.Protect(name="receipts_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.provider_number}"
