"""Reading transfers: those of a person, the queue of staff, and the line of stations on both
sides' pages."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.db.models import Case as When
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models import When as Then
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.accounts.permissions import persons_of, staff_cities
from portal.shared import money
from portal.shared.months import day_zh, short_day_zh
from transfers.machine import LINE, OPEN, TRANSFER_LIFE_CYCLE, WAITING_LABELS, Side, Status
from transfers.models import Transfer, TransferEvent

# The time over which the usual duration of a step is measured, and the least number of transfers
# for a figure.
_LOOKED_BACK = timedelta(days=180)
_ENOUGH = 5

_OLD_HAS = Q(status=Status.LETTER_SENT) | Q(status=Status.RETURNED, returned_from=Status.RELEASED)
_NEW_HAS = Q(status__in=[Status.APPLIED, Status.ACCEPTED, Status.RELEASED, Status.RECEIVED])


def transfers_of(user: User) -> QuerySet[Transfer]:
    """The transfers of the people whom the login acts for, a guardian's wards included, newest
    first."""
    transfers = Transfer.objects.filter(person__in=persons_of(user)).select_related("person")
    return transfers.order_by("-applied_at", "-pk")


def seen_by(user: User) -> QuerySet[Transfer]:
    """The transfers that leave or reach the cities whose agency this login works for."""
    cities = staff_cities(user)
    return Transfer.objects.filter(Q(from_city__in=cities) | Q(to_city__in=cities)).select_related("person")


def moving_to(cities: Sequence[str]) -> Q:
    """Condition on persons: a transfer of theirs goes to one of these cities, even before they are
    insured there. The staff of these cities may see their data."""
    return Q(Exists(Transfer.objects.filter(to_city__in=cities, person=OuterRef("pk"))))


def queue(user: User) -> QuerySet[Transfer]:
    """The transfers that wait for staff of the user's cities, the earliest due day first, without
    the user's own."""
    cities = staff_cities(user)
    acting = When(
        Then(_OLD_HAS & ~Q(from_city=""), then=F("from_city")),
        Then(_OLD_HAS, then=F("to_city")),
        Then(_NEW_HAS & ~Q(to_city=""), then=F("to_city")),
        Then(_NEW_HAS, then=F("from_city")),
        default=Value(""),
    )
    waiting = seen_by(user).alias(acting=acting).filter(acting__in=cities)
    if user.person_id is not None:
        waiting = waiting.exclude(person=user.person_id)
    return waiting.order_by("due_on", "applied_at", "pk")


def stations(transfer: Transfer) -> list[dict[str, Any]]:
    """The line of stations for {% stations %}: passed ones with day and sum, the present one with
    agency and due day, and the ones to come."""
    events = list(transfer.events.order_by("at", "pk"))
    days = {Status(event.to_status): event.at for event in events}
    at = LINE.index(_reached(transfer, events))
    line: list[dict[str, Any]] = [
        {
            "title": str(TRANSFER_LIFE_CYCLE.label(status)),
            "state": "done",
            "when": days.get(status),
            "note": _note(transfer, status),
        }
        if place <= at
        else {"title": str(TRANSFER_LIFE_CYCLE.label(status)), "state": "next"}
        for place, status in enumerate(LINE)
    ]
    status = Status(transfer.status)
    if status in (Status.RETURNED, Status.CANCELLED):
        stop = {
            "title": str(TRANSFER_LIFE_CYCLE.label(status)),
            "state": "stopped",
            "when": days.get(status),
            "note": transfer.reason,
        }
        return [*line[: at + 1], stop, *(line[at + 1 :] if status == Status.RETURNED else [])]
    if at + 1 < len(line):
        line[at + 1] |= {
            "title": _(WAITING_LABELS[LINE[at + 1]]),
            "state": "now",
            "note": _place_and_day(transfer),
        }
    return line


def _reached(transfer: Transfer, events: list[TransferEvent]) -> Status:
    """The present station, or the last one before a return or cancellation. A returned release
    counts as undone."""
    for event in reversed(events):
        status = Status(event.to_status)
        if status == Status.RETURNED and event.from_status == Status.RELEASED:
            return Status.LETTER_SENT
        if status in LINE:
            return status
    return Status.APPLIED


def turn_words(transfer: Transfer) -> str:
    """Whose turn it is, until when: 由武汉市社会保险基金结算中心办理，应在2026年12月8日前完成."""
    name = transfer.holder
    if not name:
        return ""
    if transfer.due_on is None:
        return _("由{name}办理").format(name=name)
    return _("由{name}办理，应在{day}前完成").format(name=name, day=day_zh(transfer.due_on))


def _place_and_day(transfer: Transfer) -> str:
    """A short text that fits the width of a station: 深圳，12月8日前."""
    place = {Side.OLD: transfer.from_place, Side.NEW: transfer.to_place}.get(transfer.side, "")  # type: ignore[arg-type]
    if transfer.due_on is None:
        return place
    return _("{place}，{day}前").format(place=place, day=short_day_zh(transfer.due_on))


def _note(transfer: Transfer, status: Status) -> str:
    information = transfer.information
    if not information:
        return ""
    if status == Status.RELEASED:
        return _("转出 {months} 个月，{yuan} 元").format(
            months=information["months"],
            yuan=money.format_yuan(information["account_fen"] + information["pooled_fen"]),
        )
    if status == Status.RECEIVED:
        return _("到账 {yuan} 元").format(
            yuan=money.format_yuan(information["account_fen"] + information["pooled_fen"])
        )
    if status == Status.MERGED:
        return _("计入 {months} 个月").format(months=information["months"])
    return ""


def usual_days(*, city: str, status: Status, today: date) -> int | None:
    """The usual number of days in this state in this city: the median of the last half year; None
    where there are too few transfers."""
    column = "from_city" if status == Status.LETTER_SENT else "to_city"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY gone.at - came.at)
            FROM transfers_transferevent came
            JOIN transfers_transfer transfer ON transfer.id = came.transfer_id AND transfer.{column} = %s
            JOIN LATERAL (
                SELECT later.at FROM transfers_transferevent later
                WHERE later.transfer_id = came.transfer_id AND later.id > came.id ORDER BY later.id LIMIT 1
            ) gone ON true
            WHERE came.to_status = %s AND came.at >= %s
            """,  # noqa: S608 - the column is one of two names above
            [city, str(status), today - _LOOKED_BACK],
        )
        counted, median = cursor.fetchone()
    return max(1, round(median.total_seconds() / 86400)) if counted >= _ENOUGH else None


def late(user: User, today: date) -> int:
    """The number of overdue transfers in the queue."""
    return queue(user).filter(due_on__lt=today, status__in=[str(status) for status in OPEN]).count()
