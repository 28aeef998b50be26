"""Issuing a certificate: freeze what it says, produce the sealed document, revoke it. The only
writer of certificates.

Freezing happens in the transaction of the case that asked for it; drawing and sealing outside any
transaction, as soon as the document is first wanted. Whoever is killed in between leaves a frozen
certificate, and the next who asks finishes it.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from certificates import authority, documents, drawable, rendering, sealing
from certificates.codes import new_code
from certificates.kinds import KINDS, CertificateKind
from certificates.models import Certificate, Status
from portal.accounts.models import User
from portal.hall.models import Case
from portal.people.models import Employer, Person
from portal.policy.book import City, book
from portal.shared.months import today_in_china


class FactsDamaged(Exception):
    """What the register holds is not what was frozen: its digest is another. Nothing is issued from
    it."""


class NotIssued(Exception):
    """A certificate that was never issued, or is revoked already, cannot be revoked; the message
    says which."""


class Revoked(Exception):
    """A revoked certificate, or one that another replaced, is not handed out."""


def facts_digest(facts: Mapping[str, Any]) -> str:
    """SHA-256 of the facts as canonical JSON: keys sorted, no spaces, UTF-8, and no floats, so that
    one value has one form."""
    canonical = json.dumps(facts, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def freeze(
    *,
    kind: CertificateKind,
    city: str,
    facts: Mapping[str, Any],
    person: Person | None = None,
    employer: Employer | None = None,
    case: Case | None = None,
    valid_until: date | None = None,
    by: User,
    now: datetime,
) -> Certificate:
    """Puts what a certificate says into the register, under a serial number and a code; ``produce``
    draws and seals it later.

    ``valid_until`` is the last day in China on which it may be relied on; None where it does not
    end. IntegrityError where the subject does not fit the kind, the case has its certificate of
    that kind already, or it would end before it begins; fonts.NotDrawable where a character of the
    facts is in no typeface.
    """
    drawable.check(facts)
    return Certificate.objects.create(
        serial_number=_serial_number(kind, book().city(city), now),
        code=new_code(),
        kind=kind,
        city=city,
        person=person,
        employer=employer,
        issued_to=by,
        case=case,
        facts=facts,
        facts_digest=facts_digest(facts),
        frozen_at=now,
        valid_until=valid_until,
    )


def produce(certificate: Certificate, *, now: datetime) -> bytes:
    """The sealed PDF of a certificate: made, stored and marked issued the first time, read from the
    store ever after; the latest where it was sealed anew.

    Safe to repeat and to run at once: all callers get the same bytes, those in the register. Not to
    be called inside a transaction. Raises SealUnavailable or NotDrawable (nothing is issued),
    Revoked, FactsDamaged, DocumentDamaged, OSError from a full disk.
    """
    certificate.refresh_from_db()
    if certificate.status == Status.FROZEN:
        _seal_and_store(certificate, now=now)
        certificate.refresh_from_db()
    if certificate.status in (Status.REVOKED, Status.SUPERSEDED):
        raise Revoked(certificate.serial_number)
    sealed = certificate.latest
    return documents.load(sealed.document, digest=sealed.digest)


def revoke(certificate: Certificate, *, by: User, reason: str, now: datetime) -> Certificate:
    """Revokes an issued certificate: from now on its verification says so. ValueError without a
    reason; NotIssued otherwise."""
    if not reason.strip():
        raise ValueError("a revocation needs a reason")
    moved = Certificate.objects.filter(pk=certificate.pk, status=Status.ISSUED).update(
        status=Status.REVOKED, revoked_at=now, revoked_by=by, revoked_reason=reason.strip()
    )
    certificate.refresh_from_db()
    if not moved:
        raise NotIssued(
            _("这份证明尚未出具，不需要撤销。")
            if certificate.status == Status.FROZEN
            else _("这份证明已经撤销或替换。")
        )
    return certificate


def _seal_and_store(certificate: Certificate, *, now: datetime) -> None:
    if facts_digest(certificate.facts) != certificate.facts_digest:
        raise FactsDamaged(certificate.serial_number)
    # The key comes first: without it not even an unsealed page is drawn.
    seal = authority.seal_for(certificate.city)
    page = rendering.render(certificate, development=seal.development)
    sealed = sealing.seal_document(page, seal=seal, reason=certificate.serial_number, now=now)
    name = documents.store(certificate.serial_number, sealed)
    won = Certificate.objects.filter(pk=certificate.pk, status=Status.FROZEN).update(
        status=Status.ISSUED,
        document=name,
        document_digest=documents.digest_of(sealed),
        document_size=len(sealed),
        key_fingerprint=seal.fingerprint,
        issued_at=now,
    )
    if won:
        documents.keep_only(name)
    else:
        documents.drop(name)


def _serial_number(kind: CertificateKind, city: City, now: datetime) -> str:
    """Such as 330200-PP-20261121-000123: place, kind, day in China, running number."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('certificates_serial_number')")
        [number] = cursor.fetchone()
    return f"{city.code}-{KINDS[kind].letters}-{today_in_china(now):%Y%m%d}-{number:06d}"
