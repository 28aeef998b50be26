"""Unified social credit codes of legal entities (GB 32100-2015): 18 characters, the last for
checking."""

from __future__ import annotations

import re

from stdnum.cn import uscc

from portal.shared.characters import narrow

# python-stdnum wants digits in the first two places, where villages and others have letters (N2…,
# Y1…).
_FORM = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}")


class InvalidCreditCode(ValueError):
    """Not a unified social credit code; ``code`` says why: length, characters or check."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def parse(text: str) -> str:
    """The code as typed, brought to its 18 capital characters. Raises InvalidCreditCode."""
    code = narrow(text).upper().replace("-", "")
    if len(code) != 18:
        raise InvalidCreditCode("length")
    if not _FORM.fullmatch(code):
        raise InvalidCreditCode("characters")
    if uscc.calc_check_digit(code) != code[17]:
        raise InvalidCreditCode("check")
    return code
