"""The tasks of the employers' month. What is left to do stands in the
database."""

import datetime as dt
import logging

from django.db import DatabaseError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contributions.assessments import arrears_bills, assessing
from contributions.models import Charge
from portal.accounts.models import User
from portal.policy.book import City, book
from portal.shared.months import Month, month_in_china
from portal.watch.failures import Watch
from portal.watch.task import watched

log = logging.getLogger(__name__)

# Charges of older months come by late registration only, and not later than this.
MONTHS_BACK = 3


@watched(
    title=_("单位应缴核定"),
    remedy=_(
        "列出的单位或城市没有核定，其他的不受影响。单位在别的城市参保登记的，请审核人员终止在本市误办的参保关系；"
        "其他原因请系统管理员查明，修复后下一小时自动核定。"
    ),
)
def draw_up_assessments() -> None:
    """Assess what was charged and not assessed yet, and settle what was paid by other roads, of
    this month and the last ones."""
    now, by = timezone.now(), User.objects.system()
    this = month_in_china(now)
    watch = Watch("draw_up_assessments", now=now)
    for city in book().cities:
        for month in (this - back for back in range(MONTHS_BACK, -1, -1)):
            with watch.item(f"{city.title} {month}", city=city.slug):
                _draw_up(watch, city, month, by=by, now=now)
    watch.finished()


def _draw_up(watch: Watch, city: City, month: Month, *, by: User, now: dt.datetime) -> None:
    """A city's month at once; where that fails, employer by employer, so that one alone is left
    out."""
    if not Charge.objects.filter(city=city.slug, month=month, employer__isnull=False).exists():
        return
    # Rows of before the database refused them.
    for employer in assessing.misplaced(city=city.slug, month=month):
        watch.tell(_item(city, month, employer.pk), RegisteredElsewhere(employer.city), city=city.slug)
    told = f"{city.slug} {month}"
    try:
        done = assessing.draw_up(city=city.slug, month=month, by=by, now=now)
    except DatabaseError:
        log.exception("%s is drawn up employer by employer", told)
        for pk in assessing.employers_of(city=city.slug, month=month):
            with watch.item(_item(city, month, pk), city=city.slug):
                assessing.draw_up(city=city.slug, month=month, by=by, now=now, employer=pk)
        return
    log.info("%s: %s drawn up, %s replaced, %s found paid", told, done.created, done.replaced, done.paid)


def _item(city: City, month: Month, employer: int) -> str:
    return f"{city.title} {month} 单位{employer}"


class RegisteredElsewhere(Exception):
    """An employer was charged in a city in which it is not registered."""


@watched(
    title=_("补缴单到期失效"),
    remedy=_("这份补缴单没有按期失效，其他的不受影响。请系统管理员查明原因；修复后次日自动处理。"),
)
def lapse_bills() -> None:
    """End the bills for late months whose last day has passed."""
    now, by = timezone.now(), User.objects.system()
    log.info("%s bills lapsed", arrears_bills.lapse(by=by, now=now))
