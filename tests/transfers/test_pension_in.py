"""养老保险关系转入: applied for at the new place; in Shenzhen as a pre-application whose form is
printed, in Wuhan reviewed."""

import datetime as dt

import pytest

from portal.hall import desk
from portal.hall.models import Case
from portal.hall.routing import Status as CaseStatus
from portal.people.models import Person
from tests.cast import Cast, cover, moment
from tests.filing import file, reasons
from tests.transfers.mover import MEDICAL, PENSION, clerk_of, moved_to, offences, paid, walked
from transfers.machine import Status
from transfers.models import Direction, Transfer

CODE = "pension-in"
FROM_WUHAN = {"origin": "wuhan"}


def test_shenzhen_takes_a_pre_application_and_accepts_it_at_the_window(
    cast: Cast, now: dt.datetime, mover: Person, client
) -> None:
    case = file(cast.li_qiang_login, "shenzhen", CODE, FROM_WUHAN, now)
    assert case.status == CaseStatus.PRE_APPLIED
    assert not Transfer.objects.exists()
    client.force_login(cast.li_qiang_login, backend="portal.accounts.doors.PersonDoor")
    form = client.get(f"/cases/{case.number}/form/").content.decode()
    assert "养老保险关系转入（省内、省外）" in form
    assert "原参保地出具的参保缴费凭证" in form
    case = desk.decide(case, approve=True, by=clerk_of("shenzhen"), now=moment("2026-11-18 10:00"))
    transfer = Transfer.objects.get(case=case)
    assert (transfer.status, transfer.direction) == (Status.ACCEPTED, Direction.IN)
    assert [event.to_status for event in transfer.events.all()] == ["applied", "accepted"]
    assert walked(transfer, Status.MERGED, moment("2026-11-20 10:00")).information["months"] == 12
    assert offences() == []


def test_another_city_reviews_it(cast: Cast, now: dt.datetime) -> None:
    paid(cast.chen_jing, "shenzhen", "2026-01", "2026-05")
    moved_to(cast.chen_jing, "wuhan")
    case = file(cast.chen_jing_login, "wuhan", CODE, {"origin": "shenzhen"}, now)
    assert case.status == CaseStatus.IN_REVIEW
    desk.decide(case, approve=True, by=clerk_of("wuhan"), now=now)
    transfer = walked(Transfer.objects.get(), Status.MERGED, now)
    # 9,167.00 × 60 % for each of four months.
    assert transfer.information["wages"] == {"2026": "22000.8"}
    assert transfer.information["pooled_fen"] == 264010
    assert offences() == []


def test_what_became_barred_is_not_confirmed(cast: Cast, now: dt.datetime, mover: Person) -> None:
    case = file(cast.li_qiang_login, "shenzhen", CODE, FROM_WUHAN, now)
    file(cast.li_qiang_login, "wuhan", "pension-out", {"to": "shenzhen"}, now)
    with pytest.raises(desk.NotAccepted, match="已经在转移"):
        desk.decide(case, approve=True, by=clerk_of("shenzhen"), now=now)
    assert Case.objects.get(pk=case.pk).status == CaseStatus.PRE_APPLIED


def test_the_old_places_rules_hold_here_too(cast: Cast, now: dt.datetime) -> None:
    paid(cast.li_qiang, "wuhan", "2025-01", "2026-01")
    cover(cast.li_qiang, PENSION, "wuhan", "2026-02", tier="60")
    why = reasons(cast.li_qiang_login, "shenzhen", CODE, FROM_WUHAN, now)[""]
    assert "您在武汉的养老保险还没有终止" in why


def test_someone_elses_months_are_not_theirs(cast: Cast, now: dt.datetime, mover: Person) -> None:
    moved_to(cast.wang_fang, "shenzhen")
    refused = reasons(cast.wang_fang_login, "shenzhen", CODE, FROM_WUHAN, now)
    assert refused == {"": "您在武汉没有可以转移的养老保险缴费月份。"}


def test_a_city_without_the_insurance_is_not_offered(cast: Cast, now: dt.datetime, mover: Person) -> None:
    moved_to(mover, "shenzhen", insurance=MEDICAL)
    assert "origin" in reasons(cast.li_qiang_login, "shenzhen", "medical-in", {"origin": "ningbo"}, now)
