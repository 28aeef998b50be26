"""少儿、学生参保信息维护: account and name as the registers have them, from student to child after
the paid months, and insured again."""

from typing import Any

import pytest

from contributions.charges import charging
from contributions.models import Charge, ChargeStatus
from enrollment.models import Coverage
from portal.accounts.models import User
from portal.hall import desk
from portal.hall.models import Case
from portal.hall.routing import Status
from portal.people.models import BankAccount, Person
from portal.registers.models import BankAccountRecord, HouseholdRecord
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month
from tests.cast import NANSHAN, Cast, cover, person
from tests.conftest import Clock
from tests.family import guarded
from tests.filing import file, reasons

pytestmark = pytest.mark.django_db

CODE, CITY = "child-student-upkeep", "shenzhen"
NUMBER = "6217995840000101"


@pytest.fixture
def child(cast: Cast, clock: Clock) -> Person:
    """A boy of six with a household in Shenzhen, whose guardians are 陈静 and 刘洋."""
    clock.set("2018-12-05 10:00")
    who = guarded(person("陈小宇", NANSHAN, "2012-05-06", 21), cast.chen_jing, cast.liu_yang)
    HouseholdRecord.objects.create(identity_number=who.identity_number, name="陈小宇", place_code=NANSHAN)
    return who


def insured(
    who: Person, start: str, until: str | None = None, capacity: Capacity = Capacity.CHILD
) -> Coverage:
    return cover(who, Insurance.MEDICAL, CITY, start, until, capacity=capacity, tier="standard")


def filed(login: User, ward: Person | None, clock: Clock, **typed: Any) -> Case:
    return file(login, CITY, CODE, typed, clock.now, ward=ward)


def why(login: User, ward: Person | None, clock: Clock, **typed: Any) -> dict[str, str]:
    return reasons(login, CITY, CODE, typed, clock.now, ward)


def account(holder: Person) -> None:
    BankAccountRecord.objects.create(
        bank="psbc", number=NUMBER, holder=holder.name, identity_number=holder.identity_number
    )


def test_resumed_in_december_it_runs_to_august(cast: Cast, child: Person, clock: Clock) -> None:
    insured(child, "2017-09", "2018-09")
    case = filed(cast.chen_jing_login, child, clock, action="resume")
    assert case.status == Status.DONE
    owed = Charge.objects.filter(status=ChargeStatus.OWED)
    assert (len(owed), sum(one.amount_fen for one in owed)) == (9, 23202)
    assert case.outcome["links"][0][1] == f"/shenzhen/services/child-medical-pay/apply/?for={child.pk}"
    assert "仍在保，不能重复参保" in why(cast.liu_yang_login, child, clock, action="resume")["action"]


def test_after_the_20th_the_month_is_chosen(cast: Cast, child: Person, clock: Clock) -> None:
    clock.set("2018-12-21 10:00")
    insured(child, "2017-09", "2018-09")
    assert "start" in why(cast.chen_jing_login, child, clock, action="resume")
    filed(cast.chen_jing_login, child, clock, action="resume", start="2019-01")
    assert str(Coverage.objects.get(until=None).start) == "2019-01"


def test_a_pupil_who_leaves_is_a_child_after_the_paid_months(cast: Cast, child: Person, clock: Clock) -> None:
    clock.set("2018-09-03 10:00")
    student = insured(child, "2018-09", capacity=Capacity.STUDENT)
    charging.charge(city=CITY, month=Month(2018, 9), by=User.objects.system(), now=clock.now)
    Charge.objects.update(status=ChargeStatus.PAID)
    clock.set("2019-03-05 10:00")
    case = filed(cast.chen_jing_login, child, clock, action="left-school")
    student.refresh_from_db()
    new = Coverage.objects.get(capacity=Capacity.CHILD)
    assert (case.status, student.until, new.start) == (Status.DONE, Month(2019, 9), Month(2019, 9))
    assert Charge.objects.filter(status=ChargeStatus.PAID).count() == Charge.objects.count() == 12
    again = why(cast.liu_yang_login, child, clock, action="left-school")
    assert "仍在保，不能重复参保" in again["action"]


def test_a_guardians_account_is_drawn_on_and_an_uncles_is_not(
    cast: Cast, child: Person, clock: Clock
) -> None:
    insured(child, "2018-09")
    account(cast.liu_yang)
    typed = {"action": "account", "account_number": NUMBER}
    assert filed(cast.chen_jing_login, child, clock, **typed).status == Status.DONE
    drawn = BankAccount.objects.get()
    assert (drawn.person, drawn.holder, drawn.start) == (child, "刘洋", Month(2018, 12))
    assert "与现在的登记相同" in why(cast.chen_jing_login, child, clock, **typed)["account_number"]
    BankAccount.objects.all().delete()
    BankAccountRecord.objects.update(identity_number=cast.li_qiang.identity_number, holder="李强")
    refused = why(cast.chen_jing_login, child, clock, **typed)
    assert "开户人不是监护人" in refused["account_number"]
    assert filed(cast.chen_jing_login, child, clock, **typed).status == Status.PRE_APPLIED


def test_another_household_cannot_resume(cast: Cast, child: Person, clock: Clock) -> None:
    insured(child, "2017-09", "2018-09")
    HouseholdRecord.objects.update(place_code="440103")
    assert "不是深圳户籍" in why(cast.chen_jing_login, child, clock, action="resume")["action"]


def test_a_new_name_that_the_register_has_is_done(cast: Cast, child: Person, clock: Clock) -> None:
    insured(child, "2018-09")
    HouseholdRecord.objects.update(name="陈晓宇")
    assert filed(cast.chen_jing_login, child, clock, action="name", name="陈晓宇").status == Status.DONE
    child.refresh_from_db()
    assert child.name == "陈晓宇"
    assert "不一致" in why(cast.chen_jing_login, child, clock, action="name", name="陈宇")["name"]


def test_only_a_guardian_and_only_who_was_insured(cast: Cast, child: Person, clock: Clock) -> None:
    assert "没有以少儿或学生身份参加过" in why(cast.chen_jing_login, child, clock, action="resume")[""]
    with pytest.raises(desk.NotAllowed, match="您不是陈小宇的登记监护人"):
        filed(cast.li_qiang_login, child, clock, action="resume")
    insured(child, "2018-09")
    own = User.objects.create_person(child, password=None)
    assert "由登记的监护人登录办理" in why(own, None, clock, action="resume")[""]


def test_a_student_of_age_changes_only_account_and_name(cast: Cast, clock: Clock) -> None:
    clock.set("2018-12-05 10:00")
    student = person("方学", NANSHAN, "1999-01-20", 41)
    insured(student, "2018-09", capacity=Capacity.STUDENT)
    login = User.objects.create_person(student, password=None)
    assert "不能以少儿身份参保" in why(login, None, clock, action="left-school")["action"]
    account(student)
    assert filed(login, None, clock, action="account", account_number=NUMBER).status == Status.DONE
