"""Idempotency: the same request sent again under the same key gets the first answer again.

The answer is kept in the transaction of the work, so that there is never one without the other. The
lock on the key makes parallel requests with one key wait for each other. Refusals are kept, too: a
new try needs a new key. Faults (5xx) keep nothing.
"""

import hashlib
import json
import re
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from uuid import UUID, uuid5

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder
from rest_framework.views import APIView

from portal import locks
from portal.partners import problems
from portal.partners.authentication import caller
from portal.partners.models import KeptAnswer, Partner
from portal.partners.problems import Problem

P = ParamSpec("P")
Handler = Callable[Concatenate[Any, Request, P], Response]

_KEY = re.compile(r"[A-Za-z0-9_.:-]{8,64}")
_SPACE = UUID("6e6b7a1c-5f0b-4c0e-9d3e-2f0d3c1b8a57")


def once(handler: Handler[P]) -> Handler[P]:
    """A handler of a request that writes, in one transaction with the answer that is kept under its
    Idempotency-Key."""

    @wraps(handler)
    def kept(view: APIView, request: Request, *args: P.args, **kwargs: P.kwargs) -> Response:
        partner, key = caller(request).partner, _key(request)
        operation = f"{request.method} {request.path}"[:200]
        digest = hashlib.sha256(request._request.body).hexdigest()
        with transaction.atomic():
            locks.hold("idempotency key", f"{partner.pk}/{key}")
            kept_answer = KeptAnswer.objects.filter(partner=partner, key=key).first()
            if kept_answer is None:
                response = done_once(handler, view, request, *args, **kwargs)
                _keep(partner, key, operation, digest, response)
                return response
        if (kept_answer.operation, kept_answer.digest) != (operation, digest):
            raise Problem(
                "idempotency_key_reused", _("这个幂等键已用于另一个请求，请换用新的键。"), status=409
            )
        return _response(json.loads(kept_answer.body), kept_answer.status)

    return kept


def domain_key(request: Request) -> UUID:
    """The idempotency key as a UUID, for the rooms in which the work is done once."""
    return uuid5(_SPACE, f"{caller(request).partner.pk}/{_key(request)}")


def _key(request: Request) -> str:
    key = str(request.headers.get("Idempotency-Key", ""))
    if not _KEY.fullmatch(key):
        raise Problem(
            "idempotency_key_missing",
            _("请带 Idempotency-Key：8 至 64 个字母、数字或 -_.:，每笔业务一个。"),
            status=400,
        )
    return key


def done_once(handler: Any, view: APIView, request: Request, *args: Any, **kwargs: Any) -> Response:
    try:
        with transaction.atomic():
            response: Response = handler(view, request, *args, **kwargs)
            return response
    except Exception as error:
        refusal = problems.answer(error)
        if refusal is None or refusal.status_code >= 500:
            raise
        return refusal


def _keep(partner: Partner, key: str, operation: str, digest: str, response: Response) -> None:
    KeptAnswer.objects.create(
        partner=partner,
        key=key,
        operation=operation,
        digest=digest,
        status=response.status_code,
        body=json.dumps(response.data, cls=JSONEncoder, ensure_ascii=False),
        at=timezone.now(),
    )


def _response(data: Any, status: int) -> Response:
    return Response(data, status=status, content_type=problems.CONTENT_TYPE if status >= 400 else None)
