"""滞纳金: each day at its rate, rounded once, never more than what is unpaid."""

import datetime as dt
from pathlib import Path

import pytest

from contributions.prices.late_fee import late_fee
from portal.policy.book import DATA, Book, load_book

DUE = dt.date(2026, 9, 30)


@pytest.mark.parametrize(
    ("paid_on", "days", "fen"),
    [
        (dt.date(2026, 9, 30), 0, 0),
        (dt.date(2026, 9, 1), 0, 0),
        (dt.date(2026, 10, 1), 1, 50),
        (dt.date(2026, 11, 17), 48, 2400),
        # 2000 days would be 1,000.00, just the principal; one more is capped.
        (DUE + dt.timedelta(days=2000), 2000, 100000),
        (DUE + dt.timedelta(days=2001), 2001, 100000),
    ],
)
def test_unpaid_times_rate_times_days_up_to_the_principal(paid_on: dt.date, days: int, fen: int) -> None:
    fee = late_fee(principal_fen=100000, since=DUE, paid_on=paid_on)
    assert (fee.days, fee.amount_fen) == (days, fen)
    assert fee.capped is (days == 2001)
    assert (fee.derivation(on=paid_on) is None) is (days == 0)


def test_half_a_fen_is_rounded_up_once() -> None:
    """10.01 yuan × 0.0005 × 1 day = 0.005005 → 0.01; × 3 = 0.015015 → 0.02, not 3 × 0.01."""
    assert late_fee(principal_fen=1001, since=DUE, paid_on=dt.date(2026, 10, 1)).amount_fen == 1
    assert late_fee(principal_fen=1000, since=DUE, paid_on=dt.date(2026, 10, 1)).amount_fen == 1
    assert late_fee(principal_fen=1000, since=DUE, paid_on=dt.date(2026, 10, 4)).amount_fen == 2


def another_book(folder: Path, rule: str) -> Book:
    """The book with another rule for late fees."""
    for file in DATA.rglob("*.yaml"):
        copy = folder / file.relative_to(DATA)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "national" / "late_fee.yaml").write_text(rule, encoding="utf-8")
    return load_book(folder)


def test_every_day_at_the_rate_then_in_force_and_the_cap_as_configured(tmp_path: Path) -> None:
    changed = another_book(
        tmp_path,
        'values:\n  "2026-01-01": {daily_rate: "0.0005", cap: principal}\n'
        '  "2026-10-11": {daily_rate: "0.001", cap: none}\n'
        'references:\n  "2026-01-01": {title: 甲, standing: ours}\n  "2026-10-11": {title: 乙, standing: ours}\n',
    )
    fee = late_fee(principal_fen=100000, since=DUE, paid_on=dt.date(2026, 10, 20), policy=changed)
    # Ten days at 0.05 %, ten at 0.1 %.
    assert (fee.days, fee.amount_fen) == (20, 500 + 1000)
    assert fee.leaf is not None
    assert fee.leaf.since == dt.date(2026, 10, 11)
    without_cap = late_fee(
        principal_fen=100000, since=DUE, paid_on=DUE + dt.timedelta(days=3000), policy=changed
    )
    assert without_cap.amount_fen > 100000


def test_before_there_was_a_rule_nothing_is_added(tmp_path: Path) -> None:
    later = another_book(
        tmp_path,
        'values:\n  "2026-10-11": {daily_rate: "0.0005", cap: principal}\n'
        'references:\n  "2026-10-11": {title: 甲, standing: ours}\n',
    )
    assert late_fee(principal_fen=1000, since=DUE, paid_on=dt.date(2026, 10, 10), policy=later).leaf is None
    fee = late_fee(principal_fen=100000, since=DUE, paid_on=dt.date(2026, 10, 12), policy=later)
    assert (fee.days, fee.amount_fen) == (2, 100)


def test_nothing_unpaid_has_no_fee() -> None:
    with pytest.raises(ValueError):
        late_fee(principal_fen=0, since=DUE, paid_on=dt.date(2026, 10, 1))
