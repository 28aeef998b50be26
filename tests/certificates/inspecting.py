"""Looking at a sealed file within the test's own process."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from certificates import inspection


def inspected(document: bytes, **keys: Any) -> inspection.Inspection:
    """In a thread of its own: pyHanko runs a loop, and a browser's test may have left one running
    in this."""
    with ThreadPoolExecutor(1) as beside:
        return beside.submit(inspection.inspect, document, **keys).result()
