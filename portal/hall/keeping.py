"""For how long a pre-application is kept for the window, and ending those that nobody brought."""

import datetime as dt

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.hall import lifecycle, told
from portal.hall.models import Case, OverrulingStatus
from portal.hall.routing import Status
from portal.policy.book import Offer, PolicyMissing, book
from portal.policy.terms.offers import window_terms
from portal.shared.months import today_in_china
from portal.watch.failures import Watch

# How many cases end in one transaction.
AT_ONCE = 500


def until(offer: Offer, filed_on: dt.date) -> dt.date | None:
    """The last day on which a pre-application filed on that day is kept; None where the city keeps
    them for good."""
    try:
        terms = window_terms(book(), city=offer.city, on=filed_on)
    except PolicyMissing:
        return None
    return filed_on + dt.timedelta(days=terms.keep_days)


def tell_ending(*, now: dt.datetime) -> None:
    """Tells whoever filed a pre-application that it is about to end. Run twice, it says nothing
    new."""
    watch, today = Watch("tell_ending_pre_applications", now=now), today_in_china(now)
    for city in book().cities:
        with watch.item(city.title, city=city.slug):
            try:
                days = window_terms(book(), city=city.slug, on=today).told_days
            except PolicyMissing:
                continue
            ending = _kept(city.slug).filter(
                keep_until__gte=today, keep_until__lte=today + dt.timedelta(days=days)
            )
            for some in _batches(ending):
                told.ending(ending.filter(pk__in=some), now=now)
    watch.finished()


def end_unclaimed(*, by: User, now: dt.datetime) -> int:
    """Voids the pre-applications that are kept no longer, and tells whoever filed them; gives how
    many. One that a second reviewer has yet to confirm waits. Run twice, the second finds
    nothing."""
    watch, today, ended = Watch("end_unclaimed_pre_applications", now=now), today_in_china(now), 0
    for city in book().cities:
        over = _kept(city.slug).filter(keep_until__lt=today)
        for some in _batches(over):
            with watch.item(f"{city.title} {some[0]}", city=city.slug):
                ended += _end(over, some, by=by, now=now)
    watch.finished()
    return ended


def _kept(city: str) -> QuerySet[Case]:
    cases = Case.objects.filter(city=city, status=Status.PRE_APPLIED, keep_until__isnull=False)
    return cases.exclude(overrulings__status=OverrulingStatus.PROPOSED).select_related("filed_by__person")


def _batches(cases: QuerySet[Case]) -> list[tuple[int, ...]]:
    ids = list(cases.order_by("pk").values_list("pk", flat=True))
    return [tuple(ids[start : start + AT_ONCE]) for start in range(0, len(ids), AT_ONCE)]


@transaction.atomic
def _end(over: QuerySet[Case], ids: tuple[int, ...], *, by: User, now: dt.datetime) -> int:
    """Those of these cases that are still over, whoever decides at the same moment."""
    cases = list(over.filter(pk__in=ids).select_for_update(no_key=True, of=("self",)).order_by("pk"))
    why = _("预申请没有在保留期限内到窗口办理，系统自动作废。")
    lifecycle.void(cases, start=Status.PRE_APPLIED, why=why, by=by, now=now)
    told.ended(cases, now=now)
    return len(cases)
