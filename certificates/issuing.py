"""Issuing a certificate: freezing its facts, producing the sealed document, revoking it. With
``correcting``, the only writer of certificates.

Freezing happens in the transaction of the case. Drawing and sealing happen outside any transaction,
when the document is first requested. A process that is killed in between leaves a frozen
certificate; the next request finishes it.
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
from portal.hall.models import Case, WindowCheck
from portal.people.models import Employer, Person
from portal.policy.book import City, book
from portal.shared.months import today_in_china


class FactsDamaged(Exception):
    """The facts in the register do not match their digest. Nothing is issued from them."""


class NotIssued(Exception):
    """The certificate cannot be revoked: it was never issued, or is revoked or replaced already.
    The message says which."""


class Revoked(Exception):
    """The certificate is revoked or replaced; its document is not available."""


def facts_digest(facts: Mapping[str, Any]) -> str:
    """SHA-256 of the facts as canonical JSON: sorted keys, no spaces, UTF-8. The facts have no
    floats, so that each value has one form."""
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
    visit: WindowCheck | None = None,
    valid_until: date | None = None,
    by: User,
    now: datetime,
) -> Certificate:
    """Writes the facts of a certificate into the register, under a new serial number and code;
    ``produce`` draws and seals it later.

    ``valid_until`` is the last day of validity in China; None where there is no end. Raises
    IntegrityError where the subject does not fit the kind, the case (and ``visit``) has a
    certificate of that kind already, or the end is before the beginning; fonts.NotDrawable where a
    character of the facts is in no typeface.
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
        visit=visit,
        facts=facts,
        facts_digest=facts_digest(facts),
        frozen_at=now,
        valid_until=valid_until,
    )


def produce(certificate: Certificate, *, now: datetime) -> bytes:
    """The sealed PDF of a certificate. The first call makes and stores it and marks the certificate
    issued; later calls read it from the store, in its latest version.

    Safe to repeat and to run concurrently: all callers get the same bytes. Not to be called inside
    a transaction. Raises SealUnavailable or NotDrawable (nothing is issued then), Revoked,
    FactsDamaged, DocumentDamaged, or OSError from a full disk.
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
    """Revokes an issued certificate; verification reports it from then on. Raises ValueError
    without a reason, NotIssued where it cannot be revoked."""
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
    # The key is loaded first: without it not even an unsealed page is drawn.
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
