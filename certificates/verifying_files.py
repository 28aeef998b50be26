"""Verification of a file against the register, its seal, and the issued document."""

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
    """Checks a file against the register and its seal. Raises NotVerifiable where it is no PDF or
    larger than MOST_BYTES."""
    if len(document) > MOST_BYTES:
        raise NotVerifiable(_("文件超过 10 MB，不是本平台出具的证明。请上传下载时的原文件。"))
    if b"%PDF-" not in document[:1024]:
        raise NotVerifiable(
            _("这不是 PDF 文件。请上传从本平台下载的 PDF 原文件，照片、扫描件和截图请改用验证码核验。")
        )
    return logged(_by_file(document, now), way, asker, now)


def _by_file(document: bytes, now: datetime) -> Verdict:
    uploaded = inspect_apart(document, keys=settings.SEAL_DIR, room=settings.ROOM_FOR_FILES)
    registered = by_digest(documents.digest_of(document))
    if registered:
        return _untouched(*registered, uploaded, now)
    registered = _registered_part(document)
    if registered:
        certificate, sealed = registered
        issued = _issued(sealed)
        why = _("文件在盖章之后被追加了内容，与出具的证明不同，请勿采信。")
        changes = _changes(uploaded.makeup, issued.makeup)
        if changes:
            why = _("文件在盖章之后被追加了内容（{changes}），与出具的证明不同，请勿采信。").format(
                changes="、".join(changes)
            )
        return Verdict(
            Result.ALTERED, why, _checks(registered, uploaded, issued, identical=False), certificate
        )
    registered = _claimed(uploaded)
    if registered:
        certificate, sealed = registered
        issued = _issued(sealed)
        return Verdict(
            Result.ALTERED,
            _why_altered(document, sealed, uploaded, issued),
            _checks(registered, uploaded, issued, identical=False),
            certificate,
        )
    checks = _checks(None, uploaded, None, identical=False)
    if not uploaded.readable:
        if _truncated(document):
            why = _("文件不完整，结尾缺失，不能确认。请上传从本平台下载的完整的原文件。")
        else:
            why = _("文件已损坏或无法读取，不能确认。请上传从本平台下载的原文件。")
        return Verdict(Result.UNKNOWN, why, checks)
    if any(signature.trusted for signature in uploaded.signatures):
        if all(signature.intact and signature.whole for signature in uploaded.signatures):
            why = _("文件盖有经办机构的印章，但登记簿中没有这份证明，请联系经办机构确认。")
            return Verdict(Result.UNKNOWN, why, checks)
        return Verdict(Result.ALTERED, _("文件在盖章之后被改动，请勿采信。"), checks)
    return Verdict(Result.UNKNOWN, _("登记簿中没有这份文件，它不是本平台出具的证明。"), checks)


def _untouched(certificate: Certificate, sealed: Sealed, uploaded: Inspection, now: datetime) -> Verdict:
    checks = _checks((certificate, sealed), uploaded, uploaded, identical=True)
    if not uploaded.signatures or any(check.passed is False for check in checks):
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


def _why_altered(document: bytes, sealed: Sealed, uploaded: Inspection, issued: Inspection) -> str:
    if _truncated(document):
        return _("文件使用了这份证明的编号，但不完整，结尾缺失，请勿采信。")
    if not uploaded.readable:
        return _("文件使用了这份证明的编号，但内容已损坏或被改动，请勿采信。")
    if not uploaded.signatures:
        return _("文件使用了这份证明的编号，但电子印章的数字签名已被去除，请勿采信。")
    with_our_seal = [one for one in uploaded.signatures if one.fingerprint == sealed.fingerprint]
    if not with_our_seal:
        return _("文件使用了这份证明的编号，但签名不是经办机构的印章，请勿采信。")
    signature = with_our_seal[0]
    issued_seals = {one.identity for one in issued.signatures}
    if not signature.intact and signature.genuine and issued_seals and signature.identity not in issued_seals:
        return _("文件上的印章取自另一份文件，与这份文件的内容不符，请勿采信。")
    changes = _changes(uploaded.makeup, issued.makeup)
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
    """Whether the end mark of a PDF is missing, because the file was cut off."""
    return b"%%EOF" not in document[-1024:]


def _issued(sealed: Sealed) -> Inspection:
    """The inspection of the issued document; not readable where its file is lost."""
    try:
        content = documents.load(sealed.document, digest=sealed.digest)
    except documents.DocumentDamaged:
        return Inspection(readable=False)
    return inspect_apart(content, keys=settings.SEAL_DIR, room=settings.ROOM_FOR_FILES)


def _changes(uploaded: Makeup | None, issued: Makeup | None) -> list[str]:
    """The differences between an uploaded and the issued document, in words; empty where one of
    them cannot be read."""
    if uploaded is None or issued is None:
        return []
    changes = []
    if uploaded.pages != issued.pages:
        if sorted(uploaded.pages) == sorted(issued.pages):
            changes.append(_("页面的顺序"))
        elif len(uploaded.pages) != len(issued.pages):
            changes.append(_("页面的数量"))
        else:
            places = [
                str(place)
                for place, (one, other) in enumerate(zip(uploaded.pages, issued.pages, strict=True), start=1)
                if one != other
            ]
            changes.append(_("第 {pages} 页的内容").format(pages="、".join(places)))
    if uploaded.scripts and not issued.scripts:
        changes.append(_("加入了脚本或动作"))
    if uploaded.attachments and not issued.attachments:
        changes.append(_("加入了附件"))
    if uploaded.metadata != issued.metadata:
        changes.append(_("标题、作者等文件信息"))
    if issued.evidence and not uploaded.evidence:
        changes.append(_("去除了证书链和吊销信息"))
    return changes


def _checks(
    registered: Found | None, uploaded: Inspection, issued: Inspection | None, *, identical: bool
) -> list[Check]:
    """The checks of a file: the register, then the seal, then the changes."""
    checks = [
        Check(
            _("登记"),
            identical,
            _("文件摘要（SHA-256）与登记簿一致")
            if identical
            else _("文件摘要（SHA-256）与登记簿中的任何证明都不一致"),
        )
    ]
    fingerprint = registered[1].fingerprint if registered else ""
    signature = next(
        (one for one in uploaded.signatures if one.fingerprint == fingerprint),
        uploaded.signatures[0] if uploaded.signatures else None,
    )
    if signature is None:
        text = _("文件中没有数字签名") if uploaded.readable else _("文件无法读取，没有检查数字签名")
        checks.append(Check(_("数字签名"), False if uploaded.readable else None, text))
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
            _evidence_check(signature, uploaded, issued),
            Check(
                _("覆盖范围"),
                signature.whole,
                _("签名覆盖整个文件，其后没有追加内容")
                if signature.whole
                else _("签名没有覆盖整个文件，其后追加了内容"),
            ),
            _time_check(signature.stamped_at),
        ]
        if registered:
            our_seal = signature.fingerprint == fingerprint
            text = _("与出具时使用的印章一致") if our_seal else _("不是出具这份证明时使用的印章")
            checks.append(Check(_("印章"), our_seal, text))
    if registered and issued and not identical:
        checks.append(_changes_check(uploaded, issued))
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


def _evidence_check(signature: Signature, uploaded: Inspection, issued: Inspection | None) -> Check:
    label = _("吊销信息")
    if signature.evidenced:
        return Check(label, True, _("文件带有证书链和吊销列表：盖章时印章和时间戳的证书均未被吊销"))
    if uploaded.makeup and uploaded.makeup.evidence:
        if not signature.intact:
            return Check(label, None, _("签名与内容不符，没有再检查吊销信息"))
        return Check(label, False, _("文件所带的证书链或吊销列表不能证明盖章时证书有效"))
    if issued and issued.makeup and not issued.makeup.evidence:
        return Check(label, None, _("文件出具时未带吊销信息"))
    return Check(label, False, _("文件中没有证书链和吊销列表"))


def _changes_check(uploaded: Inspection, issued: Inspection) -> Check:
    label = _("与出具文件比较")
    if uploaded.makeup is None or issued.makeup is None:
        return Check(label, None, _("文件无法读取，没有与出具的文件比较"))
    changes = _changes(uploaded.makeup, issued.makeup)
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
    """The certificate whose whole document is the beginning of this file; the rest was appended."""
    for place, match in enumerate(_BYTE_RANGE.finditer(document)):
        end = int(match[1]) + int(match[2])
        if place < 8 and end < len(document):
            appended_to = by_digest(hashlib.sha256(document[:end]).hexdigest())
            if appended_to:
                return appended_to
    return None


def _claimed(uploaded: Inspection) -> Found | None:
    """The certificate whose number the file has, and the one of its documents whose seal the file
    has."""
    issued = Certificate.objects.exclude(status=Status.FROZEN).select_related("superseded_by")
    certificate = issued.filter(serial_number__in=uploaded.serial_numbers[:8]).order_by("pk").first()
    if certificate is None:
        return None
    first = Sealed(1, certificate.document, certificate.document_digest, certificate.key_fingerprint)
    versions = [first, *(later.sealed for later in certificate.versions.order_by("version"))]
    used = {signature.fingerprint for signature in uploaded.signatures}
    return certificate, next((one for one in versions if one.fingerprint in used), versions[-1])
