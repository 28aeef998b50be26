"""灵活就业人员暂停缴费, in three cities."""

import datetime as dt

import pytest

from enrollment.models import Coverage
from portal.hall import desk
from portal.hall.catalogue import service
from portal.hall.routing import Status
from portal.hall.service import Applicant
from portal.policy.book import book
from portal.shared.insurance import Insurance
from portal.shared.months import Month
from tests.cast import Cast, cover
from tests.filing import ask, file, reasons

CODE = "flexible-pause"


@pytest.mark.parametrize(
    ("city", "stop", "word"),
    [
        ("ningbo", "2026-10", "中断"),
        ("ningbo", "2026-11", "中断"),
        ("wuhan", "2026-12", "暂停缴费"),
        ("shenzhen", "2026-11", "停保"),
    ],
)
def test_it_takes_effect_at_once_and_is_called_as_the_city_calls_it(
    cast: Cast, now: dt.datetime, city: str, stop: str, word: str
) -> None:
    coverage = cover(cast.wang_fang, Insurance.PENSION, city, "2026-01", tier="60")
    form = desk.form_for(
        offer=book().city(city).offers[CODE], applicant=Applicant.of(cast.wang_fang_login), now=now
    )
    assert form.fields["stop_pension"].label == f"养老保险：从哪个月{word}"
    case = file(cast.wang_fang_login, city, CODE, {"stop_pension": stop}, now)
    assert case.status == Status.DONE
    assert f"起{word}，缴费到" in case.outcome["lines"][0][1]
    coverage.refresh_from_db()
    assert coverage.until == Month.parse(stop)
    assert coverage.bases.get().until == Month.parse(stop)


def test_wuhans_current_month_is_still_debited(cast: Cast, now: dt.datetime) -> None:
    cover(cast.wang_fang, Insurance.PENSION, "wuhan", "2026-01", tier="60")
    assert "stop_pension" in reasons(cast.wang_fang_login, "wuhan", CODE, {"stop_pension": "2026-11"}, now)


def test_only_what_is_chosen_stops(cast: Cast, now: dt.datetime) -> None:
    for insurance in (Insurance.PENSION, Insurance.MEDICAL):
        cover(cast.wang_fang, insurance, "wuhan", "2026-01", tier="60")
    file(cast.wang_fang_login, "wuhan", CODE, {"stop_pension": "2026-12", "stop_medical": ""}, now)
    assert Coverage.objects.get(insurance="medical").until is None


def test_nothing_chosen_is_refused(cast: Cast, now: dt.datetime) -> None:
    cover(cast.wang_fang, Insurance.PENSION, "wuhan", "2026-01", tier="60")
    assert "stop_pension" in reasons(cast.wang_fang_login, "wuhan", CODE, {"stop_pension": ""}, now)


def test_who_an_employer_insures_is_sent_to_the_employer(cast: Cast, now: dt.datetime) -> None:
    cover(cast.wang_fang, Insurance.PENSION, "wuhan", "2026-01", at=cast.donghu)
    assert "由所在单位申报" in reasons(cast.wang_fang_login, "wuhan", CODE, {}, now)[""]


def test_who_is_not_insured_has_nothing_to_pause(cast: Cast, now: dt.datetime) -> None:
    assert "不需要暂停缴费" in reasons(cast.wang_fang_login, "wuhan", CODE, {}, now)[""]


def test_another_citys_coverage_is_not_this_citys_to_end(cast: Cast, now: dt.datetime) -> None:
    coverage = cover(cast.wang_fang, Insurance.PENSION, "wuhan", "2026-01", tier="60")
    assert reasons(cast.wang_fang_login, "shenzhen", CODE, {"stop_pension": "2026-11"}, now) != {}
    coverage.refresh_from_db()
    assert coverage.until is None


def test_nothing_is_preselected_and_what_stopping_costs_is_said_twice(cast: Cast, now: dt.datetime) -> None:
    for insurance in (Insurance.PENSION, Insurance.MEDICAL):
        cover(cast.wang_fang, insurance, "wuhan", "2026-01", tier="60")
    offer = book().city("wuhan").offers[CODE]
    form = desk.form_for(offer=offer, applicant=Applicant.of(cast.wang_fang_login), now=now)
    assert {name: field.initial for name, field in form.fields.items()} == {
        "stop_pension": "",
        "stop_medical": "",
    }
    assert "不再享受医疗保险待遇" in str(form.fields["stop_medical"].help_text)
    assert "仍会在当月月底划扣" in str(form.fields["stop_pension"].help_text)
    asked = ask(cast.wang_fang_login, "wuhan", CODE, {"stop_pension": "", "stop_medical": "2026-12"}, now)
    facts = desk.look(asked).facts
    [(insurance, said)] = service(CODE).preview(asked, facts)["costs"]
    assert insurance == "医疗保险"
    assert "医疗保险中断超过三个月会影响报销。" in said
