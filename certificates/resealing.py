"""Resealing issued certificates when a key or an algorithm is replaced. Facts, number and code stay
the same.

A run is ordered for one city and its present seal. The remaining work is read from the register,
one certificate at a time. A killed process leaves at most one file without a row, and the next
process goes on.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from certificates import authority, documents, rendering, seal_evidence, sealing
from certificates.authority import Seal, SealUnavailable
from certificates.fonts import NotDrawable
from certificates.issuing import FactsDamaged, facts_digest
from certificates.models import Certificate, ResealingFailure, ResealingRun, SealedVersion, Status
from portal import locks
from portal.accounts.models import User
from portal.shared.months import today_in_china

log = logging.getLogger(__name__)


class NotStarted(Exception):
    """No run was started; the message says why."""


class SealReplaced(Exception):
    """The city's seal was replaced after the run was ordered. The run ends, and a new one is
    needed."""


@dataclass(frozen=True)
class Progress:
    """The progress of a run, in numbers of certificates."""

    total: int
    done: int
    failed: int
    # Revoked, replaced or expired after the run was ordered; they need no new seal.
    dropped: int
    left: int


def outdated(city: str, *, everything: bool = False, now: datetime) -> QuerySet[Certificate]:
    """Valid certificates of a city whose latest document has an earlier seal; with ``everything``,
    all valid ones.

    Raises SealUnavailable where the city has no seal.
    """
    return _outdated(city, fingerprint=authority.seal_for(city).fingerprint, everything=everything, now=now)


def start(*, city: str, reason: str, everything: bool = False, by: User, now: datetime) -> ResealingRun:
    """Orders a run over all outdated certificates. Raises NotStarted without a reason, a seal or
    anything to do, or where another run is open."""
    if not reason.strip():
        raise NotStarted(_("请写明重新盖章的原因。"))
    if not seal_evidence.available(city, now=now):
        raise NotStarted(_("电子印章暂不可用，不能重新盖章。"))
    seal = authority.seal_for(city)
    total = _outdated(city, fingerprint=seal.fingerprint, everything=everything, now=now).count()
    if not total:
        raise NotStarted(_("没有需要重新盖章的证明。"))
    try:
        with transaction.atomic():
            return ResealingRun.objects.create(
                city=city,
                reason=reason.strip(),
                key_fingerprint=seal.fingerprint,
                everything=everything,
                total=total,
                started_by=by,
                started_at=now,
            )
    except IntegrityError:
        raise NotStarted(_("这个城市的重新盖章正在进行，请等它完成。")) from None


def go_on(run: ResealingRun, *, most: int, now: datetime) -> int:
    """Reseals up to ``most`` certificates of a run and returns their number; ends the run when
    nothing is left.

    Returns 0 where another process works on the run, or it has ended. After SealUnavailable and
    OSError (a full disk) the run stays open, to be tried again; SealReplaced ends it. Not to be
    called inside a transaction.
    """
    with locks.attempt("sealing anew", run.pk) as acquired:
        if not acquired:
            return 0
        run.refresh_from_db()
        if run.finished_at:
            return 0
        seal = authority.seal_for(run.city)
        if seal.fingerprint != run.key_fingerprint:
            _finish(run, now)
            raise SealReplaced(run.city)
        waiting = list(left(run, now=now).order_by("pk")[:most])
        for certificate in waiting:
            _try(certificate, run=run, seal=seal, now=now)
        if len(waiting) < most:
            _finish(run, now)
        return len(waiting)


def left(run: ResealingRun, *, now: datetime) -> QuerySet[Certificate]:
    """The certificates that a run has still to reseal."""
    of_run = {"certificate": OuterRef("pk"), "run": run}
    return _outdated(run.city, fingerprint=run.key_fingerprint, everything=run.everything, now=now).filter(
        ~Exists(SealedVersion.objects.filter(**of_run)),
        ~Exists(ResealingFailure.objects.filter(**of_run)),
        issued_at__lte=run.started_at,
    )


def progress(run: ResealingRun, *, now: datetime) -> Progress:
    """The progress of a run."""
    done, failed = run.versions.count(), run.failures.count()
    waiting = 0 if run.finished_at else left(run, now=now).count()
    dropped = max(run.total - done - failed - waiting, 0)
    return Progress(total=run.total, done=done, failed=failed, dropped=dropped, left=waiting)


def _outdated(city: str, *, fingerprint: str, everything: bool, now: datetime) -> QuerySet[Certificate]:
    valid = Certificate.objects.filter(city=city, status=Status.ISSUED).filter(
        Q(valid_until__isnull=True) | Q(valid_until__gte=today_in_china(now))
    )
    if everything:
        return valid
    present = SealedVersion.objects.filter(certificate=OuterRef("pk"), key_fingerprint=fingerprint)
    return valid.exclude(key_fingerprint=fingerprint).filter(~Exists(present))


def _try(certificate: Certificate, *, run: ResealingRun, seal: Seal, now: datetime) -> None:
    try:
        _reseal(certificate, run=run, seal=seal, now=now)
    except (SealUnavailable, OSError):
        raise
    except Exception as error:  # a certificate that cannot be drawn does not stop the others
        log.exception("%s could not be sealed anew", certificate.serial_number)
        why = _why(error)
        ResealingFailure.objects.create(run=run, certificate=certificate, why=why, at=now)


def _why(error: Exception) -> str:
    match error:
        case FactsDamaged():
            return _("登记内容与摘要不符")
        case NotDrawable():
            return _("字库里没有{characters}").format(characters=error)
    return type(error).__name__


def _reseal(certificate: Certificate, *, run: ResealingRun, seal: Seal, now: datetime) -> None:
    if facts_digest(certificate.facts) != certificate.facts_digest:
        raise FactsDamaged(certificate.serial_number)
    page = rendering.render(certificate, development=seal.development)
    sealed = sealing.seal_document(page, seal=seal, reason=certificate.serial_number, now=now)
    name = documents.store(certificate.serial_number, sealed)
    SealedVersion.objects.create(
        certificate=certificate,
        version=certificate.latest.version + 1,
        run=run,
        document=name,
        document_digest=documents.digest_of(sealed),
        document_size=len(sealed),
        key_fingerprint=seal.fingerprint,
        sealed_at=now,
    )
    versions = certificate.versions.values_list("document", flat=True)
    documents.keep_only(certificate.document, *versions)


def _finish(run: ResealingRun, now: datetime) -> None:
    ResealingRun.objects.filter(pk=run.pk, finished_at__isnull=True).update(
        finished_at=now if now >= run.started_at else F("started_at")
    )
    run.refresh_from_db()
