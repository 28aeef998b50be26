"""What a bank can answer about one debit, in the hall's own words; each bank's format maps its
codes to these."""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why a debit failed."""

    BALANCE = "balance"
    FROZEN = "frozen"
    CLOSED = "closed"
    HOLDER = "holder"
    UNKNOWN = "unknown"
    AGREEMENT = "agreement"
    OTHER = "other"


REASON_LABELS = {
    Reason.BALANCE: "余额不足",
    Reason.FROZEN: "账户冻结",
    Reason.CLOSED: "账户已销户",
    Reason.HOLDER: "账号户名不符",
    Reason.UNKNOWN: "账号不存在",
    Reason.AGREEMENT: "未签订代扣协议",
    Reason.OTHER: "银行未说明原因",
}


# What the holder of the account is to do about it; {again}: how the city collects the month again.
REASON_ADVICE = {
    Reason.BALANCE: "请在扣款账户足额存款，并{again}。",
    Reason.FROZEN: "请到银行解除冻结，或更换扣款账户后{again}。",
    Reason.CLOSED: "请更换扣款账户，再{again}。",
    Reason.HOLDER: "请核对账号和户名，更正后{again}。",
    Reason.UNKNOWN: "请核对账号，更正后{again}。",
    Reason.AGREEMENT: "请到银行签订代扣协议，再{again}。",
    Reason.OTHER: "请向银行了解原因，再{again}。",
}


# The same where the next debit takes the month again by itself.
REASON_ADVICE_RETRIED = {
    Reason.BALANCE: "请在扣款账户足额存款。",
    Reason.FROZEN: "请到银行解除冻结，或更换扣款账户。",
    Reason.CLOSED: "请更换扣款账户。",
    Reason.HOLDER: "请核对并更正账号和户名。",
    Reason.UNKNOWN: "请核对并更正账号。",
    Reason.AGREEMENT: "请到银行签订代扣协议。",
    Reason.OTHER: "请向银行了解原因。",
}


@dataclass(frozen=True, slots=True)
class Result:
    """The bank's answer to one line. ``reason`` is None where the money was taken."""

    sequence: int
    account_number: str
    amount_fen: int
    reason: Reason | None
    bank_reference: str


class Unreadable(Exception):
    """A file that is not what the format says; the message tells staff in Chinese what and
    where."""
