"""Money: integer fen where kept, exact Decimal yuan while reckoned, rounded half-up once at the
end."""

from __future__ import annotations

import re
from decimal import Decimal

from portal.shared.characters import narrow

_AMOUNT = re.compile(
    r"(?P<sign>[+-]?)(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.(?P<part>[0-9]{1,2})0*)?"
)

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("", "拾", "佰", "仟")
_WORDS_LIMIT = 10**16


class InvalidAmount(ValueError):
    """The text is not an amount of yuan with at most two decimals."""


def to_fen(yuan: Decimal) -> int:
    """Exact fen of an amount in yuan.

    Raises ValueError where it has parts of a fen: rounding is a decision, not a side effect.
    """
    numerator, denominator = _ratio(yuan)
    fen, rest = divmod(numerator * 100, denominator)
    if rest:
        raise ValueError(f"not a whole number of fen: {yuan}")
    return fen


def round_fen(yuan: Decimal) -> int:
    """Fen of an amount in yuan, rounded half-up (away from zero): 0.225 → 23, -0.225 → -23.

    Independent of the decimal context.
    """
    numerator, denominator = _ratio(yuan)
    size = (abs(numerator) * 200 + denominator) // (2 * denominator)
    return size if numerator >= 0 else -size


def yuan(fen: int) -> Decimal:
    """Yuan with two decimals: 39304 → Decimal("393.04")."""
    # Reading a text is exact; arithmetic would round to the precision of the context.
    return Decimal(f"{fen:d}e-2")


def format_yuan(fen: int) -> str:
    """For people to read: 196518 → "1,965.18"."""
    sign = "-" if fen < 0 else ""
    whole, part = divmod(abs(fen), 100)
    return f"{sign}{whole:,}.{part:02d}"


def parse_yuan(text: str) -> int:
    """Fen of an amount as people type it: "1,965.18元", "20", "6500.0000", full-width digits too.
    Raises InvalidAmount."""
    typed = narrow(text).removeprefix("¥").removeprefix("人民币").removesuffix("整").removesuffix("元")
    match = _AMOUNT.fullmatch(typed)
    if match is None:
        raise InvalidAmount(f"not an amount: {text!r}")
    fen = int(match["whole"].replace(",", "")) * 100 + int((match["part"] or "").ljust(2, "0"))
    return -fen if match["sign"] == "-" else fen


def in_words(fen: int) -> str:
    """大写金额, as bills and receipts carry it (支付结算办法, 正确填写票据和结算凭证的基本规定).

    10000500000 → 壹亿零伍仟元整, 39304 → 叁佰玖拾叁元零肆分, 0 → 零元整. 整 follows where there are
    no fen. Raises ValueError from ten quadrillion yuan upwards, where the units are no longer
    agreed.
    """
    if fen == 0:
        return "零元整"
    whole, part = divmod(abs(fen), 100)
    if whole >= _WORDS_LIMIT:
        raise ValueError("too large to be written in words")
    jiao, cents = divmod(part, 10)
    words = "负" if fen < 0 else ""
    if whole:
        words += f"{_whole_in_words(whole)}元"
    # 元位是零而角位不是零, or 角位是零而分位不是零: one 零 stands between, but never first.
    if whole and part and (whole % 10 == 0 or jiao == 0):
        words += "零"
    if jiao:
        words += f"{_DIGITS[jiao]}角"
    return words + (f"{_DIGITS[cents]}分" if cents else "整")


def _whole_in_words(number: int) -> str:
    for unit, size in (("亿", 10**8), ("万", 10**4)):
        if number >= size:
            high, low = divmod(number, size)
            words = _whole_in_words(high) + unit
            if low:
                words += ("零" if low < size // 10 else "") + _whole_in_words(low)
            return words
    words, gap = "", False
    for place in (3, 2, 1, 0):
        digit = number // 10**place % 10
        if digit:
            words += ("零" if gap and words else "") + _DIGITS[digit] + _PLACES[place]
        gap = digit == 0
    return words


def _ratio(amount: Decimal) -> tuple[int, int]:
    if not isinstance(amount, Decimal):
        raise TypeError(f"money is reckoned in Decimal, not {type(amount).__name__}")
    if not amount.is_finite():
        raise ValueError(f"not an amount: {amount}")
    return amount.as_integer_ratio()
