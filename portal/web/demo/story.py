"""What happened in the demo before today: the rooms' chapters, one after the other."""

import datetime as dt

from portal import rooms
from portal.web.demo.chapters import Say


def tell(*, now: dt.datetime, say: Say) -> None:
    """Everything up to now."""
    chapters = [chapter for module in rooms.bring("demo") for chapter in module.CHAPTERS]
    for chapter in sorted(chapters, key=lambda chapter: chapter.place):
        say(chapter.title)
        chapter.tell(now, say)
