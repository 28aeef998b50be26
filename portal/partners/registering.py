"""Who may use the API, with which keys. Everything is done by the hall's technical staff, and
kept."""

import datetime as dt
from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.partners import keys
from portal.partners.models import Partner, PartnerKey, Scope
from portal.policy.book import book

# The partner of demonstrations.
DEMO = "demo-bank"


def demo_partner(*, now: dt.datetime, code: str = DEMO) -> Partner:
    """The partner that a demo plays, for every city and scope; opened where it is not there yet."""
    return Partner.objects.filter(code=code).first() or open_partner(
        code=code,
        name=_("示例银行"),
        cities=[city.slug for city in book().cities],
        scopes=list(Scope),
        now=now,
    )


@transaction.atomic
def open_partner(
    *,
    code: str,
    name: str,
    cities: Iterable[str],
    scopes: Iterable[Scope],
    now: dt.datetime,
    per_minute: int = 600,
    active: bool = True,
) -> Partner:
    """A partner, and the account in whose name it acts. IntegrityError where the code is taken."""
    return Partner.objects.create(
        code=code,
        name=name,
        cities=list(cities),
        scopes=[str(scope) for scope in scopes],
        per_minute=per_minute,
        active=active,
        user=User.objects.create_partner(f"partner-{code}", name=name),
        created_at=now,
    )


def add_key(
    partner: Partner,
    *,
    public_key: str,
    valid_from: dt.datetime,
    valid_until: dt.datetime | None = None,
    by: User,
    now: dt.datetime,
) -> PartnerKey:
    """Registers a public key (PEM) for requests from ``valid_from`` on. Raises InvalidKey, also for
    a key that is registered already."""
    key = keys.parse(public_key)
    fingerprint = keys.fingerprint(key)
    if PartnerKey.objects.filter(fingerprint=fingerprint).exists():
        raise keys.InvalidKey(_("这把公钥已经登记过。每个合作方、每次更换都须使用新的密钥。"))
    return PartnerKey.objects.create(
        partner=partner,
        key_id=f"{partner.code}-{fingerprint[:16]}",
        public_key=keys.pem_of(key),
        fingerprint=fingerprint,
        valid_from=valid_from,
        valid_until=valid_until,
        added_by=by,
        added_at=now,
    )


def revoke_key(key: PartnerKey, *, by: User, now: dt.datetime) -> None:
    """Revokes a key: from this moment on its requests are refused. A second call changes
    nothing."""
    PartnerKey.objects.filter(pk=key.pk, revoked_at__isnull=True).update(revoked_at=now, revoked_by=by)
    key.refresh_from_db()
