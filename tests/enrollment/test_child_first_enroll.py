"""深户非在园在校少儿首次参保: newborns from birth, others from the month that counts; compared with
the register, the rest at the counter."""

import datetime as dt

import pytest

from contributions.models import Charge, ChargeStatus, PublicShare
from enrollment.models import Coverage
from portal.accounts.models import Notice, User
from portal.accounts.permissions import wards
from portal.accounts.roles import REVIEWER
from portal.hall import desk
from portal.hall.catalogue import service
from portal.hall.models import Case
from portal.hall.routing import Status
from portal.people.models import BankAccount, Guardianship, Person
from portal.registers.models import (
    BankAccountRecord,
    BirthRecord,
    HouseholdRecord,
    SecurityCardRecord,
)
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month
from tests.cast import CHANGSHA, NANSHAN, Cast, cover, identity_number, staff
from tests.conftest import Clock
from tests.filing import file, reasons

pytestmark = pytest.mark.django_db

CODE, CITY, NAME = "child-first-enroll", "shenzhen", "陈小雨"
CERTIFICATE = "Q440000123"
BOOK = "4403050017"
ACCOUNT = "6217995840000101"


def number(born: str) -> str:
    return identity_number(NANSHAN, born, 22)


def registered(cast: Cast, born: str, settled: str, *, place: str = NANSHAN, name: str = NAME) -> str:
    """The child in the mother's book; the father in another, and on the birth certificate."""
    child, mother, father = number(born), cast.chen_jing, cast.liu_yang
    for who, called, where, in_book, parents in (
        (child, name, place, BOOK, {"mother_number": mother.identity_number}),
        (mother.identity_number, mother.name, NANSHAN, BOOK, {}),
        (father.identity_number, father.name, CHANGSHA, "4301020001", {}),
    ):
        HouseholdRecord.objects.create(
            identity_number=who,
            name=called,
            place_code=where,
            book_number=in_book,
            settled_on=dt.date.fromisoformat(settled) if who == child else None,
            **parents,
        )
    BirthRecord.objects.create(
        certificate_number=CERTIFICATE,
        identity_number=child,
        name=NAME,
        father_number=father.identity_number,
        mother_number=mother.identity_number,
    )
    return child


def typed(born: str, settled: str, **more: str) -> dict[str, str]:
    return {
        "child_number": number(born),
        "child_name": NAME,
        "household": "city",
        "settled_on": settled,
        "relation": "parent",
        "phone": "13800000003",
        **more,
    }


def filed(login: User, clock: Clock, born: str, settled: str, **more: str) -> Case:
    return file(login, CITY, CODE, typed(born, settled, **more), clock.now)


def why(login: User, clock: Clock, born: str, settled: str, **more: str) -> dict[str, str]:
    return reasons(login, CITY, CODE, typed(born, settled, **more), clock.now)


def owed() -> tuple[str, int, int]:
    """The first month, the months and the sum of what is owed."""
    charges = Charge.objects.filter(status=ChargeStatus.OWED).order_by("month")
    return str(charges[0].month), len(charges), sum(one.amount_fen for one in charges)


@pytest.mark.parametrize(
    ("born", "settled", "filed_on", "chosen", "first", "months", "sum_fen"),
    [
        # Within a month after settling: from birth, at the prices of two years.
        ("2018-07-10", "2018-08-20", "2018-09-10", "", "2018-07", 14, 35404),
        ("2018-07-10", "2018-08-20", "2018-09-20", "", "2018-07", 14, 35404),
        # A day later the month of filing counts, and from the 21st on the next one may.
        ("2018-07-10", "2018-08-20", "2018-09-21", "2018-09", "2018-09", 12, 30936),
        ("2018-03-01", "2018-06-01", "2018-09-25", "2018-09", "2018-09", 12, 30936),
        # Within six months after birth.
        ("2026-09-15", "2026-10-01", "2026-11-05", "", "2026-09", 12, 48672),
        # Who moves here later is no newborn.
        ("2015-03-08", "2018-09-01", "2018-09-10", "", "2018-09", 12, 30936),
    ],
)
def test_it_begins_with_birth_or_with_the_month_that_counts(
    cast: Cast, clock: Clock, born: str, settled: str, filed_on: str, chosen: str, first: str, months: int, sum_fen: int
) -> None:  # fmt: skip
    clock.set(f"{filed_on} 10:00")
    registered(cast, born, settled)
    more = {"start": chosen or filed_on[:7]} if int(filed_on[-2:]) > 20 else {}
    case = filed(cast.chen_jing_login, clock, born, settled, **more)
    assert case.status == Status.DONE
    assert owed() == (first, months, sum_fen)
    assert PublicShare.objects.count() == months
    assert {one.due_on for one in Charge.objects.all()} == {Month.of(clock.now.date()).last_day}
    [one] = Coverage.objects.all()
    assert (one.capacity, one.insurance, str(one.start), one.until) == ("child", "medical", first, None)
    child = Person.objects.get(identity_number=number(born))
    assert [one.pk for one in wards(cast.chen_jing_login)] == [child.pk]
    assert case.outcome["links"][0][1] == f"/shenzhen/services/child-medical-pay/apply/?for={child.pk}"


def test_from_the_next_month_it_is_charged_with_that(cast: Cast, clock: Clock) -> None:
    clock.set("2018-09-25 10:00")
    registered(cast, "2018-03-01", "2018-06-01")
    case = filed(cast.chen_jing_login, clock, "2018-03-01", "2018-06-01", start="2018-10")
    assert "2018年10月至2019年8月，共 11 个月，283.58 元" in dict(case.facts["summary"])["医疗保险"]
    assert str(Coverage.objects.get().start) == "2018-10"
    assert not Charge.objects.exists()


def test_another_day_of_settling_ends_at_the_counter(cast: Cast, clock: Clock) -> None:
    clock.set("2018-09-10 10:00")
    registered(cast, "2018-07-10", "2018-08-20")
    case = filed(cast.chen_jing_login, clock, "2018-07-10", "2018-08-21")
    assert case.status == Status.PRE_APPLIED
    assert [one["why"] for one in case.mismatches] == ["入户日期与户籍登记不一致。"]
    papers = service(CODE).papers(desk.ask_of(case), desk.look(desk.ask_of(case)).facts)
    assert [one.code for one in papers] == ["identity-card", "household-book"]
    assert not Coverage.objects.exists()
    second = staff("shenzhen-2", "罗兰", CITY, REVIEWER)
    desk.propose_overruling(case, reason="核对户口簿", by=cast.shenzhen_reviewer, now=clock.now)
    desk.decide(case, approve=True, overrule=True, by=second, now=clock.now)
    assert owed() == ("2018-07", 14, 35404)


def test_a_father_in_another_book_is_named_by_the_birth_certificate(cast: Cast, clock: Clock) -> None:
    clock.set("2018-09-10 10:00")
    registered(cast, "2018-07-10", "2018-08-20")
    login = cast.liu_yang_login
    refused = why(login, clock, "2018-07-10", "2018-08-20")
    assert refused == {"child_number": "户籍登记或出生登记中没有查到您是这名孩子的父母。"}
    case = filed(login, clock, "2018-07-10", "2018-08-20", certificate_number=CERTIFICATE)
    assert (case.status, Guardianship.objects.get().proof_kind) == (Status.DONE, "birth")


def test_the_second_parent_becomes_a_guardian_too_and_is_told(cast: Cast, clock: Clock) -> None:
    clock.set("2018-09-10 10:00")
    registered(cast, "2018-07-10", "2018-08-20")
    father = {
        "second_number": cast.liu_yang.identity_number,
        "second_name": cast.liu_yang.name,
        "certificate_number": CERTIFICATE,
    }
    case = filed(cast.chen_jing_login, clock, "2018-07-10", "2018-08-20", **father)
    assert case.status == Status.DONE
    assert [one.guardian for one in Guardianship.objects.order_by("place")] == [cast.chen_jing, cast.liu_yang]
    assert [one.person for one in Notice.objects.filter(kind="for-ward")] == [cast.liu_yang]
    uncle = {"second_number": cast.li_qiang.identity_number, "second_name": cast.li_qiang.name}
    Coverage.objects.all().update(live=False)
    assert "second_number" in why(cast.chen_jing_login, clock, "2018-07-10", "2018-08-20", **uncle)


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"child_name": "陈小雪"}, "child_number", "没有查到您是这名孩子的父母"),
        ({"household": "elsewhere"}, "household", "本事项只面向深圳户籍"),
        ({"settled_on": "2018-07-01"}, "settled_on", "不能早于孩子的出生日期"),
        ({"settled_on": "2018-09-11"}, "settled_on", "不能晚于今天"),
        ({"second_name": "刘洋"}, "second_number", "请填写另一名监护人的身份证号码"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(
    cast: Cast, clock: Clock, changes: dict[str, str], field: str, said: str
) -> None:
    clock.set("2018-09-10 10:00")
    registered(cast, "2018-07-10", "2018-08-20")
    assert said in why(cast.chen_jing_login, clock, "2018-07-10", "2018-08-20", **changes)[field]


def test_who_is_registered_elsewhere_goes_to_the_counter(cast: Cast, clock: Clock) -> None:
    clock.set("2018-09-10 10:00")
    registered(cast, "2018-07-10", "2018-08-20", place=CHANGSHA)
    assert "不在深圳" in why(cast.chen_jing_login, clock, "2018-07-10", "2018-08-20")["household"]


def test_at_eighteen_nobody_files_for_another(cast: Cast, clock: Clock) -> None:
    clock.set("2018-09-10 10:00")
    refused = why(cast.chen_jing_login, clock, "2000-09-10", "2018-08-20")
    assert refused == {"child_number": "陈小雨已满18周岁，请由本人登录办理。"}


def test_twice_it_is_barred_and_pupils_are_the_schools(cast: Cast, clock: Clock) -> None:
    clock.set("2018-09-10 10:00")
    registered(cast, "2018-07-10", "2018-08-20")
    filed(cast.chen_jing_login, clock, "2018-07-10", "2018-08-20")
    again = why(cast.chen_jing_login, clock, "2018-07-10", "2018-08-20")
    assert "仍在保，不能重复参保" in again["child_number"]
    # A stranger learns nothing of it.
    assert "没有查到您是" in why(cast.li_qiang_login, clock, "2018-07-10", "2018-08-20")["child_number"]
    Coverage.objects.update(live=False)
    child = Person.objects.get(identity_number=number("2018-07-10"))
    cover(child, Insurance.MEDICAL, CITY, "2018-09", capacity=Capacity.STUDENT, tier="standard")
    assert "由学校统一参保" in why(cast.chen_jing_login, clock, "2018-07-10", "2018-08-20")["child_number"]


def account(of: str, holder: str) -> None:
    BankAccountRecord.objects.create(bank="psbc", number=ACCOUNT, holder=holder, identity_number=of)


def test_a_guardians_account_is_drawn_on_for_the_child(cast: Cast, clock: Clock) -> None:
    clock.set("2018-09-10 10:00")
    child = registered(cast, "2018-07-10", "2018-08-20")
    account(cast.chen_jing.identity_number, cast.chen_jing.name)
    case = filed(cast.chen_jing_login, clock, "2018-07-10", "2018-08-20", account_number=ACCOUNT)
    [drawn] = BankAccount.objects.filter(person__identity_number=child)
    assert (case.status, drawn.holder, drawn.number, drawn.start) == (
        Status.DONE,
        "陈静",
        ACCOUNT,
        Month(2018, 9),
    )


def test_an_account_of_an_uncle_ends_at_the_counter(cast: Cast, clock: Clock) -> None:
    clock.set("2018-09-10 10:00")
    registered(cast, "2018-07-10", "2018-08-20")
    account(cast.li_qiang.identity_number, cast.li_qiang.name)
    refused = why(cast.chen_jing_login, clock, "2018-07-10", "2018-08-20", account_number=ACCOUNT)
    assert "开户人不是监护人" in refused["account_number"]


def test_an_activated_card_is_the_account(cast: Cast, clock: Clock) -> None:
    clock.set("2018-09-10 10:00")
    child = registered(cast, "2018-07-10", "2018-08-20")
    SecurityCardRecord.objects.create(
        identity_number=child, bank="psbc", number="6217995840009999", activated=True
    )
    account(cast.chen_jing.identity_number, cast.chen_jing.name)
    other = why(cast.chen_jing_login, clock, "2018-07-10", "2018-08-20", account_number=ACCOUNT)
    assert "已激活" in other["account_number"]
    filed(cast.chen_jing_login, clock, "2018-07-10", "2018-08-20")
    assert BankAccount.objects.get().number == "6217995840009999"
