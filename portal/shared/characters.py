"""Text as people type or paste it, brought to the plain characters that numbers are written in."""

from __future__ import annotations

import unicodedata

# Only these: a full compatibility normalisation would also accept ① or ² as digits.
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0xFFE5: 0x00A5}


# More of them make no number of anything here, and fewer than a column of the database holds.
_MOST_DIGITS = 18


def whole_number(text: str) -> int | None:
    """The number that is written in plain digits, as addresses and forms of our own carry it; None
    for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else None


def full_width_made_narrow(text: str) -> str:
    """The text with full-width characters made narrow, and all else as it is."""
    return text.translate(_FULL_WIDTH)


def narrow(text: str) -> str:
    """The text with full-width characters made narrow, and without spaces or invisible
    characters."""
    return "".join(
        character
        for character in full_width_made_narrow(text)
        if not character.isspace() and unicodedata.category(character) not in ("Cf", "Cc")
    )
