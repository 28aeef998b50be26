"""A coverage's base, set over some of its months: the others keep theirs, and every month has at
most one."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enrollment.actions import set_base
from enrollment.models import ContributionBase, Coverage
from portal.shared.insurance import Insurance
from portal.shared.months import Month
from tests.cast import Cast, cover

START = Month(2026, 1)


def tiers(coverage: Coverage, months: int = 14) -> list[str]:
    """The tier of each month from the coverage's start on."""
    bases = list(ContributionBase.objects.filter(coverage=coverage))
    found = []
    for month in (START + number for number in range(months)):
        [one] = [b for b in bases if b.start <= month and (b.until is None or month < b.until)]
        found.append(one.tier)
    return found


def test_some_months_change_and_the_others_stay(cast: Cast) -> None:
    coverage = cover(cast.wang_fang, Insurance.PENSION, "wuxi", "2026-01", tier="60")
    set_base(coverage, start=START + 3, until=START + 5, tier="100")
    assert tiers(coverage, 7) == ["60", "60", "60", "100", "100", "60", "60"]


def test_from_a_month_on(cast: Cast) -> None:
    coverage = cover(cast.wang_fang, Insurance.PENSION, "wuxi", "2026-01", tier="60")
    set_base(coverage, start=START + 2, tier="300")
    assert tiers(coverage, 4) == ["60", "60", "300", "300"]
    assert ContributionBase.objects.get(tier="300").until is None


def test_set_and_set_back_leaves_one_row(cast: Cast) -> None:
    coverage = cover(cast.wang_fang, Insurance.PENSION, "wuxi", "2026-01", tier="60")
    set_base(coverage, start=START + 3, until=START + 5, tier="100")
    set_base(coverage, start=START + 3, until=START + 5, tier="60")
    [base] = ContributionBase.objects.filter(coverage=coverage)
    assert (base.start, base.until, base.tier) == (START, None, "60")


@pytest.mark.parametrize(
    ("start", "until"), [("2025-12", "2026-02"), ("2026-05", "2026-07"), ("2026-03", "2026-03")]
)
def test_months_that_are_not_covered_are_refused(cast: Cast, start: str, until: str) -> None:
    coverage = cover(cast.wang_fang, Insurance.PENSION, "wuxi", "2026-01", "2026-06", tier="60")
    with pytest.raises(ValueError):
        set_base(coverage, start=Month.parse(start), until=Month.parse(until), tier="100")
    assert tiers(coverage, 5) == ["60"] * 5


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(
        st.tuples(st.integers(0, 11), st.integers(1, 6) | st.none(), st.sampled_from(["60", "80", "100"])),
        max_size=5,
    )
)
def test_any_changes_leave_each_month_at_the_last_that_named_it(
    cast: Cast, changes: list[tuple[int, int | None, str]]
) -> None:
    ContributionBase.objects.all().delete()
    Coverage.objects.all().delete()
    coverage = cover(cast.wang_fang, Insurance.PENSION, "wuxi", "2026-01", tier="60")
    expected = ["60"] * 24
    for first, length, tier in changes:
        until = None if length is None else START + first + length
        for _again in range(2):
            set_base(coverage, start=START + first, until=until, tier=tier)
        last = 24 if length is None else first + length
        expected[first:last] = [tier] * (last - first)
    assert tiers(coverage, 24) == expected
    rows = list(
        ContributionBase.objects.filter(coverage=coverage).order_by("start").values_list("tier", flat=True)
    )
    assert all(one != other for one, other in pairwise(rows))
