"""Reading transfers: a person's own, the staff's queue, and the line of stations that both see."""

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

# How far back the usual time of a step is measured, and how many it takes to say one.
_LOOKED_BACK = timedelta(days=180)
_ENOUGH = 5

_OLD_HAS = Q(status=Status.LETTER_SENT) | Q(status=Status.RETURNED, returned_from=Status.RELEASED)
_NEW_HAS = Q(status__in=[Status.APPLIED, Status.ACCEPTED, Status.RELEASED, Status.RECEIVED])


def transfers_of(user: User) -> QuerySet[Transfer]:
    """The transfers of whom the login acts for, a guardian's wards included, newest first."""
    found = Transfer.objects.filter(person__in=persons_of(user)).select_related("person")
    return found.order_by("-applied_at", "-pk")


def seen_by(user: User) -> QuerySet[Transfer]:
    """The transfers that leave or reach the cities whose agency this login works for."""
    cities = staff_cities(user)
    return Transfer.objects.filter(Q(from_city__in=cities) | Q(to_city__in=cities)).select_related("person")


def moving_to(cities: Sequence[str]) -> Q:
    """Of persons: who moves to these cities, also before they are insured there; their data are
    these cities' staff's."""
    return Q(Exists(Transfer.objects.filter(to_city__in=cities, person=OuterRef("pk"))))


def queue(user: User) -> QuerySet[Transfer]:
    """What waits for staff of the user's cities, what is due first at the top; not what is about
    themselves."""
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
    """The line of stations: done with its day and sum, now with who has it and by when, to come;
    for {% stations %}."""
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
    """The station that it stands at, or stood at before it was returned or cancelled: a release
    that was returned is undone."""
    for event in reversed(events):
        status = Status(event.to_status)
        if status == Status.RETURNED and event.from_status == Status.RELEASED:
            return Status.LETTER_SENT
        if status in LINE:
            return status
    return Status.APPLIED


def turn_words(transfer: Transfer) -> str:
    """Who has it now, and by when: 由武汉市社会保险基金结算中心办理，应在2026年12月8日前完成."""
    name = transfer.holder
    if not name:
        return ""
    if transfer.due_on is None:
        return _("由{name}办理").format(name=name)
    return _("由{name}办理，应在{day}前完成").format(name=name, day=day_zh(transfer.due_on))


def _place_and_day(transfer: Transfer) -> str:
    """As short as a station is wide: 深圳，12月8日前."""
    place = {Side.OLD: transfer.from_place, Side.NEW: transfer.to_place}.get(transfer.side, "")  # type: ignore[arg-type]
    if transfer.due_on is None:
        return place
    return _("{place}，{day}前").format(place=place, day=short_day_zh(transfer.due_on))


def _note(transfer: Transfer, status: Status) -> str:
    told = transfer.information
    if not told:
        return ""
    if status == Status.RELEASED:
        return _("转出 {months} 个月，{yuan} 元").format(
            months=told["months"], yuan=money.format_yuan(told["account_fen"] + told["pooled_fen"])
        )
    if status == Status.RECEIVED:
        return _("到账 {yuan} 元").format(yuan=money.format_yuan(told["account_fen"] + told["pooled_fen"]))
    if status == Status.MERGED:
        return _("计入 {months} 个月").format(months=told["months"])
    return ""


def usual_days(*, city: str, status: Status, today: date) -> int | None:
    """In how many days a transfer usually leaves this state in this city: the last half year's
    median; None while too few did."""
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
    """How many of the queue's transfers are overdue."""
    return queue(user).filter(due_on__lt=today, status__in=[str(status) for status in OPEN]).count()
