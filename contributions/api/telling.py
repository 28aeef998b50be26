"""What the API answers about orders, payments and refunds: their JSON."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from contributions.arrears.late_costs import Late
from contributions.models import (
    Difference,
    DifferenceStatus,
    Order,
    Payment,
    Refund,
    RefundStatus,
    Reversal,
    Way,
)
from contributions.orders import placing
from contributions.orders.payable import Payable
from contributions.partners import late_reversals, ordering
from contributions.prices.formula import Derivation
from portal.partners.models import Partner
from portal.people.models import Person
from portal.policy.book import PolicyMissing
from portal.shared import identity
from portal.shared.insurance import INSURANCE_LABELS
from portal.shared.months import CHINA, Month


def dues(
    person: Person, city: str, payables: Sequence[Payable], late: Sequence[Late], opens_at: dt.datetime | None
) -> dict[str, Any]:
    """What the person may pay in the city: each month with the tiers to choose from and their
    prices, and the other late months with their costs."""
    failed = {(one.month.insurance, one.month.month): one.month.failed for one in late}
    named = {(one.insurance, month) for one in payables for month in (*one.months, *one.barred)}
    return {
        "person": _masked(person),
        "city": city,
        "opens_at": _in_china(opens_at) if opens_at else None,
        "dues": [
            {
                "insurance": str(one.insurance),
                "title": _(INSURANCE_LABELS[one.insurance]),
                "tier_now": one.tier_now,
                "months": [
                    {
                        "month": str(month),
                        "tiers": priced,
                        "debit_failed": failed.get((one.insurance, month), ""),
                    }
                    for month in one.months
                    if (priced := _priced(one, city, month))
                ],
                "barred": [{"month": str(month), "why": why} for month, why in sorted(one.barred.items())],
            }
            for one in payables
        ],
        "arrears": [_late(one) for one in late if (one.month.insurance, one.month.month) not in named],
    }


def _late(late: Late) -> dict[str, Any]:
    cost = late.cost
    return {
        "insurance": str(late.month.insurance),
        "title": _(INSURANCE_LABELS[late.month.insurance]),
        "month": str(late.month.month),
        "status": str(late.month.status),
        "due_on": late.month.due_on,
        "paid_on": cost.paid_on if cost else None,
        "principal_fen": cost.principal_fen if cost else None,
        "surcharge_fen": cost.on_top_fen if cost else None,
        "surcharge_kind": str(cost.on_top_kind or "") if cost else "",
        "amount_fen": cost.total_fen if cost else None,
        "principal_why": _why(cost.principal_why) if cost else None,
        "surcharge_why": _why(cost.on_top_why) if cost else None,
        "debit_failed": late.month.failed,
        "barred": late.why,
    }


def _why(derivation: Derivation | None) -> dict[str, Any] | None:
    if derivation is None:
        return None
    reference = derivation.reference
    return {
        "steps": [{"label": one.label, "value": one.value, "note": one.note} for one in derivation.lines],
        "since": derivation.since,
        "reference": reference.basis,
        "illustrative": derivation.illustrative,
    }


def _priced(payable: Payable, city: str, month: Month) -> list[dict[str, Any]]:
    fixed = payable.fixed.get(month)
    priced = []
    for code, title in payable.tiers:
        if fixed in (None, code):
            try:
                priced.append({"tier": code, "title": title, "amount_fen": payable.price(city, code, month)})
            except PolicyMissing:
                continue
    return priced


def order(order: Order, partner: Partner) -> dict[str, Any]:
    return {
        "number": order.number,
        "city": order.city,
        "person": _masked(order.person) if order.person else None,
        "status": order.status,
        "sum_fen": order.sum_fen,
        "placed_at": _in_china(order.placed_at),
        "expires_at": _in_china(order.expires_at),
        "lines": [
            {
                "insurance": line.charge.insurance,
                "month": str(line.charge.month),
                "principal_fen": line.charge.amount_fen,
                "surcharge_fen": line.amount_fen - line.charge.amount_fen,
                "amount_fen": line.amount_fen,
            }
            for line in order.lines.select_related("charge").order_by("charge__month", "charge__insurance")
        ],
        "payments": [
            payment(paid, partner)
            for paid in order.payments.filter(entry__isnull=False)
            .select_related("order", "entry", "reversal")
            .order_by("pk")
        ],
    }


def payment(payment: Payment, partner: Partner) -> dict[str, Any]:
    done = Reversal.objects.filter(payment=payment).first()
    request = late_reversals.latest(payment, partner)
    return {
        "number": payment.number,
        "order_number": payment.order.number,
        "status": payment.status,
        "credited": payment.credited,
        "amount_fen": payment.received_fen,
        "provider_number": payment.provider_number,
        "business_day": ordering.business_day(payment),
        "message": str(payment.why),
        "reversal": reversal(done, payment) if done else None,
        "refund_request": refund_request(request, payment) if request else None,
    }


def reversal(reversal: Reversal, payment: Payment) -> dict[str, Any]:
    return {
        "provider_number": reversal.provider_number,
        "payment_number": payment.provider_number,
        "order_number": payment.order.number,
        "amount_fen": payment.received_fen,
        "reason": reversal.reason,
        "business_day": reversal.business_day,
        "at": _in_china(reversal.at),
    }


def refund_request(request: Difference, payment: Payment) -> dict[str, Any]:
    settled = request.status == DifferenceStatus.SETTLED
    granted = settled and request.way == Way.REFUND
    return {
        "payment_number": request.provider_number,
        "order_number": request.order_number,
        "amount_fen": payment.received_fen,
        "reason": request.asked_why,
        "asked_at": _in_china(request.found_at),
        "status": "granted" if granted else "declined" if settled else "waiting",
        "why": request.reason if settled and not granted else "",
    }


def refund(refund: Refund) -> dict[str, Any]:
    paid = refund.payment
    return {
        "number": refund.number,
        "payment_number": paid.provider_number if paid else "",
        "order_number": paid.order.number if paid else "",
        "amount_fen": refund.amount_fen,
        "reason": refund.reason,
        "done": refund.status == RefundStatus.SUCCEEDED,
        "provider_number": refund.provider_number,
    }


def refusals(error: placing.CannotOrder, field: str) -> list[tuple[str, str]]:
    """Where in the request's ``field`` each refusal belongs, and why."""
    return [(".".join(filter(None, [field, one.insurance, one.about])), one.why) for one in error.refusals]


def _in_china(moment: dt.datetime) -> str:
    """The moment in China's time zone, so that it is always written the same way."""
    return moment.astimezone(CHINA).isoformat()


def _masked(person: Person) -> dict[str, str]:
    return {
        "name": identity.mask_name(person.name),
        "identity_number": identity.mask(person.identity_number),
    }
