"""补缴利息: each day at the yearly rate then in force, rounded once."""

import datetime as dt

import pytest

from contributions.charges import surcharges
from contributions.models import SurchargeKind
from contributions.prices.arrears_interest import interest
from portal.shared.insurance import Capacity

DUE = dt.date(2026, 10, 31)


@pytest.mark.parametrize(
    ("since", "paid_on", "days", "fen"),
    [
        (DUE, DUE, 0, 0),
        (DUE, dt.date(2026, 10, 1), 0, 0),
        # 393.04 × 1.5 % × 1 ÷ 365 = 0.016 → 0.02
        (DUE, dt.date(2026, 11, 1), 1, 2),
        # 393.04 × 1.5 % × 30 ÷ 365 = 0.4846 → 0.48
        (DUE, dt.date(2026, 11, 30), 30, 48),
        # 2024-12-01 … 31 at 2.62 %, 2025-01-01 … 31 at 1.50 %: 0.8746 + 0.5007 = 1.3753 → 1.38
        (dt.date(2024, 11, 30), dt.date(2025, 1, 31), 62, 138),
    ],
)
def test_principal_times_rate_times_days(since: dt.date, paid_on: dt.date, days: int, fen: int) -> None:
    found = interest(city="wuhan", principal_fen=39304, since=since, paid_on=paid_on)
    assert (found.days, found.amount_fen) == (days, fen)
    assert (found.derivation(on=paid_on) is None) is (days == 0)


def test_it_tells_every_stretch_and_that_the_rate_is_an_example() -> None:
    found = interest(
        city="wuhan", principal_fen=39304, since=dt.date(2024, 11, 30), paid_on=dt.date(2025, 1, 31)
    )
    why = found.derivation(on=dt.date(2025, 1, 31))
    assert why is not None
    assert [line.value for line in why.lines if line.label == "计息天数与年利率"] == [
        "31 天 × 2.62%",
        "31 天 × 1.5%",
    ]
    assert (why.lines[-1].value, why.illustrative) == ("1.38 元", True)


def test_a_principal_is_needed() -> None:
    with pytest.raises(ValueError, match="principal"):
        interest(city="wuhan", principal_fen=0, since=DUE, paid_on=dt.date(2026, 11, 1))


def test_employers_pay_a_late_fee_and_flexible_workers_what_their_city_says() -> None:
    def kind(city: str, capacity: Capacity) -> SurchargeKind | None:
        paid_on = dt.date(2026, 11, 30)
        priced = surcharges.price(
            city=city, capacity=capacity, principal_fen=39304, since=DUE, paid_on=paid_on
        )
        return priced[0] if priced else None

    kinds = {
        (city, capacity): kind(city, capacity)
        for city in ("wuhan", "shenzhen")
        for capacity in (Capacity.EMPLOYEE, Capacity.FLEXIBLE)
    }
    assert kinds == {
        ("wuhan", Capacity.EMPLOYEE): SurchargeKind.LATE_FEE,
        ("wuhan", Capacity.FLEXIBLE): SurchargeKind.INTEREST,
        ("shenzhen", Capacity.EMPLOYEE): SurchargeKind.LATE_FEE,
        ("shenzhen", Capacity.FLEXIBLE): None,
    }
