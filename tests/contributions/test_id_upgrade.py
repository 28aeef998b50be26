"""身份证号正常升位: the months of a record under 15 digits go to their person, once."""

import datetime as dt
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client

from contributions.charges import brought_in
from contributions.models import BroughtIn, Charge
from portal.accounts.models import User
from portal.accounts.roles import MANAGER
from portal.hall.routing import Status
from portal.people.models import FormerNumber, Person, Sex
from portal.shared import identity
from portal.shared.insurance import Insurance
from portal.shared.months import Month
from tests.cast import Cast, cover, staff
from tests.filing import file, reasons, ways
from tests.workbench import listed

CODE, SHENZHEN, PENSION = "id-upgrade", "shenzhen", Insurance.PENSION


@pytest.fixture
def worker(db: None) -> User:
    who = Person.objects.create(
        identity_number="440301198501011236",
        name="何伟",
        sex=Sex.MALE,
        birth_date=dt.date(1985, 1, 1),
        household_code="440301",
    )
    return User.objects.create_person(who, password=None)


def record(number: str = "440301850101123", name: str = "何伟", **more: Any) -> FormerNumber:
    return FormerNumber.objects.create(
        number=number,
        name=name,
        city=SHENZHEN,
        periods=[["1996-03", "1996-12"], ["1997-02", "1997-05"]],
        wages={"1996": "5400", "1997": "2100"},
        source="养老保险手册（1997年）",
        **more,
    )


def asked(number: str = "440301850101123") -> dict[str, Any]:
    return {"former_number": number}


def why_not(user: User, now: dt.datetime, number: str = "440301850101123") -> str:
    return reasons(user, SHENZHEN, CODE, asked(number), now).get("former_number", "")


def test_the_old_months_become_the_persons_own(worker: User, now: dt.datetime) -> None:
    old = record()
    case = file(worker, SHENZHEN, CODE, asked(" 440301 850101 123 "), now)
    assert case.status == Status.DONE
    assert dict(case.outcome["lines"])["并入的月份"].endswith("共 12 个月")
    assert worker.person is not None
    months = brought_in.counted_months(worker.person, insurance=PENSION, city=SHENZHEN)
    assert (len(months), min(months), max(months)) == (12, Month(1996, 3), Month(1997, 4))
    assert BroughtIn.objects.get().wages == {"1996": "5400", "1997": "2100"}
    old.refresh_from_db()
    assert old.person == worker.person
    # It is theirs already, and the database lets nobody else have it.
    assert "与现在的登记相同" in why_not(worker, now)
    with pytest.raises(DatabaseError, match="pgtrigger"), transaction.atomic():
        FormerNumber.objects.update(person=None, taken_over_at=None)


def test_a_number_becomes_one_of_18_digits() -> None:
    assert identity.upgrade("440301850101123") == "440301198501011236"
    assert identity.upgrade("440304680229004") == "440304196802290048"


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("440301850101124", "不是正常升位"),
        ("440305840101997", "请到窗口办理"),
        ("44030185010112", "15 位"),
        ("44030185010112X", "15 位"),
        ("440301850230123", "出生日期"),
        ("", "请填写"),
        ("440301850101123", "没有查到这个15位号码的参保记录"),
    ],
)
def test_what_is_no_upgrade(worker: User, now: dt.datetime, number: str, why: str) -> None:
    record("440301850101124")
    assert why in why_not(worker, now, number)


def test_another_name_is_settled_at_the_window(worker: User, now: dt.datetime) -> None:
    record(name="何苇")
    assert "姓名不一致" in why_not(worker, now)


def test_a_month_under_both_numbers_goes_back_first(cast: Cast, worker: User, now: dt.datetime) -> None:
    record()
    assert worker.person is not None
    coverage = cover(worker.person, PENSION, SHENZHEN, "1997-04", "1997-05")
    values = {"capacity": "flexible", "base": "700", "policy": "old", "policy_since": "1997-01-01"}
    fen = {"amount_fen": 14000, "personal_fen": 14000, "employer_fen": 0, "account_fen": 5600}
    Charge.objects.create(
        city=SHENZHEN,
        person=worker.person,
        coverage=coverage,
        insurance=PENSION,
        month=Month(1997, 4),
        basis="60",
        due_on="1997-04-30",
        created_at=now,
        **values,
        **fen,
    )
    assert "重复月份（1997年4月）" in why_not(worker, now)
    assert ways(worker, SHENZHEN, CODE, asked(), now) == {"/shenzhen/services/duplicate-refund/"}


def test_staff_find_the_person_by_the_old_number(worker: User, now: dt.datetime, client: Client) -> None:
    record()
    file(worker, SHENZHEN, CODE, asked(), now)
    client.force_login(staff("all-9", "黄静", "", MANAGER))
    assert listed(client, "/admin/people/person/", "440301850101123") == ["何伟"]
    page = client.get(f"/admin/people/person/{worker.person_id}/change/").content.decode()
    assert identity.mask("440301850101123") in page


def test_the_record_says_how_many_months_were_added(worker: User, now: dt.datetime) -> None:
    record()
    file(worker, SHENZHEN, CODE, asked(), now)
    assert worker.person is not None
    assert brought_in.elsewhere(worker.person)[PENSION].brought_in == 12
