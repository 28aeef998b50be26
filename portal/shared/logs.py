"""What logs may say about people: numbers are masked on the last step before a line is written,
tracebacks included."""

import logging
import re
from collections.abc import MutableMapping
from typing import Any

from portal.shared.foreigners import CARD, NUMBER, is_made
from portal.shared.identity import mask, mask_phone

_IDENTITY_NUMBER = re.compile(r"(?<![0-9A-Za-z])[0-9]{17}[0-9Xx](?![0-9A-Za-z])")
_FOREIGN_CARD = re.compile(rf"(?<![0-9A-Za-z]){CARD}(?![0-9A-Za-z])")
_FOREIGN_NUMBER = re.compile(rf"(?<![0-9A-Za-z]){NUMBER}(?![0-9A-Za-z])")
_OLD_IDENTITY_NUMBER = re.compile(r"(?<![0-9A-Za-z.])[0-9]{15}(?![0-9A-Za-z])")
_PHONE = re.compile(r"(?<![0-9A-Za-z.])1[3-9][0-9]{9}(?![0-9A-Za-z])")


def mask_numbers(text: str) -> str:
    """The text with identity numbers and phones masked, as on a page."""
    text = _IDENTITY_NUMBER.sub(lambda found: mask(found[0]), text)
    text = _FOREIGN_NUMBER.sub(lambda found: mask(found[0]) if is_made(found[0]) else found[0], text)
    text = _FOREIGN_CARD.sub(lambda found: mask(found[0]), text)
    text = _OLD_IDENTITY_NUMBER.sub(lambda found: mask(found[0]), text)
    return _PHONE.sub(lambda found: mask_phone(found[0]), text)


class MaskingFormatter(logging.Formatter):
    """Formats as usual, and masks the whole: message, arguments, exception."""

    def format(self, record: logging.LogRecord) -> str:
        return mask_numbers(super().format(record))


def as_log_line(
    _logger: Any, _method: str, said: MutableMapping[str, Any]
) -> tuple[tuple[str], dict[str, Any]]:
    """The last of structlog's processors: an event as one line of words, its exception as a
    traceback below."""
    exception = said.pop("exc_info", None)
    event = said.pop("event", "")
    rest = " ".join(f"{name}={value}" for name, value in said.items() if value is not None)
    return (f"{event} {rest}".strip(),), {"exc_info": exception} if exception else {}
