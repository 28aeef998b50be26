"""A security key in software: makes passkeys and signs with them as the standard says (WebAuthn
Level 3, ES256), or wrongly where a test wants it to."""

import hashlib
import json
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

ORIGIN, DOMAIN = "http://localhost:8000", "localhost"
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


@dataclass
class SecurityKey:
    """One key pair for the hall. ``count`` is how often it has signed; 0 where a device does not
    count."""

    origin: str = ORIGIN
    domain: str = DOMAIN
    verifies: bool = True
    counts: bool = True
    count: int = 0
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def make(self, options: dict[str, Any]) -> str:
        """The answer to what ``navigator.credentials.create`` was asked."""
        numbers = self.key.public_key().public_numbers()
        public = cbor2.dumps(
            {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        )
        made = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + public
        statement = {"fmt": "none", "attStmt": {}, "authData": self._state(ATTESTED) + made}
        return self._answer(
            {
                "clientDataJSON": text(self._client("webauthn.create", options)),
                "attestationObject": text(cbor2.dumps(statement)),
                "transports": ["usb", "smart-card-of-the-future"],
            }
        )

    def sign(self, options: dict[str, Any]) -> str:
        """The answer to what ``navigator.credentials.get`` was asked."""
        self.count += self.counts
        client, state = self._client("webauthn.get", options), self._state()
        signed = self.key.sign(state + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            {
                "clientDataJSON": text(client),
                "authenticatorData": text(state),
                "signature": text(signed),
                "userHandle": None,
            }
        )

    def _client(self, what: str, options: dict[str, Any]) -> bytes:
        return json.dumps({"type": what, "challenge": options["challenge"], "origin": self.origin}).encode()

    def _state(self, more: int = 0) -> bytes:
        flags = PRESENT | (VERIFIED if self.verifies else 0) | more
        return hashlib.sha256(self.domain.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _answer(self, response: dict[str, Any]) -> str:
        answer = {
            "id": text(self.id),
            "rawId": text(self.id),
            "type": "public-key",
            "clientExtensionResults": {},
            "response": response,
        }
        return json.dumps(answer)
