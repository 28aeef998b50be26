"""实名等级: where the city asks for it, an account that was opened by the phone on file looks up,
and files after a face check or the four factors of the activated card."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from portal.accounts.face_stand_in import FaceStandIn
from portal.accounts.models import FILES, LOOKS, User
from portal.registers.models import SecurityCardRecord
from tests.accounts.faces import face_provider, look, prove_by_face
from tests.accounts.test_registration import NEW, set_password, state, wang
from tests.cast import Cast
from tests.conftest import Clock

__all__ = ["face_provider"]

pytestmark = pytest.mark.django_db

APPLY = "/wuxi/services/flexible-pay/apply/"
SERVICE = "/wuxi/services/flexible-pay/"
VERIFY = "/account/verify/?city=wuxi"
CARD = "6217001180001122681"


@pytest.fixture
def looking(client: Client, cast: Cast) -> Client:
    """Wang Fang, whose account was opened by the phone on file."""
    state(client, **wang(cast, city="wuxi"))
    assert "账号已开通" in set_password(client).content.decode()
    login = User.objects.get(kind="person")
    assert login.identity_level == LOOKS
    client.force_login(login, backend="portal.accounts.doors.PersonDoor")
    return client


def level() -> int:
    return User.objects.get(kind="person").identity_level


def card(cast: Cast, **other: Any) -> SecurityCardRecord:
    known = cast.wang_fang
    values = {"holder": known.name, "phone": known.phone, "activated": True, "number": CARD, "bank": "icbc"}
    return SecurityCardRecord.objects.create(identity_number=known.identity_number, **{**values, **other})


def by_card(number: str = CARD) -> dict[str, str]:
    return {"how": "card", "card-number": number}


def test_the_first_level_looks_up_and_is_asked_before_it_files(looking: Client) -> None:
    assert looking.get("/record/").status_code == 200
    assert looking.get(APPLY)["Location"] == SERVICE
    assert looking.post(APPLY, {"phone": "13800000001"})["Location"] == SERVICE
    page = looking.get(SERVICE).content.decode()
    assert "初级实名，只能查询" in page
    assert "/account/verify/?city=wuxi&amp;next=/wuxi/services/flexible-pay/" in page
    assert "初级（可查询）" in looking.get("/account/").content.decode()
    # No other city asks for it.
    assert looking.get("/ningbo/services/flexible-enroll/apply/").status_code == 200


def test_the_activated_card_lets_it_file(looking: Client, cast: Cast) -> None:
    card(cast)
    done = looking.post(f"{VERIFY}&next={SERVICE}", by_card())
    assert done["Location"] == SERVICE
    assert level() == FILES
    assert "初级实名" not in looking.get(SERVICE).content.decode()
    # Sent again, it only leads on.
    assert looking.post(f"{VERIFY}&next={SERVICE}", by_card())["Location"] == SERVICE


def test_so_does_the_face(looking: Client, cast: Cast, face_provider: FaceStandIn) -> None:
    assert "去刷脸核验" in looking.get(VERIFY).content.decode()
    assert prove_by_face(looking, face_provider, f"{VERIFY}&next={SERVICE}")["Location"] == SERVICE
    assert level() == FILES


def test_another_face_does_not(looking: Client, cast: Cast, face_provider: FaceStandIn) -> None:
    page = looking.post(VERIFY, {"how": "face"}).context["url"]
    back = look(face_provider, page, yes=False).replace("http://testserver", "")
    assert "没有通过刷脸核验" in looking.get(back).content.decode()
    assert level() == LOOKS


def test_whoever_opens_by_a_stronger_proof_files_at_once(client: Client, cast: Cast) -> None:
    card(cast, phone="13700000001")
    state(client, **wang(cast, city="wuxi", phone="13700000001"))
    assert client.post("/register/proof/", by_card())["Location"].startswith("/register/password/")
    client.post("/register/password/", {"password": NEW, "password_again": NEW})
    assert level() == FILES


@pytest.mark.parametrize(
    "differs",
    [{"activated": False}, {"phone": "13700000077"}, {"holder": "王方"}, {"number": "6217001180001122699"}],
    ids=lambda differs: next(iter(differs)),
)
def test_a_card_that_does_not_agree_lets_nothing(
    looking: Client, cast: Cast, differs: dict[str, Any]
) -> None:
    card(cast, **differs)
    page = looking.post(VERIFY, by_card())
    assert "没有通过银行核验" in page.context["card"].errors["number"][0]
    assert level() == LOOKS


def test_five_failures_close_it_for_a_day_and_the_window_stays(
    looking: Client, cast: Cast, clock: Clock
) -> None:
    card(cast)
    for _turn in range(5):
        looking.post(VERIFY, by_card("6217001180001122699"))
    text = looking.post(VERIFY, by_card()).content.decode()
    until = timezone.localtime(clock.now + dt.timedelta(hours=24))
    assert f"{until:%Y-%m-%d %H:%M} 后可以再试" in text
    assert "到窗口办理" in text
    assert level() == LOOKS
    clock.step(hours=24, minutes=1)
    again = Client()
    again.force_login(User.objects.get(kind="person"), backend="portal.accounts.doors.PersonDoor")
    assert again.post(VERIFY, by_card()).status_code == 302
    assert level() == FILES
