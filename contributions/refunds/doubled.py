"""Doubled and late payments: the hall finds receipts that paid nothing, drafts their refunds and
tells the payers.

Staff check and approve each draft like any other. Three kinds are left to staff, because the hall
cannot decide them: money of another sum than was asked for, money whose account is not known, and
receipts that had a refund before, whatever its outcome. Receipts that an open application
(``duplicate-refund``) is about wait until the application ends.
"""

import datetime as dt
import logging
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils.translation import gettext as _

from contributions.holding import held_entries, hold_receipts
from contributions.models import Entry, Refund, RefundEvent, RefundPart, RefundStatus, RefundWay
from contributions.refunds import drafting
from portal.accounts.models import Notice, User
from portal.shared import money
from portal.shared.insurance import INSURANCE_LABELS, Insurance
from portal.shared.months import Month
from portal.watch.failures import Watch

log = logging.getLogger(__name__)

NOTICE_KIND = "money-back"

# The hall drafts only one refund of a receipt, ever: the refund's key follows from the first of its
# receipts.
_KEYS = uuid.UUID("6f0e7b1c-6a0d-4f2e-9a3f-5d1c2b7e8a90")

ENTRIES_AT_A_TIME = 200


@dataclass(frozen=True, slots=True)
class Found:
    """A receipt that paid nothing and has no refund yet, and how its money goes back. ``month`` and
    ``insurance`` are None for an order of no charge, ``top_up`` says of which kind; ``employer``
    says that an employer paid, ``begun_by`` by which login."""

    receipt_id: int
    entry_id: int
    line_id: int | None
    city: str
    person_id: int
    month: Month | None
    insurance: Insurance | None
    amount_fen: int
    channel: str
    payment_id: int | None
    account_number: str
    holder: str
    employer: bool
    begun_by: int | None
    paid_otherwise: bool
    late: bool
    top_up: bool

    @property
    def why(self) -> str:
        """The reason for the refund, as the payer and the provider read it."""
        if self.paid_otherwise:
            return _("重复缴费：该月已另行缴费")
        if self.late:
            return _("订单完结后到账，没有入账")
        return _("该月已不再应缴，没有入账")

    @property
    def what(self) -> str:
        """What the money was for: 2026年10月养老保险; 个人账户充值; 一次性缴费."""
        if self.month is None or self.insurance is None:
            return _("个人账户充值") if self.top_up else _("一次性缴费")
        return f"{self.month.zh}{_(INSURANCE_LABELS[self.insurance])}"


def draft_refunds(*, by: User, now: dt.datetime) -> int:
    """Draft refunds of all receipts that paid nothing and never had a refund, one refund for each
    payment or debit, and tell the payers. Returns how many were drafted.

    ``by`` is the hall itself, so that the member of staff who approves is always a second one. A
    run that is killed is continued by the next run; runs at the same time draft nothing twice. An
    entry that fails does not stop the others.
    """
    drafted, last, watch = 0, 0, Watch("draft_refunds", now=now)
    while entries := _entries(after=last):
        last = entries[-1]
        try:
            drafted += _draft_all(entries, by=by, now=now)
        except Exception:
            log.exception("entries %s to %s are drafted one by one", entries[0], last)
            for entry in entries:
                with watch.item(_("分录 %(entry)s") % {"entry": entry}, city=_city_of(entry)):
                    drafted += _draft_all([entry], by=by, now=now)
    watch.finished()
    return drafted


@transaction.atomic
def _draft_all(entries: Sequence[int], *, by: User, now: dt.datetime) -> int:
    return draft_doubled(list(_claimed(entries)), by=by, now=now)


def _city_of(entry: int) -> str:
    return Entry.objects.values_list("city", flat=True).get(pk=entry)


def _entries(*, after: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT receipt.entry_id {_OPEN} AND receipt.entry_id > %s ORDER BY receipt.entry_id LIMIT %s",
            [after, ENTRIES_AT_A_TIME],
        )
        return [entry for (entry,) in cursor.fetchall()]


def claim_doubled(entries: Sequence[int]) -> list[int]:
    """Lock the open receipts of these entries until the transaction ends. Entries that another run
    has locked are left to that run. Returns the entries held."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT receipt.id {_OPEN} AND receipt.entry_id = ANY(%s)", [entry_ids := held_entries(entries)]
        )
        hold_receipts([pk for (pk,) in cursor.fetchall()])
    return entry_ids


def _claimed(entries: Sequence[int]) -> Iterator[Found]:
    """The open receipts of these entries, read after they are locked."""
    entry_ids = claim_doubled(entries)
    with connection.cursor() as cursor:
        # Another run or a member of staff may have drafted before releasing the lock; only a
        # statement that begins after the release sees that draft.
        cursor.execute(
            f"SELECT {_COLUMNS} {_OPEN} AND receipt.entry_id = ANY(%s) ORDER BY receipt.id", [entry_ids]
        )
        for row in cursor.fetchall():
            receipt_id, entry_id, line_id, city, person_id, month, insurance, *rest = row
            yield Found(
                receipt_id,
                entry_id,
                line_id,
                city,
                person_id,
                Month.of(month) if month else None,
                Insurance(insurance) if insurance else None,
                *rest,
            )


def draft_doubled(receipts: Sequence[Found], *, by: User, now: dt.datetime) -> int:
    """Draft one refund for each payment or debit. Returns how many were drafted."""
    together: dict[tuple[int, int | None], list[Found]] = {}
    for receipt in receipts:
        together.setdefault((receipt.entry_id, receipt.line_id), []).append(receipt)
    drafts = {drafting.new_number(parts[0].city, now): parts for parts in together.values()}
    refunds = Refund.objects.bulk_create(
        Refund(
            number=number,
            city=parts[0].city,
            amount_fen=sum(one.amount_fen for one in parts),
            way=RefundWay.CHANNEL if parts[0].payment_id else RefundWay.BANK,
            channel=parts[0].channel,
            payment_id=parts[0].payment_id,
            account_number=parts[0].account_number,
            holder=parts[0].holder,
            reason="；".join(dict.fromkeys(one.why for one in parts)),
            key=uuid.uuid5(_KEYS, str(parts[0].receipt_id)),
            drafted_at=now,
            drafted_by=by,
        )
        for number, parts in drafts.items()
    )
    RefundPart.objects.bulk_create(
        RefundPart(refund=refund, receipt_id=one.receipt_id, amount_fen=one.amount_fen)
        for refund in refunds
        for one in drafts[refund.number]
    )
    RefundEvent.objects.bulk_create(
        RefundEvent(refund=one, at=now, by=by, status=RefundStatus.DRAFTED, note=one.reason)
        for one in refunds
    )
    Notice.objects.bulk_create(_notices(receipts, now), ignore_conflicts=True)
    return len(refunds)


def _notices(receipts: Sequence[Found], now: dt.datetime) -> Iterator[Notice]:
    """One notice to the payer of each payment, about all of its months that go back."""
    by_payer: dict[tuple[int, int, bool], list[Found]] = {}
    for receipt in receipts:
        payer = receipt.begun_by if receipt.employer else receipt.person_id
        if payer is None:
            # An employer without a login learns of the refund from the bank.
            continue
        by_payer.setdefault((receipt.entry_id, payer, receipt.employer), []).append(receipt)
    for (entry, payer, employer), parts in by_payer.items():
        # An employer's payment is for many people: the text names one sum for each month and
        # insurance.
        alike: dict[tuple[str, str], list[int]] = {}
        for part in parts:
            alike.setdefault((part.what, part.why), []).append(part.amount_fen)
        items = "、".join(
            (
                _("%(what)s %(yuan)s 元（%(why)s）")
                if len(sums) == 1
                else _("%(what)s %(count)s 笔共 %(yuan)s 元（%(why)s）")
            )
            % {"what": what, "count": len(sums), "yuan": money.format_yuan(sum(sums)), "why": why}
            for (what, why), sums in alike.items()
        )
        yield Notice(
            person_id=None if employer else payer,
            user_id=payer if employer else None,
            kind=NOTICE_KIND,
            reference=f"{entry}/{'u' if employer else 'p'}{payer}",
            title=_("有款项将原路退回"),
            text=_(
                "收到的下列款项没有入账：%(items)s。已自动发起退款，经工作人员复核后原路退回，您不需要另行申请。"
            )
            % {"items": items},
            at=now,
        )


_OPEN = """
    FROM contributions_receipt receipt
    LEFT JOIN contributions_charge charge ON charge.id = receipt.charge_id
    LEFT JOIN contributions_order bought ON bought.id = receipt.order_id
    LEFT JOIN contributions_payment payment ON payment.entry_id = receipt.entry_id
    LEFT JOIN contributions_order orders ON orders.id = payment.order_id
    LEFT JOIN contributions_debitline line ON line.id = receipt.debit_line_id
    WHERE NOT receipt.applied
        AND (payment.status = 'succeeded' OR (payment.id IS NULL AND line.id IS NOT NULL))
        AND NOT EXISTS (SELECT 1 FROM contributions_refundpart part WHERE part.receipt_id = receipt.id)
        AND NOT EXISTS (
            SELECT 1 FROM hall_case asked WHERE asked.subject_id = charge.person_id AND asked.service = 'duplicate-refund'
                AND asked.status = 'pre_applied' AND asked.city = charge.city AND charge.insurance = 'pension'
        )
"""

# For an employer, the login that paid gets the notice; for a person, the person does.
_COLUMNS = """
    receipt.id, receipt.entry_id, line.id, coalesce(charge.city, bought.city), coalesce(charge.person_id, bought.person_id),
    charge.month, charge.insurance, receipt.amount_fen, receipt.channel, payment.id,
    coalesce(payment.payer_account, line.account_number), coalesce(line.holder, ''),
    orders.employer_id IS NOT NULL OR line.assessment_id IS NOT NULL,
    coalesce(payment.begun_by_id, (
        SELECT min(clerk.id) FROM accounts_user clerk
        WHERE line.assessment_id IS NOT NULL AND clerk.kind = 'clerk' AND clerk.is_active
            AND clerk.employer_id = charge.employer_id
    )),
    EXISTS (
        SELECT 1 FROM contributions_charge other
        WHERE other.live AND other.status = 'paid'
            AND (other.person_id, other.insurance, other.month) = (charge.person_id, charge.insurance, charge.month)
    ),
    payment.id IS NOT NULL AND NOT payment.credited,
    EXISTS (SELECT 1 FROM contributions_topup top_up WHERE top_up.order_id = bought.id)
"""
