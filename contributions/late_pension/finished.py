"""Telling whose months past the retirement age have come to their end."""

import datetime as dt

from django.utils.translation import gettext as _

from enrollment.models import Coverage
from portal.accounts import notices
from portal.accounts.models import Notice
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import month_in_china

ENDED = "deferral-ended"
# Whoever was not told on the first day is told on a later one.
_MONTHS_BACK = 2


def tell(*, now: dt.datetime) -> int:
    """Tells them to apply for the pension; how many notices there are. Run twice, it says nothing
    new."""
    month = month_in_china(now)
    over = Coverage.objects.filter(
        capacity=Capacity.DEFERRED,
        insurance=Insurance.PENSION,
        live=True,
        until__lte=month,
        until__gt=month - _MONTHS_BACK,
    ).select_related("person")
    text = _(
        "您的延缴到{month}为止。各月都已缴清的，缴费年限已满，请申请领取养老金；还有月份没有缴的，请先缴清。"
        "缴费情况可在“参保缴费记录”中查看。"
    )
    told = [
        notices.drafted(
            one.person,
            kind=ENDED,
            reference=str(one.pk),
            title=_("延缴已到期"),
            text=text.format(month=(one.until - 1).zh),
            now=now,
        )
        for one in over
        if one.until is not None
    ]
    return len(Notice.objects.bulk_create(told, ignore_conflicts=True))
