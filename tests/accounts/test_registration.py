"""Registration: no account is opened on a name and a number that many know, and nobody learns who
has one."""

import datetime as dt
import re
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils import timezone

from portal.accounts import activation
from portal.accounts.face_stand_in import FaceStandIn
from portal.accounts.models import FILES, ActivationCode, PersonLookup, ProofTry, User
from portal.accounts.proof import Stated
from portal.accounts.registration import NotTheSamePerson, PhoneTaken, open_account
from portal.people.models import Guardianship, Person, Sex
from portal.registers.models import BankAccountRecord, HouseholdRecord
from tests.accounts.faces import face_provider, look, prove_by_face
from tests.accounts.knocking import PERSON, code_sent_to, errors, exist, hidden, knock, last_message
from tests.cast import NOW, PASSWORD, Cast, identity_number
from tests.conftest import Clock

__all__ = ["face_provider"]

pytestmark = pytest.mark.django_db

REGISTER, PROVE, SET = "/register/", "/register/proof/", "/register/password/"
NEW = "Zhenhai-3302-new"
PHONE = "13700000001"
ACCOUNT = "6217975200011112225"
DOOR = "portal.accounts.doors.PersonDoor"


def first_step(client: Client, **typed: str) -> Any:
    return knock(client, REGISTER, typed)


def second_step(client: Client, page: Any, **typed: str) -> Any:
    """The code that was sent; the page after it."""
    code = code_sent_to(hidden(page)["phone"])
    return client.post(REGISTER, {**hidden(page), "code": code, **typed}, follow=True)


def state(client: Client, **typed: str) -> Any:
    """Says who one is and proves the phone; the page after that."""
    return second_step(client, first_step(client, **typed))


def set_password(client: Client) -> Any:
    return client.post(SET, {"password": NEW, "password_again": NEW})


def newcomer(cast: Cast, city: str = "ningbo") -> dict[str, str]:
    return {
        "city": city,
        "name": cast.newcomer_name,
        "identity_number": cast.newcomer_number,
        "phone": PHONE,
    }


def wang(cast: Cast, **other: str) -> dict[str, str]:
    known = cast.wang_fang
    return {"name": known.name, "identity_number": known.identity_number, "phone": known.phone, **other}


# The takeover


@pytest.mark.parametrize("city", ["ningbo", "wuhan", "wuxi", "shenzhen"])
@pytest.mark.parametrize("phone_on_file", ["", "13800000001"])
def test_a_name_a_number_and_any_phone_open_no_account(
    client: Client, cast: Cast, clock: Clock, city: str, phone_on_file: str
) -> None:
    Person.objects.filter(pk=cast.wang_fang.pk).update(phone=phone_on_file)
    page = state(client, **wang(cast, phone=PHONE, city=city))
    assert page.request["PATH_INFO"] == PROVE
    assert "核验身份" in page.content.decode()
    assert set_password(client)["Location"].startswith(PROVE)
    assert client.get(SET)["Location"].startswith(PROVE)
    assert not User.objects.exists()
    cast.wang_fang.refresh_from_db()
    assert cast.wang_fang.phone == phone_on_file


def test_nobody_of_no_register_gets_an_account_on_their_word_either(client: Client, cast: Cast) -> None:
    page = state(client, **newcomer(cast))
    assert page.request["PATH_INFO"] == PROVE
    assert not Person.objects.exists()


def test_the_steps_cannot_be_begun_in_the_middle(client: Client, cast: Cast) -> None:
    for address in (PROVE, SET, "/register/face/"):
        assert client.get(address)["Location"] == REGISTER
    for how in ("partner", "card", "window", "face"):
        assert client.post(PROVE, {"how": how})["Location"] == REGISTER


def test_what_was_stated_is_forgotten_after_half_an_hour(client: Client, cast: Cast, clock: Clock) -> None:
    state(client, **wang(cast))
    clock.step(minutes=29)
    assert client.get(SET).status_code == 200
    clock.step(minutes=2)
    assert client.get(SET)["Location"] == REGISTER


# The phone on file


def test_the_phone_on_file_is_proof_enough(client: Client, cast: Cast) -> None:
    page = state(client, **wang(cast, name=" 王芳 "))
    assert page.request["PATH_INFO"] == SET
    done = set_password(client)
    assert "账号已开通" in done.content.decode()
    assert User.objects.get(kind="person").person == cast.wang_fang
    assert Person.objects.count() == 1
    for login in (cast.wang_fang.identity_number, cast.wang_fang.phone):
        assert knock(Client(), PERSON, {"login": login, "password": NEW}).status_code == 302


def test_a_name_that_is_not_on_file_is_told_before_the_password(client: Client, cast: Cast) -> None:
    page = state(client, **wang(cast, name="王方"))
    assert page.status_code == 409
    assert "姓名与社保或户籍登记的不一致" in page.content.decode()
    assert "password" not in page.content.decode().replace("/password/", "")
    assert set_password(client).status_code == 409
    assert not User.objects.exists()


def test_one_name_in_two_spellings_is_one_name(cast: Cast) -> None:
    """The household register writes its middle dots otherwise, and its radicals were copied out of
    a PDF."""
    HouseholdRecord.objects.create(
        identity_number=cast.newcomer_number, name="买买提．艾\u2f12", place_code="330205"
    )
    open_account(Stated("买买提・艾力", cast.newcomer_number, PHONE), password=NEW, now=NOW)
    assert Person.objects.get().name == User.objects.get(kind="person").name == "买买提·艾力"


def test_the_household_register_is_asked_too(cast: Cast) -> None:
    HouseholdRecord.objects.create(identity_number=cast.newcomer_number, name="赵垒", place_code="330205")
    with pytest.raises(NotTheSamePerson):
        open_account(Stated(cast.newcomer_name, cast.newcomer_number, PHONE), password=NEW, now=NOW)
    assert not Person.objects.exists()


def test_whoever_has_an_account_is_told_when_they_are_proved_and_nothing_changes(
    client: Client, cast: Cast
) -> None:
    owner = cast.wang_fang_login
    done = state(client, **wang(cast))
    assert "您已有账号" in done.content.decode()
    owner.refresh_from_db()
    assert owner.check_password(PASSWORD)
    assert "您已有账号，密码未改变" in last_message("13800000001")


@pytest.mark.parametrize("has_account", [True, False])
def test_whoever_is_not_proved_learns_nothing(cast: Cast, clock: Clock, has_account: bool) -> None:
    # Each page tells the minute: it does not turn between the two that are compared.
    if has_account:
        exist(cast.wang_fang_login)
    BankAccountRecord.objects.create(bank="pab", number=ACCOUNT, **wangs_account(cast, phone=PHONE))
    texts = []
    for stated in (
        wang(cast, city="shenzhen", phone=PHONE),
        newcomer(cast, "shenzhen") | {"phone": "13700000002"},
    ):
        client = Client()
        page = state(client, **stated)
        again = client.post(PROVE, partner("6217975200011119998"))
        code = client.post(PROVE, {"how": "window", "window-code": "ABCDE-FGHJK"})
        texts.append(
            [re.sub(r'value="[^"]*"|137\*+\d+', "", one.content.decode()) for one in (page, again, code)]
        )
    assert texts[0] == texts[1]


def test_a_phone_that_logs_in_someone_else_is_refused_before_the_proof(client: Client, cast: Cast) -> None:
    exist(cast.li_qiang_login)
    page = state(client, **wang(cast, phone="13800000002"))
    assert "已是另一账号的登录号码" in errors(page)["phone"][0]
    assert page.context["form"]["name"].value() == "王芳"
    with pytest.raises(PhoneTaken):
        open_account(Stated("赵磊", cast.newcomer_number, "13800000002"), password=NEW, now=NOW)
    assert not Person.objects.filter(identity_number=cast.newcomer_number).exists()


# An account at a partner bank


def wangs_account(cast: Cast, **other: Any) -> dict[str, Any]:
    known = cast.wang_fang
    four = {"holder": known.name, "identity_number": known.identity_number, "phone": known.phone}
    return {**four, "opened_in": "440305", **other}


def partner(number: str = ACCOUNT, bank: str = "pab") -> dict[str, str]:
    return {"how": "partner", "partner-bank": bank, "partner-number": number}


@pytest.fixture
def account(cast: Cast) -> BankAccountRecord:
    return BankAccountRecord.objects.create(bank="pab", number=ACCOUNT, **wangs_account(cast))


def test_an_account_of_ones_own_at_a_partner_bank_proves(
    client: Client, cast: Cast, account: BankAccountRecord
) -> None:
    page = state(client, **wang(cast, city="shenzhen"))
    # The phone on file is no proof here.
    assert page.request["PATH_INFO"] == PROVE
    spaced = f"{ACCOUNT[:4]} {ACCOUNT[4:8]} {ACCOUNT[8:]}"
    page = client.post(PROVE, partner(spaced), follow=True)
    assert page.request["PATH_INFO"] == SET
    assert "账号已开通" in set_password(client).content.decode()
    assert User.objects.get(kind="person").identity_level == FILES


def test_another_phone_than_the_files_opens_and_the_old_one_is_told(
    client: Client, cast: Cast, account: BankAccountRecord
) -> None:
    BankAccountRecord.objects.update(phone=PHONE)
    state(client, **wang(cast, city="shenzhen", phone=PHONE))
    assert client.post(PROVE, partner())["Location"].startswith(SET)
    set_password(client)
    cast.wang_fang.refresh_from_db()
    assert cast.wang_fang.phone == "13800000001"
    assert User.objects.get(kind="person").phone == PHONE
    assert "用另一手机号码开通了您的个人账号" in last_message("13800000001")


def test_a_thirteenth_bank_is_refused_before_any_bank_is_asked(
    client: Client, cast: Cast, account: BankAccountRecord
) -> None:
    page = state(client, **wang(cast, city="shenzhen"))
    assert "限12家合作银行" in page.content.decode()
    for bank in ("hxb", "other"):
        page = client.post(PROVE, partner(bank=bank))
        assert page.context["partner"].errors["bank"] == ["请使用12家合作银行的账户"]
    assert not ProofTry.objects.exists()


@pytest.mark.parametrize(
    "differs",
    [
        {"identity_number": identity_number("440305", "1990-01-01", 3)},
        {"holder": "王方"},
        {"phone": "13700000077"},
        {"phone": ""},
        {"is_closed": True},
        {"account_class": "2"},
        {"opened_in": "440106"},
        {"bank": "cmb"},
    ],
    ids=lambda differs: next(iter(differs)),
)
def test_what_does_not_agree_is_refused_in_one_neutral_sentence(
    client: Client, cast: Cast, account: BankAccountRecord, differs: dict[str, Any]
) -> None:
    BankAccountRecord.objects.update(**differs)
    state(client, **wang(cast, city="shenzhen"))
    page = client.post(PROVE, partner())
    assert page.context["partner"].errors["number"] == [
        (
            "没有通过银行核验。请核对：账户由本人在深圳开立，是Ⅰ类账户或银行卡，状态正常，"
            "银行预留的手机号码与上面验证的相同。"
        )
    ]
    assert set_password(client)["Location"].startswith(PROVE)


def test_three_tries_a_day_and_other_ways_stay(
    client: Client, cast: Cast, account: BankAccountRecord, clock: Clock
) -> None:
    state(client, **wang(cast, city="shenzhen"))
    for _turn in range(3):
        client.post(PROVE, partner("6217975200011119998"))
    text = client.post(PROVE, partner()).content.decode()
    assert "核验不成功的次数过多" in text
    assert f"{timezone.localtime(clock.now + dt.timedelta(days=1)):%Y-%m-%d %H:%M} 后可以再试" in text
    assert "窗口激活码" in text
    elsewhere = Client(REMOTE_ADDR="10.0.0.7")
    state(elsewhere, **wang(cast, city="shenzhen"))
    assert elsewhere.post(PROVE, partner())["Location"].startswith(SET)
    _row, code = activation.issue(
        person=cast.wang_fang, city="shenzhen", seen="身份证", by=cast.ningbo_reviewer, now=clock.now
    )
    assert client.post(PROVE, {"how": "window", "window-code": code})["Location"].startswith(SET)
    assert not ProofTry.objects.filter(who__contains=cast.wang_fang.identity_number).exists()
    clock.step(days=1, minutes=1)
    tomorrow = Client()
    state(tomorrow, **wang(cast, city="shenzhen"))
    assert tomorrow.post(PROVE, partner())["Location"].startswith(SET)


def test_a_way_that_the_city_does_not_offer_is_none(
    client: Client, cast: Cast, clock: Clock, account: BankAccountRecord
) -> None:
    page = state(client, **wang(cast, city="wuhan", phone=PHONE))
    assert page.context["ways"] == ("window",)
    for typed in (partner(), {"how": "face"}, {"how": "card", "card-number": ACCOUNT}):
        page = client.post(PROVE, typed)
        assert page.status_code == 200
        assert page.request["PATH_INFO"] == PROVE
    assert set_password(client)["Location"].startswith(PROVE)


# The face check


def test_a_newcomer_gets_an_account_and_a_file_by_the_face_check(
    client: Client, cast: Cast, face_provider: FaceStandIn
) -> None:
    page = state(client, **newcomer(cast))
    assert "去刷脸核验" in page.content.decode()
    assert prove_by_face(client, face_provider)["Location"].startswith(SET)
    assert "账号已开通" in set_password(client).content.decode()
    person = Person.objects.get(identity_number=cast.newcomer_number)
    assert (person.name, person.sex, str(person.birth_date), person.phone) == (
        "赵磊",
        Sex.MALE,
        "2003-07-08",
        PHONE,
    )
    for login in (cast.newcomer_number, PHONE):
        assert knock(Client(), PERSON, {"login": login, "password": NEW}).status_code == 302


def test_another_face_opens_nothing(client: Client, cast: Cast, face_provider: FaceStandIn) -> None:
    state(client, **newcomer(cast))
    page = client.post(PROVE, {"how": "face"}).context["url"]
    waiting = client.get("/register/face/")
    assert "还没有结果" in waiting.content.decode()
    back = look(face_provider, page, yes=False).replace("http://testserver", "")
    assert "没有通过刷脸核验" in client.get(back).content.decode()
    # Saying yes after the no changes nothing.
    look(face_provider, page, yes=True)
    assert "没有通过刷脸核验" in client.get(back).content.decode()
    assert set_password(client)["Location"].startswith(PROVE)


def test_the_check_of_one_browser_is_not_anothers(cast: Cast, face_provider: FaceStandIn) -> None:
    owner, thief = Client(), Client()
    state(owner, **wang(cast, city="ningbo", phone=PHONE))
    back = look(face_provider, owner.post(PROVE, {"how": "face"}).context["url"]).replace(
        "http://testserver", ""
    )
    state(thief, **wang(cast, city="ningbo", phone="13700000003"))
    assert thief.get(back)["Location"] == REGISTER
    assert owner.get(back)["Location"].startswith(SET)


@pytest.mark.parametrize("broken", ["another secret", "gone"])
def test_a_provider_that_cannot_be_believed_is_said_to_be_away(
    client: Client, cast: Cast, face_provider: FaceStandIn, settings: Any, broken: str
) -> None:
    if broken == "gone":
        settings.FACE_CHECK_URL = "http://127.0.0.1:9"
    else:
        face_provider.secret = b"another"
    state(client, **newcomer(cast))
    page = client.post(PROVE, {"how": "face"})
    assert "人脸核验服务暂时没有应答" in page.content.decode()
    assert "窗口激活码" in page.content.decode()


# The window


@pytest.fixture
def code(cast: Cast, clock: Clock) -> str:
    _row, code = activation.issue(
        person=cast.wang_fang, city="wuhan", seen="居民身份证", by=cast.ningbo_reviewer, now=clock.now
    )
    return code


def test_a_code_of_the_window_opens_one_account_once(client: Client, cast: Cast, code: str) -> None:
    state(client, **wang(cast, city="wuhan", phone=PHONE))
    page = client.post(PROVE, {"how": "window", "window-code": code.lower().replace("-", " ")}, follow=True)
    assert page.request["PATH_INFO"] == SET
    second = Client()
    state(second, **wang(cast, city="wuhan", phone="13700000002"))
    again = second.post(PROVE, {"how": "window", "window-code": code})
    assert "激活码不正确、已使用或已过期" in again.context["window"].errors["code"][0]
    assert "账号已开通" in set_password(client).content.decode()


def test_a_code_ends_on_its_day_with_a_newer_one_and_is_for_its_person(
    cast: Cast, code: str, clock: Clock
) -> None:
    assert not activation.spend(person=cast.li_qiang, code=code, now=clock.now)
    clock.step(days=31)
    assert not activation.spend(person=cast.wang_fang, code=code, now=clock.now)
    _row, newer = activation.issue(
        person=cast.wang_fang, city="wuhan", seen="居民身份证", by=cast.ningbo_reviewer, now=clock.now
    )
    assert not activation.spend(person=cast.wang_fang, code=code, now=clock.now)
    clock.step(days=30)
    assert activation.spend(person=cast.wang_fang, code=newer, now=clock.now)
    assert not ActivationCode.objects.filter(code_hash__contains=code).exists()


def test_the_database_keeps_codes_as_they_were_issued(cast: Cast, code: str, clock: Clock) -> None:
    assert activation.spend(person=cast.wang_fang, code=code, now=clock.now)
    for change in (
        {"spent_at": None},
        {"person": cast.li_qiang},
        {"good_until": dt.date(2030, 1, 1)},
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            ActivationCode.objects.update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        ActivationCode.objects.all().delete()


# Who opens none


def test_a_child_is_sent_to_its_guardian_at_once(client: Client, cast: Cast, clock: Clock) -> None:
    number = identity_number("330211", "2018-05-06", 1)
    page = first_step(client, name="小明", identity_number=number, phone=PHONE)
    assert "未满 16 周岁" in errors(page)["identity_number"][0]
    assert "监护人" in errors(page)["identity_number"][0]
    assert last_message(PHONE) == ""
    sixteen = identity_number("330211", str(clock.now.date().replace(year=clock.now.year - 16)), 1)
    assert first_step(client, name="小明", identity_number=sixteen, phone=PHONE).context["code_sent"]


def test_shenzhen_leaves_those_under_eighteen_to_their_family(client: Client, cast: Cast) -> None:
    seventeen = identity_number("440304", str(NOW.date().replace(year=NOW.year - 17)), 1)
    page = first_step(client, city="shenzhen", name="小明", identity_number=seventeen, phone=PHONE)
    assert "未满 18 周岁" in errors(page)["identity_number"][0]
    assert '<a href="/family/">我的家人</a>' in page.content.decode()
    assert last_message(PHONE) == ""


def test_whoever_has_a_guardian_opens_none(client: Client, cast: Cast) -> None:
    Guardianship.objects.create(
        guardian=cast.li_qiang,
        ward=cast.wang_fang,
        relation="spouse",
        proof_kind="incapacity",
        proof="判决书",
        start=dt.date(2026, 1, 1),
    )
    page = state(client, **wang(cast))
    assert page.status_code == 409
    assert "由监护人代办" in page.content.decode()
    assert not User.objects.filter(person=cast.wang_fang).exists()


# What is typed


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
        ("city", "atlantis", "atlantis"),
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
        ({"password": NEW, "password_again": "something-else-1"}, "password_again"),
    ],
)
def test_a_password_that_will_not_do_is_asked_for_again(
    client: Client, cast: Cast, typed: dict[str, str], field: str
) -> None:
    state(client, **wang(cast))
    again = client.post(SET, typed)
    assert list(errors(again)) == [field]
    assert typed["password"] not in again.content.decode()
    assert "账号已开通" in set_password(client).content.decode()


def test_a_wrong_code_keeps_the_first_step(client: Client, cast: Cast) -> None:
    page = first_step(client, **newcomer(cast))
    again = second_step(client, page, code="12345")
    assert list(errors(again)) == ["code"]
    assert hidden(again) == hidden(page)


def test_another_phone_in_the_second_step_has_no_code(client: Client, cast: Cast) -> None:
    page = first_step(client, **newcomer(cast))
    answer = second_step(client, page, phone="13700000002", code=code_sent_to(PHONE))
    assert list(errors(answer)) == ["code"]
    assert client.get(PROVE)["Location"] == REGISTER


def test_a_code_can_be_asked_for_again(client: Client, cast: Cast) -> None:
    page = first_step(client, **newcomer(cast))
    again = client.post(REGISTER, {**hidden(page), "again": "1"})
    assert again.context["form"]["name"].value() == "赵磊"
    assert not again.context.get("code_sent")
    soon = knock(client, REGISTER, newcomer(cast))
    assert "秒后再获取" in errors(soon)["phone"][0]


def test_the_form_sent_twice_opens_one_account(client: Client, cast: Cast) -> None:
    state(client, **wang(cast))
    assert "账号已开通" in set_password(client).content.decode()
    assert set_password(client)["Location"] == REGISTER
    assert User.objects.filter(kind="person").count() == 1
    again = open_account(Stated("王芳", cast.wang_fang.identity_number, "13800000001"), password="x", now=NOW)
    assert again.check_password(NEW)


# The window's side


ISSUE = "/admin/accounts/activationcode/add/"


def issue(client: Client, cast: Cast, **typed: str) -> Any:
    return client.post(
        ISSUE,
        {
            "identity_number": cast.wang_fang.identity_number,
            "name": "王芳",
            "city": "ningbo",
            "seen": "居民身份证",
            "confirmed": "on",
            **typed,
        },
    )


def test_staff_who_saw_the_card_issue_a_code_that_works(client: Client, cast: Cast) -> None:
    at_the_window = Client()
    at_the_window.force_login(cast.ningbo_reviewer)
    assert "当面核对" in at_the_window.get(ISSUE).content.decode()
    page = issue(at_the_window, cast)
    text = page.content.decode()
    code = page.context["code"]
    assert code in text
    assert "no-store" in page["Cache-Control"]
    assert f"330211********{cast.wang_fang.identity_number[-4:]}" in text
    assert cast.wang_fang.identity_number not in text
    listed = at_the_window.get("/admin/accounts/activationcode/").content.decode()
    assert "王芳" in listed
    assert code not in listed
    assert PersonLookup.objects.filter(user=cast.ningbo_reviewer, purpose="签发网上账号激活码").exists()

    state(client, **wang(cast, phone=PHONE))
    assert client.post(PROVE, {"how": "window", "window-code": code})["Location"].startswith(SET)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": "王方"}, "name"),
        ({"confirmed": ""}, "confirmed"),
        ({"seen": ""}, "seen"),
        ({"city": "wuhan"}, "city"),
        ({"identity_number": "330211198805120020"}, "identity_number"),
    ],
)
def test_no_code_is_issued_where_something_does_not_agree(
    cast: Cast, typed: dict[str, str], field: str
) -> None:
    at_the_window = Client()
    at_the_window.force_login(cast.ningbo_reviewer)
    page = issue(at_the_window, cast, **typed)
    assert page.status_code == 422
    assert list(errors(page)) == [field]
    assert not ActivationCode.objects.exists()


def test_only_reviewers_issue_codes(cast: Cast) -> None:
    for user, status in (
        (cast.wuhan_collector, 403),
        (cast.wang_fang_login, 404),
        (cast.yongjiang_clerk, 404),
    ):
        client = Client()
        client.force_login(user, backend="portal.accounts.doors.StaffDoor" if user.is_staff else DOOR)
        assert issue(client, cast).status_code == status
    assert issue(Client(), cast).status_code == 302
    assert not ActivationCode.objects.exists()
