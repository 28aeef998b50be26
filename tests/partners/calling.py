"""A partner as a test plays it: it signs what it sends, well or, where the test says so, badly."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric import ed25519
from django.conf import settings
from django.test import Client

from portal.accounts.models import User
from portal.partners import keys, registering, signing
from portal.partners.models import Partner, PartnerKey, Scope
from tests.cast import NOW


@dataclass
class Caller:
    """A partner's client. ``send`` gives Django's test response; ``.json()`` reads problem details
    too."""

    partner: Partner
    key: PartnerKey
    secret: keys.PrivateKey
    client: Client = field(default_factory=Client)

    def get(self, path: str, **more: Any) -> Any:
        return self.send("GET", path, **more)

    def post(self, path: str, body: Any = None, *, key: str | None = None, **more: Any) -> Any:
        """``key`` is the Idempotency-Key: a fresh one unless given; "" sends none."""
        return self.send("POST", path, body, key=str(uuid4()) if key is None else key, **more)

    def message(self, method: str, path: str, body: Any = None, *, key: str = "") -> signing.Message:
        """The request before it is signed."""
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if raw else {}
        if key:
            headers["Idempotency-Key"] = key
        return signing.Message(method, settings.PUBLIC_URL + path, headers, raw)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str = "",
        content_type: str = "",
        spoil: Callable[[signing.Message], None] | None = None,
        **signed: Any,
    ) -> Any:
        """``spoil`` changes the request after it is signed; ``signed`` goes to ``signing.sign``."""
        message = self.message(method, path, body, key=key)
        if content_type:
            message.headers["Content-Type"] = content_type
        signing.sign(message, **{"secret": self.secret, "key_id": self.key.key_id, **signed})
        if spoil:
            spoil(message)
        return self.deliver(message)

    def deliver(self, message: signing.Message) -> Any:
        """Send exactly this, as often as it is called."""
        return self.client.generic(
            message.method,
            message.url.removeprefix(settings.PUBLIC_URL),
            message.body,
            content_type=message.headers.get("Content-Type", ""),
            headers={name: value for name, value in message.headers.items() if name != "Content-Type"},
        )


def partner_called(
    code: str = "wuxi-bank",
    *,
    name: str = "无锡示例银行",
    cities: Iterable[str] = ("wuxi",),
    scopes: Iterable[Scope] = (Scope.ORDERS,),
    **more: Any,
) -> Caller:
    """A partner with a key of its own, valid from ``NOW`` on."""
    partner = registering.open_partner(code=code, name=name, cities=cities, scopes=scopes, now=NOW, **more)
    return Caller(partner, *key_of(partner))


def key_of(partner: Partner, **more: Any) -> tuple[PartnerKey, keys.PrivateKey]:
    """Another key of the partner's."""
    secret = ed25519.Ed25519PrivateKey.generate()
    key = registering.add_key(
        partner,
        public_key=keys.pem_of(secret.public_key()),
        **{"valid_from": NOW, "by": User.objects.system(), "now": NOW, **more},
    )
    return key, secret
