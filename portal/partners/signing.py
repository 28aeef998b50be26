"""Signatures of HTTP messages (RFC 9421, Content-Digest by RFC 9530): how a request is signed and
verified.

A signed request is accepted once: within the time that it names itself, at most five minutes, by a
valid key, over method, address, body and idempotency key. Its age is judged by the machine's clock,
because it concerns two machines; the validity of the key by the hall's.
"""

import datetime as dt
import re
import secrets
import time
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import http_sf
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    InvalidSignature,
    MappingKeyResolver,
)

from portal.partners import keys
from portal.partners.models import PartnerKey, SpentNonce

# A signature lives no longer than this, and may be this much ahead of our clock.
LIFE = dt.timedelta(minutes=5)
AHEAD = dt.timedelta(seconds=30)
LABEL = "sig1"

_READING = ("GET", "HEAD", "OPTIONS")
_NONCE = re.compile(r"[A-Za-z0-9_.~+/=-]{16,64}")


class BadSignature(Exception):
    """A request that is not signed as it must be: a stable ``code`` for machines, and the reason in
    Chinese."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(code)
        self.code = code
        self.why = why


@dataclass
class Message:
    """A request as the library reads and signs it; ``url`` is the whole address, as the caller
    wrote it."""

    method: str
    url: str
    headers: MutableMapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def required(method: str) -> tuple[str, ...]:
    """What the signature of a request must cover."""
    if method in _READING:
        return ("@method", "@target-uri")
    return ("@method", "@target-uri", "content-digest", "idempotency-key")


def sign(
    message: Message,
    *,
    secret: keys.PrivateKey,
    key_id: str,
    created: dt.datetime | None = None,
    expires: dt.datetime | None = None,
    nonce: str = "",
    cover: tuple[str, ...] | None = None,
) -> None:
    """Add digest and signature to a request's headers, good for ``LIFE`` from now unless told
    otherwise."""
    created = created or dt.datetime.now(dt.UTC)
    covered = required(message.method) if cover is None else cover
    HTTPMessageSigner(
        signature_algorithm=keys.algorithm(secret),
        key_resolver=MappingKeyResolver(public_keys={}, private_keys={key_id: secret}),
    ).sign(
        message,
        key_id=key_id,
        created=created,
        expires=expires or created + LIFE,
        nonce=nonce or secrets.token_urlsafe(24),
        label=LABEL,
        include_alg=False,
        covered_component_ids=covered,
        body=message.body if "content-digest" in covered else None,
    )


def verify(message: Message, *, now: dt.datetime) -> PartnerKey:
    """The key that signed the request, whose nonce is spent now. Raises BadSignature."""
    params, covered = _read(message.headers)
    key = _key(params.get("keyid"), now)
    good_until = _in_time(params)
    nonce = params.get("nonce")
    if not isinstance(nonce, str) or not _NONCE.fullmatch(nonce):
        raise BadSignature("signature_incomplete", _("签名须带 nonce：16 至 64 个字母、数字或 -_.~+/=。"))
    missing = [name for name in required(message.method) if name not in covered]
    if message.body and "content-digest" not in covered:
        missing.append("content-digest")
    if missing:
        raise BadSignature(
            "signature_incomplete",
            _("签名没有覆盖：%(names)s。") % {"names": "、".join(dict.fromkeys(missing))},
        )
    _check(message, key, "content-digest" in covered)
    try:
        with transaction.atomic():
            SpentNonce.objects.create(partner_id=key.partner_id, nonce=nonce, good_until=good_until)
    except IntegrityError as error:
        raise BadSignature(
            "signature_replayed", _("这个请求已经收到过。重试时请用新的 nonce 重新签名。")
        ) from error
    return key


def _read(headers: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Parameters and covered components of the one signature. The library reads them again, and
    only its verification counts."""
    by_name = {name.lower(): value for name, value in headers.items()}
    if not by_name.get("signature-input") or not by_name.get("signature"):
        raise BadSignature("signature_missing", _("请求没有签名。签名方法见接口说明。"))
    try:
        signatures: Any = http_sf.parse(by_name["signature-input"].encode(), tltype="dictionary")
        [(components, params)] = signatures.values()
        covered = [name for name, _params in components if not _params]
    except (ValueError, TypeError, KeyError) as problem:
        raise BadSignature(
            "signature_malformed", _("Signature-Input 不合格式，或不止一个签名。")
        ) from problem
    return dict(params), covered


def _key(key_id: object, now: dt.datetime) -> PartnerKey:
    key = PartnerKey.objects.select_related("partner__user").filter(key_id=str(key_id)).first()
    if key is None:
        raise BadSignature("key_unknown", _("没有这个密钥编号。"))
    if not key.is_valid(now):
        raise BadSignature("key_invalid", _("这把密钥尚未生效、已经失效或已吊销。"))
    if not key.partner.active:
        raise BadSignature("partner_inactive", _("接口已停用，请联系经办机构。"))
    return key


def _in_time(params: Mapping[str, Any]) -> dt.datetime:
    """Until when the signature is good."""
    created, expires = params.get("created"), params.get("expires")
    if type(created) is not int or type(expires) is not int:
        raise BadSignature("signature_incomplete", _("签名须带 created 和 expires（Unix 秒）。"))
    now = time.time()
    if created > now + AHEAD.total_seconds():
        raise BadSignature("signature_expired", _("签名时间在将来，请校准时钟。"))
    if expires <= now or not 0 < expires - created <= LIFE.total_seconds():
        raise BadSignature("signature_expired", _("签名已过期，或有效时间超过五分钟。"))
    return dt.datetime.fromtimestamp(expires, dt.UTC)


def _check(message: Message, key: PartnerKey, digested: bool) -> None:
    public = keys.parse(key.public_key)
    verifier = HTTPMessageVerifier(
        signature_algorithm=keys.algorithm(public),
        key_resolver=MappingKeyResolver(public_keys={key.key_id: public}, private_keys={}),
    )
    verifier.max_clock_skew = AHEAD
    try:
        [result] = verifier.verify(message, max_age=LIFE, require_components=required(message.method))
    except (InvalidSignature, ValueError) as problem:
        raise BadSignature(
            "signature_invalid", _("签名不能验证：内容与签名不符，或不是这把密钥所签。")
        ) from problem
    if digested:
        try:
            verifier.verify_body(message, [result], message.body)
        except InvalidSignature as problem:
            raise BadSignature("digest_mismatch", _("正文与 Content-Digest 不符。")) from problem


def forget_nonces(*, now: dt.datetime) -> int:
    """Drops the nonces of signatures that are past their time; gives their number. They are kept a
    day longer than needed."""
    forgotten, _by_model = SpentNonce.objects.filter(good_until__lt=now - dt.timedelta(days=1)).delete()
    return forgotten
