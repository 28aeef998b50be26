"""All that beat does. Times are China's; the tasks read in the database what is left to do, so that
a missed slot is caught up at the next."""

from typing import Any

from portal import rooms


def bells() -> dict[str, dict[str, Any]]:
    """The rooms' schedules together, by name. ValueError where two share one."""
    found: dict[str, dict[str, Any]] = {}
    for module in rooms.bring("schedule"):
        if found.keys() & module.SCHEDULE.keys():
            raise ValueError(f"{module.__name__} rings by a name that is taken")
        found |= module.SCHEDULE
    return found
