"""A year of a flexible worker in Wuhan: a failed debit, a pause, a tier change, a month written
off, a gap paid back. In yuan."""

import datetime as dt

import pytest

from contributions.audit.looking import audit
from contributions.books.ledger import trial_balance
from contributions.models import AccountKind, Receipt, Surcharge
from contributions.records import by_month
from contributions.records.by_month import State
from portal.shared import money
from portal.shared.insurance import Insurance
from portal.shared.months import Month
from tests.cast import Cast, moment
from tests.contributions.flexible import EMPTY_ACCOUNT, GOOD_ACCOUNT, account, charge_of, charged, debited
from tests.filing import file

pytestmark = [pytest.mark.usefixtures("exchange"), pytest.mark.as_app]


class Year:
    """Li Qiang's year: what he files, and what the schedule does at each month's beginning and
    end."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast

    def files(self, when: str, service: str, **typed: object) -> dict[str, str]:
        """Files at the desk of Wuhan; what the receipt says."""
        case = file(self.cast.li_qiang_login, "wuhan", service, typed, moment(when))
        return dict(case.outcome["lines"])

    def month(self, month: str) -> str | None:
        """The month is charged on the first and debited on the last; what the batch came to."""
        charged("wuhan", month)
        batch = debited("wuhan", month)
        return money.format_yuan(batch.total_fen) if batch else None

    def state(self, month: str) -> State | None:
        """How the month stands in the person's own record."""
        when = Month.parse(month)
        found = [
            one.state
            for one in by_month.record(self.cast.li_qiang, since=when, until=when + 1)
            if one.insurance == Insurance.PENSION
        ]
        return found[0] if found else None


def test_a_year_in_wuhan(cast: Cast) -> None:
    year = Year(cast)

    # He enrols in December at the lowest tier; it counts from January.
    year.files(
        "2025-12-10 09:00",
        "flexible-enroll",
        tier_pension="60",
        tier_medical="",
        account_number=GOOD_ACCOUNT,
        phone="13800000002",
    )
    assert [year.month(one) for one in ("2026-01", "2026-02")] == ["393.04", "393.04"]
    assert year.state("2026-02") == State.PAID

    # In March the account is empty. He mends it in April and pays March late, with April's own
    # debit.
    account(cast.li_qiang, EMPTY_ACCOUNT, start="2026-03")
    assert year.month("2026-03") == "393.04"
    assert year.state("2026-03") == State.FAILED
    account(cast.li_qiang, GOOD_ACCOUNT, start="2026-04")
    march = charge_of(cast.li_qiang, "2026-03")
    said = year.files("2026-04-08 14:00", "arrears-pay", charges=[str(march.pk)])
    # From 31 March to 30 April: 393.04 × 1.5 % × 30 ÷ 365 = 0.48
    assert said["2026年3月 养老保险"] == "本金 393.04 元，利息 0.48 元，共 393.52 元"
    assert year.month("2026-04") == "786.56"
    assert year.state("2026-03") == State.PAID

    # In April he raises his tier: May costs more.
    said = year.files("2026-04-20 10:00", "pension-tier", tier="100")
    assert said["新缴费档次"] == "100%档，每月 655.06 元"
    assert year.month("2026-05") == "655.06"

    # He pauses from June to August, and comes back in September at the lowest tier.
    year.files("2026-05-15 10:00", "flexible-pause", stop_pension="2026-06")
    assert [year.month(one) for one in ("2026-06", "2026-07")] == [None, None]
    year.files("2026-08-12 10:00", "flexible-enroll", tier_pension="60", tier_medical="", phone="13800000002")
    assert year.month("2026-08") is None
    assert year.state("2026-07") is None

    # September's debit fails; he gives September up, and thinks better of it in November.
    account(cast.li_qiang, EMPTY_ACCOUNT, start="2026-09")
    assert year.month("2026-09") == "393.04"
    account(cast.li_qiang, GOOD_ACCOUNT, start="2026-10")
    september = charge_of(cast.li_qiang, "2026-09")
    said = year.files(
        "2026-10-10 10:00", "arrears-write-off", charges=[str(september.pk)], confirmation="注销"
    )
    assert said["注销合计"] == "1 笔，393.04 元"
    assert year.state("2026-09") == State.WRITTEN_OFF
    assert year.month("2026-10") == "393.04"

    # In November he pays September by the rule of November, and two months of the gap.
    said = year.files("2026-11-05 10:00", "arrears-pay", charges=[str(september.pk)])
    # 61 days from 30 September to 30 November.
    assert said["合计"] == "394.03 元"
    said = year.files(
        "2026-11-06 10:00", "pension-gap", insurance="pension", months=["2026-06", "2026-07"], tier="60"
    )
    # 153 and 122 days: 2.47 and 1.97.
    assert (said["2026年6月 养老保险"], said["2026年7月 养老保险"]) == (
        "本金 393.04 元，利息 2.47 元，共 395.51 元",
        "本金 393.04 元，利息 1.97 元，共 395.01 元",
    )
    # Its own month, September, and the gap: 393.04 + 394.03 + 790.52
    assert year.month("2026-11") == "1,577.59"
    assert year.month("2026-12") == "393.04"

    # The year's record: all but August is paid.
    states = {one: year.state(f"2026-{one:02d}") for one in range(1, 13)}
    assert states == {**dict.fromkeys(range(1, 13), State.PAID), 8: None}
    assert money.format_yuan(sum(Receipt.objects.values_list("amount_fen", flat=True))) == "4,591.37"
    assert money.format_yuan(
        sum(Surcharge.objects.filter(status="paid").values_list("amount_fen", flat=True))
    ) == ("5.91")
    books = {one.account.kind: money.format_yuan(-one.balance_fen) for one in trial_balance(cities=["wuhan"])}
    assert books == {
        AccountKind.CLEARING: "-4,591.37",
        # Ten months at 157.21 (393.04: 8 of 20 points), one at 262.02 (655.06).
        AccountKind.PERSONAL: "1,834.12",
        AccountKind.POOLED: "2,751.34",
        AccountKind.SURCHARGE: "5.91",
    }
    assert [example for one in audit() for example in one.examples] == []
    assert dt.date(2026, 12, 31) >= max(Surcharge.objects.values_list("paid_on", flat=True))
