"""Is this certificate genuine? By its code with the last four characters of a number, by the file, or by the file's digest.

Every answer says what was checked; nothing personal is shown in full.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from django.conf import settings
from django.utils.translation import gettext as _

from certificates import documents, presenting
from certificates.codes import InvalidCode, InvalidLastFour, last_four, parse_code, parse_last_four
from certificates.inspection import Inspection, Makeup, Signature, inspect_apart
from certificates.issuing import facts_digest
from certificates.models import Certificate, Result, Sealed, SealedVersion, Status, VerificationLog, Way
from portal.shared.identity import mask_name
from portal.shared.months import CHINA, today_in_china

MOST_BYTES = 10 * 1024 * 1024

_BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*0\s+[0-9]{1,9}\s+([0-9]{1,9})\s+([0-9]{1,9})\s*\]")


# A certificate, and which of its documents.
Found: TypeAlias = tuple[Certificate, Sealed]


class NotVerifiable(ValueError):
    """What was sent is no code, no four characters, or no PDF of a size that we read; the message says what to do."""


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
    # What it says still counts; only the document has a later version.
    resealed: bool = False
    # Whoever asks has the document, or its code and the ending: more than its number, which can be guessed.
    held: bool = False

    @property
    def genuine(self) -> bool:
        return self.result == Result.VALID

    @property
    def told(self) -> dict[str, Any] | None:
        """What the document says, as facts, for whoever holds it and as long as it counts; personal data masked."""
        counts = self.genuine or self.resealed
        return presenting.told(self.certificate.facts) if self.certificate and self.held and counts else None

    @property
    def shown(self) -> list[tuple[str, str]]:
        return _shown(self.certificate) if self.certificate else []


def verify_code(text: str, ending: str, *, way: Way = Way.CODE, asker: str = "", now: datetime) -> Verdict:
    """Looks a verification code up in the register, for whoever also knows how the number of its subject ends.

    ``ending``: the last four characters of the identity number, or of an employer's credit code. A wrong ending has the same
    answer as a code that nobody was given. ``asker`` names an institution that asks by its interface. NotVerifiable where
    the text is no code at all, or the ending not four characters.
    """
    try:
        code = parse_code(text)
    except InvalidCode:
        raise NotVerifiable(_("验证码应为 28 位字母和数字，印在证明页脚，请核对后重新填写。")) from None
    try:
        wanted = parse_last_four(ending)
    except InvalidLastFour:
        raise NotVerifiable(_("请填写身份证号码的后四位（单位证明为统一社会信用代码的后四位）。")) from None
    certificate = Certificate.objects.filter(code=code).select_related("superseded_by").first()
    if certificate and not hmac.compare_digest(last_four(certificate.facts), wanted):
        certificate = None
    verdict = _by_register(certificate, now)
    return _logged(verdict, way, asker, now)


def verify_digest(digest: str, *, way: Way = Way.API, asker: str = "", now: datetime) -> Verdict:
    """Looks the SHA-256 of a file (64 hexadecimal digits) up in the register. NotVerifiable where it is none."""
    if not re.fullmatch(r"[0-9a-fA-F]{64}", digest):
        raise NotVerifiable(_("文件摘要应为 64 位十六进制的 SHA-256。"))
    found = _registered(digest.lower())
    if found is None:
        checks = [Check(_("登记"), False, _("文件摘要（SHA-256）与登记簿中的任何证明都不一致"))]
        why = _("登记簿中没有这个摘要的文件：它不是本平台出具的证明，或者已被改动。")
        return _logged(Verdict(Result.UNKNOWN, why, checks), way, asker, now)
    certificate, sealed = found
    verdict = _by_register(certificate, now)
    if verdict.result == Result.VALID and sealed.version < certificate.latest.version:
        verdict = _resealed(certificate, sealed, verdict.checks)
    return _logged(verdict, way, asker, now)


def verify_pdf(document: bytes, *, way: Way = Way.FILE, asker: str = "", now: datetime) -> Verdict:
    """Checks a file against the register and its seal. NotVerifiable where it is no PDF, or larger than MOST_BYTES."""
    if len(document) > MOST_BYTES:
        raise NotVerifiable(_("文件超过 10 MB，不是本平台出具的证明。请上传下载时的原文件。"))
    if b"%PDF-" not in document[:1024]:
        raise NotVerifiable(
            _("这不是 PDF 文件。请上传从本平台下载的 PDF 原文件，照片、扫描件和截图请改用验证码核验。")
        )
    return _logged(_by_file(document, now), way, asker, now)


def _by_register(certificate: Certificate | None, now: datetime) -> Verdict:
    if certificate is None or certificate.status == Status.FROZEN:
        checks = [Check(_("登记"), False, _("登记簿中没有这样的证明"))]
        return Verdict(
            Result.UNKNOWN,
            _(
                "没有查到：验证码与号码后四位至少有一项不对。请逐字核对；如核对无误，这份证明不是本平台出具的。"
            ),
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
    why = _(
        "登记簿中有这份证明，且未被撤销。请把手中证明的月份、基数、金额等内容与下面登记的内容逐项核对，有一处不同就是被改动过的；"
        "核验 PDF 文件是否被改动，请上传文件。"
    )
    return _standing(certificate, checks, now) or Verdict(Result.VALID, why, checks, certificate, held=True)


def _standing(certificate: Certificate, checks: list[Check], now: datetime) -> Verdict | None:
    """What became of the certificate since: adds its checks; the verdict where it no longer counts."""
    checks += _standing_checks(certificate, now)
    if certificate.is_revoked:
        why = _("这份证明确由本平台出具，但已被撤销，不再有效。")
        return Verdict(Result.REVOKED, why, checks, certificate)
    if certificate.superseded_by:
        why = _("这份证明的内容有误，已由编号 {number} 的证明替换，不再有效。").format(
            number=certificate.superseded_by.serial_number
        )
        return Verdict(Result.SUPERSEDED, why, checks, certificate)
    if certificate.valid_until and certificate.valid_until < today_in_china(now):
        why = _("这份证明确由本平台出具，但已过有效期，请向持有人索取新的证明。")
        return Verdict(Result.EXPIRED, why, checks, certificate)
    return None


def _resealed(certificate: Certificate, sealed: Sealed, checks: list[Check]) -> Verdict:
    why = _(
        "文件与出具时逐字节一致，证明的内容仍然有效。经办机构更换印章后，已用新的印章重新盖章（第 {new} 版，"
        "这份文件是第 {old} 版），已由重新盖章的版本替换，请向持有人索取最新的文件。"
    ).format(new=certificate.latest.version, old=sealed.version)
    check = Check(_("版本"), False, _("已有重新盖章的版本"))
    return Verdict(Result.SUPERSEDED, why, [*checks, check], certificate, resealed=True, held=True)


def _by_file(document: bytes, now: datetime) -> Verdict:
    looked = inspect_apart(document, keys=settings.SEAL_DIR, room=settings.ROOM_FOR_FILES)
    found = _registered(documents.digest_of(document))
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
    verdict = _standing(certificate, checks, now)
    if verdict:
        return verdict
    if sealed.version < certificate.latest.version:
        return _resealed(certificate, sealed, checks)
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
    """In what a document differs from the one that was issued, in words; nothing where one of them cannot be read."""
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


def _facts_check(certificate: Certificate) -> Check:
    sound = facts_digest(certificate.facts) == certificate.facts_digest
    return Check(_("登记内容"), sound, _("与出具时的摘要一致") if sound else _("与出具时的摘要不一致"))


def _stored_check(certificate: Certificate) -> Check:
    sealed = certificate.latest
    try:
        documents.load(sealed.document, digest=sealed.digest)
    except documents.DocumentDamaged:
        return Check(_("存档文件"), False, _("存档文件缺失或与登记摘要不一致"))
    return Check(_("存档文件"), True, _("存档文件与登记摘要一致"))


def _corrected_since(certificate: Certificate) -> bool:
    """Whether the holder is another in the register than the certificate says: by name, number or paper."""
    person, told = certificate.person, certificate.facts.get("person")
    return bool(person and told and person.named() != told)


def _standing_checks(certificate: Certificate, now: datetime) -> list[Check]:
    if certificate.revoked_at:
        day = certificate.revoked_at.astimezone(CHINA)
        checks = [Check(_("撤销"), False, _("已于 {day} 撤销").format(day=f"{day:%Y-%m-%d}"))]
    else:
        checks = [Check(_("撤销"), True, _("未被撤销"))]
    if certificate.superseded_at and certificate.superseded_by:
        day = certificate.superseded_at.astimezone(CHINA)
        text = _("已于 {day} 由 {number} 替换").format(
            day=f"{day:%Y-%m-%d}", number=certificate.superseded_by.serial_number
        )
        checks.append(Check(_("替换"), False, text))
    if _corrected_since(certificate):
        text = _("出具之后，登记中的姓名或证件号码已更正；这份证明仍是出具时的内容")
        checks.append(Check(_("登记更正"), None, text))
    if certificate.valid_until:
        good = certificate.valid_until >= today_in_china(now)
        text = _("有效期至 {day}").format(day=f"{certificate.valid_until:%Y-%m-%d}")
        checks.append(Check(_("有效期"), good, text))
    return checks


def _registered(digest: str) -> Found | None:
    certificates = Certificate.objects.select_related("superseded_by")
    certificate = certificates.filter(document_digest=digest).first()
    if certificate:
        return certificate, Sealed(1, certificate.document, digest, certificate.key_fingerprint)
    later = (
        SealedVersion.objects.filter(document_digest=digest)
        .select_related("certificate__superseded_by")
        .first()
    )
    return (later.certificate, later.sealed) if later else None


def _registered_part(document: bytes) -> Found | None:
    """The certificate whose whole document stands at the beginning of this file: what follows was appended."""
    for place, found in enumerate(_BYTE_RANGE.finditer(document)):
        end = int(found[1]) + int(found[2])
        if place < 8 and end < len(document):
            registered = _registered(hashlib.sha256(document[:end]).hexdigest())
            if registered:
                return registered
    return None


def _claimed(looked: Inspection) -> Found | None:
    """The certificate whose number the file carries, and the one of its documents whose seal the file carries."""
    issued = Certificate.objects.exclude(status=Status.FROZEN).select_related("superseded_by")
    certificate = issued.filter(serial_number__in=looked.serial_numbers[:8]).order_by("pk").first()
    if certificate is None:
        return None
    first = Sealed(1, certificate.document, certificate.document_digest, certificate.key_fingerprint)
    versions = [first, *(later.sealed for later in certificate.versions.order_by("version"))]
    used = {signature.fingerprint for signature in looked.signatures}
    return certificate, next((one for one in versions if one.fingerprint in used), versions[-1])


def _shown(certificate: Certificate) -> list[tuple[str, str]]:
    facts: dict[str, Any] = certificate.facts
    if "person" in facts:
        whose = [
            (_("姓名"), mask_name(facts["person"]["name"])),
            *presenting.whose_paper(facts["person"]),
        ]
    else:
        whose = [
            (_("单位名称"), facts["employer"]["name"]),
            (_("统一社会信用代码"), facts["employer"]["credit_code"]),
        ]
    issued = certificate.issued_at.astimezone(CHINA) if certificate.issued_at else None
    return [
        (_("{called}名称").format(called=certificate.called), certificate.title),
        (_("{called}编号").format(called=certificate.called), certificate.serial_number),
        (_("出具机构"), facts["agency"]),
        (_("出具日期"), f"{certificate.dated:%Y-%m-%d}"),
        (_("盖章时间"), f"{issued:%Y-%m-%d %H:%M}" if issued else ""),
        *([(_("有效期至"), f"{certificate.valid_until:%Y-%m-%d}")] if certificate.valid_until else []),
        *(
            [(_("替换它的证明"), certificate.superseded_by.serial_number)]
            if certificate.superseded_by
            else []
        ),
        *whose,
        *presenting.described(facts),
    ]


def _logged(verdict: Verdict, way: Way, asker: str, now: datetime) -> Verdict:
    VerificationLog.objects.create(
        at=now, way=way, asker=asker, result=verdict.result, certificate=verdict.certificate
    )
    return verdict
