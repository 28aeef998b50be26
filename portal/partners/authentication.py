"""The partner whose key signed a request, and whether it may ask for this."""

from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from portal.accounts.models import User
from portal.partners import signing
from portal.partners.models import Partner, PartnerKey
from portal.partners.problems import NotSigned, Problem


@dataclass(frozen=True, slots=True)
class Caller:
    """The partner that asks (``request.auth``), by which of its keys."""

    partner: Partner
    key: PartnerKey


class SignedRequest(BaseAuthentication):
    """Authenticates a request as the partner whose key signed it; any other request is refused with
    401."""

    def authenticate(self, request: Request) -> tuple[User, Caller]:
        message = message_of(request)
        message.body = _body(request)
        try:
            key = signing.verify(message, now=timezone.now())
        except signing.BadSignature as bad:
            raise NotSigned(bad.code, bad.why) from bad
        return key.partner.user, Caller(key.partner, key)

    def authenticate_header(self, request: Request) -> str:
        return 'Signature realm="api"'


def message_of(request: Request) -> signing.Message:
    """The request as it is signed, without its body."""
    return signing.Message(
        method=str(request.method),
        # Not the Host header: a signature counts for this hall's own address only.
        url=settings.PUBLIC_URL + request.get_full_path(),
        headers=dict(request.headers),
    )


def _body(request: Request) -> bytes:
    try:
        return bytes(request._request.body)
    except RequestDataTooBig as problem:
        raise Problem("too_large", _("正文过大。"), status=413) from problem


class HasScope(BasePermission):
    """Whether the partner was given the scope that the view names."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        scope = getattr(view, "scope", None)
        return isinstance(request.auth, Caller) and str(scope) in request.auth.partner.scopes


def caller(request: Request) -> Caller:
    """The partner that asks; behind ``HasScope`` there always is one. Raises Http404."""
    if isinstance(request.auth, Caller):
        return request.auth
    raise Http404


def ensure_city(request: Request, city: str) -> None:
    """Refuses a request about a city that the partner does not serve. Raises Problem."""
    if city not in caller(request).partner.cities:
        raise Problem("city_not_served", _("没有开通这个城市。"), status=403)
