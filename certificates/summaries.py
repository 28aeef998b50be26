"""The signed summary in a document's QR code: enough to check a print on paper without a network
and without the register.

COSE_Sign1 (RFC 9052, ES256) over a small map in CBOR, written as one decimal number: a QR code
stores digits best, and digits need no escape after the # of an address. A summary says what was
issued; it cannot show a later revocation or replacement.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

import cbor2
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from django.urls import reverse

from certificates import authority
from certificates.codes import last_four
from certificates.models import Certificate
from portal.shared.identity import mask_name

VERSION = 1
# Labels of the map. They never change: documents on paper hold them.
SERIAL_NUMBER, KIND, NAME, LAST_FOUR, DIGEST, ISSUED_ON, VALID_UNTIL = 1, 2, 3, 4, 5, 6, 7
_ES256, _ALGORITHM, _KEY_ID = -7, 1, 4
_KEY_ID_BYTES = 8
_DIGEST_BYTES = 16
# Whole names of employers would make the QR code too fine to print.
_NAME_LENGTH = 10
_MOST_DIGITS = 2000


class InvalidSummary(ValueError):
    """The text carries no summary."""


@dataclass(frozen=True)
class PublicKey:
    """A public key for checking summaries."""

    # The first eight bytes of the SHA-256 of its certificate, in hexadecimal.
    key_id: str
    # The coordinates of the point on P-256.
    x: int
    y: int


@dataclass(frozen=True)
class Summary:
    """The content of a QR code, not yet checked; ``signed_by`` tells whether it is genuine."""

    serial_number: str
    kind: str
    # A person's name masked, or the beginning of an employer's name.
    name: str
    last_four: str
    # The first 128 bits of the SHA-256 of the frozen facts, in hexadecimal.
    facts_digest: str
    issued_on: date
    valid_until: date | None
    key_id: str
    _signed: bytes
    _signature: bytes

    def signed_by(self, keys: list[PublicKey]) -> bool:
        """Whether one of these keys has signed it."""
        key = next((key for key in keys if key.key_id == self.key_id), None)
        if key is None or len(self._signature) != 64:
            return False
        half = [int.from_bytes(self._signature[:32]), int.from_bytes(self._signature[32:])]
        try:
            point = ec.EllipticCurvePublicNumbers(key.x, key.y, ec.SECP256R1()).public_key()
            point.verify(encode_dss_signature(*half), self._signed, ec.ECDSA(SHA256()))
        except (InvalidSignature, ValueError):
            return False
        return True

    def ended(self, today: date) -> bool:
        """Whether its last day has passed."""
        return self.valid_until is not None and self.valid_until < today


def sign(certificate: Certificate) -> str:
    """The summary of a certificate, in digits. Raises SealUnavailable without the key."""
    seal = authority.qr_seal()
    payload: dict[int, Any] = {
        SERIAL_NUMBER: certificate.serial_number,
        KIND: str(certificate.kind),
        NAME: short_name(certificate.facts),
        LAST_FOUR: last_four(certificate.facts),
        DIGEST: bytes.fromhex(certificate.facts_digest)[:_DIGEST_BYTES],
        ISSUED_ON: _number(certificate.dated),
    }
    if certificate.valid_until:
        payload[VALID_UNTIL] = _number(certificate.valid_until)
    protected = cbor2.dumps({_ALGORITHM: _ES256, _KEY_ID: _key_id(seal.certificate)})
    content = cbor2.dumps({0: VERSION, **payload})
    first, second = decode_dss_signature(authority.sign_raw(seal, _to_be_signed(protected, content)))
    signature = first.to_bytes(32) + second.to_bytes(32)
    # An array of four begins with 0x84: no leading zero is lost.
    return str(int.from_bytes(cbor2.dumps([protected, {}, content, signature])))


def read(text: str) -> Summary:
    """The summary from the text of a QR code: an address with digits after the #, or the digits
    alone. Raises InvalidSummary."""
    match = re.fullmatch(rf"(?:\S*#)?([0-9]{{100,{_MOST_DIGITS}}})", text.strip())
    if not match:
        raise InvalidSummary(text[:80])
    number = int(match[1])
    try:
        protected, _open, content, signature = cbor2.loads(number.to_bytes((number.bit_length() + 7) // 8))
        header, payload = cbor2.loads(protected), cbor2.loads(content)
        if header[_ALGORITHM] != _ES256 or payload[0] != VERSION:
            raise InvalidSummary("another algorithm or version")
        until = payload.get(VALID_UNTIL)
        return Summary(
            serial_number=str(payload[SERIAL_NUMBER]),
            kind=str(payload[KIND]),
            name=str(payload[NAME]),
            last_four=str(payload[LAST_FOUR]),
            facts_digest=bytes(payload[DIGEST]).hex(),
            issued_on=_day(payload[ISSUED_ON]),
            valid_until=_day(until) if until else None,
            key_id=bytes(header[_KEY_ID]).hex(),
            _signed=_to_be_signed(protected, content),
            _signature=bytes(signature),
        )
    except (cbor2.CBORDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidSummary(str(error)) from error


def address(certificate: Certificate, *, site: str) -> list[str]:
    """The text of a certificate's QR code in two parts, which the QR code stores in different
    modes: the address, which a phone opens, and the summary, which a verifier reads."""
    return [f"{site}{reverse('verify-code', args=[certificate.code])}#", sign(certificate)]


def public_keys() -> list[PublicKey]:
    """The present and former keys of summaries: from ``qr.pem`` and from the certificates in the
    folder ``qr``."""
    certificates = [authority.qr_seal().certificate, *authority.earlier_qr_certificates()]
    return [_public_key(certificate) for certificate in certificates]


def _public_key(certificate: asn1_x509.Certificate) -> PublicKey:
    point = x509.load_der_x509_certificate(certificate.dump()).public_key()
    if not isinstance(point, ec.EllipticCurvePublicKey) or not isinstance(point.curve, ec.SECP256R1):
        raise authority.SealUnavailable("qr.pem: not a key on P-256")
    numbers = point.public_numbers()
    return PublicKey(_key_id(certificate).hex(), numbers.x, numbers.y)


def _key_id(certificate: asn1_x509.Certificate) -> bytes:
    digest: bytes = certificate.sha256
    return digest[:_KEY_ID_BYTES]


def _to_be_signed(protected: bytes, content: bytes) -> bytes:
    return cbor2.dumps(["Signature1", protected, b"", content])


def short_name(facts: dict[str, Any]) -> str:
    if "person" in facts:
        return mask_name(facts["person"]["name"])
    name = str(facts["employer"]["name"])
    return name if len(name) <= _NAME_LENGTH else name[: _NAME_LENGTH - 1] + "…"


def _number(day: date) -> int:
    return int(f"{day:%Y%m%d}")


def _day(number: int) -> date:
    return date(number // 10000, number // 100 % 100, number % 100)
