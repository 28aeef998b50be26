"""What the files may hold that lead people to what they look for: questions with their answers, and
everyday words."""

from __future__ import annotations

from portal.policy.files import REFERENCE
from portal.policy.passages import PassageText
from portal.policy.schema import Listed, Mapped, Shape, Text

# What people ask of the hall, and its answer; the sentences lead on to services and pages.
QUESTION = Shape(
    {"question": Text(r"[^？]+？"), "answer": Listed(PassageText()), "reference": REFERENCE},
    {"search": Listed(Text())},
)

# What people say in everyday words, by the service that they mean, or by ``page:`` and its name.
EVERYDAY = Mapped(Text(r"(?:page:)?[a-z][a-z0-9-]*"), Listed(Text()))
