"""A goal is judged by the round that counts: the best one, or of a peak the worst."""

import pytest

from portal.shared.measuring import Goal

MEASURED = {
    "ours": [10.0, 30.0, 20.0],
    "theirs": [15.0, 10.0, 12.0],
    "seconds": [3.0, 2.0],
    "megabytes": [200.0, 310.0],
}


def test_a_rate_is_compared_with_the_best_round_of_its_reference() -> None:
    assert Goal("ours", "theirs", at_least=2).compare(MEASURED) == (2.0, True)
    assert Goal("ours", "theirs", at_least=2.1).compare(MEASURED) == (2.0, False)


def test_without_a_reference_the_figure_itself_counts() -> None:
    assert Goal("ours", at_least=30).compare(MEASURED) == (30.0, True)
    assert Goal("ours", at_least=31).compare(MEASURED) == (30.0, False)


def test_of_seconds_the_fewest_count_and_of_a_peak_the_most() -> None:
    assert Goal("seconds", at_most=2).compare(MEASURED) == (2.0, True)
    assert Goal("seconds", at_most=1).compare(MEASURED) == (2.0, False)
    assert Goal("megabytes", at_most=300, peak=True).compare(MEASURED) == (310.0, False)


@pytest.mark.parametrize(("least", "most"), [(None, None), (1.0, 2.0)])
def test_a_goal_has_one_bound(least: float | None, most: float | None) -> None:
    with pytest.raises(ValueError, match="one bound"):
        Goal("ours", at_least=least, at_most=most)
