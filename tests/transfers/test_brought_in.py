"""Months that were brought in: the database counts each once, and keeps the record as it was
written."""

import datetime as dt
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from contributions.arrears import gaps
from contributions.charges import brought_in
from contributions.models import BroughtIn, BroughtInPeriod, MovedOut
from portal.accounts.models import User
from portal.people.models import Person
from portal.shared.months import Month
from tests.cast import NOW, Cast, cover
from tests.transfers.mover import PENSION, applied, paid, walked
from transfers.machine import Status


def from_outside(who: Person, start: str, until: str, *, key: str = "form-1") -> BroughtIn:
    """Months of a place that is none of the hall's, counted in Wuhan."""
    first, end = Month.parse(start), Month.parse(until)
    row = BroughtIn.objects.create(
        person=who,
        insurance=PENSION,
        city="wuhan",
        from_place="长沙",
        start=first,
        until=end,
        months=end - first,
        wages={str(first.year): "6000"},
        account_fen=48000,
        pooled_fen=72000,
        key=key,
        at=NOW,
        by=User.objects.system(),
    )
    BroughtInPeriod.objects.create(brought_in=row, person=who, insurance=PENSION, start=first, until=end)
    return row


def refused(change: Any, match: str) -> None:
    with pytest.raises(DatabaseError, match=match), transaction.atomic():
        change()


def test_it_counts_beside_the_paid_months(cast: Cast) -> None:
    paid(cast.li_qiang, "wuhan", "2025-03", "2025-05")
    from_outside(cast.li_qiang, "2024-01", "2024-03")
    months = brought_in.counted_months(cast.li_qiang, insurance=PENSION, city="wuhan")
    assert sorted(map(str, months)) == ["2024-01", "2024-02", "2025-03", "2025-04"]
    assert brought_in.elsewhere(cast.li_qiang)[PENSION] == brought_in.Elsewhere(2, 0, 0)


def test_no_month_is_brought_in_twice_or_over_a_paid_one(cast: Cast) -> None:
    paid(cast.li_qiang, "wuhan", "2025-03", "2025-05")
    from_outside(cast.li_qiang, "2024-01", "2024-03")
    with pytest.raises(IntegrityError, match="counts_a_month_once"), transaction.atomic():
        from_outside(cast.li_qiang, "2024-02", "2024-04", key="form-2")
    with pytest.raises(IntegrityError, match="is paid here and counts already"), transaction.atomic():
        from_outside(cast.li_qiang, "2025-04", "2025-06", key="form-3")
    with pytest.raises(IntegrityError, match="key"), transaction.atomic():
        from_outside(cast.li_qiang, "2023-01", "2023-02")
    from_outside(cast.wang_fang, "2024-01", "2024-03", key="form-4")


def test_the_record_stays_as_it_was_written(cast: Cast, now: dt.datetime, mover: Person) -> None:
    walked(applied(cast.li_qiang_login, now), Status.MERGED, now)
    came, gone = BroughtIn.objects.all(), MovedOut.objects.all()
    refused(lambda: came.update(account_fen=1), "pgtrigger")
    refused(lambda: came.update(months=11), "pgtrigger")
    refused(lambda: gone.update(pooled_fen=1), "pgtrigger")
    refused(lambda: gone.update(city="wuxi"), "pgtrigger")
    refused(lambda: BroughtInPeriod.objects.update(until=Month(2027, 1)), "pgtrigger")
    refused(came.delete, "pgtrigger|protected")
    refused(gone.delete, "pgtrigger|protected")


def test_a_month_that_was_brought_in_is_no_gap(cast: Cast) -> None:
    cover(cast.li_qiang, PENSION, "wuhan", "2026-01", "2026-03", tier="60")
    cover(cast.li_qiang, PENSION, "wuhan", "2026-06", tier="60")
    until = Month(2026, 7)
    assert [str(one) for one in gaps.gap_months(cast.li_qiang, until=until)] == [
        "2026-03",
        "2026-04",
        "2026-05",
    ]
    from_outside(cast.li_qiang, "2026-03", "2026-05")
    assert [str(one) for one in gaps.gap_months(cast.li_qiang, until=until)] == ["2026-05"]
