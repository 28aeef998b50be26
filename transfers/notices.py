"""Notices of transfers: to the person at each move, and reminders when a transfer is overdue."""

from datetime import date, datetime

from django.utils.translation import gettext as _

from portal.accounts.models import Kind, Notice, User
from portal.people.models import Person
from portal.policy.book import book
from portal.shared.months import day_zh
from portal.watch.failures import Watch
from transfers.machine import OPEN, TRANSFER_LIFE_CYCLE, Side, Status
from transfers.models import Transfer, TransferEvent

MOVED, LATE = "transfer", "transfer-late"

# These moves are also sent as a text message, because the person must act or waits for them.
_TEXTED = (Status.RETURNED, Status.RELEASED, Status.MERGED)


def tell(transfer: Transfer, event: TransferEvent) -> None:
    """Notifies the person of a move: the state, whose turn it is, and the due day. Once for each
    move."""
    status = Status(event.to_status)
    Notice.objects.create(
        **_to(transfer),
        kind=MOVED,
        reference=f"{transfer.number}/{event.pk}",
        title=_("{insurance}关系转移{status}").format(
            insurance=transfer.get_insurance_display(), status=_(TRANSFER_LIFE_CYCLE.label(status))
        ),
        text=_text(transfer, event),
        at=event.at,
        by_text=status in _TEXTED,
    )


def _to(transfer: Transfer) -> dict[str, User | Person]:
    """The recipient: the person, or the guardian who applied for them."""
    filed_by = transfer.case.filed_by if transfer.case else None
    if filed_by and filed_by.person_id != transfer.person_id:
        return {"user": filed_by}
    return {"person": transfer.person}


def _text(transfer: Transfer, event: TransferEvent) -> str:
    words = {
        "number": transfer.number,
        "old": transfer.from_place,
        "new": transfer.to_place,
        "note": event.note,
        "due": _day(event.due_on),
    }
    texts = {
        Status.APPLIED: _("转移 {number}（{old}到{new}）已申请，{new}应在{due}前受理并发出联系函。"),
        Status.ACCEPTED: _("转移 {number} 已由{new}受理，接下来向{old}发出联系函。"),
        Status.LETTER_SENT: _("转移 {number} 的联系函已发往{old}，{old}应在{due}前转出。"),
        Status.RELEASED: _("转移 {number} 已由{old}转出，不能再撤销；{new}应在{due}前接收并合并。"),
        Status.RECEIVED: _("转移 {number} 的资金已由{new}收到，接下来合并缴费记录。"),
        Status.MERGED: _("转移 {number} 已办结，转移的月份已计入您在{new}的缴费记录。"),
        Status.CANCELLED: _("转移 {number} 已撤销，关系仍在{old}。"),
        Status.RETURNED: _("转移 {number} 被退回：{note}。请在关系转移页查看怎样处理。"),
    }
    if event.to_status == Status.RETURNED and transfer.side == Side.OLD:
        return _("转移 {number} 被退回{old}更正：{note}。您不需要办理什么。").format(**words)
    return texts[Status(event.to_status)].format(**words)


def _day(day: date | None) -> str:
    return day_zh(day) if day else ""


def chase(*, today: date, now: datetime) -> int:
    """Reminds the acting staff of every overdue transfer and tells the person so, once for each due
    day. Returns the number of new notices. A transfer that fails does not stop the others."""
    late = [
        one
        for one in Transfer.objects.filter(status__in=[str(status) for status in OPEN], due_on__lt=today)
        .select_related("person", "case__filed_by")
        .order_by("due_on", "pk")
        if one.acting_city
    ]
    staff = _staff({one.acting_city for one in late})
    reminders: list[Notice] = []
    watch = Watch("chase_late", now=now)
    for transfer in late:
        with watch.item(transfer.number, city=transfer.acting_city):
            reminders += reminders_of(transfer, staff.get(transfer.acting_city, []), now)
    watch.finished()
    count_before = Notice.objects.filter(kind=LATE).count()
    Notice.objects.bulk_create(reminders, ignore_conflicts=True, batch_size=1000)
    return Notice.objects.filter(kind=LATE).count() - count_before


def _staff(cities: set[str]) -> dict[str, list[User]]:
    """The staff who work on transfers, by city."""
    users = User.objects.filter(
        kind=Kind.STAFF, is_active=True, groups__permissions__codename="change_transfer", city__in=cities
    ).distinct()
    staff_by_city: dict[str, list[User]] = {}
    for user in users:
        staff_by_city.setdefault(user.city, []).append(user)
    return staff_by_city


def reminders_of(transfer: Transfer, staff: list[User], now: datetime) -> list[Notice]:
    words = {
        "number": transfer.number,
        "status": _(TRANSFER_LIFE_CYCLE.label(transfer.status)),
        "due": _day(transfer.due_on),
        "agency": book().city(transfer.acting_city).agency,
    }
    reference = f"{transfer.pk}/{transfer.status}/{transfer.due_on}"
    to_staff = [
        Notice(
            user=user,
            kind=LATE,
            reference=f"{reference}/{user.pk}",
            title=_("关系转移已超期"),
            text=_("转移 {number}（{status}）应在{due}前办完，已超期，请尽快办理。").format(**words),
            at=now,
        )
        for user in staff
    ]
    to_person = Notice(
        **_to(transfer),
        kind=LATE,
        reference=reference,
        title=_("关系转移已超期，已催办"),
        text=_("转移 {number} 应在{due}前由{agency}办完，现已超期，已向其催办。您也可以拨打 12333。").format(
            **words
        ),
        at=now,
    )
    return [*to_staff, to_person]
