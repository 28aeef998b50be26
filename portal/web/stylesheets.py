"""Stylesheets that are written in parts and served as one file.

A stylesheet that has nothing but ``@import "…";`` lists its parts in the order of the cascade.
Browsers would ask for the parts one by one, and only after they have read the list. So the finder
of static files gives the parts joined.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import FileSystemFinder
from django.core.files.storage import FileSystemStorage, Storage

from portal.shared.files import write_whole

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
LIST = re.compile(r'(\s*@import "[^"]+";)+\s*')
PART = re.compile(r'@import "([^"]+)";')


class UnfitPart(Exception):
    """A part names another file: the relative address would change when the part is joined."""


def parts_of(stylesheet: Path) -> list[Path]:
    """The parts that a stylesheet lists, in order; none where it has rules of its own."""
    text = COMMENT.sub("", stylesheet.read_text())
    return [stylesheet.parent / name for name in PART.findall(text)] if LIST.fullmatch(text) else []


def joined(parts: Iterable[Path]) -> str:
    """The text of the parts, one after the other. Raises UnfitPart."""
    texts = []
    for part in parts:
        text = part.read_text()
        if "url(" in text or "@import" in text:
            raise UnfitPart(part)
        texts.append(text)
    return "\n".join(texts)


class JoiningFinder(FileSystemFinder):
    """Finds the files of ``STATICFILES_DIRS``, and in place of a list of parts the parts joined.

    The joined files are written into ``JOINED_STYLESHEETS``, anew when a part has changed.
    """

    def __init__(self, app_names: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(app_names, *args, **kwargs)
        self.joined = FileSystemStorage(location=settings.JOINED_STYLESHEETS)

    def find_location(self, root: str, path: str, prefix: str | None = None) -> str | None:
        """The absolute path of a static file below ``root``; None where there is none."""
        found: str | None = super().find_location(root, path, prefix)
        return self._join(path, Path(found)) or found if found else None

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, Storage]]:
        """All files, each with the storage that has it."""
        for path, storage in super().list(ignore_patterns):
            yield path, self.joined if self._join(path, Path(storage.path(path))) else storage

    def _join(self, path: str, stylesheet: Path) -> str:
        """The path of the file with the parts that ``stylesheet`` lists; "" where it lists none."""
        parts = parts_of(stylesheet) if stylesheet.suffix == ".css" else []
        if not parts:
            return ""
        text, target = joined(parts), Path(self.joined.path(path))
        if not target.exists() or target.read_text() != text:
            target.parent.mkdir(parents=True, exist_ok=True)
            # Another process may be reading it.
            write_whole(target, text.encode())
        return str(target)
