"""A queryset whose SQL is put together once gives what the ORM gives."""

from typing import Any

import pytest

from enrollment.models import Coverage
from portal.people.models import Person
from portal.prepared import Prepared
from portal.shared.insurance import Insurance
from portal.shared.months import Month
from tests.cast import Cast, cover

COVERAGES = Prepared(
    lambda: Coverage.objects.filter(person=0).select_related("employer", "person").order_by("start")
)


def test_rows_come_with_what_is_selected_as_related(cast: Cast, django_assert_num_queries: Any) -> None:
    cover(
        cast.wang_fang, Insurance.PENSION, "ningbo", "2026-01", "2026-03", at=cast.yongjiang, wage_fen=800_000
    )
    cover(cast.wang_fang, Insurance.PENSION, "wuhan", "2026-04", tier="60")
    with django_assert_num_queries(1):
        employed, flexible = COVERAGES(cast.wang_fang.pk)
        assert [employed.start, employed.until, flexible.until] == [Month(2026, 1), Month(2026, 3), None]
        assert employed.employer == cast.yongjiang
        assert flexible.employer is None
        assert employed.person.name == cast.wang_fang.name
    assert not employed._state.adding


def test_other_values_give_other_rows(cast: Cast) -> None:
    people = Prepared(lambda: Person.objects.filter(pk=0))
    assert people.first(cast.wang_fang.pk) == cast.wang_fang
    assert people.first(cast.li_qiang.pk) == cast.li_qiang
    assert people.first(0) is None


@pytest.mark.parametrize("values", [(), (1, 2)])
def test_a_value_for_each_placeholder(db: None, values: tuple[int, ...]) -> None:
    with pytest.raises(TypeError):
        COVERAGES(*values)
