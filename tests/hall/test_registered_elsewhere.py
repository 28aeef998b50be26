"""An employer files in the city where it is registered: at the desk, on every page, at approval,
and in the database."""

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, InternalError, transaction
from django.test import Client
from django.urls import reverse

from portal.hall import desk, permissions
from portal.hall.catalogue import offers, services
from portal.hall.models import Case, Draft
from portal.hall.routing import Status
from portal.hall.service import Applicant, Audience
from portal.people.models import Employer
from portal.policy.book import book
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month
from portal.web.context import open_to
from tests.cast import Cast, cover, moved
from tests.filing import file, reasons

CODE = "employer-add-staff"
WHY = "贵单位在武汉参保登记，单位业务只能在武汉办理；宁波不受理贵单位的申报。"


def typed(number: str) -> dict[str, Any]:
    return {
        "identity_number": number,
        "name": "赵磊",
        "phone": "13800000009",
        "hired_on": "2026-11-02",
        "wage": "6500",
        "start_pension": "2026-11",
        "start_unemployment": "2026-11",
        "start_work_injury": "2026-11",
    }


def test_every_employer_service_of_every_other_city_is_closed(cast: Cast) -> None:
    seen = 0
    for offer, service in offers():
        why = permissions.why_not_in(Applicant.of(cast.donghu_clerk), offer.city, service)
        assert bool(why) == (service.audience == Audience.EMPLOYER and offer.city != "wuhan")
        seen += bool(why)
    assert seen > 3


def test_a_persons_services_are_open_in_every_city(cast: Cast) -> None:
    for offer, service in offers():
        if service.audience == Audience.PERSON:
            assert not permissions.why_not_in(Applicant.of(cast.li_qiang_login), offer.city, service)


def test_the_desk_refuses_it_and_looks_nobody_up(cast: Cast, now: dt.datetime) -> None:
    with pytest.raises(desk.NotAccepted, match="不受理贵单位的申报"):
        file(cast.donghu_clerk, "ningbo", CODE, typed(cast.newcomer_number), now)
    assert reasons(cast.donghu_clerk, "ningbo", CODE, typed(cast.newcomer_number), now) == {"": WHY}
    assert not Case.objects.exists()
    # At home, the same is taken.
    assert file(cast.yongjiang_clerk, "ningbo", CODE, typed(cast.newcomer_number), now).pk


def test_what_was_filed_before_the_employer_is_known_to_be_elsewhere_is_not_approved(
    cast: Cast, now: dt.datetime
) -> None:
    case = file(cast.yongjiang_clerk, "ningbo", CODE, typed(cast.newcomer_number), now)
    moved(cast.yongjiang, "wuhan")
    with pytest.raises(desk.NotAccepted, match="不受理贵单位的申报"):
        desk.decide(Case.objects.get(pk=case.pk), approve=True, by=cast.ningbo_reviewer, now=now)
    case.refresh_from_db()
    assert case.status == Status.IN_REVIEW
    desk.decide(
        Case.objects.get(pk=case.pk), approve=False, reason="不在本市", by=cast.ningbo_reviewer, now=now
    )


def test_the_pages_say_where_to_go(cast: Cast, client: Client, now: dt.datetime) -> None:
    client.force_login(cast.donghu_clerk, backend="portal.accounts.doors.EmployerDoor")
    page = client.get(reverse("service", args=["ningbo", CODE])).content.decode()
    assert WHY in page
    assert reverse("service", args=["wuhan", CODE]) in page
    assert "我已阅读" not in page
    for step in ("apply", "materials"):
        address = reverse(step, args=["ningbo", CODE])
        for answer in (client.get(address), client.post(address, typed(cast.newcomer_number))):
            assert answer.status_code == 302
            assert answer["Location"] == reverse("service", args=["ningbo", CODE])
    assert not Draft.objects.exists()


def test_a_search_leads_to_a_plain_sentence_not_to_a_closed_service(cast: Cast, client: Client) -> None:
    wuxi = Employer.objects.create(
        credit_code="91320211MA20010017",
        name="无锡太湖电子有限公司",
        city="wuxi",
        insurance_number="WX1",
        industry_grade=1,
        contact_name="顾明",
        contact_phone="13800000010",
    )
    clerk = cast.donghu_clerk
    clerk.employer = wuxi
    clerk.save()
    client.force_login(clerk, backend="portal.accounts.doors.EmployerDoor")
    address = reverse("search", args=["wuxi"])
    assert client.get(address, {"q": "增员"}).context["elsewhere"] == []
    elsewhere = client.get(reverse("search", args=["ningbo"]), {"q": "增员"}).content.decode()
    assert "贵单位在无锡参保登记" in elsewhere
    assert reverse("services", args=["wuxi"]) in elsewhere
    missing = client.get(reverse("service", args=["wuxi", CODE])).content.decode()
    assert reverse("service", args=["ningbo", CODE]) not in missing
    # Whoever is no clerk is told who offers it.
    offer = book().city("ningbo").offers[CODE]
    assert not open_to(clerk, offer, services()[CODE])
    assert open_to(AnonymousUser(), offer, services()[CODE])


def test_the_database_refuses_a_coverage_where_the_employer_is_not_registered(cast: Cast) -> None:
    one = cover(cast.wang_fang, Insurance.PENSION, "wuhan", "2026-11", at=cast.donghu, wage_fen=600000)
    with pytest.raises(IntegrityError, match="is not registered in ningbo"), transaction.atomic():
        cover(cast.wang_fang, Insurance.WORK_INJURY, "ningbo", "2026-11", at=cast.donghu, wage_fen=600000)
    with pytest.raises(IntegrityError, match="is not registered in ningbo"), transaction.atomic():
        type(one).objects.filter(pk=one.pk).update(city="ningbo")
    # What is not about city or employer may still be changed, also where such a row stands already.
    moved(cast.donghu, "wuxi")
    type(one).objects.filter(pk=one.pk).update(until=Month(2026, 12))
    assert one.capacity == Capacity.EMPLOYEE


def test_the_database_lets_an_employer_stay_where_it_is_registered(cast: Cast) -> None:
    with pytest.raises(InternalError, match="Cannot update"), transaction.atomic():
        Employer.objects.filter(pk=cast.donghu.pk).update(city="wuxi")
    Employer.objects.filter(pk=cast.donghu.pk).update(name="武汉东湖软件股份有限公司")
