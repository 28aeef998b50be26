"""Public keys of partners: which kinds are taken, and by which algorithm each signs."""

import hashlib

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from django.utils.translation import gettext as _
from http_message_signatures import algorithms

LEAST_RSA_BITS = 2048

PublicKey = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey
PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class InvalidKey(ValueError):
    """Not a public key that is taken; the message says why in Chinese."""


def parse(pem: str) -> PublicKey:
    """The public key in a PEM text: Ed25519, ECDSA over P-256, or RSA of 2048 bits and more. Raises
    InvalidKey."""
    if "PRIVATE KEY" in pem:
        raise InvalidKey(_("这是私钥。私钥只能由合作方自己保管，请立即作废，并登记另一对密钥的公钥。"))
    try:
        key = load_pem_public_key(pem.strip().encode())
    except (ValueError, UnsupportedAlgorithm) as problem:
        raise InvalidKey(_("不是 PEM 格式的公钥。")) from problem
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < LEAST_RSA_BITS:
            raise InvalidKey(_("RSA 公钥至少 %(bits)s 位。") % {"bits": LEAST_RSA_BITS})
        return key
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise InvalidKey(_("只受理 Ed25519、ECDSA P-256 和 RSA 公钥。"))


def private(pem: bytes) -> PrivateKey:
    """The private key in a PEM file, of the kinds that are taken. Raises InvalidKey."""
    try:
        key = load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as problem:
        raise InvalidKey(_("不是 PEM 格式的私钥。")) from problem
    if isinstance(key, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        parse(pem_of(key.public_key()))
        return key
    raise InvalidKey(_("只受理 Ed25519、ECDSA P-256 和 RSA 公钥。"))


def pem_of(key: PublicKey) -> str:
    """The one way in which a key is written down."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def fingerprint(key: PublicKey) -> str:
    """SHA-256 of the key itself, in 64 hexadecimal digits."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def algorithm(key: PublicKey | PrivateKey) -> type[algorithms.HTTPSignatureAlgorithm]:
    """The algorithm of this key's signatures: the key decides it, never the message."""
    if isinstance(key, ed25519.Ed25519PublicKey | ed25519.Ed25519PrivateKey):
        return algorithms.ED25519
    if isinstance(key, rsa.RSAPublicKey | rsa.RSAPrivateKey):
        return algorithms.RSA_PSS_SHA512
    return algorithms.ECDSA_P256_SHA256
