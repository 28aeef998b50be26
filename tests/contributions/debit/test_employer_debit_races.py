"""An employer's month is ordered or debited, never both, however the two meet; without the lock it
is both."""

from uuid import uuid4

import pytest

from contributions.assessments import assessing as assessments
from contributions.debit import freezing, of_employers
from contributions.models import Assessment, DebitLine, OrderLine
from contributions.orders import placing
from portal.accounts.models import User
from portal.shared.insurance import Insurance
from tests.cast import Cast, cover
from tests.contributions.debit.test_employer_debit import FIFTEENTH, FIRST, agree, assessed
from tests.contributions.orders.test_races import Meeting, at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def confirmed(cast: Cast) -> Assessment:
    """Li Qiang at Donghu at 6,000 yuan; November is confirmed, to be debited on the 15th."""
    cover(cast.li_qiang, Insurance.PENSION, "wuhan", "2025-03", at=cast.donghu, wage_fen=600000)
    agree(cast.donghu)
    return assessments.confirm(assessed(cast.donghu, User.objects.system()), by=cast.donghu_clerk, now=FIRST)


def order_against_batch(
    cast: Cast, confirmed: Assessment, monkeypatch: pytest.MonkeyPatch
) -> tuple[int, int]:
    """How many order lines and debit lines hold the month after both were begun at once."""
    clerk, system, charges, meeting = (
        cast.donghu_clerk,
        User.objects.system(),
        assessments.lines(confirmed),
        Meeting(),
    )
    # Both have looked and found nothing before either has written; where a lock keeps one away, the
    # other goes on alone.
    monkeypatch.setattr(placing, "case_number", meeting.before(placing.case_number))
    monkeypatch.setattr(freezing, "left_out_words", meeting.before(freezing.left_out_words))
    at_once(
        lambda: placing.place_charges(
            city="wuhan", charges=charges, employer=cast.donghu, key=uuid4(), by=clerk, now=FIFTEENTH
        ),
        lambda: of_employers.open_batch(city="wuhan", by=system, now=FIFTEENTH),
    )
    return OrderLine.objects.filter(live=True).count(), DebitLine.objects.filter(drawing=True).count()


def test_a_month_is_ordered_or_debited_never_both(
    cast: Cast, confirmed: Assessment, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sum(order_against_batch(cast, confirmed, monkeypatch)) == 1


def test_control_without_the_shared_lock_it_is_both(
    cast: Cast, confirmed: Assessment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(placing, "before_or_after_a_batch", lambda city: None)
    assert order_against_batch(cast, confirmed, monkeypatch) == (1, 1)


def test_a_batch_opened_by_several_at_once_is_one(cast: Cast, confirmed: Assessment) -> None:
    system = User.objects.system()
    opened = at_once(*[lambda: of_employers.open_batch(city="wuhan", by=system, now=FIFTEENTH)] * 4)
    assert len({batch.pk for batch in opened}) == 1
    assert DebitLine.objects.filter(assessment=confirmed).count() == 1


def test_control_without_the_lock_the_database_still_opens_one(
    cast: Cast, confirmed: Assessment, monkeypatch: pytest.MonkeyPatch
) -> None:
    system, meeting = User.objects.system(), Meeting()
    monkeypatch.setattr(of_employers, "one_batch_opened", lambda city: None)
    monkeypatch.setattr(of_employers, "opened", meeting.before(lambda **_what: None))
    outcomes = at_once(*[lambda: of_employers.open_batch(city="wuhan", by=system, now=FIFTEENTH)] * 2)
    assert any(isinstance(one, Exception) for one in outcomes) or None in outcomes
    assert DebitLine.objects.filter(assessment=confirmed).count() == 1
