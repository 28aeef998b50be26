"""统一身份认证: a real round trip over HTTP to a provider that stands in, and what must not come in
by it: answers of another session, used twice, forged, for others, or too late."""

import http.client
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.db import DatabaseError, transaction
from django.test import Client

from portal.accounts.models import FILES, LOOKS, SignOnIdentity, User
from portal.accounts.sign_on_stand_in import SignOnStandIn
from portal.people.models import Person
from tests.accounts.knocking import exist
from tests.cast import NOW, Cast, identity_number

pytestmark = pytest.mark.django_db

DOOR = "/login/sign-on/wuxi/"
DONE = "/login/sign-on/wuxi/done/"


@pytest.fixture(scope="module")
def running() -> Iterator[SignOnStandIn]:
    server = SignOnStandIn(("127.0.0.1", 0), "hall", "between-the-two")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def provider(running: SignOnStandIn, settings: Any) -> SignOnStandIn:
    running.altered, running.signs_with = {}, running.key
    its = {"issuer": running.url, "client_id": "hall", "client_secret": "between-the-two"}
    settings.SINGLE_SIGN_ON = {"wuxi": its}
    return running


def wang(cast: Cast, **other: str) -> dict[str, str]:
    known = cast.wang_fang
    return {
        "name": known.name,
        "identity_number": known.identity_number,
        "phone": known.phone,
        "acr": "2",
        **other,
    }


def begun(client: Client, **typed: str) -> str:
    """The provider's address that the browser is sent to."""
    page = client.post(DOOR, typed)
    assert page.status_code == 200, page.content.decode()
    return str(page.context["url"])


def said(address: str, who: dict[str, str]) -> str:
    """Somebody says at the provider who they are; where they are sent back to."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    connection.request("POST", f"{parts.path}?{parts.query}", urlencode(who))
    response = connection.getresponse()
    assert response.status == 303
    back = response.headers["Location"]
    connection.close()
    return back.replace("http://testserver", "")


def come(client: Client, who: dict[str, str], **typed: str) -> Any:
    return client.get(said(begun(client, **typed), who))


def logged_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_a_round_trip_opens_an_account_and_goes_where_one_wanted(
    client: Client, cast: Cast, provider: SignOnStandIn
) -> None:
    assert "江苏政务服务网统一身份认证" in client.get("/login/person/").content.decode()
    assert come(client, wang(cast), next="/record/")["Location"] == "/record/"
    login = User.objects.get(kind="person")
    assert (login.person, login.phone, login.identity_level) == (cast.wang_fang, "13800000001", FILES)
    assert not login.has_usable_password()
    # The second time it is the same account, whatever the phone is by then.
    again = Client()
    assert come(again, wang(cast, phone="13700000001"))["Location"] == "/"
    assert User.objects.filter(kind="person").count() == 1
    assert SignOnIdentity.objects.count() == 1


def test_the_request_carries_state_nonce_and_a_challenge_and_the_secret_stays(
    client: Client, cast: Cast, provider: SignOnStandIn
) -> None:
    asked = {name: values[0] for name, values in parse_qs(urlsplit(begun(client)).query).items()}
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == f"http://testserver{DONE}"
    assert all(len(asked[name]) >= 20 for name in ("state", "nonce", "code_challenge"))
    assert "between-the-two" not in str(asked)


def test_whoever_has_an_account_keeps_it_and_may_file_after_a_strong_login(
    client: Client, cast: Cast, provider: SignOnStandIn
) -> None:
    User.objects.filter(pk=cast.wang_fang_login.pk).update(identity_level=LOOKS)
    come(client, wang(cast, acr="1"))
    assert logged_in(client)
    login = User.objects.get(kind="person")
    assert login.identity_level == LOOKS
    come(Client(), wang(cast))
    login.refresh_from_db()
    assert login.identity_level == FILES
    assert login.has_usable_password()


def test_a_phone_of_somebody_else_is_not_taken_over(
    client: Client, cast: Cast, provider: SignOnStandIn
) -> None:
    exist(cast.li_qiang_login)
    newcomer = {
        "name": cast.newcomer_name,
        "identity_number": cast.newcomer_number,
        "phone": cast.li_qiang_login.phone,
        "acr": "2",
    }
    come(client, newcomer)
    assert logged_in(client)
    assert User.objects.get(person__identity_number=cast.newcomer_number).phone == ""


@pytest.mark.parametrize(
    "altered",
    [
        {"iss": "https://elsewhere.example"},
        {"iss": None},
        {"aud": "another-client"},
        {"aud": None},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"iat": None},
        {"iat": 4_000_000_000},
        {"nonce": "of-another-login"},
        {"nonce": None},
        {"sub": None},
        {"azp": "another-client"},
        {"identity_number": "330211198805120020"},
        {"identity_number": None},
        {"name": None},
        {"name": 7},
    ],
    ids=str,
)
def test_a_statement_that_is_not_for_us_from_it_now_lets_nobody_in(
    client: Client, cast: Cast, provider: SignOnStandIn, altered: dict[str, Any]
) -> None:
    provider.altered = altered
    page = come(client, wang(cast))
    assert page.status_code == 409
    assert "返回个人登录" in page.content.decode()
    assert not logged_in(client)
    assert not User.objects.exists()


def test_a_signature_of_another_key_counts_for_nothing(
    client: Client, cast: Cast, provider: SignOnStandIn
) -> None:
    provider.signs_with = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert come(client, wang(cast)).status_code == 409
    assert not logged_in(client)


def test_an_answer_counts_once_and_only_in_the_session_that_asked(
    client: Client, cast: Cast, provider: SignOnStandIn
) -> None:
    back = said(begun(client), wang(cast))
    victim = Client()
    assert victim.get(back).status_code == 409
    assert not logged_in(victim)
    # Somebody else's code under one's own state: the challenge was another.
    own = said(begun(victim), wang(cast, acr="2"))
    stolen = parse_qs(urlsplit(back).query)["code"][0]
    state = parse_qs(urlsplit(own).query)["state"][0]
    assert victim.get(f"{DONE}?{urlencode({'code': stolen, 'state': state})}").status_code == 409
    assert not logged_in(victim)
    own = said(begun(client), wang(cast))
    assert client.get(own).status_code == 302
    client.post("/logout/")
    assert client.get(own).status_code == 409
    assert not logged_in(client)


@pytest.mark.parametrize("query", ["", "?code=x", "?state=x", "?code=x&state=y", "?error=access_denied"])
def test_an_answer_without_a_question_is_none(
    client: Client, cast: Cast, provider: SignOnStandIn, query: str
) -> None:
    assert client.get(f"{DONE}{query}").status_code == 409


def test_whoever_gives_up_there_is_told_here(client: Client, cast: Cast, provider: SignOnStandIn) -> None:
    page = come(client, wang(cast, acr=""))
    assert "可能已取消" in page.content.decode()


def test_whom_the_file_does_not_know_by_that_name_is_not_let_in(
    client: Client, cast: Cast, provider: SignOnStandIn
) -> None:
    for who in (wang(cast, name="王方"), wang(cast, name="王方", acr="1")):
        page = come(client, who)
        assert "不一致，不能登录" in page.content.decode()
    assert not User.objects.exists()
    exist(cast.wang_fang_login)
    assert come(client, wang(cast, name="王方")).status_code == 409
    User.objects.update(is_active=False)
    assert come(client, wang(cast)).status_code == 409
    assert not logged_in(client)


def test_a_subject_stays_with_its_account(client: Client, cast: Cast, provider: SignOnStandIn) -> None:
    exist(cast.wang_fang_login, cast.li_qiang_login)
    come(client, wang(cast))
    row = SignOnIdentity.objects.get()
    li = {"name": cast.li_qiang.name, "identity_number": cast.li_qiang.identity_number}
    provider.altered = {"sub": row.subject}
    assert come(Client(), wang(cast, **li)).status_code == 409
    provider.altered = {"sub": "another-subject"}
    assert come(Client(), wang(cast)).status_code == 409
    for change in (lambda: SignOnIdentity.objects.update(subject="x"), SignOnIdentity.objects.all().delete):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_a_child_opens_none(client: Client, cast: Cast, provider: SignOnStandIn) -> None:
    child = identity_number("320213", str(NOW.date().replace(year=NOW.year - 12)), 3)
    page = come(client, wang(cast, name="小明", identity_number=child))
    assert "由监护人登录" in page.content.decode()
    assert not Person.objects.filter(identity_number=child).exists()


@pytest.mark.parametrize("issuer", ["http://127.0.0.1:9", "http://elsewhere.example", "https://127.0.0.1:9"])
def test_a_provider_that_is_away_or_in_the_clear_is_said_to_be_away(
    client: Client, cast: Cast, provider: SignOnStandIn, settings: Any, issuer: str
) -> None:
    settings.SINGLE_SIGN_ON = {"wuxi": {**settings.SINGLE_SIGN_ON["wuxi"], "issuer": issuer}}
    page = client.post(DOOR)
    assert page.status_code == 409
    assert "暂时没有应答" in page.content.decode()


def test_one_who_calls_itself_otherwise_is_not_believed(
    client: Client, cast: Cast, provider: SignOnStandIn, settings: Any
) -> None:
    aside = provider.url.replace("127.0.0.1", "localhost")
    settings.SINGLE_SIGN_ON = {"wuxi": {**settings.SINGLE_SIGN_ON["wuxi"], "issuer": aside}}
    assert client.post(DOOR).status_code == 409


def test_a_city_without_the_door_has_none(client: Client, cast: Cast, provider: SignOnStandIn) -> None:
    for city in ("ningbo", "wuhan", "atlantis"):
        assert client.post(f"/login/sign-on/{city}/").status_code == 404
        assert client.get(f"/login/sign-on/{city}/done/").status_code == 404
    assert client.get(DOOR).status_code == 405
    assert come(client, wang(cast), next="//evil.example/")["Location"] == "/"
