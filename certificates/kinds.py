"""The kinds of documents that the hall seals: one table with the properties of each."""

from dataclasses import dataclass
from enum import StrEnum


class CertificateKind(StrEnum):
    PERSON = "person"
    EMPLOYER = "employer"
    PAYMENT_RECEIPT = "receipt"
    PAYMENT_LIST = "pay_list"
    PENSION_HISTORY = "history"
    CASE_RECEIPT = "case"
    APPLICATION_FORM = "form"
    ACCEPTANCE_NOTICE = "accepted"
    GUIDANCE_NOTICE = "lacking"
    DECLINE_DECISION = "declined"
    TRANSFER_VOUCHER = "voucher"
    TRANSFER_LETTER = "letter"
    TRANSFER_FORM = "tr_form"


class About(StrEnum):
    """The subject of a kind."""

    PERSON = "person"
    EMPLOYER = "employer"
    EITHER = "either"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: its title in Chinese, the letters in its serial numbers, its subject, and the
    template of its document.

    ``called`` is the short word for it in sentences and labels (票据编号, 下载票据). ``relied_on``:
    it is a proof that is shown to others and that its holder may revoke; not a paper about a case
    or a payment.
    """

    title: str
    letters: str
    about: About
    document: str
    called: str = "证明"
    relied_on: bool = False


_IN = "certificates/documents/"
_TRANSFER = "transfers/documents/transfer.html"

KINDS = {
    CertificateKind.PERSON: Kind("个人参保证明", "PP", About.PERSON, _IN + "person.html", relied_on=True),
    CertificateKind.EMPLOYER: Kind(
        "单位参保证明", "EP", About.EMPLOYER, _IN + "employer.html", relied_on=True
    ),
    CertificateKind.PAYMENT_RECEIPT: Kind(
        "社会保险费缴费电子票据", "PR", About.PERSON, _IN + "payments.html", called="票据"
    ),
    CertificateKind.PAYMENT_LIST: Kind(
        "社会保险费缴费清单", "PL", About.PERSON, _IN + "payments.html", called="清单"
    ),
    CertificateKind.PENSION_HISTORY: Kind(
        "基本养老保险历年参保证明", "PH", About.PERSON, _IN + "history.html", relied_on=True
    ),
    CertificateKind.CASE_RECEIPT: Kind("收件回执单", "CR", About.EITHER, _IN + "case.html", called="回执单"),
    CertificateKind.APPLICATION_FORM: Kind(
        "预申请表", "AF", About.EITHER, _IN + "case.html", called="申请表"
    ),
    CertificateKind.ACCEPTANCE_NOTICE: Kind(
        "受理告知书", "AN", About.EITHER, _IN + "case.html", called="告知书"
    ),
    CertificateKind.GUIDANCE_NOTICE: Kind(
        "业务指引告知书", "GN", About.EITHER, _IN + "case.html", called="告知书"
    ),
    CertificateKind.DECLINE_DECISION: Kind(
        "不予受理决定书", "DN", About.EITHER, _IN + "case.html", called="决定书"
    ),
    CertificateKind.TRANSFER_VOUCHER: Kind("参保缴费凭证", "TV", About.PERSON, _TRANSFER, called="凭证"),
    CertificateKind.TRANSFER_LETTER: Kind(
        "关系转移接续联系函", "TL", About.PERSON, _TRANSFER, called="联系函"
    ),
    CertificateKind.TRANSFER_FORM: Kind("关系转移接续信息表", "TF", About.PERSON, _TRANSFER, called="信息表"),
}

KIND_LABELS = {code: kind.title for code, kind in KINDS.items()}


def about(who: About) -> list[str]:
    """The codes of the kinds whose subject may be ``who``."""
    return [str(code) for code, kind in KINDS.items() if kind.about in (who, About.EITHER)]


# The schema of the papers of a case. It is here because the writing and the reading module use it.
CASE_SCHEMA = "case-paper/1"
# The key of the fact that only the paper for the window shows: the lines with unmasked numbers.
IN_FULL = "in_full"
