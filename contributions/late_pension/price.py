"""What the missing months cost in one sum (趸缴): a month's price rises with each insurance year
ahead, as if it were paid then."""

import datetime as dt

from django.utils.translation import gettext as _

from contributions.charges import brought_in
from contributions.late_pension import record as late_record
from contributions.late_pension.record import Record
from contributions.orders.lump_sums import Sum
from contributions.prices.formula import explained
from contributions.prices.reckoned import Line, exact_text, fen_text, percent_text, yuan_text
from portal.policy.book import book
from portal.policy.terms.late_pension import price_terms
from portal.shared import money
from portal.shared.months import month_in_china, today_in_china


def missing_months(record: Record, *, city: str, household: str, now: dt.datetime) -> Sum:
    """The missing months of a record, laid forward from the month of ``now``, rounded once."""
    on = today_in_china(now)
    terms = price_terms(book(), city=city, on=on)
    wage, rate = terms.wage_and_rate(household, len(record.here))
    months = late_record.months_ahead(month_in_china(now), record.missing, record.here)
    counts = terms.by_year(months)
    factor = terms.factor(counts)
    amount, account = (
        money.round_fen(wage * rate * factor),
        money.round_fen(wage * terms.account_rate * factor),
    )
    lines = [
        Line(_("应补月数"), _("{count} 个月").format(count=len(months))),
        Line(_("上年度平均工资"), yuan_text(wage), _("缴费指数按 1 计算")),
        Line(_("缴费比例"), percent_text(rate)),
        Line(
            _("折算月数"),
            exact_text(factor),
            _("从申请当月起，各年度（{month} 月起）的月数依次为 {counts}，逐年按 {growth} 倍递增").format(
                month=terms.year_begins,
                counts="、".join(map(str, counts)),
                growth=f"{terms.growth.normalize():f}",
            ),
        ),
        Line(
            _("应缴金额"),
            fen_text(amount),
            _("{wage} × {rate} × {factor}，四舍五入到分").format(
                wage=exact_text(wage), rate=percent_text(rate), factor=exact_text(factor)
            ),
        ),
    ]
    return Sum(
        months=len(months),
        which=months,
        wages=brought_in.wages_by_year((month, wage) for month in months),
        amount_fen=amount,
        account_fen=account,
        derivation=explained(lines, terms.leaf, on=on),
    )
