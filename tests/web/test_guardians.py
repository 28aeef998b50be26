"""A guardian files for a ward: in the ward's name, seen by both, and by nobody whose ward it is
not."""

import datetime as dt

import pytest
from django.test import Client

from enrollment.models import Coverage
from enrollment.services.flexible_pause import FlexiblePause
from portal.accounts.models import Proposal, User
from portal.accounts.roles import MANAGER, REVIEWER
from portal.hall import desk, permissions
from portal.hall.models import Case, Draft
from portal.hall.service import Applicant
from portal.people.models import Guardianship, Person
from portal.policy.book import book
from portal.shared.insurance import Insurance
from tests.cast import WUCHANG, Cast, cover, identity_number, person, staff
from tests.conftest import Clock
from tests.web.conftest import key_on, signed_in

pytestmark = pytest.mark.django_db

PAUSE = "/wuhan/services/flexible-pause/"
GUARDIANSHIPS = "/admin/people/guardianship/"


@pytest.fixture
def ward(cast: Cast, clock: Clock) -> Person:
    """A man of Wuhan whose spouse 王芳 is his guardian."""
    who = person("周平", WUCHANG, "1984-03-02", 71)
    cover(who, Insurance.PENSION, "wuhan", "2026-01", tier="60")
    Guardianship.objects.create(
        guardian=cast.wang_fang,
        ward=who,
        relation="spouse",
        proof_kind="incapacity",
        proof="法院判决书",
        start=dt.date(2026, 1, 1),
    )
    return who


@pytest.fixture(autouse=True)
def for_wards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FlexiblePause, "for_wards", True)


@pytest.fixture
def guardian(cast: Cast, ward: Person) -> Client:
    return signed_in(cast.wang_fang_login)


def paused(client: Client, ward: Person) -> Case:
    """Takes the ward's pause through the steps."""
    query = f"?for={ward.pk}"
    sent = client.post(f"{PAUSE}apply/{query}", {"stop_pension": "2026-12"})
    assert sent.status_code == 302, sent.context["form"].errors
    assert sent["Location"] == f"{PAUSE}materials/{query}"
    last_look = client.get(f"{PAUSE}materials/{query}")
    assert "以监护人身份为 周平" in last_look.content.decode()
    done = client.post(f"{PAUSE}materials/{query}", {"key": key_on(last_look), "action": "submit"})
    assert done.status_code == 302, done.context["form"].errors
    return Case.objects.get(number=done["Location"].split("/")[2])


def test_the_guardian_chooses_for_whom(guardian: Client, ward: Person, cast: Cast) -> None:
    page = guardian.get(PAUSE).content.decode()
    assert "为谁办理" in page
    assert f"{PAUSE}?for={ward.pk}" in page
    assert f"{PAUSE}apply/?for={ward.pk}" in guardian.get(f"{PAUSE}?for={ward.pk}").content.decode()
    assert "为谁办理" not in signed_in(cast.li_qiang_login).get(PAUSE).content.decode()


def test_what_a_guardian_files_is_the_wards(guardian: Client, ward: Person, cast: Cast) -> None:
    case = paused(guardian, ward)
    assert case.applicant_person == case.subject == ward
    assert case.filed_by == cast.wang_fang_login
    assert Coverage.objects.get(person=ward).until is not None
    assert "周平" in guardian.get("/cases/").content.decode()
    assert guardian.get(f"/cases/{case.number}/").status_code == 200
    assert signed_in(cast.li_qiang_login).get(f"/cases/{case.number}/").status_code == 404


def test_the_wards_own_login_sees_it_too(guardian: Client, ward: Person) -> None:
    case = paused(guardian, ward)
    own = signed_in(User.objects.create_person(ward, password=None))
    assert own.get(f"/cases/{case.number}/").status_code == 200


def test_drafts_for_oneself_and_for_a_ward_are_apart(guardian: Client, ward: Person, cast: Cast) -> None:
    cover(cast.wang_fang, Insurance.PENSION, "wuhan", "2026-01", tier="60")
    guardian.post(f"{PAUSE}apply/?for={ward.pk}", {"stop_pension": "2026-12", "action": "save"})
    guardian.post(f"{PAUSE}apply/", {"action": "save"})
    assert {draft.ward_id for draft in Draft.objects.all()} == {None, ward.pk}
    home = guardian.get("/wuhan/").content.decode()
    assert f"apply/?for={ward.pk}" in home
    assert "（周平）" in home


@pytest.mark.parametrize("named", ["{li_qiang}", "0", "9" * 30, "x", "-1"])
def test_for_nobody_else(guardian: Client, ward: Person, cast: Cast, named: str) -> None:
    query = "?for=" + named.format(li_qiang=cast.li_qiang.pk)
    for step in ("", "apply/", "materials/"):
        assert guardian.get(f"{PAUSE}{step}{query}").status_code == 404
    assert guardian.post(f"{PAUSE}apply/{query}", {"stop_pension": "2026-12"}).status_code == 404


def test_a_ward_is_nobody_elses(ward: Person, cast: Cast) -> None:
    assert signed_in(cast.li_qiang_login).get(f"{PAUSE}apply/?for={ward.pk}").status_code == 404


def test_only_services_for_wards_are_filed_for_them(
    guardian: Client, ward: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FlexiblePause, "for_wards", False)
    assert guardian.get(f"{PAUSE}apply/?for={ward.pk}").status_code == 404
    assert "为谁办理" not in guardian.get(PAUSE).content.decode()


def test_when_guardianship_ends_so_does_all_of_it(
    guardian: Client, ward: Person, cast: Cast, clock: Clock
) -> None:
    case = paused(guardian, ward)
    Guardianship.objects.update(ends_on=dt.date(2026, 11, 18))
    assert guardian.get(f"/cases/{case.number}/").status_code == 200
    clock.set("2026-11-18 00:00")
    # The session of the day before has ended.
    guardian = signed_in(cast.wang_fang_login)
    assert guardian.get(f"/cases/{case.number}/").status_code == 404
    assert "周平" not in guardian.get("/cases/").content.decode()
    turned = guardian.get(f"{PAUSE}apply/?for={ward.pk}")
    assert (turned.status_code, turned["Location"]) == (302, "/family/")


def test_the_desk_itself_refuses_whoever_is_no_guardian(ward: Person, cast: Cast, clock: Clock) -> None:
    offer = book().city("wuhan").offers["flexible-pause"]
    ask = desk.Ask(
        offer=offer,
        applicant=Applicant.of(cast.li_qiang_login, ward),
        answers={"stop_pension": "2026-12"},
        filed_at=clock.now,
    )
    with pytest.raises(desk.NotAllowed):
        desk.submit(ask=ask, key="6c1c9e2e-0000-4000-8000-000000000001", now=clock.now)  # type: ignore[arg-type]


def test_a_guardian_on_the_staff_does_not_decide_for_their_ward(
    guardian: Client, ward: Person, cast: Cast
) -> None:
    case = paused(guardian, ward)
    reviewer = staff("wuhan-g", "王芳", "wuhan", REVIEWER, of=cast.wang_fang)
    assert "被监护人" in permissions.why_not_decide(reviewer, case)
    assert permissions.why_not_decide(cast.wuhan_reviewer, case) == ""


# How staff enter it


@pytest.fixture
def manager(cast: Cast, clock: Clock) -> Client:
    client = Client()
    client.force_login(staff("wuhan-m", "方圆", "wuhan", MANAGER))
    return client


def entered(cast: Cast, **more: str) -> dict[str, str]:
    return {
        "guardian_number": cast.wang_fang.identity_number,
        "ward_number": identity_number(WUCHANG, "2018-06-01", 12),
        "ward_name": "王小明",
        "relation": "parent",
        "proof_kind": "household",
        "proof": "户口簿",
        "start": "2026-11-17",
        "ends_on": "",
        **more,
    }


def registered(manager: Client, cast: Cast) -> None:
    """A guardianship by two hands: proposed by the manager, and approved by a reviewer of the
    city."""
    assert manager.post(f"{GUARDIANSHIPS}add/", entered(cast)).status_code == 302
    assert not Guardianship.objects.exists()
    approved(cast)


def approved(cast: Cast) -> None:
    """A reviewer of Wuhan approves what is proposed last."""
    checker = Client()
    checker.force_login(cast.wuhan_reviewer)
    page = f"/admin/accounts/proposal/{Proposal.objects.latest('pk').pk}/change/"
    assert checker.post(page, {"step": "approve"}).status_code == 302


def test_a_childs_guardianship_ends_when_they_come_of_age(manager: Client, cast: Cast) -> None:
    registered(manager, cast)
    one = Guardianship.objects.get()
    assert (one.guardian, one.ward.name, one.ends_on) == (cast.wang_fang, "王小明", dt.date(2036, 6, 1))
    assert one.ward.birth_date == dt.date(2018, 6, 1)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"guardian_number": "330211198805120000"}, "不是有效的身份证号码"),
        ({"guardian_number": identity_number(WUCHANG, "1970-01-01", 99)}, "没有查到这名监护人"),
        ({"ward_number": identity_number("330211", "1988-05-12", 24)}, "不能是同一个人"),
        ({"proof": ""}, "必填"),
    ],
)
def test_what_is_wrong_is_told_beside_its_field(
    manager: Client, cast: Cast, wrong: dict[str, str], why: str
) -> None:
    assert cast.wang_fang.identity_number == identity_number("330211", "1988-05-12", 24)
    page = manager.post(f"{GUARDIANSHIPS}add/", entered(cast, **wrong))
    assert page.status_code == 200
    assert why in page.content.decode()
    assert not Guardianship.objects.exists()


def test_a_known_ward_under_another_name_is_refused(manager: Client, cast: Cast) -> None:
    page = manager.post(
        f"{GUARDIANSHIPS}add/", entered(cast, ward_number=cast.li_qiang.identity_number, ward_name="李墙")
    )
    assert "姓名与登记的不一致" in page.content.decode()


def test_only_its_end_can_be_changed_and_by_few(manager: Client, cast: Cast) -> None:
    registered(manager, cast)
    one = Guardianship.objects.get()
    row = f"{GUARDIANSHIPS}{one.pk}/change/"
    typed = {"ends_on": "2027-01-01", "relation": "other", "reason": "离异，法院判决书"}
    assert manager.post(row, typed).status_code == 302
    approved(cast)
    one.refresh_from_db()
    assert (one.ends_on, one.relation) == (dt.date(2027, 1, 1), "parent")
    assert manager.post(f"{GUARDIANSHIPS}{one.pk}/delete/", {"post": "yes"}).status_code == 403
    reviewer = Client()
    reviewer.force_login(cast.wuhan_reviewer)
    assert reviewer.get(f"{GUARDIANSHIPS}add/").status_code == 403
    assert reviewer.post(row, {"ends_on": "2030-01-01"}).status_code == 403
