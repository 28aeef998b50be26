"""What is told about an appointment: to the login that made it, and by text message to the phone
that it names; once that login is guardian no more, to those who are, or to the person."""

import datetime as dt

from django.utils.translation import gettext as _

from portal.accounts import notices
from portal.accounts.permissions import may_act_for_person
from portal.appointments.calendar import times
from portal.appointments.models import Appointment
from portal.people.guardianship import guardians_of
from portal.policy.terms.appointments import AppointmentTerms
from portal.shared.months import day_zh, short_moment_zh, today_in_china

KIND = "appointment"


def booked(appointment: Appointment, *, terms: AppointmentTerms, now: dt.datetime) -> None:
    _tell(
        appointment,
        "booked",
        _("预约成功"),
        _("预约号{number}：{when}，{where}。{rule}").format(**words(appointment), rule=consequence(terms)),
        now,
    )


def moved(appointment: Appointment, *, before: str, terms: AppointmentTerms, now: dt.datetime) -> None:
    _tell(
        appointment,
        f"moved/{now.isoformat()}",
        _("预约已改期"),
        _("预约号{number}已由{before}改到{when}，{where}。{rule}").format(
            **words(appointment), before=before, rule=consequence(terms)
        ),
        now,
    )


def cancelled(appointment: Appointment, *, now: dt.datetime) -> None:
    _tell(
        appointment,
        "cancelled",
        _("预约已取消"),
        _("预约号{number}（{when}，{where}）已取消。需要办理的，可以重新预约。").format(**words(appointment)),
        now,
    )


def closed(appointment: Appointment, *, reason: str, now: dt.datetime) -> None:
    _tell(
        appointment,
        "closed",
        _("办事点停办，预约已取消"),
        _(
            "{site}{day}停办（{reason}），您的预约{number}已取消，不算爽约。请改约其他日期或办事点，给您带来不便，敬请谅解。"
        ).format(
            site=appointment.slot.site,
            day=day_zh(appointment.day),
            reason=reason,
            number=appointment.number,
        ),
        now,
    )


def reminded(appointment: Appointment, *, now: dt.datetime) -> None:
    _tell(
        appointment,
        f"remind/{appointment.day}",
        _("明天有预约"),
        _("您预约了明天{when}到{where}办事，预约号{number}。请带好证件和材料。").format(**words(appointment)),
        now,
    )


def missed(appointment: Appointment, *, count: int, blocked_until: dt.date | None, now: dt.datetime) -> None:
    text = _("您没有在预约的{when}到{where}签到（预约号{number}），记为爽约。").format(**words(appointment))
    if blocked_until is not None:
        text += _("{day}起可再预约；在此之前可直接到窗口取号。").format(
            day=day_zh(blocked_until + dt.timedelta(days=1))
        )
    else:
        text += _("近期已爽约{count}次。确有原因的，请向办事点说明。").format(count=count)
    _tell(appointment, "missed", _("预约未到"), text, now)


def excused(appointment: Appointment, *, now: dt.datetime) -> None:
    _tell(
        appointment,
        "excused",
        _("这次未到不算爽约"),
        _("预约号{number}（{when}，{where}）经工作人员核实，不算爽约。").format(**words(appointment)),
        now,
    )


def words(appointment: Appointment) -> dict[str, str]:
    """number, when (2026年11月20日 09:30–10:00) and where (the place with its address)."""
    slot = appointment.slot
    return {
        "number": appointment.number,
        "when": f"{day_zh(today_in_china(slot.starts_at))} {times(slot.starts_at, slot.ends_at)}",
        "where": f"{slot.site}（{slot.site.address}）",
    }


def consequence(terms: AppointmentTerms) -> str:
    """What follows for whoever does not come."""
    return _("不能前来请提前{hours}小时取消，{within}天内爽约{count}次将暂停预约{days}天。").format(
        hours=terms.cancel_hours,
        within=terms.misses_within_days,
        count=terms.misses,
        days=terms.blocked_days,
    )


def check_in_span(appointment: Appointment, terms: AppointmentTerms) -> tuple[dt.datetime, dt.datetime]:
    """From when until when it can be checked in with priority."""
    start = appointment.slot.starts_at
    return start - terms.check_in_before, start + terms.check_in_after


def ticket_words(appointment: Appointment, terms: AppointmentTerms) -> str:
    """When to come, in words."""
    begins, ends = check_in_span(appointment, terms)
    return _("{begins}到{ends}之间到办事点签到，凭预约优先叫号；再晚到的，转为现场取号。").format(
        begins=short_moment_zh(begins), ends=short_moment_zh(ends)
    )


def _tell(appointment: Appointment, what: str, title: str, text: str, now: dt.datetime) -> None:
    reference, person = f"{appointment.pk}/{what}", appointment.person
    if person is None or may_act_for_person(appointment.made_by, person):
        notices.tell(
            appointment.made_by,
            kind=KIND,
            reference=reference,
            title=title,
            text=text,
            now=now,
            phone=appointment.phone,
        )
        return
    # Where a ward will be is not for whoever is their guardian no more.
    guardians = [one.guardian for one in guardians_of(person, on=today_in_china(now))]
    for one in guardians or [person]:
        notices.tell(one, kind=KIND, reference=f"{reference}/{one.pk}", title=title, text=text, now=now)
