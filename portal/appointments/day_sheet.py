"""A place's day as staff see it: every slot with who comes, and the tickets that were given."""

import datetime as dt
from typing import Any

from django.db.models import QuerySet

from portal.appointments import matters
from portal.appointments.calendar import times
from portal.appointments.machine import APPOINTMENT_LIFE_CYCLE, GIVEN_UP, Status
from portal.appointments.models import Appointment, Closure, Queue, Site, Ticket


def of(appointments: QuerySet[Appointment], site: Site, day: dt.date) -> dict[str, Any]:
    """slots [{times, rows [{appointment, who, matter, state, tone, ticket}]}], counts of who is to
    come, came and did not, the number of walk-ins, and why the place is closed ("": it is not)."""
    of_day = appointments.filter(slot__site=site, day=day).order_by("slot__starts_at", "pk")
    slots: dict[int, dict[str, Any]] = {}
    for one in of_day.exclude(status__in=[str(status) for status in GIVEN_UP]):
        slot = slots.setdefault(
            one.slot_id,
            {"times": times(one.slot.starts_at, one.slot.ends_at), "slot": one.slot, "rows": []},
        )
        slot["rows"].append(
            {
                "appointment": one,
                "who": one.of.name,
                "matter": matters.words(one),
                "state": APPOINTMENT_LIFE_CYCLE.label(one.status),
                "tone": APPOINTMENT_LIFE_CYCLE.tone(one.status),
                "ticket": getattr(one, "ticket", None),
            }
        )
    rows = [row["appointment"].status for slot in slots.values() for row in slot["rows"]]
    closure = Closure.objects.filter(site=site, day=day).first()
    return {
        "slots": list(slots.values()),
        "to_come": rows.count(Status.BOOKED),
        "came": rows.count(Status.ARRIVED) + rows.count(Status.LATE),
        "missed": rows.count(Status.MISSED) + rows.count(Status.EXCUSED),
        "walk_ins": Ticket.objects.filter(site=site, day=day, queue=Queue.WALK_IN, appointment=None).count(),
        "closed": closure.reason if closure else "",
    }
