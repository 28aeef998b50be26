"""Text as people type or paste it, brought to the plain characters that numbers are written in."""

from __future__ import annotations

import unicodedata

# Only these: a full compatibility normalisation would also accept ① or ² as digits.
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0xFFE5: 0x00A5}


def narrow(text: str) -> str:
    """The text with full-width characters made narrow, and without spaces or invisible characters."""
    return "".join(
        character
        for character in text.translate(_FULL_WIDTH)
        if not character.isspace() and unicodedata.category(character) not in ("Cf", "Cc")
    )
