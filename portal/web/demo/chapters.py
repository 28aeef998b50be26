"""What a room tells of the demo before today: through the hall's own actions, so that every row is
a real one.

Each chapter looks first at what stands, so that a load that was cut off is taken up where it
stopped.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Chapter:
    """One room's part of the story. Those with a smaller ``place`` come before; ``tell(now, say)``
    makes its rows."""

    place: int
    title: str
    tell: Callable[[dt.datetime, Say], None]
