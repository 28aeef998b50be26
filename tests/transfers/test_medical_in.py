"""医疗保险关系转入: applied for at the new place."""

import datetime as dt

import pytest

from portal.hall import desk
from portal.hall.routing import Status as CaseStatus
from tests.cast import Cast
from tests.filing import file, reasons
from tests.transfers.mover import MEDICAL, clerk_of, moved_to, offences, paid, walked
from transfers.machine import Status
from transfers.models import Transfer

CODE = "medical-in"
FROM_WUHAN = {"origin": "wuhan"}


def test_it_is_confirmed_at_the_window_and_runs_to_its_end(cast: Cast, now: dt.datetime) -> None:
    paid(cast.li_qiang, "wuhan", "2026-01", "2026-04", insurance=MEDICAL)
    moved_to(cast.li_qiang, "shenzhen", insurance=MEDICAL)
    case = file(cast.li_qiang_login, "shenzhen", CODE, FROM_WUHAN, now)
    assert case.status == CaseStatus.PRE_APPLIED
    desk.decide(case, approve=True, by=clerk_of("shenzhen"), now=now)
    assert walked(Transfer.objects.get(), Status.MERGED, now).information["months"] == 3
    assert offences() == []


def test_without_coverage_here_it_is_barred(cast: Cast, now: dt.datetime) -> None:
    paid(cast.li_qiang, "wuhan", "2026-01", "2026-04", insurance=MEDICAL)
    why = reasons(cast.li_qiang_login, "shenzhen", CODE, FROM_WUHAN, now)[""]
    assert "您还没有在深圳参加医疗保险" in why


def test_staff_of_another_city_cannot_confirm_it(cast: Cast, now: dt.datetime) -> None:
    paid(cast.li_qiang, "wuhan", "2026-01", "2026-04", insurance=MEDICAL)
    moved_to(cast.li_qiang, "shenzhen", insurance=MEDICAL)
    case = file(cast.li_qiang_login, "shenzhen", CODE, FROM_WUHAN, now)
    with pytest.raises(desk.NotAllowed):
        desk.decide(case, approve=True, by=clerk_of("wuhan"), now=now)
    assert not Transfer.objects.exists()
