"""Working days that two members of staff set against the official calendar: those of a city for
the city, those who serve all cities for the whole country."""

import datetime as dt
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts import proposals
from portal.accounts.models import Proposal, User
from portal.accounts.proposals import Kind, NotProposed, Row
from portal.hall.models import WorkdayOverride
from portal.policy.book import book


def overrides_of(city: str, *, since: dt.date) -> dict[dt.date, bool]:
    """The overrides from ``since`` on, day → whether it is a working day; a city's own comes before
    the country's."""
    rows = WorkdayOverride.objects.filter(city__in=["", city], day__gte=since).order_by("city")
    return dict(rows.values_list("day", "is_workday"))


class WorkdayKind(Kind):
    code = "workday"
    title = gettext_lazy("工作日调整")
    permission = "hall.change_workdayoverride"

    def rows(self, proposal: Proposal) -> list[Row]:
        payload = proposal.payload
        before = _row(proposal.city, payload["day"])
        after = _("按公布的工作日") if payload["remove"] else _in_words(payload["is_workday"])
        now = _in_words(before.is_workday) if before else _("按公布的工作日")
        return [(payload["day"], now, after)]

    def apply(self, proposal: Proposal, *, by: User, now: dt.datetime) -> None:
        payload = proposal.payload
        of_day = {"city": proposal.city, "day": payload["day"]}
        if payload["remove"]:
            WorkdayOverride.objects.filter(**of_day).delete()
            return
        WorkdayOverride.objects.update_or_create(
            **of_day, defaults={"is_workday": payload["is_workday"], "reason": proposal.reason}
        )


WORKDAY = WorkdayKind()


def _row(city: str, day: Any) -> WorkdayOverride | None:
    return WorkdayOverride.objects.filter(city=city, day=day).first()


def _in_words(is_workday: bool) -> str:
    return _("工作日") if is_workday else _("休息日")


def _target(city: str, day: dt.date) -> str:
    return f"workday {city or '*'} {day}"


def ensure_may_set(city: str, day: dt.date, *, by: User) -> None:
    """Raises NotProposed where this login cannot propose it; for the whole country only an
    administrator of the hall can."""
    if not city and not by.is_superuser:
        raise NotProposed(_("全国的工作日由系统管理员调整。"))
    proposals.ensure_may_propose(WORKDAY, city=city, target=_target(city, day), by=by)


def propose(
    *, city: str, day: dt.date, is_workday: bool, remove: bool, reason: str, by: User, now: dt.datetime
) -> Proposal:
    """Proposes that a day is worked or not in a city ("": everywhere), or that what was set no
    longer counts.

    Raises NotProposed.
    """
    ensure_may_set(city, day, by=by)
    return proposals.propose(
        WORKDAY,
        city=city,
        target=_target(city, day),
        about=f"{book().city(city).title if city else _('全国')} {day}",
        payload={"day": str(day), "is_workday": is_workday, "remove": remove},
        reason=reason,
        by=by,
        now=now,
    )
