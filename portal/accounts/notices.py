"""Notices that the hall sends by itself: which ones a login sees, marking them read, and those that
also go out as text messages."""

import datetime as dt
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from portal.accounts import messages
from portal.accounts.models import Kind, Notice, User
from portal.people.models import Person
from portal.watch.failures import Watch

# The badge counts no further.
COUNTED_AT_MOST = 100
_TEXTED_AT_ONCE = 500
# How many of those that were refused before are tried again, and after how many refusals in a row
# the run stops.
_TRIED_AGAIN = 20
_REFUSALS_IN_A_ROW = 5


def notices_of(user: User) -> QuerySet[Notice]:
    """The login's own notices, and those of the person who it is the personal login of; newest
    first."""
    own = Q(user=user)
    return Notice.objects.filter(own | Q(person=user.person_id) if user.is_person else own)


def tell(
    whom: User | Person,
    *,
    kind: str,
    reference: str,
    title: str,
    text: str,
    now: dt.datetime,
    phone: str = "",
) -> None:
    """Tells a login, or a person, what happened to them, once for kind and reference; also by text
    message, to ``phone`` where that is given. A login without a phone gets none."""
    Notice.objects.get_or_create(
        kind=kind,
        reference=reference,
        defaults={**_to(whom), "title": title, "text": text, "at": now, "phone": phone},
    )


def drafted(
    whom: User | Person, *, kind: str, reference: str, title: str, text: str, now: dt.datetime
) -> Notice:
    """A notice as ``tell`` writes it, not saved: where many are told at once."""
    return Notice(kind=kind, reference=reference, title=title, text=text, at=now, **_to(whom))


def _to(whom: User | Person) -> dict[str, Any]:
    is_person = isinstance(whom, Person)
    return {"person" if is_person else "user": whom, "by_text": is_person or bool(whom.phone)}


def unread(user: User) -> int:
    """How many of ``notices_of`` are unread, no further than COUNTED_AT_MOST. Every page asks, so
    it is asked in SQL."""
    with connection.cursor() as cursor:
        cursor.execute(_UNREAD, [user.pk, user.person_id if user.is_person else None, COUNTED_AT_MOST])
        return int(cursor.fetchone()[0])


_UNREAD = """
    SELECT count(*) FROM (
        SELECT FROM accounts_notice WHERE (user_id = %s OR person_id = %s) AND read_at IS NULL LIMIT %s
    ) unread
"""


def read(notices: QuerySet[Notice], *, now: dt.datetime) -> int:
    """Marks the unread ones read; gives their number."""
    return notices.filter(read_at__isnull=True).update(read_at=now)


def send_text_messages(*, now: dt.datetime) -> int:
    """Hands the waiting text messages to the provider, oldest first; gives the number that it took.

    Each is claimed by compare-and-set before it is handed over, so that no two workers send it. A
    worker that is killed in between loses that one text message, never the notice. A refused
    message waits for the next run, and there comes after all others. After several refusals in a
    row the run ends.
    """
    waiting = Notice.objects.filter(by_text=True, texted_at__isnull=True)
    watch = Watch("send_text_messages", now=now)
    refused_before = [int(name) for name in watch.failing() if name.isdigit()]
    sent, refused, in_a_row = 0, dict[int, Exception](), 0
    for notice in [
        *waiting.exclude(pk__in=refused_before)
        .select_related("person", "user")
        .order_by("pk")[:_TEXTED_AT_ONCE],
        *waiting.filter(pk__in=refused_before).select_related("person", "user").order_by("pk")[:_TRIED_AGAIN],
    ]:
        if in_a_row == _REFUSALS_IN_A_ROW:
            break
        if not Notice.objects.filter(pk=notice.pk, texted_at__isnull=True).update(texted_at=now):
            continue
        phone = _phone_of(notice)
        if not phone:
            continue
        try:
            messages.send(phone=phone, text=notice.text, now=now)
        except Exception as problem:
            # Whatever the provider's class raises, it has not taken this message.
            Notice.objects.filter(pk=notice.pk).update(texted_at=None)
            refused[notice.pk] = problem
            in_a_row += 1
        else:
            sent, in_a_row = sent + 1, 0
    _tell_refusals(watch, refused, sent=sent)
    watch.only(
        lambda names: [
            str(pk)
            for pk in waiting.filter(pk__in=[int(one) for one in names if one.isdigit()]).values_list(
                "pk", flat=True
            )
        ]
    )
    return sent


def _tell_refusals(watch: Watch, refused: dict[int, Exception], *, sent: int) -> None:
    """Reports failures: where other messages were taken, each refused one; where none was, the
    provider."""
    if sent:
        for pk, problem in refused.items():
            watch.tell(str(pk), problem)
    elif refused:
        watch.tell(_("短信平台"), next(iter(refused.values())))


def _phone_of(notice: Notice) -> str:
    """The phone that the notice names, else of the login that is told, else of the person on
    file."""
    if notice.phone:
        return notice.phone
    if notice.user:
        return notice.user.phone
    login = User.objects.filter(kind=Kind.PERSON, person=notice.person_id).only("phone").first()
    return (login.phone if login else "") or (notice.person.phone if notice.person else "")
