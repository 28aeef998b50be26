"""Is this file genuine? Against the register, its seal, and what was issued."""

import hashlib
import re
from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _

from certificates import documents
from certificates.inspection import Inspection, Makeup, Signature, inspect_apart
from certificates.models import Certificate, Result, Sealed, Status, Way
from certificates.verifying import (
    Check,
    Found,
    NotVerifiable,
    Verdict,
    by_digest,
    logged,
    replaced_by_resealing,
    standing_verdict,
)
from portal.shared.months import CHINA

MOST_BYTES = 10 * 1024 * 1024

_BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*0\s+[0-9]{1,9}\s+([0-9]{1,9})\s+([0-9]{1,9})\s*\]")


def verify_pdf(document: bytes, *, way: Way = Way.FILE, asker: str = "", now: datetime) -> Verdict:
    """Checks a file against the register and its seal. NotVerifiable where it is no PDF, or larger
    than MOST_BYTES."""
    if len(document) > MOST_BYTES:
        raise NotVerifiable(_("文件超过 10 MB，不是本平台出具的证明。请上传下载时的原文件。"))
    if b"%PDF-" not in document[:1024]:
        raise NotVerifiable(
            _("这不是 PDF 文件。请上传从本平台下载的 PDF 原文件，照片、扫描件和截图请改用验证码核验。")
        )
    return logged(_by_file(document, now), way, asker, now)


def _by_file(document: bytes, now: datetime) -> Verdict:
    looked = inspect_apart(document, keys=settings.SEAL_DIR, room=settings.ROOM_FOR_FILES)
    found = by_digest(documents.digest_of(document))
    if found:
        return _untouched(*found, looked, now)
    found = _registered_part(document)
    if found:
        certificate, sealed = found
        own = _own(sealed)
        why = _("文件在盖章之后被追加了内容，与出具的证明不同，请勿采信。")
        changes = _changes(looked.makeup, own.makeup)
        if changes:
            why = _("文件在盖章之后被追加了内容（{changes}），与出具的证明不同，请勿采信。").format(
                changes="、".join(changes)
            )
        return Verdict(Result.ALTERED, why, _checks(found, looked, own, same=False), certificate)
    found = _claimed(looked)
    if found:
        certificate, sealed = found
        own = _own(sealed)
        return Verdict(
            Result.ALTERED,
            _why_altered(document, sealed, looked, own),
            _checks(found, looked, own, same=False),
            certificate,
        )
    checks = _checks(None, looked, None, same=False)
    if not looked.readable:
        if _truncated(document):
            why = _("文件不完整，结尾缺失，不能确认。请上传从本平台下载的完整的原文件。")
        else:
            why = _("文件已损坏或无法读取，不能确认。请上传从本平台下载的原文件。")
        return Verdict(Result.UNKNOWN, why, checks)
    if any(signature.trusted for signature in looked.signatures):
        if all(signature.intact and signature.whole for signature in looked.signatures):
            why = _("文件盖有经办机构的印章，但登记簿中没有这份证明，请联系经办机构确认。")
            return Verdict(Result.UNKNOWN, why, checks)
        return Verdict(Result.ALTERED, _("文件在盖章之后被改动，请勿采信。"), checks)
    return Verdict(Result.UNKNOWN, _("登记簿中没有这份文件，它不是本平台出具的证明。"), checks)


def _untouched(certificate: Certificate, sealed: Sealed, looked: Inspection, now: datetime) -> Verdict:
    checks = _checks((certificate, sealed), looked, looked, same=True)
    if not looked.signatures or any(check.passed is False for check in checks):
        why = _("文件与登记一致，但印章未能全部核验通过，暂不能确认，请联系经办机构。")
        return Verdict(Result.UNKNOWN, why, checks, certificate)
    verdict = standing_verdict(certificate, checks, now)
    if verdict:
        return verdict
    if sealed.version < certificate.latest.version:
        return replaced_by_resealing(certificate, sealed, checks)
    return Verdict(
        Result.VALID, _("文件与出具时逐字节一致，印章有效，未被撤销。"), checks, certificate, held=True
    )


def _why_altered(document: bytes, sealed: Sealed, looked: Inspection, own: Inspection) -> str:
    if _truncated(document):
        return _("文件使用了这份证明的编号，但不完整，结尾缺失，请勿采信。")
    if not looked.readable:
        return _("文件使用了这份证明的编号，但内容已损坏或被改动，请勿采信。")
    if not looked.signatures:
        return _("文件使用了这份证明的编号，但电子印章的数字签名已被去除，请勿采信。")
    ours = [one for one in looked.signatures if one.fingerprint == sealed.fingerprint]
    if not ours:
        return _("文件使用了这份证明的编号，但签名不是经办机构的印章，请勿采信。")
    signature = ours[0]
    known = {one.identity for one in own.signatures}
    if not signature.intact and signature.genuine and known and signature.identity not in known:
        return _("文件上的印章取自另一份文件，与这份文件的内容不符，请勿采信。")
    changes = _changes(looked.makeup, own.makeup)
    if not signature.intact:
        if changes:
            return _("文件在盖章之后被改动（{changes}），请勿采信。").format(changes="、".join(changes))
        return _("文件的内容在盖章之后被改动，请勿采信。")
    if not signature.whole:
        return _("文件在盖章之后被追加了内容，与出具的证明不同，请勿采信。")
    if not signature.stamped_at:
        return _("印章的时间戳已被去除或改动，无法证明盖章时间，请勿采信。")
    return _("文件使用了这份证明的编号，但与出具的文件不同，请勿采信。")


def _truncated(document: bytes) -> bool:
    """A PDF ends by saying so; what was cut off in the middle does not."""
    return b"%%EOF" not in document[-1024:]


def _own(sealed: Sealed) -> Inspection:
    """What the document looks like that was issued; nothing where it is lost."""
    try:
        issued = documents.load(sealed.document, digest=sealed.digest)
    except documents.DocumentDamaged:
        return Inspection(readable=False)
    return inspect_apart(issued, keys=settings.SEAL_DIR, room=settings.ROOM_FOR_FILES)


def _changes(made: Makeup | None, own: Makeup | None) -> list[str]:
    """In what a document differs from the one that was issued, in words; nothing where one of them
    cannot be read."""
    if made is None or own is None:
        return []
    changes = []
    if made.pages != own.pages:
        if sorted(made.pages) == sorted(own.pages):
            changes.append(_("页面的顺序"))
        elif len(made.pages) != len(own.pages):
            changes.append(_("页面的数量"))
        else:
            places = [
                str(place)
                for place, (one, other) in enumerate(zip(made.pages, own.pages, strict=True), start=1)
                if one != other
            ]
            changes.append(_("第 {pages} 页的内容").format(pages="、".join(places)))
    if made.scripts and not own.scripts:
        changes.append(_("加入了脚本或动作"))
    if made.attachments and not own.attachments:
        changes.append(_("加入了附件"))
    if made.metadata != own.metadata:
        changes.append(_("标题、作者等文件信息"))
    if own.evidence and not made.evidence:
        changes.append(_("去除了证书链和吊销信息"))
    return changes


def _checks(found: Found | None, looked: Inspection, own: Inspection | None, *, same: bool) -> list[Check]:
    """What a file shows: against the register, then its seal, then what changed since."""
    checks = [
        Check(
            _("登记"),
            same,
            _("文件摘要（SHA-256）与登记簿一致")
            if same
            else _("文件摘要（SHA-256）与登记簿中的任何证明都不一致"),
        )
    ]
    fingerprint = found[1].fingerprint if found else ""
    signature = next(
        (one for one in looked.signatures if one.fingerprint == fingerprint),
        looked.signatures[0] if looked.signatures else None,
    )
    if signature is None:
        text = _("文件中没有数字签名") if looked.readable else _("文件无法读取，没有检查数字签名")
        checks.append(Check(_("数字签名"), False if looked.readable else None, text))
    else:
        checks += [
            Check(
                _("数字签名"),
                signature.intact,
                _("签名完好，签名内的内容未被改动")
                if signature.intact
                else _("签名与内容不符，内容被改动过"),
            ),
            _certificate_check(signature),
            _evidence_check(signature, looked, own),
            Check(
                _("覆盖范围"),
                signature.whole,
                _("签名覆盖整个文件，其后没有追加内容")
                if signature.whole
                else _("签名没有覆盖整个文件，其后追加了内容"),
            ),
            _time_check(signature.stamped_at),
        ]
        if found:
            ours = signature.fingerprint == fingerprint
            text = _("与出具时使用的印章一致") if ours else _("不是出具这份证明时使用的印章")
            checks.append(Check(_("印章"), ours, text))
    if found and own and not same:
        checks.append(_changes_check(looked, own))
    return checks


def _certificate_check(signature: Signature) -> Check:
    if signature.revoked:
        return Check(_("印章证书"), False, _("印章证书在盖章之前已被吊销"))
    if signature.trusted:
        text = _("由{signer}盖章，证书可追溯到本平台信任的根证书").format(signer=signature.signer)
        return Check(_("印章证书"), True, text)
    if not signature.genuine:
        return Check(_("印章证书"), None, _("签名已损坏，没有再检查证书"))
    if not signature.intact:
        return Check(_("印章证书"), None, _("签名与内容不符，没有再检查证书"))
    return Check(_("印章证书"), False, _("签名证书不是本平台信任的印章证书"))


def _evidence_check(signature: Signature, looked: Inspection, own: Inspection | None) -> Check:
    label = _("吊销信息")
    if signature.evidenced:
        return Check(label, True, _("文件带有证书链和吊销列表：盖章时印章和时间戳的证书均未被吊销"))
    if looked.makeup and looked.makeup.evidence:
        if not signature.intact:
            return Check(label, None, _("签名与内容不符，没有再检查吊销信息"))
        return Check(label, False, _("文件所带的证书链或吊销列表不能证明盖章时证书有效"))
    if own and own.makeup and not own.makeup.evidence:
        return Check(label, None, _("文件出具时未带吊销信息"))
    return Check(label, False, _("文件中没有证书链和吊销列表"))


def _changes_check(looked: Inspection, own: Inspection) -> Check:
    label = _("与出具文件比较")
    if looked.makeup is None or own.makeup is None:
        return Check(label, None, _("文件无法读取，没有与出具的文件比较"))
    changes = _changes(looked.makeup, own.makeup)
    if changes:
        return Check(label, False, _("不同之处：{changes}").format(changes="、".join(changes)))
    return Check(label, None, _("页面、文件信息、附件和脚本没有看出不同"))


def _time_check(stamped_at: str) -> Check:
    if not stamped_at:
        return Check(_("盖章时间"), False, _("没有可信的时间戳"))
    moment = datetime.fromisoformat(stamped_at).astimezone(CHINA)
    return Check(
        _("盖章时间"), True, _("时间戳可信：{time}（北京时间）").format(time=f"{moment:%Y-%m-%d %H:%M:%S}")
    )


def _registered_part(document: bytes) -> Found | None:
    """The certificate whose whole document stands at the beginning of this file: what follows was
    appended."""
    for place, found in enumerate(_BYTE_RANGE.finditer(document)):
        end = int(found[1]) + int(found[2])
        if place < 8 and end < len(document):
            registered = by_digest(hashlib.sha256(document[:end]).hexdigest())
            if registered:
                return registered
    return None


def _claimed(looked: Inspection) -> Found | None:
    """The certificate whose number the file carries, and the one of its documents whose seal the
    file carries."""
    issued = Certificate.objects.exclude(status=Status.FROZEN).select_related("superseded_by")
    certificate = issued.filter(serial_number__in=looked.serial_numbers[:8]).order_by("pk").first()
    if certificate is None:
        return None
    first = Sealed(1, certificate.document, certificate.document_digest, certificate.key_fingerprint)
    versions = [first, *(later.sealed for later in certificate.versions.order_by("version"))]
    used = {signature.fingerprint for signature in looked.signatures}
    return certificate, next((one for one in versions if one.fingerprint in used), versions[-1])
