"""A passkey is a second factor: it counts for its account, at the hall's address, for what was
asked, once."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp_webauthn.models import WebAuthnCredential

from portal.accounts import factor_reset, factors, passkeys
from portal.accounts.models import Notice, PasskeyTries, Proposal, User
from tests.cast import Cast
from tests.factor import authenticator, by_password_alone, code_for
from tests.passkeys import SecurityKey

pytestmark = pytest.mark.django_db

FACTOR, ENROL, CODES, OWN = (
    "/staff/factor/",
    "/staff/factor/enrol/",
    "/staff/factor/codes/",
    "/staff/factors/",
)
ASK, BEGIN = "/staff/passkeys/ask/", "/staff/passkeys/begin/"


def halfway(user: User) -> Client:
    client = Client()
    by_password_alone(client, user)
    return client


def inside(user: User) -> Client:
    """A session that has given both factors just now."""
    client = Client()
    client.force_login(user)
    return client


def let_in(client: Client) -> bool:
    return bool(client.get("/admin/").status_code == 200)


def passkey_of(user: User, name: str = "办公室电脑", **how: Any) -> SecurityKey:
    """A passkey that the member of staff has added on their own page."""
    key, client = SecurityKey(**how), inside(user)
    added = client.post(OWN, {"name": name, "passkey": key.make(client.post(BEGIN).json())})
    assert added.status_code == 302
    return key


def only_passkey_of(user: User) -> SecurityKey:
    key = passkey_of(user)
    TOTPDevice.objects.filter(user=user).delete()
    return key


def use(client: Client, key: SecurityKey) -> Any:
    """Presses 使用通行密钥 and lets this key answer."""
    return client.post(FACTOR, {"passkey": key.sign(client.post(ASK).json()), "next": "/admin/"})


def why_not(answer: Any) -> str:
    """What the page says of a passkey that did not count."""
    [why] = answer.context["passkey_form"].non_field_errors()
    return str(why)


# Enrolling


def test_a_new_member_of_staff_may_begin_with_a_passkey(cast: Cast) -> None:
    user, key = cast.ningbo_reviewer, SecurityKey()
    client = halfway(user)
    page = client.get(ENROL, SERVER_NAME="localhost", SERVER_PORT=8000).content.decode()
    assert "绑定通行密钥" in page
    assert "<svg" in page, "or with an authenticator app"
    options = client.post(BEGIN).json()
    assert options["rp"] == {"id": "localhost", "name": "社会保险网上办事大厅"}
    assert options["authenticatorSelection"]["userVerification"] == "required"
    before = client.session.session_key
    answer = client.post(ENROL, {"name": "新电脑", "passkey": key.make(options), "next": "/admin/hall/case/"})
    assert answer["Location"] == f"{CODES}?next=/admin/hall/case/"
    assert client.session.session_key != before
    shown = client.get(answer["Location"]).content.decode()
    assert all(code in shown for code in StaticToken.objects.values_list("token", flat=True))
    assert factors.recovery_codes_left(user) == 10
    assert let_in(client)
    assert use(again := halfway(user), key)["Location"] == "/admin/"
    assert let_in(again)


def test_no_passkey_is_added_by_a_password_alone(cast: Cast) -> None:
    user, key = cast.ningbo_reviewer, SecurityKey()
    late = halfway(user)
    options = late.post(BEGIN).json()
    authenticator(user)
    for address in (ENROL, OWN):
        late.post(address, {"name": "别人的", "passkey": key.make(options)})
    assert "请先再次验证" in halfway(user).post(BEGIN).json()["detail"]
    assert not WebAuthnCredential.objects.exists()
    assert not let_in(late)


def test_another_factor_is_enrolled_while_the_first_one_was(cast: Cast) -> None:
    """The second of two sessions that both enrol a first factor has a password alone by then."""
    user, client = cast.ningbo_reviewer, halfway(cast.ningbo_reviewer)
    request = client.get(ENROL).wsgi_request
    authenticator(user)
    with pytest.raises(passkeys.Refused, match="已绑定其他验证方式"):
        factors.enrol_passkey(request, user, name="x", answer="{}", now=timezone.now())
    with pytest.raises(passkeys.Refused, match="已绑定其他验证方式"):
        factors.enrol(request, user, "123456", now=timezone.now())


def test_an_authenticator_is_added_beside_a_passkey(cast: Cast) -> None:
    user = cast.ningbo_reviewer
    key, client = only_passkey_of(user), halfway(user)
    codes = factors.new_recovery_codes(user)
    assert client.get(ENROL).status_code == 302, "not by the password alone"
    use(client, key)
    page = client.get(f"{ENROL}?next={OWN}").content.decode()
    assert "<svg" in page
    assert "绑定通行密钥" not in page
    device = TOTPDevice.objects.get(user=user)
    assert client.post(ENROL, {"code": factors.code_of(device), "next": OWN})["Location"] == OWN
    assert factors.has_authenticator(user)
    assert set(StaticToken.objects.values_list("token", flat=True)) == set(codes), "kept"
    assert Notice.objects.filter(user=user, title="已绑定身份验证器").exists()


def test_what_is_added_is_listed_and_told(cast: Cast) -> None:
    user = cast.ningbo_reviewer
    key, client = passkey_of(user, "办公室电脑"), inside(user)
    page = client.get(OWN).content.decode()
    assert "办公室电脑" in page
    assert "还没有用过" in page
    assert OWN in client.get("/account/").content.decode()
    use(halfway(user), key)
    assert "还没有用过" not in client.get(OWN).content.decode()
    assert "“办公室电脑”" in Notice.objects.get(user=user, title="已添加通行密钥").text


def test_a_name_is_asked_for_and_nothing_is_lost(cast: Cast) -> None:
    client, key = inside(cast.ningbo_reviewer), SecurityKey()
    made = key.make(client.post(BEGIN).json())
    assert "name" in client.post(OWN, {"name": " ", "passkey": ""}).context["passkey_form"].errors
    without = client.post(OWN, {"name": "旧电脑", "passkey": ""})
    assert "启用浏览器的脚本" in why_not(without)
    assert without.context["passkey_form"]["name"].value() == "旧电脑"
    assert client.post(OWN, {"name": "旧电脑", "passkey": made}).status_code == 302, "asked for, not answered"


def test_one_passkey_is_added_once(cast: Cast) -> None:
    key = passkey_of(cast.ningbo_reviewer)
    for user in (cast.ningbo_reviewer, cast.wuhan_reviewer):
        client = inside(user)
        answer = client.post(OWN, {"name": "又一次", "passkey": key.make(client.post(BEGIN).json())})
        assert "已经绑定过" in why_not(answer)
    assert WebAuthnCredential.objects.count() == 1


def test_an_account_has_ten_at_most(cast: Cast) -> None:
    client = inside(cast.ningbo_reviewer)
    options = client.post(BEGIN).json()
    WebAuthnCredential.objects.bulk_create(
        WebAuthnCredential(user=cast.ningbo_reviewer, credential_id_sha256=str(number), credential_id=b"", public_key=b"")
        for number in range(passkeys.MOST)
    )  # fmt: skip
    assert "最多" in why_not(client.post(OWN, {"name": "x", "passkey": SecurityKey().make(options)}))
    assert "最多" in client.post(BEGIN).json()["detail"]


@pytest.mark.parametrize(
    "how", [{"origin": "http://127.0.0.1:8000"}, {"domain": "evil.example"}, {"verifies": False}], ids=str
)
def test_a_passkey_made_elsewhere_or_for_anybody_is_not_added(cast: Cast, how: dict[str, Any]) -> None:
    client = inside(cast.ningbo_reviewer)
    answer = SecurityKey(**how).make(client.post(BEGIN).json())
    assert "没有通过校验" in why_not(client.post(OWN, {"name": "x", "passkey": answer}))
    assert not WebAuthnCredential.objects.exists()


# Using


def test_a_passkey_lets_in(cast: Cast) -> None:
    user = cast.ningbo_reviewer
    key, client = passkey_of(user), halfway(user)
    page = client.get(FACTOR, SERVER_NAME="localhost", SERVER_PORT=8000).content.decode()
    assert "使用通行密钥" in page
    assert "动态验证码或恢复码" in page, "what works without scripts"
    options = client.post(ASK).json()
    assert options["userVerification"] == "required"
    assert options["rpId"] == "localhost"
    assert len(options["allowCredentials"]) == 1
    before = client.session.session_key
    assert use(client, key)["Location"] == "/admin/"
    assert client.session.session_key != before
    assert let_in(client)
    passkey = WebAuthnCredential.objects.get()
    assert (passkey.sign_count, passkey.last_used_at is not None) == (1, True)


def test_a_device_that_does_not_count_lets_in_each_time(cast: Cast) -> None:
    key = passkey_of(cast.ningbo_reviewer, counts=False)
    for _each in range(2):
        assert use(halfway(cast.ningbo_reviewer), key).status_code == 302


WRONG: dict[str, Callable[[SecurityKey], SecurityKey]] = {
    "another key": lambda key: SecurityKey(id=key.id),
    "another site's page": lambda key: SecurityKey(id=key.id, key=key.key, origin="https://hall.example"),
    "another port": lambda key: SecurityKey(id=key.id, key=key.key, origin="http://localhost:8001"),
    "another domain": lambda key: SecurityKey(id=key.id, key=key.key, domain="hall.example"),
    "nobody verified": lambda key: SecurityKey(id=key.id, key=key.key, verifies=False),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_what_is_signed_wrongly_does_not_count(
    cast: Cast, wrong: Callable[[SecurityKey], SecurityKey]
) -> None:
    key, client = passkey_of(cast.ningbo_reviewer), halfway(cast.ningbo_reviewer)
    assert "没有通过校验" in why_not(use(client, wrong(key)))
    assert not let_in(client)


def test_an_unknown_passkey_and_a_colleagues_are_told_apart(cast: Cast) -> None:
    passkey_of(cast.ningbo_reviewer)
    colleagues = passkey_of(cast.wuhan_reviewer)
    client = halfway(cast.ningbo_reviewer)
    assert "属于另一账号" in why_not(use(client, colleagues))
    PasskeyTries.objects.all().delete()
    assert "没有登记这个通行密钥" in why_not(use(client, SecurityKey()))
    assert not let_in(client)


def test_an_answer_counts_once(cast: Cast) -> None:
    """Sent again, in the same session or in another one, it answers nothing."""
    user = cast.ningbo_reviewer
    key, client, other = passkey_of(user, counts=False), halfway(user), halfway(user)
    answer = key.sign(client.post(ASK).json())
    other.post(ASK)
    assert client.post(FACTOR, {"passkey": answer}).status_code == 302
    assert "已用过" in why_not(client.post(FACTOR, {"passkey": answer}))
    assert "没有通过校验" in why_not(other.post(FACTOR, {"passkey": answer}))
    assert not let_in(other)


def test_a_question_counts_for_five_minutes(cast: Cast, clock: Any) -> None:
    key, client = passkey_of(cast.ningbo_reviewer), halfway(cast.ningbo_reviewer)
    answer = key.sign(client.post(ASK).json())
    clock.step(minutes=6)
    assert "超过 5 分钟" in why_not(client.post(FACTOR, {"passkey": answer}))
    assert use(client, key).status_code == 302


def test_a_counter_that_goes_back_is_a_copy(cast: Cast) -> None:
    user = cast.ningbo_reviewer
    key = passkey_of(user)
    key.count = 7
    assert use(halfway(user), key).status_code == 302
    copy = SecurityKey(id=key.id, key=key.key, count=3)
    assert "没有通过校验" in why_not(use(halfway(user), copy))
    assert WebAuthnCredential.objects.get().sign_count == 8


def test_wrong_answers_wait_longer_and_a_right_one_waits_too(cast: Cast) -> None:
    user = cast.ningbo_reviewer
    key, client = passkey_of(user), halfway(user)
    asked = client.post(ASK).json()
    use(other := halfway(user), SecurityKey(id=key.id))
    tries = PasskeyTries.objects.get(user=user)
    assert tries.throttling_failure_count == 1
    # As after more wrong ones: each makes the wait twice as long.
    PasskeyTries.objects.update(throttling_failure_count=8)
    assert "秒后再试" in why_not(client.post(FACTOR, {"passkey": key.sign(asked)}))
    assert "秒后再试" in other.post(ASK).json()["detail"]
    assert client.post(FACTOR, {"code": code_for(user)}).status_code == 302, "another way is open"
    PasskeyTries.objects.update(throttling_failure_timestamp=None)
    assert use(halfway(user), key).status_code == 302
    assert PasskeyTries.objects.get(user=user).throttling_failure_count == 0


NONSENSE = [
    "", "{", "[]", "null", "{}", "[" * 50_000,
    json.dumps({"id": 1, "rawId": [], "response": {}, "type": "public-key"}),
    json.dumps({"id": "é", "rawId": "é", "type": "public-key",
                "response": {"clientDataJSON": "!", "authenticatorData": "AA", "signature": "AA", "userHandle": "A"}}),
]  # fmt: skip


@pytest.mark.parametrize("typed", NONSENSE, ids=lambda typed: typed[:20] or "nothing")
def test_nonsense_is_refused_in_words(cast: Cast, typed: str) -> None:
    passkey_of(cast.ningbo_reviewer)
    client, staying = halfway(cast.ningbo_reviewer), inside(cast.ningbo_reviewer)
    client.post(ASK)
    staying.post(BEGIN)
    for answer in (
        client.post(FACTOR, {"passkey": typed}),
        staying.post(OWN, {"name": "x", "passkey": typed}),
    ):
        assert answer.status_code == 200
        assert answer.context["passkey_form"].errors
    assert not let_in(client)


@pytest.mark.parametrize("part", ["clientDataJSON", "attestationObject", "clientExtensionResults"])
def test_a_made_passkey_in_pieces_is_refused_in_words(cast: Cast, part: str) -> None:
    client = inside(cast.ningbo_reviewer)
    answer = json.loads(SecurityKey().make(client.post(BEGIN).json()))
    if part == "clientExtensionResults":
        answer[part] = {"credProps": None}
        assert client.post(OWN, {"name": "x", "passkey": json.dumps(answer)}).status_code == 302
        return
    answer["response"][part] = answer["response"][part][:-7]
    assert "没有通过校验" in why_not(client.post(OWN, {"name": "x", "passkey": json.dumps(answer)}))


def test_money_is_let_go_by_a_passkey_again(cast: Cast, clock: Any) -> None:
    key, client = passkey_of(cast.ningbo_reviewer), inside(cast.ningbo_reviewer)
    clock.step(minutes=16)
    assert not factors.is_recent(client.get("/admin/").wsgi_request, now=clock.now)
    assert use(client, key)["Location"] == "/admin/"
    assert factors.is_recent(client.get("/admin/").wsgi_request, now=clock.now)


# Where


@pytest.mark.parametrize(
    ("address", "counts_at"),
    [
        ("http://127.0.0.1:8000", ("localhost", "http://localhost:8000")),
        ("http://[::1]:8123", ("localhost", "http://localhost:8123")),
        ("http://localhost:4444", ("localhost", "http://localhost:4444")),
        ("https://hall.example.gov.cn", ("hall.example.gov.cn", "https://hall.example.gov.cn")),
        ("https://hall.example.gov.cn:8443", ("hall.example.gov.cn", "https://hall.example.gov.cn:8443")),
        ("http://hall.example.gov.cn", None),
        ("https://10.1.2.3", None),
    ],
)
def test_passkeys_count_at_the_halls_own_address(
    settings: Any, address: str, counts_at: tuple[str, str] | None
) -> None:
    settings.PUBLIC_URL = address
    where = passkeys.place()
    assert (where and (where.domain, where.origin)) == counts_at


def test_at_another_address_the_page_says_where(cast: Cast, settings: Any) -> None:
    passkey_of(cast.ningbo_reviewer)
    client = halfway(cast.ningbo_reviewer)
    page = client.get(FACTOR, SERVER_NAME="127.0.0.1", SERVER_PORT=8000).content.decode()
    assert 'href="http://localhost:8000/staff/factor/"' in page
    assert "使用通行密钥</button>" not in page
    settings.PUBLIC_URL = "http://hall.example.gov.cn"
    page = client.get(FACTOR).content.decode()
    assert "不能使用通行密钥" in page
    assert "动态验证码或恢复码" in page
    assert "不能使用通行密钥" in client.post(ASK).json()["detail"]


# Removing


def test_a_passkey_is_removed_and_the_last_factor_stays(cast: Cast) -> None:
    user = cast.ningbo_reviewer
    key, client = passkey_of(user, "旧电脑"), inside(user)
    pk = WebAuthnCredential.objects.get().pk
    came_in_by_it = halfway(user)
    use(came_in_by_it, key)
    page = f"{OWN}passkeys/{pk}/remove/"
    assert "旧电脑" in client.get(page).content.decode()
    assert WebAuthnCredential.objects.exists(), "asked first"
    assert client.post(page)["Location"] == OWN
    assert not WebAuthnCredential.objects.exists()
    assert "“旧电脑”" in Notice.objects.get(user=user, title="已删除通行密钥").text
    assert came_in_by_it.get("/admin/")["Location"].startswith(FACTOR), "whoever came in by it is asked again"
    assert "已删除" in client.get(OWN).content.decode()
    assert let_in(client)
    client.post(f"{OWN}authenticator/remove/")
    assert TOTPDevice.objects.filter(user=user).exists(), "the last one"


def test_an_authenticator_goes_where_a_passkey_stays(cast: Cast) -> None:
    user = cast.ningbo_reviewer
    key, client = passkey_of(user), halfway(user)
    use(client, key)
    assert client.post(f"{OWN}authenticator/remove/")["Location"] == OWN
    assert not factors.has_authenticator(user)
    pk = WebAuthnCredential.objects.get().pk
    client.post(f"{OWN}passkeys/{pk}/remove/")
    assert "不能删除" in client.get(OWN).content.decode()
    assert WebAuthnCredential.objects.exists()


def test_a_colleagues_passkey_is_not_there(cast: Cast) -> None:
    passkey_of(cast.wuhan_reviewer)
    page = f"{OWN}passkeys/{WebAuthnCredential.objects.get().pk}/remove/"
    client = inside(cast.ningbo_reviewer)
    assert client.get(page).status_code == 404
    assert client.post(page).status_code == 404
    assert WebAuthnCredential.objects.exists()


def test_changes_ask_for_a_factor_given_a_short_while_ago(cast: Cast, clock: Any) -> None:
    user = cast.ningbo_reviewer
    passkey_of(user)
    client, key = inside(user), SecurityKey()
    made = key.make(client.post(BEGIN).json())
    codes = set(factors.new_recovery_codes(user))
    pk = WebAuthnCredential.objects.get().pk
    clock.step(minutes=16)
    for address, typed in (
        (OWN, {"name": "x", "passkey": made}),
        (f"{OWN}passkeys/{pk}/remove/", {}),
        (f"{OWN}authenticator/remove/", {}),
        (f"{OWN}codes/", {}),
    ):
        assert client.post(address, typed)["Location"] == f"{FACTOR}?next={OWN}"
    page = client.get(OWN).content.decode()
    assert "请先再次验证" in page
    assert "添加通行密钥</button>" not in page
    assert "请先再次验证" in client.post(BEGIN).json()["detail"]
    assert WebAuthnCredential.objects.count() == 1
    assert factors.has_authenticator(user)
    assert set(StaticToken.objects.values_list("token", flat=True)) == codes


def test_recovery_codes_are_made_anew(cast: Cast) -> None:
    user = cast.ningbo_reviewer
    client = inside(user)
    before = factors.new_recovery_codes(user)
    answer = client.post(f"{OWN}codes/")
    assert answer["Location"] == f"{CODES}?next={OWN}"
    shown = client.get(answer["Location"]).content.decode()
    now = set(StaticToken.objects.values_list("token", flat=True))
    assert not now & set(before)
    assert all(code in shown for code in now)


def test_a_lost_passkey_is_reset_by_two(cast: Cast) -> None:
    user = cast.ningbo_second_reviewer
    key = only_passkey_of(user)
    use(halfway(user), SecurityKey(id=key.id))
    proposal = factor_reset.propose(user, reason="安全密钥丢失", by=cast.ningbo_manager, now=timezone.now())
    inside(cast.ningbo_reviewer).post(
        reverse("admin:accounts_proposal_change", args=[proposal.pk]), {"step": "approve"}
    )
    assert Proposal.objects.get().status == "approved"
    assert not WebAuthnCredential.objects.filter(user=user).exists()
    assert not PasskeyTries.objects.filter(user=user).exists()
    assert halfway(user).get("/admin/")["Location"].startswith(ENROL)


def test_persons_and_clerks_have_no_passkeys_yet(cast: Cast) -> None:
    client = inside(cast.wang_fang_login)
    for address in (OWN, f"{OWN}authenticator/remove/", f"{OWN}passkeys/1/remove/"):
        assert client.get(address).status_code == 404
    for address in (ASK, BEGIN, f"{OWN}codes/"):
        assert client.post(address).status_code == 404
    assert "两步验证" not in client.get("/account/").content.decode()


def test_a_device_that_has_counted_too_far_is_refused(cast: Cast) -> None:
    """It counts to 4,294,967,295, the database to half of that."""
    user = cast.ningbo_reviewer
    authenticator(user)
    client, key = inside(user), SecurityKey(count=2**31)
    answer = client.post(OWN, {"name": "新", "passkey": key.make(client.post(BEGIN).json())})
    assert "没有通过校验" in why_not(answer)
    assert not WebAuthnCredential.objects.exists()
    late, counted = halfway(user), passkey_of(user)
    counted.count = 2**31
    assert "没有通过校验" in why_not(use(late, counted))


def test_a_passkey_that_is_removed_twice_is_gone_once(cast: Cast) -> None:
    user = cast.ningbo_reviewer
    passkey_of(user)
    authenticator(user)
    [pk] = WebAuthnCredential.objects.values_list("pk", flat=True)
    for _each in range(2):
        factors.remove_passkey(user, pk, now=timezone.now())
    assert Notice.objects.filter(user=user, reference=f"{pk} removed").count() == 1
