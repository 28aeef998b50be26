"""What money says when coverage ends: paid months and months at the bank stand against it, unpaid charges fall away."""

import datetime as dt

from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext as _

from contributions.charging import void
from contributions.models import Charge, ChargeStatus, LineStatus, OrderLine, OrderStatus
from contributions.reckoning import quote
from enrollment import consequences
from enrollment.models import Coverage
from portal.accounts.models import User
from portal.policy.book import PolicyMissing
from portal.shared.insurance import INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import Month

# The first key of the advisory lock between opening a batch and ending coverage in a city.
DRAWING_LOCK = 0xD4A317

_AT_THE_BANK = Q(debit_lines__status__in=[LineStatus.PENDING, LineStatus.MISSING])


class Money:
    """The answers of this room to ``enrollment.consequences.Consequence``."""

    def stop_barriers(self, coverage: Coverage, until: Month) -> list[str]:
        """Months from ``until`` on that are paid, that the bank is debiting now, or that an order is to pay."""
        charges = Charge.objects.filter(coverage=coverage, month__gte=until, live=True).order_by("month")
        name = _(INSURANCE_LABELS[Insurance(coverage.insurance)])
        reasons = [
            _("%(month)s%(insurance)s已缴费,停保月份须在其后。")
            % {"month": charge.month.zh, "insurance": name}
            for charge in charges.filter(status=ChargeStatus.PAID)
        ]
        reasons += [
            _("%(month)s%(insurance)s在待支付的缴费订单 %(order)s 中,请先完成支付或取消订单。")
            % {"month": line.charge.month.zh, "insurance": name, "order": line.order.number}
            for line in OrderLine.objects.filter(
                charge__in=charges, live=True, order__status=OrderStatus.OPEN
            )
            .select_related("charge", "order")
            .order_by("charge__month")
        ]
        return reasons + [
            _("%(month)s%(insurance)s已送银行扣款,结果返回后才能停保。")
            % {"month": charge.month.zh, "insurance": name}
            for charge in charges.filter(_AT_THE_BANK, status=ChargeStatus.OWED).distinct()
        ]

    def stopped(self, coverage: Coverage, until: Month, *, by: User, now: dt.datetime) -> None:
        """Void what is owed from ``until`` on, each with its reason. Where a batch took a charge after the barriers were asked,
        it is void all the same: what the bank then pays for it lies in suspense until it is given back."""
        # Waits for a batch that is just being opened, so that it is either before us or sees what we did.
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock_shared(%s, hashtext(%s))", [DRAWING_LOCK, coverage.city]
            )
        owed = Charge.objects.filter(coverage=coverage, month__gte=until, status=ChargeStatus.OWED)
        void(owed, why=_("参保关系自%(month)s起终止") % {"month": until.zh}, by=by, now=now)

    def quote(
        self, *, city: str, capacity: Capacity, insurance: Insurance, tier: str, month: Month
    ) -> int | None:
        """What a month at this tier costs the person, in fen; None where the city has no such tier."""
        try:
            return quote(
                city=city, capacity=capacity, insurance=insurance, tier=tier, month=month
            ).personal_fen
        except PolicyMissing:
            return None


def connect() -> None:
    """Registers these answers; called once, when the app is ready."""
    consequences.register(Money())
