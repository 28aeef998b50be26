"""Registration is real-name: number, name and phone must belong together; nobody learns who has an account."""

import re

import pytest
from django.test import Client

from portal.accounts.models import User
from portal.accounts.registration import NotTheSamePerson, PhoneTaken, register_person
from portal.people.models import Person, Sex
from portal.registers.models import HouseholdRecord
from tests.accounts.knocking import PERSON, code_sent_to, errors, exist, hidden, knock, last_message
from tests.cast import NOW, PASSWORD, Cast

pytestmark = pytest.mark.django_db

REGISTER = "/register/"
NEW = "Zhenhai-3302-new"
PHONE = "13700000001"


def first_step(client: Client, **typed: str):
    return knock(client, REGISTER, typed)


def second_step(client: Client, page, **typed: str):
    passwords = {"password": NEW, "password_again": NEW}
    return client.post(
        REGISTER, {**hidden(page), **passwords, "code": code_sent_to(hidden(page)["phone"]), **typed}
    )


def newcomer(cast: Cast) -> dict[str, str]:
    return {"name": cast.newcomer_name, "identity_number": cast.newcomer_number, "phone": PHONE}


def test_a_newcomer_gets_an_account_and_a_file(client: Client, cast: Cast) -> None:
    page = first_step(client, **newcomer(cast))
    assert "137****0001" in page.content.decode()
    done = second_step(client, page)
    assert "注册申请已受理" in done.content.decode()
    person = Person.objects.get(identity_number=cast.newcomer_number)
    assert (person.name, person.sex, str(person.birth_date), person.phone) == (
        "赵磊",
        Sex.MALE,
        "2003-07-08",
        PHONE,
    )
    for login in (cast.newcomer_number, PHONE):
        assert knock(Client(), PERSON, {"login": login, "password": NEW}).status_code == 302


def test_whoever_the_agency_knows_gets_an_account_for_their_file(client: Client, cast: Cast) -> None:
    known = cast.wang_fang
    page = first_step(client, name=" 王芳 ", identity_number=known.identity_number, phone=known.phone)
    second_step(client, page)
    assert User.objects.get(kind="person").person == known
    assert Person.objects.count() == 1


@pytest.mark.parametrize(("name", "phone"), [("王方", "13800000001"), ("王芳", "13800000099")])
def test_a_name_or_phone_that_is_not_on_file_is_refused(
    client: Client, cast: Cast, name: str, phone: str
) -> None:
    page = first_step(client, name=name, identity_number=cast.wang_fang.identity_number, phone=phone)
    assert page.context["code_sent"], "what is on file must not show before the phone is proved"
    again = second_step(client, page)
    assert "与社保登记的不一致" in errors(again)["identity_number"][0]
    assert name in again.content.decode()
    assert cast.wang_fang.identity_number in again.content.decode()
    assert 'name="captcha_0"' in again.content.decode()
    assert not User.objects.exists()


def test_one_name_in_two_spellings_is_one_name(cast: Cast) -> None:
    """The household register writes its middle dots otherwise, and its radicals were copied out of a PDF."""
    HouseholdRecord.objects.create(
        identity_number=cast.newcomer_number, name="买买提．艾\u2f12", place_code="330205"
    )
    register_person(**{**newcomer(cast), "name": "买买提・艾力"}, password=NEW, now=NOW)
    assert Person.objects.get().name == User.objects.get(kind="person").name == "买买提·艾力"


def test_the_household_register_is_asked_too(cast: Cast) -> None:
    HouseholdRecord.objects.create(identity_number=cast.newcomer_number, name="赵垒", place_code="330205")
    with pytest.raises(NotTheSamePerson):
        register_person(**newcomer(cast), password=NEW, now=NOW)
    assert not Person.objects.exists()


def test_where_there_is_an_account_the_answer_is_the_same_and_nothing_changes(
    client: Client, cast: Cast
) -> None:
    owner = cast.wang_fang_login
    fresh = first_step(client, **newcomer(cast))
    known = first_step(
        client, name="王芳", identity_number=cast.wang_fang.identity_number, phone="13800000001"
    )
    assert set(hidden(fresh)) == set(hidden(known))
    answers = [second_step(client, page) for page in (fresh, known)]
    texts = [re.sub(r'csrfmiddlewaretoken" value="\w+', "", answer.content.decode()) for answer in answers]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert texts[0] == texts[1]
    owner.refresh_from_db()
    assert owner.check_password(PASSWORD)
    assert "您已有账号，密码未改变" in last_message("13800000001")


def test_a_phone_that_logs_in_someone_else_is_refused_alike_for_all(cast: Cast) -> None:
    exist(cast.li_qiang_login)
    Person.objects.filter(pk=cast.wang_fang.pk).update(phone="")
    cast.wang_fang.refresh_from_db()
    with pytest.raises(PhoneTaken):
        register_person(
            identity_number=cast.wang_fang.identity_number,
            name="王芳",
            phone="13800000002",
            password=NEW,
            now=NOW,
        )
    exist(cast.wang_fang_login)
    with pytest.raises(PhoneTaken):
        register_person(
            identity_number=cast.wang_fang.identity_number,
            name="王芳",
            phone="13800000002",
            password=NEW,
            now=NOW,
        )
    with pytest.raises(PhoneTaken):
        register_person(
            identity_number=cast.newcomer_number, name="赵磊", phone="13800000002", password=NEW, now=NOW
        )
    assert not Person.objects.filter(identity_number=cast.newcomer_number).exists()


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [
        ("identity_number", "33021119880512002", "18 位"),
        ("identity_number", "330211198805120020", "校验位"),
        ("identity_number", "330211198813120029", "出生日期"),
        ("identity_number", "33021119880512O02X", "数字"),
        ("phone", "1370000001", "11 位"),
        ("phone", "010-12345678", "11 位"),
        ("name", "<script>", "第 1 个字符“<”不是文字"),
        ("name", "王", "至少两个字"),
        ("name", "", "必填"),
    ],
)
def test_what_is_mistyped_is_said_beside_its_field(
    client: Client, cast: Cast, field: str, typed: str, says: str
) -> None:
    page = first_step(client, **{**newcomer(cast), field: typed})
    assert list(errors(page)) == [field]
    assert says in errors(page)[field][0]
    assert page.context["form"][field].value() == typed
    assert last_message(PHONE) == ""


@pytest.mark.parametrize("name", ["阿依古丽·买买提", "阿依古丽•买买提", "𬱖㛃", "䶮 䶮", "O'Neil John"])
def test_names_of_all_kinds_are_taken(client: Client, cast: Cast, name: str) -> None:
    assert first_step(client, **{**newcomer(cast), "name": name}).context["code_sent"]


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"password": "short-1", "password_again": "short-1"}, "password"),
        ({"password": "password123", "password_again": "password123"}, "password"),
        ({"password_again": "something-else-1"}, "password_again"),
        ({"code": "12345"}, "code"),
    ],
)
def test_a_mistake_in_the_second_step_keeps_the_first(
    client: Client, cast: Cast, typed: dict[str, str], field: str
) -> None:
    page = first_step(client, **newcomer(cast))
    again = second_step(client, page, **typed)
    assert list(errors(again)) == [field]
    assert hidden(again) == hidden(page)
    assert NEW not in again.content.decode()
    assert "注册申请已受理" in second_step(client, again).content.decode()


def test_another_phone_in_the_second_step_has_no_code(client: Client, cast: Cast) -> None:
    page = first_step(client, **newcomer(cast))
    answer = second_step(client, page, phone="13700000002", code=code_sent_to(PHONE))
    assert list(errors(answer)) == ["code"]
    assert not User.objects.exists()


def test_a_code_can_be_asked_for_again(client: Client, cast: Cast) -> None:
    page = first_step(client, **newcomer(cast))
    again = client.post(REGISTER, {**hidden(page), "again": "1"})
    assert again.context["form"]["name"].value() == "赵磊"
    assert not again.context.get("code_sent")
    soon = knock(client, REGISTER, newcomer(cast))
    assert "秒后再获取" in errors(soon)["phone"][0]
