"""The documents are found: each decision stands in the list by room, once, and each link of it
leads to one."""

import re
from pathlib import Path

from django.conf import settings

DECISIONS = Path(settings.ROOT) / "docs" / "decisions.md"


def test_every_decision_is_found_by_its_room() -> None:
    text = DECISIONS.read_text(encoding="utf-8")
    titles = re.findall(r"^## (\d{4}-.+)$", text, re.MULTILINE)
    assert len(titles) > 100
    anchors = [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles]
    linked = re.findall(r"\]\(#([^)]+)\)", text)
    assert sorted(linked) == sorted(anchors)
