"""Finds scripts and attached files in a PDF: in its parsed objects, because a name in the raw text
can be written in several ways."""

from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

# The structure for screen readers runs nothing, and is nine tenths of a document's objects.
_STRUCTURE = {"/StructTreeRoot", "/StructParent", "/StructParents", "/Parent"}
_RUNNING = {"/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/URI", "/GoToR", "/Rendition"}


def hidden(reader: PdfFileReader, *, most_objects: int) -> tuple[bool, bool]:
    """Whether there are scripts and other actions, and whether there are attached files, anywhere
    in the document.

    Raises ValueError where it has more objects than ``most_objects``.
    """
    scripts = attachments = False
    seen: set[tuple[int, int]] = set()
    waiting: list[Any] = [reader.root]
    looked_at = 0
    while waiting:
        node = waiting.pop()
        looked_at += 1
        if looked_at > most_objects * 10 or len(seen) > most_objects:
            raise ValueError("more objects than are looked through")
        if isinstance(node, generic.IndirectObject):
            if (node.idnum, node.generation) in seen:
                continue
            seen.add((node.idnum, node.generation))
            node = node.get_object()
        if isinstance(node, generic.DictionaryObject):
            kind = node.get("/S")
            scripts = scripts or "/JS" in node or (isinstance(kind, str) and kind in _RUNNING)
            attachments = attachments or "/EF" in node or "/EmbeddedFiles" in node
            waiting += [node.raw_get(key) for key in node if key not in _STRUCTURE]
        elif isinstance(node, generic.ArrayObject):
            waiting += [node.raw_get(place) for place in range(len(node))]
    return scripts, attachments
