"""What lies in a PDF beside what is drawn: looked for in its objects, where a name is the same
however it is written."""

from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

# What tells a screen reader how the text is built runs nothing, and is nine tenths of a document's
# objects.
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
        thing = waiting.pop()
        looked_at += 1
        if looked_at > most_objects * 10 or len(seen) > most_objects:
            raise ValueError("more objects than are looked through")
        if isinstance(thing, generic.IndirectObject):
            if (thing.idnum, thing.generation) in seen:
                continue
            seen.add((thing.idnum, thing.generation))
            thing = thing.get_object()
        if isinstance(thing, generic.DictionaryObject):
            kind = thing.get("/S")
            scripts = scripts or "/JS" in thing or (isinstance(kind, str) and kind in _RUNNING)
            attachments = attachments or "/EF" in thing or "/EmbeddedFiles" in thing
            waiting += [thing.raw_get(key) for key in thing if key not in _STRUCTURE]
        elif isinstance(thing, generic.ArrayObject):
            waiting += [thing.raw_get(place) for place in range(len(thing))]
    return scripts, attachments
