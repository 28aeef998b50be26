"""Verification of a certificate by its code and the last four characters of a number, or by a
digest.

Every verdict lists its checks; personal data are masked. ``verifying_files`` verifies a file.
"""

import hmac
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from django.utils.translation import gettext as _

from certificates import documents, presenting
from certificates.codes import InvalidCode, InvalidLastFour, last_four, parse_code, parse_last_four
from certificates.issuing import facts_digest
from certificates.models import Certificate, Result, Sealed, SealedVersion, Status, VerificationLog, Way
from portal.shared.identity import mask_name
from portal.shared.months import CHINA, today_in_china

# A certificate and one of its documents.
Found: TypeAlias = tuple[Certificate, Sealed]


class NotVerifiable(ValueError):
    """The input is no code, no four characters, or no PDF of an allowed size; the message says what
    to do."""


@dataclass(frozen=True)
class Check:
    """One check. ``passed`` is None where it could not be made."""

    label: str
    passed: bool | None
    text: str


@dataclass(frozen=True)
class Verdict:
    """The result, the reason and the checks. ``shown`` are (label, value) pairs for the public,
    personal data masked."""

    result: Result
    why: str
    checks: list[Check] = field(default_factory=list)
    certificate: Certificate | None = None
    # The facts still count; only the document has a later version.
    resealed: bool = False
    # The asker has the document, or its code and the ending. A serial number alone can be guessed.
    held: bool = False

    @property
    def genuine(self) -> bool:
        return self.result == Result.VALID

    @property
    def told(self) -> dict[str, Any] | None:
        """The facts with personal data masked; None where the asker does not hold the document or
        it no longer counts."""
        counts = self.genuine or self.resealed
        return presenting.told(self.certificate.facts) if self.certificate and self.held and counts else None

    @property
    def shown(self) -> list[tuple[str, str]]:
        return _shown(self.certificate) if self.certificate else []


def verify_code(text: str, ending: str, *, way: Way = Way.CODE, asker: str = "", now: datetime) -> Verdict:
    """Looks a verification code up in the register, for an asker who also knows the end of the
    subject's number.

    ``ending``: the last four characters of the identity number, or of an employer's credit code. A
    wrong ending has the same verdict as an unknown code. ``asker`` names an institution that asks
    by the API. Raises NotVerifiable where the text has not the form of a code, or the ending has
    not four characters.
    """
    try:
        code = parse_code(text)
    except InvalidCode:
        raise NotVerifiable(_("验证码应为 28 位字母和数字，印在证明页脚，请核对后重新填写。")) from None
    try:
        typed_ending = parse_last_four(ending)
    except InvalidLastFour:
        raise NotVerifiable(_("请填写身份证号码的后四位（单位证明为统一社会信用代码的后四位）。")) from None
    certificate = Certificate.objects.filter(code=code).select_related("superseded_by").first()
    if certificate and not hmac.compare_digest(last_four(certificate.facts), typed_ending):
        certificate = None
    verdict = _by_register(certificate, now)
    return logged(verdict, way, asker, now)


def verify_digest(digest: str, *, way: Way = Way.API, asker: str = "", now: datetime) -> Verdict:
    """Looks the SHA-256 of a file (64 hexadecimal digits) up in the register. Raises NotVerifiable
    where the text is no such digest."""
    if not re.fullmatch(r"[0-9a-fA-F]{64}", digest):
        raise NotVerifiable(_("文件摘要应为 64 位十六进制的 SHA-256。"))
    registered = by_digest(digest.lower())
    if registered is None:
        checks = [Check(_("登记"), False, _("文件摘要（SHA-256）与登记簿中的任何证明都不一致"))]
        why = _("登记簿中没有这个摘要的文件：它不是本平台出具的证明，或者已被改动。")
        return logged(Verdict(Result.UNKNOWN, why, checks), way, asker, now)
    certificate, sealed = registered
    verdict = _by_register(certificate, now)
    if verdict.result == Result.VALID and sealed.version < certificate.latest.version:
        verdict = replaced_by_resealing(certificate, sealed, verdict.checks)
    return logged(verdict, way, asker, now)


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
    return standing_verdict(certificate, checks, now) or Verdict(
        Result.VALID, why, checks, certificate, held=True
    )


def standing_verdict(certificate: Certificate, checks: list[Check], now: datetime) -> Verdict | None:
    """Adds the checks of the present state to ``checks``; returns the verdict where the certificate
    no longer counts."""
    checks += checks_of_standing(certificate, now)
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


def replaced_by_resealing(certificate: Certificate, sealed: Sealed, checks: list[Check]) -> Verdict:
    """The verdict on a document that was resealed later."""
    why = _(
        "文件与出具时逐字节一致，证明的内容仍然有效。经办机构更换印章后，已用新的印章重新盖章（第 {new} 版，"
        "这份文件是第 {old} 版），已由重新盖章的版本替换，请向持有人索取最新的文件。"
    ).format(new=certificate.latest.version, old=sealed.version)
    check = Check(_("版本"), False, _("已有重新盖章的版本"))
    return Verdict(Result.SUPERSEDED, why, [*checks, check], certificate, resealed=True, held=True)


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


def was_corrected_since(certificate: Certificate) -> bool:
    """Whether the register now has another name, number or paper for the person than the
    certificate."""
    person, told = certificate.person, certificate.facts.get("person")
    return bool(person and told and person.named() != told)


def checks_of_standing(certificate: Certificate, now: datetime) -> list[Check]:
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
    if was_corrected_since(certificate):
        text = _("出具之后，登记中的姓名或证件号码已更正；这份证明仍是出具时的内容")
        checks.append(Check(_("登记更正"), None, text))
    if certificate.valid_until:
        good = certificate.valid_until >= today_in_china(now)
        text = _("有效期至 {day}").format(day=f"{certificate.valid_until:%Y-%m-%d}")
        checks.append(Check(_("有效期"), good, text))
    return checks


def by_digest(digest: str) -> Found | None:
    """The certificate with a document of this SHA-256, and that document; None where there is
    none."""
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


def logged(verdict: Verdict, way: Way, asker: str, now: datetime) -> Verdict:
    """Writes the verification into the log and returns the verdict."""
    VerificationLog.objects.create(
        at=now, way=way, asker=asker, result=verdict.result, certificate=verdict.certificate
    )
    return verdict
