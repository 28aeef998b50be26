"""What money says when coverage ends: paid months and months at the bank stand against it, unpaid
charges fall away."""

import datetime as dt
from collections.abc import Iterable, Sequence

from django.db.models import Max, Q
from django.utils.translation import gettext as _

from contributions.assessments import assessment_lines
from contributions.charges import periods, public_shares
from contributions.charges.charging import void
from contributions.locks import before_or_after_a_batch
from contributions.models import Charge, ChargeStatus, OrderLine, OrderStatus
from contributions.prices.formula import Derivation, derivation, quote
from contributions.records import first_payment
from enrollment import consequences
from enrollment.models import Coverage
from portal.accounts.models import User
from portal.people.models import Person
from portal.policy.book import PolicyMissing
from portal.shared.insurance import INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import Month


class Money:
    """The answers of this room to ``enrollment.consequences.Consequence``."""

    def stop_barriers(self, coverage: Coverage, until: Month) -> list[str]:
        """Months from ``until`` on that are paid, that the bank is debiting now, or that an order
        is to pay."""
        charges = Charge.objects.filter(_of([coverage], until), live=True).order_by("month")
        name = _(INSURANCE_LABELS[Insurance(coverage.insurance)])
        reasons = [
            _("%(month)s%(insurance)s已缴费，请选择其后的月份。")
            % {"month": charge.month.zh, "insurance": name}
            for charge in charges.filter(status=ChargeStatus.PAID)
        ]
        reasons += [
            _("%(year)s年度%(insurance)s已缴费，请从次年1月起停保。") % {"year": year, "insurance": name}
            for year in sorted(periods.paid_by_others(coverage, until))
        ]
        reasons += [
            _("%(month)s%(insurance)s在待支付的缴费订单 %(order)s 中，请先完成支付或取消订单。")
            % {"month": line.charge.month.zh, "insurance": name, "order": line.order.number}
            for line in OrderLine.objects.filter(
                charge__in=charges, live=True, order__status=OrderStatus.OPEN
            )
            .select_related("charge", "order")
            .order_by("charge__month")
        ]
        return reasons + [
            _("%(month)s%(insurance)s已送银行扣款，结果返回后才能办理。")
            % {"month": charge.month.zh, "insurance": name}
            for charge in charges.filter(_at_the_bank(coverage), status=ChargeStatus.OWED).distinct()
        ]

    def stopped(self, coverages: Sequence[Coverage], until: Month, *, by: User, now: dt.datetime) -> None:
        """Void what is owed from ``until`` on, each with its reason. Where a batch took a charge
        after the barriers were asked, it is void all the same: what the bank then pays for it lies
        in suspense until it is given back."""
        before_or_after_a_batch(coverages[0].city)
        owed = Charge.objects.filter(_of(coverages, until), status=ChargeStatus.OWED)
        void(owed, why=_("参保关系自%(month)s起终止") % {"month": until.zh}, by=by, now=now)
        public_shares.fall_away(coverages, until)

    def enrolled(
        self, coverages: Sequence[Coverage], *, by: User, now: dt.datetime
    ) -> consequences.NextStep | None:
        """Charge what is due at once, and say how the first month is paid."""
        before_or_after_a_batch(coverages[0].city)
        first_payment.charge_at_once(coverages, now=now)
        return first_payment.next_step(coverages, now=now)

    def base_barriers(self, coverage: Coverage, start: Month) -> list[str]:
        """Months from ``start`` on that are paid, in an order or at the bank at the base that they
        have."""
        charges = Charge.objects.filter(coverage=coverage, month__gte=start, live=True).order_by("month")
        ordered = dict(
            OrderLine.objects.filter(
                charge__in=charges, live=True, order__status=OrderStatus.OPEN
            ).values_list("charge_id", "order__number")
        )
        drawn = set(
            charges.filter(_at_the_bank(coverage), status=ChargeStatus.OWED).values_list("pk", flat=True)
        )
        reasons = []
        for charge in charges:
            if charge.status == ChargeStatus.PAID:
                why = _("%(month)s已按原缴费档次缴费，不能再变更档次。") % {"month": charge.month.zh}
            elif charge.pk in ordered:
                why = _("%(month)s在待支付的缴费订单 %(order)s 中，请先完成支付或取消订单。") % {
                    "month": charge.month.zh,
                    "order": ordered[charge.pk],
                }
            elif charge.pk in drawn:
                why = _("%(month)s已按原缴费档次送银行扣款，不能再变更档次。") % {"month": charge.month.zh}
            else:
                continue
            reasons.append(why)
        return reasons

    def base_changed(self, coverage: Coverage, start: Month, *, by: User, now: dt.datetime) -> None:
        """Void what is owed from ``start`` on, so that it is charged anew. Raises
        ``consequences.Barred`` where an order or a batch took a month meanwhile."""
        before_or_after_a_batch(coverage.city)
        barriers = self.base_barriers(coverage, start)
        if barriers:
            raise consequences.Barred(barriers)
        owed = Charge.objects.filter(coverage=coverage, month__gte=start, status=ChargeStatus.OWED)
        void(owed, why=_("自%(month)s起变更缴费基数") % {"month": start.zh}, by=by, now=now)

    def base_taken(self, coverage: Coverage, start: Month, *, now: dt.datetime) -> None:
        """Charge the present year anew, where it is paid by the year."""
        capacity, insurance = Capacity(coverage.capacity), Insurance(coverage.insurance)
        if periods.is_yearly(coverage.city, capacity, insurance, start):
            first_payment.charge_at_once([coverage], since=start, now=now)

    def explain(
        self,
        *,
        city: str,
        capacity: Capacity,
        insurance: Insurance,
        tier: str,
        month: Month,
        on: dt.date,
    ) -> Derivation | None:
        """Why a month at this tier costs what it does; None where the city has no such tier."""
        try:
            return derivation(
                quote(city=city, capacity=capacity, insurance=insurance, tier=tier, month=month), on=on
            )
        except PolicyMissing:
            return None

    def quote(
        self, *, city: str, capacity: Capacity, insurance: Insurance, tier: str, month: Month
    ) -> consequences.Price | None:
        """What a month at this tier costs; None where the city has no such tier."""
        try:
            price = quote(city=city, capacity=capacity, insurance=insurance, tier=tier, month=month)
        except PolicyMissing:
            return None
        return consequences.Price(personal_fen=price.personal_fen, public_fen=price.public_fen)

    def paid_years(self, person: Person, insurance: Insurance, capacity: Capacity) -> frozenset[int]:
        """The years with a paid charge, or with a public share that stands alone."""
        return periods.paid_years(person, insurance, capacity)

    def paid_until(self, coverages: Iterable[int]) -> dict[int, Month]:
        """The month after the last paid one, of the coverages that have one."""
        paid = Charge.objects.filter(
            coverage__in=list(coverages), status=ChargeStatus.PAID, live=True
        ).values_list("coverage")
        return {coverage: month + 1 for coverage, month in paid.annotate(Max("month")).order_by("coverage")}

    def charged_until(self, coverages: Iterable[int], since: Month) -> dict[int, Month]:
        """The month after the last that stands charged from ``since`` on, of the coverages that
        have one."""
        charged = Charge.objects.filter(coverage__in=list(coverages), month__gte=since, live=True)
        latest = charged.values_list("coverage").annotate(Max("month")).order_by("coverage")
        return {coverage: month + 1 for coverage, month in latest}


def _at_the_bank(coverage: Coverage) -> Q:
    """Which of the coverage's charges a debit without a result draws, by themselves or with their
    employer's month."""
    if coverage.employer is not None:
        return assessment_lines.held_by_the_bank(coverage.employer)
    return Q(debit_lines__status__in=assessment_lines.AT_THE_BANK)


def _of(coverages: Sequence[Coverage], since: Month) -> Q:
    # Person and insurance follow from the coverage; they are there for the index.
    return Q(
        coverage__in=[one.pk for one in coverages],
        person__in=[one.person_id for one in coverages],
        insurance__in={one.insurance for one in coverages},
        month__gte=since,
    )


def connect() -> None:
    """Registers these answers; called once, when the app is ready."""
    consequences.register(Money())
