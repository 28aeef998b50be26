"""Is this certificate genuine? By its code, or by the file.

Every answer says what was checked; nothing personal is shown in full.
"""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from certificates import authority, documents, presenting
from certificates.codes import InvalidCode, parse_code
from certificates.inspection import Inspection, Signature, inspect_apart
from certificates.issuing import facts_digest
from certificates.kinds import CertificateKind
from certificates.models import Certificate, Result, Status, VerificationLog, Way
from portal.shared.identity import mask, mask_name
from portal.shared.months import CHINA

MOST_BYTES = 10 * 1024 * 1024

_BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*0\s+[0-9]{1,9}\s+([0-9]{1,9})\s+([0-9]{1,9})\s*\]")


class NotVerifiable(ValueError):
    """What was sent is no code, or no PDF of a size that we read; the message says what to do."""


@dataclass(frozen=True)
class Check:
    """One thing that was checked. ``passed`` is None where it could not be."""

    label: str
    passed: bool | None
    text: str


@dataclass(frozen=True)
class Verdict:
    """The answer, why, and what was checked. ``shown`` are (label, value) pairs for the public, personal data masked."""

    result: Result
    why: str
    checks: list[Check] = field(default_factory=list)
    certificate: Certificate | None = None

    @property
    def genuine(self) -> bool:
        return self.result == Result.VALID

    @property
    def shown(self) -> list[tuple[str, str]]:
        return _shown(self.certificate) if self.certificate else []


def verify_code(text: str, *, now: datetime) -> Verdict:
    """Looks a verification code up in the register. NotVerifiable where the text is no code at all."""
    try:
        code = parse_code(text)
    except InvalidCode:
        raise NotVerifiable(_("验证码应为 28 位字母和数字，印在证明页脚，请核对后重新填写。")) from None
    certificate = Certificate.objects.filter(code=code).first()
    verdict = _by_register(certificate)
    return _logged(verdict, Way.CODE, now)


def verify_pdf(document: bytes, *, now: datetime) -> Verdict:
    """Checks a file against the register and its seal. NotVerifiable where it is no PDF, or larger than MOST_BYTES."""
    if len(document) > MOST_BYTES:
        raise NotVerifiable(_("文件超过 10 MB，不是本平台出具的证明。请上传下载时的原文件。"))
    if b"%PDF-" not in document[:1024]:
        raise NotVerifiable(
            _("这不是 PDF 文件。请上传从本平台下载的 PDF 原文件，照片、扫描件和截图请改用验证码核验。")
        )
    return _logged(_by_file(document), Way.FILE, now)


def _by_register(certificate: Certificate | None) -> Verdict:
    if certificate is None or certificate.status == Status.FROZEN:
        checks = [Check(_("登记"), False, _("登记簿中没有使用这个验证码出具的证明"))]
        return Verdict(
            Result.UNKNOWN,
            _("没有查到这个验证码。请逐字核对；如核对无误，这份证明不是本平台出具的。"),
            checks,
        )
    checks = [
        Check(_("登记"), True, _("登记簿中有这份证明")),
        _facts_check(certificate),
        _stored_check(certificate),
    ]
    if not all(check.passed for check in checks):
        return Verdict(
            Result.UNKNOWN,
            _("登记的内容或文件未通过完整性检查，暂不能确认，请联系经办机构。"),
            checks,
            certificate,
        )
    checks.append(_revocation_check(certificate))
    if certificate.is_revoked:
        return Verdict(Result.REVOKED, _("这份证明已被经办机构撤销，不再有效。"), checks, certificate)
    why = _(
        "登记簿中有这份证明，且未被撤销。请核对手中证明的内容与下列信息一致；核验 PDF 文件是否被改动，请上传文件。"
    )
    return Verdict(Result.VALID, why, checks, certificate)


def _by_file(document: bytes) -> Verdict:
    found = inspect_apart(document, trust=authority.trust_folder())
    certificate = _registered(documents.digest_of(document))
    if certificate:
        return _untouched(certificate, found)
    certificate = _registered_part(document)
    if certificate:
        why = _("文件在盖章之后被追加了内容，与出具的证明不同，请勿采信。")
        return Verdict(Result.ALTERED, why, _checks(certificate, found, same=False), certificate)
    certificate = _claimed(found)
    if certificate:
        return Verdict(
            Result.ALTERED,
            _why_altered(certificate, found),
            _checks(certificate, found, same=False),
            certificate,
        )
    if not found.readable:
        return Verdict(
            Result.UNKNOWN,
            _("文件已损坏或无法读取，不能确认。请上传从本平台下载的原文件。"),
            _checks(None, found, same=False),
        )
    if any(signature.trusted for signature in found.signatures):
        if all(signature.intact and signature.whole for signature in found.signatures):
            why = _("文件盖有经办机构的印章，但登记簿中没有这份证明，请联系经办机构确认。")
            return Verdict(Result.UNKNOWN, why, _checks(None, found, same=False))
        return Verdict(
            Result.ALTERED, _("文件在盖章之后被改动，请勿采信。"), _checks(None, found, same=False)
        )
    return Verdict(
        Result.UNKNOWN, _("登记簿中没有这份文件，它不是本平台出具的证明。"), _checks(None, found, same=False)
    )


def _untouched(certificate: Certificate, found: Inspection) -> Verdict:
    checks = _checks(certificate, found, same=True)
    if not all(check.passed for check in checks):
        why = _("文件与登记一致，但印章未能全部核验通过，暂不能确认，请联系经办机构。")
        return Verdict(Result.UNKNOWN, why, checks, certificate)
    checks.append(_revocation_check(certificate))
    if certificate.is_revoked:
        return Verdict(
            Result.REVOKED, _("文件未被改动，但这份证明已被经办机构撤销，不再有效。"), checks, certificate
        )
    return Verdict(Result.VALID, _("文件与出具时逐字节一致，印章有效，未被撤销。"), checks, certificate)


def _why_altered(certificate: Certificate, found: Inspection) -> str:
    if not found.readable:
        return _("文件使用了这份证明的编号，但内容已损坏或被改动，请勿采信。")
    if not found.signatures:
        return _("文件使用了这份证明的编号，但电子印章的数字签名已被去除，请勿采信。")
    if all(signature.fingerprint != certificate.key_fingerprint for signature in found.signatures):
        return _("文件使用了这份证明的编号，但签名不是经办机构的印章，请勿采信。")
    if any(not signature.intact for signature in found.signatures):
        return _("文件的内容在盖章之后被改动，请勿采信。")
    return _("文件使用了这份证明的编号，但与出具的文件不同，请勿采信。")


def _checks(certificate: Certificate | None, found: Inspection, *, same: bool) -> list[Check]:
    """What a file shows: against the register, then its seal."""
    checks = [
        Check(
            _("登记"),
            same,
            _("文件摘要（SHA-256）与登记簿一致")
            if same
            else _("文件摘要（SHA-256）与登记簿中的任何证明都不一致"),
        )
    ]
    signature = next(
        (one for one in found.signatures if certificate and one.fingerprint == certificate.key_fingerprint),
        found.signatures[0] if found.signatures else None,
    )
    if signature is None:
        text = _("文件中没有数字签名") if found.readable else _("文件无法读取，没有检查数字签名")
        return [*checks, Check(_("数字签名"), False if found.readable else None, text)]
    checks += [
        Check(
            _("数字签名"),
            signature.intact,
            _("签名完好，签名内的内容未被改动") if signature.intact else _("签名与内容不符，内容被改动过"),
        ),
        _certificate_check(signature),
        Check(
            _("覆盖范围"),
            signature.whole,
            _("签名覆盖整个文件，其后没有追加内容")
            if signature.whole
            else _("签名没有覆盖整个文件，其后追加了内容"),
        ),
        _time_check(signature.stamped_at),
    ]
    if certificate:
        own = signature.fingerprint == certificate.key_fingerprint
        checks.append(
            Check(_("印章"), own, _("与出具时使用的印章一致") if own else _("不是出具这份证明时使用的印章"))
        )
    return checks


def _certificate_check(signature: Signature) -> Check:
    if signature.trusted:
        text = _("由{signer}盖章，证书可追溯到本平台信任的根证书").format(signer=signature.signer)
        return Check(_("印章证书"), True, text)
    if not signature.intact:
        return Check(_("印章证书"), None, _("签名与内容不符，没有再检查证书"))
    return Check(_("印章证书"), False, _("签名证书不是本平台信任的印章证书"))


def _time_check(stamped_at: str) -> Check:
    if not stamped_at:
        return Check(_("盖章时间"), False, _("没有可信的时间戳"))
    moment = datetime.fromisoformat(stamped_at).astimezone(CHINA)
    return Check(
        _("盖章时间"), True, _("时间戳可信：{time}（北京时间）").format(time=f"{moment:%Y-%m-%d %H:%M:%S}")
    )


def _facts_check(certificate: Certificate) -> Check:
    sound = facts_digest(certificate.facts) == certificate.facts_digest
    return Check(_("登记内容"), sound, _("与出具时的摘要一致") if sound else _("与出具时的摘要不一致"))


def _stored_check(certificate: Certificate) -> Check:
    try:
        documents.load(certificate.document, digest=certificate.document_digest)
    except documents.DocumentDamaged:
        return Check(_("存档文件"), False, _("存档文件缺失或与登记摘要不一致"))
    return Check(_("存档文件"), True, _("存档文件与登记摘要一致"))


def _revocation_check(certificate: Certificate) -> Check:
    if certificate.revoked_at:
        day = certificate.revoked_at.astimezone(CHINA)
        return Check(_("撤销"), False, _("已于 {day} 撤销").format(day=f"{day:%Y-%m-%d}"))
    return Check(_("撤销"), True, _("未被撤销"))


def _registered(digest: str) -> Certificate | None:
    return Certificate.objects.filter(document_digest=digest).first()


def _registered_part(document: bytes) -> Certificate | None:
    """The certificate whose whole document stands at the beginning of this file: what follows was appended."""
    for place, found in enumerate(_BYTE_RANGE.finditer(document)):
        end = int(found[1]) + int(found[2])
        if place < 8 and end < len(document):
            certificate = _registered(hashlib.sha256(document[:end]).hexdigest())
            if certificate:
                return certificate
    return None


def _claimed(found: Inspection) -> Certificate | None:
    """The certificate whose number the file carries."""
    issued = Certificate.objects.exclude(status=Status.FROZEN)
    return issued.filter(serial_number__in=found.serial_numbers[:8]).order_by("pk").first()


def _shown(certificate: Certificate) -> list[tuple[str, str]]:
    facts: dict[str, Any] = certificate.facts
    if certificate.kind != CertificateKind.EMPLOYER:
        whose = [
            (_("姓名"), mask_name(facts["person"]["name"])),
            (_("身份证号码"), mask(facts["person"]["identity_number"])),
        ]
    else:
        whose = [
            (_("单位名称"), facts["employer"]["name"]),
            (_("统一社会信用代码"), facts["employer"]["credit_code"]),
        ]
    issued = certificate.issued_at.astimezone(CHINA) if certificate.issued_at else None
    return [
        (_("证明名称"), certificate.title),
        (_("证明编号"), certificate.serial_number),
        (_("出具机构"), facts["agency"]),
        (_("出具时间"), f"{issued:%Y-%m-%d %H:%M}" if issued else ""),
        *whose,
        (_("证明期间"), presenting.period(facts)),
        (_("险种"), presenting.insurances(facts)),
        *presenting.sums(facts),
    ]


def _logged(verdict: Verdict, way: Way, now: datetime) -> Verdict:
    VerificationLog.objects.create(at=now, way=way, result=verdict.result, certificate=verdict.certificate)
    return verdict
