"""The facts of a receipt (电子票据) and of a list of payments (缴费清单), as plain data like other
certificates' facts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from certificates.facts import issuer
from contributions.records.payments import Paid
from portal.people.models import Person
from portal.policy.book import City
from portal.shared.insurance import Insurance
from portal.shared.months import Month, today_in_china

PAYMENT_RECEIPT_SCHEMA = "payment-receipt/1"
PAYMENT_LIST_SCHEMA = "payment-list/1"

_SUMS = ("personal_fen", "employer_fen", "surcharge_fen", "account_fen", "amount_fen")


def payment_facts(
    person: Person,
    paid: Sequence[Paid],
    *,
    schema: str,
    city: City,
    start: Month | None = None,
    until: Month | None = None,
    now: datetime,
) -> dict[str, Any]:
    """The payments for a person's months, each with its amounts, and the sums, in fen. The period
    is [start, until), where None that of the payments."""
    months = [one.month for one in paid]
    first_month = start or min(months, default=Month.of(today_in_china(now)))
    end = until or max(months, default=first_month) + 1
    insurances = {one.insurance for one in paid}
    return {
        "schema": schema,
        **issuer(city, now),
        "person": person.named(),
        "period": {"start": str(first_month), "until": str(end)},
        "insurances": [str(insurance) for insurance in Insurance if insurance in insurances],
        "payments": [_payment(one) for one in paid],
        "totals": {name: sum(getattr(one, name) for one in paid) for name in _SUMS},
    }


def _payment(payment: Paid) -> dict[str, Any]:
    return {
        "number": payment.number,
        "order": payment.order,
        "channel": payment.channel,
        "received_on": str(today_in_china(payment.received_at)),
        "month": str(payment.month),
        "insurance": str(payment.insurance),
        "employer": payment.employer,
        "base": f"{payment.base.normalize():f}",
        **{name: getattr(payment, name) for name in _SUMS},
    }
