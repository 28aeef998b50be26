"""少儿停保、学生停保: after the last paid month, with what is owed void, by either guardian, and by
nobody else."""

import datetime as dt

import pytest

from contributions.models import Charge, ChargeStatus
from enrollment.models import Coverage
from portal.accounts.models import Notice, User
from portal.hall import desk
from portal.hall.models import Case
from portal.hall.routing import Status
from portal.people.models import Person
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month, month_span
from tests.cast import NANSHAN, Cast, cover, employer, person
from tests.conftest import Clock
from tests.family import guarded
from tests.filing import file, reasons

pytestmark = pytest.mark.django_db

FEN = 2578


@pytest.fixture
def child(cast: Cast, clock: Clock) -> Person:
    """A boy of six, whose guardians are 陈静 and 刘洋."""
    clock.set("2018-10-15 10:00")
    return guarded(person("陈小宇", NANSHAN, "2012-05-06", 21), cast.chen_jing, cast.liu_yang)


def insured(
    who: Person, status: ChargeStatus, start: str = "2018-09", capacity: Capacity = Capacity.CHILD
) -> Coverage:
    """Insured since then, with the months to August as the fund charges them."""
    coverage = cover(who, Insurance.MEDICAL, "shenzhen", start, capacity=capacity, tier="one")
    for month in month_span(coverage.start, Month(2019, 9)):
        Charge.objects.create(
            person=who, coverage=coverage, city="shenzhen", insurance="medical", capacity=capacity, month=month,
            amount_fen=FEN, personal_fen=FEN, employer_fen=0, account_fen=0, base="8348",
            policy="shenzhen/child_medical", policy_since=dt.date(2018, 9, 1), basis="one",
            created_at=dt.datetime(2018, 9, 1, tzinfo=dt.UTC), due_on=dt.date(2018, 9, 30), status=status,
        )  # fmt: skip
    return coverage


def stopped(login: User, ward: Person | None, clock: Clock, code: str = "child-stop", **typed: str) -> Case:
    answers = {"reason": "moved" if code == "child-stop" else "left", "understood": "on", **typed}
    return file(login, "shenzhen", code, answers, clock.now, ward=ward)


def why(
    login: User, ward: Person | None, clock: Clock, code: str = "child-stop", **typed: str
) -> dict[str, str]:
    answers = {"reason": "moved" if code == "child-stop" else "left", "understood": "on", **typed}
    return reasons(login, "shenzhen", code, answers, clock.now, ward)


def test_paid_months_stand_and_the_coverage_ends_after_them(child: Person, cast: Cast, clock: Clock) -> None:
    coverage = insured(child, ChargeStatus.PAID)
    case = stopped(cast.chen_jing_login, child, clock)
    coverage.refresh_from_db()
    assert (case.status, coverage.until) == (Status.DONE, Month(2019, 9))
    assert Charge.objects.filter(status=ChargeStatus.PAID).count() == 12
    assert ["退费", "已缴月份照常享受，不退费"] in case.facts["summary"]


def test_what_is_owed_falls_away_from_this_month(child: Person, cast: Cast, clock: Clock) -> None:
    clock.set("2018-09-10 10:00")
    coverage = insured(child, ChargeStatus.OWED, "2018-07")
    Charge.objects.filter(month__lt=Month(2018, 9)).update(status=ChargeStatus.PAID)
    stopped(cast.chen_jing_login, child, clock)
    coverage.refresh_from_db()
    assert coverage.until == Month(2018, 9)
    void = Charge.objects.filter(status=ChargeStatus.VOID).values_list("personal_fen", flat=True)
    assert list(void) == [FEN] * 12


def test_the_other_guardian_is_told(child: Person, cast: Cast, clock: Clock) -> None:
    insured(child, ChargeStatus.PAID)
    stopped(cast.liu_yang_login, child, clock)
    [notice] = Notice.objects.filter(kind="for-ward")
    assert (notice.person, "刘洋于2018年10月15日为陈小宇办理了“少儿停保”" in notice.text) == (
        cast.chen_jing,
        True,
    )


def test_a_child_of_fourteen_is_told_too(cast: Cast, clock: Clock) -> None:
    clock.set("2018-10-15 10:00")
    ward = guarded(person("陈小川", NANSHAN, "2004-10-15", 23), cast.chen_jing)
    insured(ward, ChargeStatus.PAID)
    stopped(cast.chen_jing_login, ward, clock)
    assert [one.person for one in Notice.objects.filter(kind="for-ward")] == [ward]


def test_an_uncle_is_no_guardian(child: Person, cast: Cast, clock: Clock) -> None:
    coverage = insured(child, ChargeStatus.PAID)
    with pytest.raises(desk.NotAllowed, match="您不是陈小宇的登记监护人"):
        stopped(cast.li_qiang_login, child, clock)
    coverage.refresh_from_db()
    assert coverage.until is None


def test_from_the_eighteenth_birthday_on_no_guardian_stops_it(cast: Cast, clock: Clock) -> None:
    clock.set("2018-10-14 23:59")
    ward = guarded(person("陈大川", NANSHAN, "2000-10-15", 23), cast.chen_jing)
    insured(ward, ChargeStatus.PAID)
    assert not why(cast.chen_jing_login, ward, clock)
    clock.set("2018-10-15 00:00")
    with pytest.raises(desk.NotAllowed, match="陈大川已满18周岁，请由本人登录办理"):
        stopped(cast.chen_jing_login, ward, clock)


def test_twice_there_is_nothing_left_to_stop(child: Person, cast: Cast, clock: Clock) -> None:
    insured(child, ChargeStatus.OWED)
    stopped(cast.chen_jing_login, child, clock)
    clock.set("2018-10-15 10:05")
    assert "没有以少儿身份在保的医疗保险" in why(cast.liu_yang_login, child, clock)[""]


def test_a_child_does_not_stop_it_alone(cast: Cast, child: Person, clock: Clock) -> None:
    own = User.objects.create_person(child, password=None)
    insured(child, ChargeStatus.PAID)
    assert "由登记的监护人登录办理" in why(own, None, clock)[""]


def test_the_consequence_must_be_understood(child: Person, cast: Cast, clock: Clock) -> None:
    insured(child, ChargeStatus.PAID)
    assert "请先确认" in why(cast.chen_jing_login, child, clock, understood="")["understood"]


# Students


def test_a_student_of_age_stops_after_the_paid_year(cast: Cast, clock: Clock) -> None:
    clock.set("2019-06-30 10:00")
    student = person("方学", NANSHAN, "1999-01-20", 41)
    coverage = insured(student, ChargeStatus.PAID, capacity=Capacity.STUDENT)
    stopped(
        User.objects.create_person(student, password=None), None, clock, "student-stop", reason="graduated"
    )
    coverage.refresh_from_db()
    assert coverage.until == Month(2019, 9)


def test_a_pupils_mother_stops_it_and_hears_what_else_there_is(
    child: Person, cast: Cast, clock: Clock
) -> None:
    coverage = insured(child, ChargeStatus.PAID, capacity=Capacity.STUDENT)
    case = stopped(cast.chen_jing_login, child, clock, "student-stop")
    coverage.refresh_from_db()
    assert coverage.until == Month(2019, 9)
    assert any("不必停保" in value for _label, value in case.facts["summary"])


def test_a_childs_coverage_is_no_students(child: Person, cast: Cast, clock: Clock) -> None:
    insured(child, ChargeStatus.PAID)
    assert "没有以学生身份在保" in why(cast.chen_jing_login, child, clock, "student-stop")[""]


def test_paid_months_after_other_insurance_begins_are_for_the_window(
    child: Person, cast: Cast, clock: Clock
) -> None:
    insured(child, ChargeStatus.PAID, capacity=Capacity.STUDENT)
    other = {"reason": "insured-elsewhere", "elsewhere_from": "2018-11"}
    assert (
        "请到窗口办理" in why(cast.chen_jing_login, child, clock, "student-stop", **other)["elsewhere_from"]
    )


def test_unpaid_it_ends_where_other_insurance_begins(cast: Cast, clock: Clock) -> None:
    clock.set("2018-11-05 10:00")
    student = person("方学", NANSHAN, "1996-01-20", 41)
    coverage = insured(student, ChargeStatus.OWED, capacity=Capacity.STUDENT)
    login = User.objects.create_person(student, password=None)
    stopped(login, None, clock, "student-stop", reason="insured-elsewhere", elsewhere_from="2018-12")
    coverage.refresh_from_db()
    assert coverage.until == Month(2018, 12)
    cover(
        student, Insurance.MEDICAL, "shenzhen", "2018-12",
        at=employer("深圳南山设计有限公司", "shenzhen", NANSHAN, 401),
    )  # fmt: skip
