"""The schedule of beat. Times are China's; the tasks read in the database what is left to do, so
that the next run also does the work of a missed one."""

from typing import Any

from portal import rooms


def slots() -> dict[str, dict[str, Any]]:
    """The rooms' schedules together, by name. ValueError where two share one."""
    together: dict[str, dict[str, Any]] = {}
    for module in rooms.bring("schedule"):
        if together.keys() & module.SCHEDULE.keys():
            raise ValueError(f"{module.__name__} has a name that is taken")
        together |= module.SCHEDULE
    return together
