"""An empty installation is filled: staff open employers and people's files by two hands, and the
first clerk comes in."""

from typing import Any

import pytest
from django.test import Client

from portal.accounts import notices, proposals
from portal.accounts.models import OutboxMessage, Proposal, User
from portal.accounts.person_changes import propose_guardianship
from portal.accounts.roles import COLLECTOR, MANAGER, REVIEWER
from portal.people.models import Employer, Guardianship, Person
from portal.people.persons import record
from tests.accounts.knocking import EMPLOYER, code_sent_to, hidden, knock
from tests.cast import NOW, Cast, employer_code, identity_number, staff
from tests.conftest import Clock

pytestmark = pytest.mark.django_db

OPEN_EMPLOYER = "/admin/people/employer/add/"
OPEN_PERSON = "/admin/people/person/add/"
CODE = employer_code("330211", 777)
NUMBER = identity_number("330211", "1991-04-05", 31)
TYPED = {
    "credit_code": f" {CODE.lower()} ",
    "name": "宁波新开 贸易有限公司",
    "city": "ningbo",
    "insurance_number": "330211000777",
    "industry_grade": "3",
    "contact_name": "何秀英",
    "contact_phone": "13900000777",
    "reason": "营业执照副本和授权书",
}
OF_PERSON = {
    "identity_number": NUMBER,
    "name": "买买提•艾力",
    "phone": "",
    "household_code": "330211",
    "city": "ningbo",
    "reason": "身份证原件",
}


def inside(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="portal.accounts.doors.StaffDoor")
    return client


@pytest.fixture
def two(clock: Clock) -> tuple[Client, Client]:
    """All that there is: two members of Ningbo's staff."""
    return (
        inside(staff("first", "甲", "ningbo", MANAGER)),
        inside(staff("second", "乙", "ningbo", REVIEWER)),
    )


def decided(second: Client, step: str = "approve") -> Any:
    proposal = Proposal.objects.get()
    return second.post(f"/admin/accounts/proposal/{proposal.pk}/change/", {"step": step}, follow=True)


def wrong(answer: Any) -> dict[str, list[str]]:
    return dict(answer.context["adminform"].form.errors)


def test_an_employer_is_opened_by_two_and_its_first_clerk_comes_in(two: tuple[Client, Client]) -> None:
    """Found: nobody could put an employer into an empty database."""
    first, second = two
    assert first.get(OPEN_EMPLOYER).status_code == 200
    assert first.post(OPEN_EMPLOYER, TYPED).status_code == 302
    assert not Employer.objects.exists(), "nothing by one hand"
    shown = second.get(f"/admin/accounts/proposal/{Proposal.objects.get().pk}/change/").content.decode()
    assert all(word in shown for word in (CODE, "宁波新开 贸易有限公司", "139****0777"))
    for _press in range(2):
        decided(second)
    employer = Employer.objects.get()
    assert (employer.credit_code, employer.city, employer.industry_grade) == (CODE, "ningbo", 3)
    clerk = User.objects.get(employer=employer)
    assert (clerk.name, clerk.phone, clerk.has_usable_password()) == ("何秀英", "13900000777", False)

    notices.send_text_messages(now=NOW)
    assert "忘记密码" in OutboxMessage.objects.get().text
    browser = Client()
    asked = knock(browser, "/password/forgot/", {"number": CODE, "phone": "13900000777"})
    new = {"password": "Opened-2026-hall", "password_again": "Opened-2026-hall"}
    browser.post("/password/forgot/", {**hidden(asked), "code": code_sent_to("13900000777"), **new})
    came = knock(
        browser, EMPLOYER, {"credit_code": CODE, "clerk": "13900000777", "password": "Opened-2026-hall"}
    )
    assert came.status_code == 302, came.content.decode()
    assert browser.get("/ningbo/services/employer-add-staff/apply/").status_code == 200


def test_a_refusal_opens_nothing(two: tuple[Client, Client]) -> None:
    first, second = two
    first.post(OPEN_EMPLOYER, TYPED)
    proposal = Proposal.objects.get()
    second.post(
        f"/admin/accounts/proposal/{proposal.pk}/change/", {"step": "refuse", "refuse-why": "名称与执照不符"}
    )
    assert not Employer.objects.exists()
    assert not User.objects.filter(kind="clerk").exists()


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("credit_code", CODE[:-1] + ("0" if CODE[-1] != "0" else "1"), "信用代码"),
        ("credit_code", "", "必填"),
        ("name", "=HYPERLINK()", "= + - @"),
        ("name", " ", "必填"),
        ("insurance_number", "33-02/11", "字母和数字"),
        ("industry_grade", "9", "有效"),
        ("contact_phone", "139", "手机号"),
        ("contact_name", "=甲", "姓名"),
        ("city", "wuhan", "有效"),
        ("city", "", "必填"),
        ("reason", "", "必填"),
    ],
)
def test_what_is_wrong_is_told_beside_its_field_and_stays(
    two: tuple[Client, Client], field: str, value: str, why: str
) -> None:
    answer = two[0].post(OPEN_EMPLOYER, {**TYPED, field: value})
    assert answer.status_code == 200
    assert set(wrong(answer)) == {field}
    assert "何秀英" in answer.content.decode() or field == "contact_name"
    assert not Proposal.objects.exists()


def test_what_is_opened_already_is_told(two: tuple[Client, Client], cast: Cast) -> None:
    taken = cast.yongjiang
    for told in ({"credit_code": taken.credit_code}, {"insurance_number": taken.insurance_number}):
        answer = two[0].post(OPEN_EMPLOYER, {**TYPED, **told})
        assert "__all__" in wrong(answer)
    assert not Proposal.objects.exists()


def test_two_proposals_of_one_employer_are_one_account(two: tuple[Client, Client], cast: Cast) -> None:
    """Proposed, and opened by another road before the second hand: the approval says so, and
    nothing is half made."""
    first, second = two
    first.post(OPEN_EMPLOYER, TYPED)
    assert "__all__" in wrong(first.post(OPEN_EMPLOYER, TYPED)), "it is proposed already"
    Employer.objects.create(
        credit_code=CODE,
        name="已开户",
        city="ningbo",
        insurance_number="1",
        industry_grade=1,
        contact_name="甲",
        contact_phone="13900000001",
    )
    answer = decided(second)
    assert "已经登记" in answer.content.decode()
    assert (Employer.objects.count(), User.objects.filter(kind="clerk").count()) == (1, 0)
    assert Proposal.objects.get().status == "proposed"


def test_who_may(two: tuple[Client, Client], cast: Cast) -> None:
    first, _second = two
    collector = inside(staff("third", "丙", "ningbo", COLLECTOR))
    assert collector.get(OPEN_EMPLOYER).status_code == 403
    assert collector.get(OPEN_PERSON).status_code == 403
    for away in (OPEN_EMPLOYER, OPEN_PERSON):
        page = inside(cast.wuhan_reviewer).get(away).content.decode()
        assert "武汉" in page
        assert 'value="ningbo"' not in page
    everywhere = inside(cast.every_city_reviewer).get(OPEN_EMPLOYER).context["adminform"].form.fields["city"]
    assert everywhere.choices[0][0] == "", "no city comes by itself"
    assert decided_by_oneself(first) == "proposed"


def decided_by_oneself(first: Client) -> str:
    first.post(OPEN_EMPLOYER, TYPED)
    decided(first)
    return Proposal.objects.get().status


def test_a_file_is_opened_by_two(two: tuple[Client, Client]) -> None:
    first, second = two
    assert first.get(OPEN_PERSON).status_code == 200
    assert first.post(OPEN_PERSON, OF_PERSON).status_code == 302
    assert not Person.objects.exists()
    decided(second)
    person = Person.objects.get()
    assert (person.identity_number, person.name, person.household_code) == (NUMBER, "买买提·艾力", "330211")
    assert (str(person.birth_date), person.sex) == ("1991-04-05", "male")
    assert proposals.kind_of(Proposal.objects.get()).title == "人员建档"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("identity_number", NUMBER[:-1]),
        ("identity_number", ""),
        ("household_code", "33"),
        ("household_code", ""),
    ],
)
def test_a_file_of_nobody_is_not_opened(two: tuple[Client, Client], field: str, value: str) -> None:
    answer = two[0].post(OPEN_PERSON, {**OF_PERSON, field: value})
    assert set(wrong(answer)) == {field}
    assert not Proposal.objects.exists()


def test_whom_the_register_knows_is_not_opened_again(two: tuple[Client, Client], cast: Cast) -> None:
    answer = two[0].post(OPEN_PERSON, {**OF_PERSON, "identity_number": cast.wang_fang.identity_number})
    assert "已经建档" in str(wrong(answer)["__all__"])


def test_a_ward_that_got_a_file_under_another_name_meanwhile_is_told(
    two: tuple[Client, Client], cast: Cast
) -> None:
    """Found by reading: the second hand met a fault (500)."""
    by = User.objects.get(username="first")
    propose_guardianship(
        cast.wang_fang,
        ward_number=NUMBER,
        ward_name="周平",
        relation="parent",
        proof_kind="household",
        proof="户口簿",
        start=NOW.date(),
        ends_on=None,
        by=by,
        now=NOW,
    )
    record(identity_number=NUMBER, name="周萍")
    assert "另一个姓名" in decided(two[1]).content.decode()
    assert Proposal.objects.get().status == "proposed"
    assert not Guardianship.objects.exists()
