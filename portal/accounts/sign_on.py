"""统一身份认证: the single sign-on door of a city whose data have one (``single_sign_on``), by
OpenID Connect (authorization code with PKCE); Authlib speaks the protocol.

The setting SINGLE_SIGN_ON gives, by city, the provider's ``issuer`` and our ``client_id`` and
``client_secret``. The ID token says who came in: ``sub``, ``name``, ``identity_number``, ``acr``
and, where the provider has it, ``phone_number``. It counts only with the provider's signature, for
our ``client_id``, from that issuer, in its time, and with the nonce that was sent.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.django_client import DjangoIntegration, DjangoOAuth2App
from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponseRedirect
from joserfc.errors import JoseError

from portal.accounts import levels, phones, proof, registration
from portal.accounts.models import SignOnIdentity, User
from portal.policy.book import City, PolicyMissing, book
from portal.policy.terms.people import SignOnTerms, single_sign_on
from portal.shared import identity, names
from portal.shared.months import today_in_china

_SECONDS = 10
# By how much the provider's clock may differ from ours, in seconds.
_LEEWAY = 60
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_ALGORITHMS = ("RS256", "ES256")


class NotSignedOn(Exception):
    """The provider did not say who came in, or not so that it counts."""


class OfSomebodyElse(Exception):
    """Whom the provider names does not agree with who is on file, or the login is closed: the
    window has to check."""


class TooYoung(Exception):
    """Whoever came in is too young for an account of their own in this city."""


@dataclass(frozen=True)
class Came:
    """Who came in, as the provider says."""

    issuer: str
    subject: str
    name: str
    identity_number: str
    phone: str
    acr: str


def terms_of(city: City, now: datetime) -> SignOnTerms | None:
    """The city's door; None where its data or this installation have none."""
    if city.slug not in settings.SINGLE_SIGN_ON:
        return None
    try:
        return single_sign_on(book(), city=city.slug, on=today_in_china(now))
    except PolicyMissing:
        return None


def open_doors(now: datetime) -> list[tuple[City, SignOnTerms]]:
    """The cities that have such a door, and what it is called."""
    return [(city, terms) for city in book().cities if (terms := terms_of(city, now))]


def begin(request: HttpRequest, city: City, back: str) -> str:
    """The provider's page where the browser goes, and from where it returns to the address
    ``back``. Raises NotSignedOn where the provider does not answer."""
    try:
        answer: HttpResponseRedirect = _client(city).authorize_redirect(request, back)
    except _TROUBLE as trouble:
        raise NotSignedOn(str(trouble)) from trouble
    return answer.url


def finish(request: HttpRequest, city: City) -> Came:
    """Who came back from the provider. Raises NotSignedOn."""
    client, issuer = _client(city), _of(city)["issuer"]
    options = {
        "iss": {"essential": True, "value": issuer},
        "aud": {"essential": True, "value": client.client_id},
        **{name: {"essential": True} for name in ("exp", "iat", "sub", "nonce")},
    }
    try:
        token = client.authorize_access_token(request, claims_options=options, leeway=_LEEWAY)
        claims = token["userinfo"]
        return Came(
            issuer=issuer,
            subject=str(claims["sub"]),
            name=names.canonical(str(claims["name"])),
            identity_number=identity.parse(str(claims["identity_number"])).number,
            phone=_phone(str(claims.get("phone_number") or "")),
            acr=str(claims.get("acr") or ""),
        )
    except (*_TROUBLE, identity.InvalidIdentity) as trouble:
        raise NotSignedOn(str(trouble)) from trouble


def account(came: Came, *, city: City, now: datetime) -> User:
    """The personal account of whoever came in: the one that came in so before, else their own, else
    a new one without a password. Raises OfSomebodyElse, TooYoung, and what
    ``registration.open_account`` raises."""
    terms = terms_of(city, now)
    level = levels.FILES if terms and came.acr in terms.files_with else levels.LOOKS
    stated = proof.Stated(came.name, came.identity_number, came.phone)
    known = SignOnIdentity.objects.filter(issuer=came.issuer, subject=came.subject).first()
    user = known.user if known else registration.account_of(stated)
    if user is None:
        if not registration.is_old_enough(stated.paper.birth_date, city.slug, now):
            raise TooYoung
        try:
            registration.check_phone(stated)
        except registration.PhoneTaken:
            stated = replace(stated, phone="")
        user = registration.open_account(stated, password=None, now=now, level=level)
    person = user.person
    if (
        person is None
        or not user.is_active
        or person.identity_number != came.identity_number
        or not names.agree(person.name, came.name)
    ):
        raise OfSomebodyElse
    if known is None:
        try:
            with transaction.atomic():
                SignOnIdentity.objects.create(
                    issuer=came.issuer, subject=came.subject, user=user, first_at=now
                )
        except IntegrityError as clash:
            # The same login twice at once is one; another subject of this account is not.
            if not SignOnIdentity.objects.filter(
                issuer=came.issuer, subject=came.subject, user=user
            ).exists():
                raise OfSomebodyElse from clash
    if user.identity_level < level:
        levels.raise_level(user)
    return user


# What a provider that is away, broken or forged raises, in Authlib's layers.
_TROUBLE = (
    AuthlibBaseError,
    JoseError,
    requests.RequestException,
    RuntimeError,
    ValueError,
    KeyError,
    TypeError,
)


class _Client(DjangoOAuth2App):
    """Authlib's client, for one provider: only the signatures of its keys count, whatever it says
    that it can do, and only while it is who it should be."""

    issuer = ""

    def load_server_metadata(self) -> Any:
        metadata = super().load_server_metadata()
        if metadata.get("issuer") != self.issuer:
            raise ValueError("the provider calls itself otherwise")
        metadata["id_token_signing_alg_values_supported"] = list(_ALGORITHMS)
        return metadata


def _client(city: City) -> _Client:
    its = _of(city)
    parts = urlsplit(its["issuer"])
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise NotSignedOn("the issuer is neither https nor on this machine")
    client = _Client(
        DjangoIntegration(f"single-sign-on-{city.slug}"),
        client_id=its["client_id"],
        client_secret=its["client_secret"],
        server_metadata_url=f"{its['issuer']}/.well-known/openid-configuration",
        client_kwargs={
            "scope": "openid profile",
            "code_challenge_method": "S256",
            "default_timeout": _SECONDS,
        },
    )
    client.issuer = its["issuer"]
    return client


def _of(city: City) -> dict[str, str]:
    its: dict[str, str] = settings.SINGLE_SIGN_ON[city.slug]
    return its


def _phone(typed: str) -> str:
    """The phone as logins have it; "" where none is told."""
    try:
        return phones.parse(typed)
    except phones.InvalidPhone:
        return ""
