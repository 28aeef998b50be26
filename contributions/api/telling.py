"""What partners are told of orders, payments and refunds, in the words of the API."""

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
    person: Person, city: str, found: Sequence[Payable], late: Sequence[Late], opens_at: dt.datetime | None
) -> dict[str, Any]:
    """What the person may pay in the city: each month with the tiers that can be chosen for it,
    priced; and the late months that these do not name, with what they cost."""
    failed = {(one.month.insurance, one.month.month): one.month.failed for one in late}
    named = {(one.insurance, month) for one in found for month in (*one.months, *one.barred)}
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
            for one in found
        ],
        "arrears": [_late(one) for one in late if (one.month.insurance, one.month.month) not in named],
    }


def _late(one: Late) -> dict[str, Any]:
    cost = one.cost
    return {
        "insurance": str(one.month.insurance),
        "title": _(INSURANCE_LABELS[one.month.insurance]),
        "month": str(one.month.month),
        "status": str(one.month.status),
        "due_on": one.month.due_on,
        "paid_on": cost.paid_on if cost else None,
        "principal_fen": cost.principal_fen if cost else None,
        "surcharge_fen": cost.on_top_fen if cost else None,
        "surcharge_kind": str(cost.on_top_kind or "") if cost else "",
        "amount_fen": cost.total_fen if cost else None,
        "principal_why": _why(cost.principal_why) if cost else None,
        "surcharge_why": _why(cost.on_top_why) if cost else None,
        "debit_failed": one.month.failed,
        "barred": one.why,
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


def _priced(one: Payable, city: str, month: Month) -> list[dict[str, Any]]:
    fixed = one.fixed.get(month)
    priced = []
    for code, title in one.tiers:
        if fixed in (None, code):
            try:
                priced.append({"tier": code, "title": title, "amount_fen": one.price(city, code, month)})
            except PolicyMissing:
                continue
    return priced


def order(one: Order, partner: Partner) -> dict[str, Any]:
    return {
        "number": one.number,
        "city": one.city,
        "person": _masked(one.person) if one.person else None,
        "status": one.status,
        "sum_fen": one.sum_fen,
        "placed_at": _in_china(one.placed_at),
        "expires_at": _in_china(one.expires_at),
        "lines": [
            {
                "insurance": line.charge.insurance,
                "month": str(line.charge.month),
                "principal_fen": line.charge.amount_fen,
                "surcharge_fen": line.amount_fen - line.charge.amount_fen,
                "amount_fen": line.amount_fen,
            }
            for line in one.lines.select_related("charge").order_by("charge__month", "charge__insurance")
        ],
        "payments": [
            payment(paid, partner)
            for paid in one.payments.filter(entry__isnull=False)
            .select_related("order", "entry", "reversal")
            .order_by("pk")
        ],
    }


def payment(one: Payment, partner: Partner) -> dict[str, Any]:
    done = Reversal.objects.filter(payment=one).first()
    asked = late_reversals.latest(one, partner)
    return {
        "number": one.number,
        "order_number": one.order.number,
        "status": one.status,
        "credited": one.credited,
        "amount_fen": one.received_fen,
        "provider_number": one.provider_number,
        "business_day": ordering.business_day(one),
        "message": str(one.why),
        "reversal": reversal(done, one) if done else None,
        "refund_request": refund_request(asked, one) if asked else None,
    }


def reversal(one: Reversal, of: Payment) -> dict[str, Any]:
    return {
        "provider_number": one.provider_number,
        "payment_number": of.provider_number,
        "order_number": of.order.number,
        "amount_fen": of.received_fen,
        "reason": one.reason,
        "business_day": one.business_day,
        "at": _in_china(one.at),
    }


def refund_request(one: Difference, of: Payment) -> dict[str, Any]:
    settled = one.status == DifferenceStatus.SETTLED
    granted = settled and one.way == Way.REFUND
    return {
        "payment_number": one.provider_number,
        "order_number": one.order_number,
        "amount_fen": of.received_fen,
        "reason": one.asked_why,
        "asked_at": _in_china(one.found_at),
        "status": "granted" if granted else "declined" if settled else "waiting",
        "why": one.reason if settled and not granted else "",
    }


def refund(one: Refund) -> dict[str, Any]:
    paid = one.payment
    return {
        "number": one.number,
        "payment_number": paid.provider_number if paid else "",
        "order_number": paid.order.number if paid else "",
        "amount_fen": one.amount_fen,
        "reason": one.reason,
        "done": one.status == RefundStatus.SUCCEEDED,
        "provider_number": one.provider_number,
    }


def refusals(error: placing.CannotOrder, field: str) -> list[tuple[str, str]]:
    """Where in the request's ``field`` each refusal belongs, and why."""
    return [(".".join(filter(None, [field, one.insurance, one.about])), one.why) for one in error.refusals]


def _in_china(moment: dt.datetime) -> str:
    """One spelling of a moment, whichever way it came."""
    return moment.astimezone(CHINA).isoformat()


def _masked(person: Person) -> dict[str, str]:
    return {
        "name": identity.mask_name(person.name),
        "identity_number": identity.mask(person.identity_number),
    }
