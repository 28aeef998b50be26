"""监护人信息维护: parents by the registers at once, all else at the counter; the other guardian is
told, and nobody learns of a child that is not theirs."""

import datetime as dt
from typing import Any

import pytest

from portal.accounts import coming_of_age
from portal.accounts.models import Notice, User
from portal.accounts.permissions import wards
from portal.accounts.roles import REVIEWER
from portal.hall import desk
from portal.hall.models import Case, Conclusion, WindowCheck
from portal.hall.routing import Status
from portal.people import guardianship
from portal.people.models import Guardianship, Person, Proof, Relation
from portal.policy.book import book
from portal.registers.models import BirthRecord, HouseholdRecord
from tests.cast import CHANGSHA, NANSHAN, Cast, identity_number, person, staff
from tests.conftest import Clock
from tests.filing import file, reasons

pytestmark = pytest.mark.django_db

CODE = "guardian-upkeep"
NUMBER = identity_number(NANSHAN, "2015-03-08", 22)
NAME = "陈小雨"
CERTIFICATE = "Q440000123"
TODAY = dt.date(2026, 11, 17)


def typed(**more: str) -> dict[str, str]:
    return {
        "action": "join", "ward_number": NUMBER, "ward_name": NAME, "relation": "parent", "proof": "household", **more
    }  # fmt: skip


@pytest.fixture
def books(cast: Cast, clock: Clock) -> None:
    """The child in the mother's book; the father in another, and on the birth certificate."""
    mother, father = cast.chen_jing, cast.liu_yang
    for number, name, place, book_number, parents in (
        (NUMBER, NAME, NANSHAN, "4403050017", {"mother_number": mother.identity_number}),
        (mother.identity_number, mother.name, NANSHAN, "4403050017", {}),
        (father.identity_number, father.name, CHANGSHA, "4301020001", {}),
    ):
        HouseholdRecord.objects.create(
            identity_number=number, name=name, place_code=place, book_number=book_number, **parents
        )
    BirthRecord.objects.create(
        certificate_number=CERTIFICATE,
        identity_number=NUMBER,
        name=NAME,
        father_number=father.identity_number,
        mother_number=mother.identity_number,
    )


def joined(login: User, clock: Clock, **more: str) -> Case:
    return file(login, "shenzhen", CODE, typed(**more), clock.now)


def why(login: User, clock: Clock, **more: str) -> dict[str, str]:
    return reasons(login, "shenzhen", CODE, typed(**more), clock.now)


def told(kind: str = "for-ward") -> list[tuple[str, str]]:
    return [
        (one.person.name, one.text) for one in Notice.objects.filter(kind=kind).order_by("pk") if one.person
    ]


def decided(case: Case, clock: Clock) -> Case:
    """Two reviewers of Shenzhen overrule what did not match."""
    first, second = (staff(f"sz-{n}", f"审核{n}", "shenzhen", REVIEWER) for n in "一二")
    desk.propose_overruling(case, reason="窗口核对原件", by=first, now=clock.now)
    return desk.decide(case, approve=True, overrule=True, by=second, now=clock.now)


def test_the_mother_in_the_same_book_is_done_at_once(books: None, cast: Cast, clock: Clock) -> None:
    case = joined(cast.chen_jing_login, clock)
    assert case.status == Status.DONE
    one = Guardianship.objects.get()
    assert (one.guardian, one.ward.name, one.place) == (cast.chen_jing, NAME, 1)
    assert (one.proof_kind, one.start, one.ends_on) == ("household", TODAY, dt.date(2033, 3, 8))
    assert [ward.name for ward in wards(cast.chen_jing_login)] == [NAME]


def test_the_father_by_the_birth_certificate_and_the_mother_is_told(
    books: None, cast: Cast, clock: Clock
) -> None:
    joined(cast.chen_jing_login, clock)
    case = joined(cast.liu_yang_login, clock, proof="birth", certificate_number="q440000123")
    assert case.status == Status.DONE
    assert Guardianship.objects.get(guardian=cast.liu_yang).place == 2
    [(whom, text)] = told()
    assert whom == "陈静"
    assert text == "刘洋于2026年11月17日为陈小雨办理了“监护人信息维护”，如有异议请拨打12333。"


def test_a_father_whom_no_register_names_goes_to_the_counter(books: None, cast: Cast, clock: Clock) -> None:
    case = joined(cast.liu_yang_login, clock)
    assert case.status == Status.PRE_APPLIED
    assert not Guardianship.objects.exists()
    assert case.facts["papers"] == ["identity-card", "household-book"]
    assert decided(case, clock).status == Status.DONE
    assert "窗口核对" in Guardianship.objects.get().proof


def test_a_grandmother_by_the_committees_paper_goes_to_the_counter(
    books: None, cast: Cast, clock: Clock
) -> None:
    case = joined(cast.zhang_min_login, clock, relation="grandparent", proof="appointed")
    assert case.status == Status.PRE_APPLIED
    decided(case, clock)
    one = Guardianship.objects.get()
    assert (one.relation, one.proof_kind) == ("grandparent", "appointed")


def test_a_third_is_barred(books: None, cast: Cast, clock: Clock) -> None:
    joined(cast.chen_jing_login, clock)
    ward = Person.objects.get(identity_number=NUMBER)
    guardianship.begin(
        guardian=cast.zhang_min, ward=ward, relation=Relation.GRANDPARENT, proof_kind=Proof.APPOINTED,
        proof="居委会指定", start=TODAY, on=TODAY,
    )  # fmt: skip
    assert why(cast.liu_yang_login, clock, proof="birth", certificate_number=CERTIFICATE) == {
        "": "已登记两名监护人，请先变更其中一名。"
    }


def test_whoever_is_no_parent_learns_nothing_of_the_child(books: None, cast: Cast, clock: Clock) -> None:
    """The same answer for a child with two guardians, under the right name and a wrong one, and for
    a child that no register knows."""
    joined(cast.chen_jing_login, clock)
    joined(cast.liu_yang_login, clock, proof="birth", certificate_number=CERTIFICATE)
    unknown = identity_number(NANSHAN, "2016-05-05", 64)
    answers = [
        why(cast.wang_fang_login, clock, **more)
        for more in ({}, {"ward_name": "别人"}, {"ward_number": unknown})
    ]
    assert answers[0] == answers[1] == answers[2]
    assert list(answers[0]) == ["proof"]


def test_a_file_under_another_name_stops_it_at_the_counter_too(books: None, cast: Cast, clock: Clock) -> None:
    person("陈小羽", NANSHAN, "2015-03-08", 22)
    case = joined(cast.chen_jing_login, clock)
    assert case.status == Status.PRE_APPLIED
    with pytest.raises(desk.NotAccepted, match="姓名与登记的不一致"):
        decided(case, clock)
    assert not Guardianship.objects.exists()


def test_ending_the_other_is_for_the_counter_and_she_is_told_twice(
    books: None, cast: Cast, clock: Clock
) -> None:
    joined(cast.chen_jing_login, clock)
    joined(cast.liu_yang_login, clock, proof="birth", certificate_number=CERTIFICATE)
    before = len(told())
    mother = {"other_number": cast.chen_jing.identity_number, "other_name": "陈静"}
    case = joined(cast.liu_yang_login, clock, action="end", **mother)
    assert case.status == Status.PRE_APPLIED
    assert case.facts["papers"] == ["identity-card-end", "end-paper"]
    assert "申报了" in told()[before][1]
    decided(case, clock)
    assert [whom for whom, _text in told()[before:]] == ["陈静", "陈静"]
    assert not wards(cast.chen_jing_login).exists()
    assert wards(cast.liu_yang_login).exists()


def test_whoever_is_guardian_no_more_when_the_window_decides_ends_nobody(
    books: None, cast: Cast, clock: Clock
) -> None:
    """Each wants the other ended; the one whose case comes second is no guardian by then."""
    joined(cast.chen_jing_login, clock)
    joined(cast.liu_yang_login, clock, proof="birth", certificate_number=CERTIFICATE)
    mother = {"other_number": cast.chen_jing.identity_number, "other_name": "陈静"}
    father = {"other_number": cast.liu_yang.identity_number, "other_name": "刘洋"}
    second = joined(cast.chen_jing_login, clock, action="end", **father)
    ward = Person.objects.get(identity_number=NUMBER)
    clock.step(days=1)
    Guardianship.objects.filter(guardian=cast.chen_jing, ward=ward).update(ends_on=clock.now.date())
    with pytest.raises(desk.NotAccepted, match="您不是陈小雨的登记监护人"):
        decided(second, clock)
    assert "您不是" in why(cast.chen_jing_login, clock, action="end", **father)["ward_number"]
    assert why(cast.liu_yang_login, clock, action="end", **mother) == {
        "other_number": "这不是陈小雨的登记监护人，请核对号码和姓名。"
    }
    assert wards(cast.liu_yang_login).exists()


def test_a_ward_who_comes_of_age_before_the_window_gets_no_guardian(cast: Cast, clock: Clock) -> None:
    number = identity_number(NANSHAN, "2008-11-19", 31)
    case = joined(cast.zhang_min_login, clock, ward_number=number, ward_name="陈大山", proof="adoption")
    assert case.status == Status.PRE_APPLIED
    clock.set("2026-11-19 00:00")
    with pytest.raises(desk.NotAccepted, match="已满18周岁"):
        decided(case, clock)
    assert not Guardianship.objects.exists()


def test_the_other_guardian_hears_of_each_visit_to_the_window(books: None, cast: Cast, clock: Clock) -> None:
    joined(cast.chen_jing_login, clock)
    joined(cast.liu_yang_login, clock, proof="birth", certificate_number=CERTIFICATE)
    mother = {"other_number": cast.chen_jing.identity_number, "other_name": "陈静"}
    case = joined(cast.liu_yang_login, clock, action="end", **mother)
    by = staff("sz-3", "审核三", "shenzhen", REVIEWER)
    words = {"case": case, "at": clock.now, "by": by}
    desk.note_missing(WindowCheck(conclusion=Conclusion.LACKING, words="判决书原件", **words))
    declined = WindowCheck(conclusion=Conclusion.DECLINED, words="没有依据", **words)
    desk.decide(case, approve=False, by=by, now=clock.now, reason="没有依据", window=declined)
    assert {whom for whom, _text in told("case-missing")} == {"陈静", "刘洋"}
    [(_whom, text)] = [one for one in told("case-declined") if one[0] == "陈静"]
    assert text.startswith("刘洋申报的：办件")
    assert "不予受理：没有依据" in text


def test_only_a_guardian_names_or_ends_another(books: None, cast: Cast, clock: Clock) -> None:
    joined(cast.chen_jing_login, clock)
    other = {"other_number": cast.chen_jing.identity_number, "other_name": "陈静"}
    for action in ("second", "end"):
        assert "您不是" in why(cast.liu_yang_login, clock, action=action, **other)["ward_number"]


def test_the_second_guardian_is_named_at_the_counter(books: None, cast: Cast, clock: Clock) -> None:
    joined(cast.chen_jing_login, clock)
    father = {"other_number": cast.liu_yang.identity_number, "other_name": "刘洋", "proof": "appointed"}
    case = joined(cast.chen_jing_login, clock, action="second", **father)
    assert case.status == Status.PRE_APPLIED
    decided(case, clock)
    assert Guardianship.objects.get(guardian=cast.liu_yang).place == 2


def test_who_turns_eighteen_tomorrow_has_a_guardian_until_then(cast: Cast, clock: Clock) -> None:
    number = identity_number(NANSHAN, "2008-11-18", 31)
    for one, parents in ((number, {"mother_number": cast.chen_jing.identity_number}),
                         (cast.chen_jing.identity_number, {})):  # fmt: skip
        HouseholdRecord.objects.create(
            identity_number=one,
            name="陈大山" if parents else "陈静",
            place_code=NANSHAN,
            book_number="1",
            **parents,
        )
    case = joined(cast.chen_jing_login, clock, ward_number=number, ward_name="陈大山")
    assert case.status == Status.DONE
    assert wards(cast.chen_jing_login).exists()
    clock.set("2026-11-18 00:00")
    assert not wards(cast.chen_jing_login).exists()
    assert (
        "已满18周岁"
        in why(cast.chen_jing_login, clock, ward_number=number, ward_name="陈大山")["ward_number"]
    )


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"proof": "birth"}, "certificate_number"),
        ({"proof": "birth", "certificate_number": "123"}, "certificate_number"),
        ({"proof": ""}, "proof"),
        ({"relation": ""}, "relation"),
        ({"action": "second"}, "other_number"),
        ({"ward_number": "440305201503080000"}, "ward_number"),
        ({"ward_number": "E12345678"}, "ward_number"),
    ],
)
def test_what_is_missing_is_told_beside_its_field(
    books: None, cast: Cast, clock: Clock, wrong: dict[str, str], field: str
) -> None:
    assert field in why(cast.chen_jing_login, clock, **wrong)


def test_filed_twice_it_is_one(books: None, cast: Cast, clock: Clock) -> None:
    joined(cast.chen_jing_login, clock)
    assert "您已是" in why(cast.chen_jing_login, clock)["ward_number"]


# Coming of age


def test_thirty_days_before_all_are_told_once(cast: Cast, clock: Clock) -> None:
    def guarded(born: str, order: int, **more: Any) -> Person:
        ward = person("林一", NANSHAN, born, order)
        guardianship.begin(
            guardian=cast.chen_jing, ward=ward, relation=Relation.PARENT, proof_kind=Proof.HOUSEHOLD,
            proof="户口簿", start=dt.date(2020, 1, 1), on=TODAY, **more,
        )  # fmt: skip
        return ward

    guarded("2008-12-17", 31)
    guarded("2008-12-18", 33)
    guarded("2012-12-18", 35, ends_on=dt.date(2026, 12, 1))
    assert coming_of_age.tell(now=clock.now) == 1
    coming_of_age.tell(now=clock.now)
    assert [(whom, "2026年12月17日" in text) for whom, text in told("coming-of-age")] == [
        ("林一", True),
        ("陈静", True),
    ]


def test_the_offer_is_compared(cast: Cast) -> None:
    assert book().city("shenzhen").offers[CODE].mode == "match"
