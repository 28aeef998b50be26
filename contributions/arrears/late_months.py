"""A flexible worker's months that are owed or written off, with what stands against doing anything
about them."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from contributions.bank_files.results import REASON_LABELS, Reason
from contributions.debit import recollecting
from contributions.models import Charge, ChargeStatus, DebitLine, LineStatus, Surcharge, SurchargeStatus
from contributions.orders import queries
from portal.people.models import Person
from portal.shared.insurance import INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import Month

# How many months a sentence tells one by one.
_TOLD = 3


@dataclass(frozen=True, slots=True)
class LateMonth:
    """A month of one insurance that is owed, or written off. ``busy`` says in Chinese what is under
    way with it ("": nothing); ``failed`` why the latest debit failed ("": none did)."""

    charge: Charge
    busy: str
    failed: str

    @property
    def charge_id(self) -> int:
        return self.charge.pk

    @property
    def insurance(self) -> Insurance:
        return Insurance(self.charge.insurance)

    @property
    def month(self) -> Month:
        return self.charge.month

    @property
    def status(self) -> ChargeStatus:
        return ChargeStatus(self.charge.status)

    @property
    def amount_fen(self) -> int:
        return self.charge.amount_fen

    @property
    def due_on(self) -> dt.date:
        return self.charge.due_on

    @property
    def basis(self) -> str:
        return self.charge.basis

    @property
    def label(self) -> str:
        return _("{month} {insurance}").format(
            month=self.month.zh, insurance=INSURANCE_LABELS[self.insurance]
        )


def late_months(
    person: Person, city: str, *, statuses: Iterable[ChargeStatus] = (ChargeStatus.OWED,)
) -> list[LateMonth]:
    """The person's own charges of the city in these states, oldest first. The number of queries
    does not grow with them."""
    charges = list(
        Charge.objects.filter(
            person=person,
            city=city,
            capacity=Capacity.FLEXIBLE,
            status__in=[str(status) for status in statuses],
            live=True,
        ).order_by("month", "insurance")
    )
    ids = [one.pk for one in charges]
    ordered = queries.in_orders(charges)
    lines = {line.charge_id: line for line in DebitLine.objects.filter(charge__in=ids).order_by("pk")}
    waiting = {one.charge_id: one for one in recollecting.waiting(ids)}
    priced = set(
        Surcharge.objects.filter(charge__in=ids, status=SurchargeStatus.OWED).values_list(
            "charge_id", flat=True
        )
    )
    found = []
    for charge in charges:
        line = lines.get(charge.pk)
        busy = failed = ""
        if charge.pk in ordered:
            busy = _("在待支付的缴费订单 {number} 中").format(number=ordered[charge.pk])
        elif line and line.status in (LineStatus.PENDING, LineStatus.MISSING):
            busy = _("正在银行扣款，结果返回后才能办理")
        elif charge.pk in waiting:
            busy = _("已申请{what}，等待扣款").format(what=waiting[charge.pk].get_kind_display())
        elif charge.pk in priced:
            busy = _("正在补缴，结果入账后才能办理")
        if line and line.status == LineStatus.FAILED:
            failed = str(REASON_LABELS[Reason(line.reason_code)])
        found.append(LateMonth(charge=charge, busy=busy, failed=failed))
    return found


def none_left(reasons: Iterable[tuple[str, str]]) -> str:
    """Why none of these months can be chosen now: (month, reason), the latest three told."""
    told = [_("{month}{why}").format(month=month, why=why) for month, why in reasons]
    more = _("等 {count} 个月").format(count=len(told)) if len(told) > _TOLD else ""
    return _("目前没有可以办理的月份：{months}{more}。").format(months="；".join(told[-_TOLD:]), more=more)


def lock(charge_ids: Iterable[int]) -> list[Charge]:
    """These charges, held until the transaction ends, in one order."""
    return list(
        Charge.objects.select_for_update(no_key=True, of=("self",))
        .filter(pk__in=list(charge_ids))
        .order_by("pk")
    )
