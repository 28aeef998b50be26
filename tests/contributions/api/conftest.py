"""A bank that places and is paid for Wuxi's and Shenzhen's orders, beside the hall's own
channels."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import pytest

from contributions import channels
from contributions.channels import channel as real_channel
from contributions.channels.partner import PREFIX
from contributions.models import Order, Payment
from portal.people.models import Person
from tests.contributions.orders.conftest import THIS, Till, audit, providers, till
from tests.partners.calling import Caller, partner_called

__all__ = ["Counter", "audit", "bank", "counter", "providers", "till"]

API = "/api/v1"


@dataclass
class Counter:
    """The bank's counter: what a teller or an app does, step by step."""

    bank: Caller
    till: Till

    def who(self, person: Person | None = None, city: str = "wuxi") -> dict[str, Any]:
        one = person or self.till.cast.wang_fang
        return {"city": city, "identity_number": one.identity_number, "name": one.name}

    def order(self, picks: list[dict[str, Any]] | None = None, *, key: str | None = None, **who: Any) -> Any:
        chosen = picks or [{"insurance": "pension", "tier": "60", "months": [str(THIS)]}]
        return self.bank.post(f"{API}/orders/", {**self.who(**who), "picks": chosen}, key=key)

    def placed(self, **more: Any) -> Order:
        response = self.order(**more)
        assert response.status_code == 201, response.content
        return Order.objects.get(number=response.json()["number"])

    def tell(
        self,
        order: Order | str,
        *,
        fen: int | None = None,
        number: str = "BANK-0001",
        at: dt.datetime | None = None,
        key: str | None = None,
    ) -> Any:
        found = order if isinstance(order, Order) else None
        body = {
            "amount_fen": fen if fen is not None else found.sum_fen if found else 1,
            "provider_number": number,
            "taken_at": (at or self.till.now).isoformat(),
        }
        return self.bank.post(f"{API}/orders/{found.number if found else order}/payments/", body, key=key)

    def reverse(self, number: str = "BANK-0001", *, own: str = "BACK-0001", key: str | None = None) -> Any:
        body = {"provider_number": own, "reason": "客户要求撤销"}
        return self.bank.post(f"{API}/payments/{number}/reversal/", body, key=key)

    def payment(self, number: str = "BANK-0001") -> Payment:
        return Payment.objects.get(channel=self.bank.partner.channel, provider_number=number)


@pytest.fixture
def bank(till: Till, monkeypatch: pytest.MonkeyPatch) -> Caller:
    """Serves Wuxi and Shenzhen; as a channel it is itself, the others are in the test's hands."""
    real, played = real_channel, channels.channel
    monkeypatch.setattr(
        channels, "channel", lambda code: real(code) if code.startswith(PREFIX) else played(code)
    )
    return partner_called(cities=["wuxi", "shenzhen"])


@pytest.fixture
def counter(bank: Caller, till: Till) -> Counter:
    return Counter(bank, till)
