"""Community desks of Wuhan: qualifications, first passwords, signed letters, help to file."""

import dataclasses
import datetime as dt
import io
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, transaction
from django.test import Client
from PIL import Image

from enrollment.models import Coverage
from portal.accounts.models import Notice, OpenSession, User
from portal.hall import desk as hall_desk
from portal.hall.models import Case
from portal.hall.service import Applicant
from portal.people.models import Person
from portal.policy.book import book
from portal.policy.terms.desks import desk_terms
from portal.qualifications import opening, rights
from portal.qualifications.models import Letter, Qualification, Right, SignedHow, Slip, Visit
from portal.qualifications.rights import Standing
from portal.shared.insurance import Insurance
from portal.shared.months import Month
from tests.accounts.knocking import PERSON, errors, knock
from tests.cast import PASSWORD, WUCHANG, Cast, cover, person, staff
from tests.conftest import Clock
from tests.filing import file, reasons

DAY = "2026-12-08 10:00"
PAUSE = {"stop_pension": "2027-01"}
NEW = "Wuchang-4201-new"
PERSON_DOOR = "portal.accounts.doors.PersonDoor"
DESK_DOOR = "portal.accounts.doors.DeskDoor"


@pytest.fixture
def now(clock: Clock) -> dt.datetime:
    return clock.set(DAY)


@pytest.fixture
def flexible(cast: Cast, now: dt.datetime) -> Person:
    """A flexible worker of Wuhan, without an account."""
    resident = person("周红", WUCHANG, "1980-02-03", 62, phone="")
    cover(resident, Insurance.PENSION, "wuhan", "2026-01", tier="60")
    return resident


@pytest.fixture
def at_desk(cast: Cast, client: Client, now: dt.datetime) -> Client:
    client.force_login(cast.desk_clerk, DESK_DOOR)
    return client


def told(resident: Person, **more: str) -> dict[str, str]:
    return {
        "identity_number": resident.identity_number,
        "name": resident.name,
        "phone": "13700000042",
        "right": "file",
        "seen": "居民身份证",
        "confirmed": "on",
        **more,
    }


def employed(cast: Cast, resident: Person) -> None:
    cover(resident, Insurance.PENSION, "wuhan", "2026-01", at=cast.donghu, wage_fen=600000)


def opened(cast: Cast, resident: Person, now: dt.datetime, right: Right = Right.FILE) -> opening.Opened:
    return opening.open_qualification(
        resident, right=right, phone="13700000042", seen="居民身份证", by=cast.desk_clerk, now=now
    )


def with_letter(cast: Cast, resident: Person, now: dt.datetime) -> User:
    """Opened, and the letter signed; the login."""
    done = opened(cast, resident, now)
    login = User.objects.get(person=resident, kind="person")
    opening.sign_on_screen(done.qualification, by=login, now=now)
    return login


def scan() -> SimpleUploadedFile:
    out = io.BytesIO()
    Image.new("RGB", (40, 60)).save(out, "PNG")
    return SimpleUploadedFile("letter.png", out.getvalue(), "image/png")


def new_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the letter reads otherwise, as version 2."""
    real = rights.terms_of

    def terms(city: str, now: dt.datetime) -> Any:
        values = real(city, now)
        return values and dataclasses.replace(
            values, letter=dataclasses.replace(values.letter, version="v2", paragraphs=("新的承诺。",))
        )

    monkeypatch.setattr(rights, "terms_of", terms)


# Opening


def test_a_flexible_worker_gets_a_slip_signs_the_letter_and_files(
    at_desk: Client, cast: Cast, flexible: Person, now: dt.datetime
) -> None:
    page = at_desk.post("/desk/open/", told(flexible))
    password = re.search(r"<strong data-code>(\w+)</strong>", page.content.decode())
    assert password
    assert "2027年1月7日" in page.content.decode()
    row = Qualification.objects.get(person=flexible)
    assert rights.of(flexible, "wuhan", now).standing == Standing.LETTER
    printed = at_desk.get(f"/desk/qualifications/{row.pk}/letter/").content.decode()
    assert "武汉市社会保险网上办事承诺书" in printed
    assert flexible.identity_number in printed

    resident = Client()
    knock(resident, PERSON, {"login": flexible.identity_number, "password": password[1]})
    assert resident.get("/account/")["Location"].startswith("/account/first-password/")
    resident.post("/account/first-password/", {"password": NEW, "password_again": NEW})
    login = User.objects.get(person=flexible)
    assert not login.must_change_password
    assert reasons_beforehand(login, now) == ["请先签订网上办事承诺书，再来办理；也可以到社区网点签订。"]

    at_desk.post(f"/desk/qualifications/{row.pk}/", {"scan": scan(), "signed": "on"})
    letter = Letter.objects.get(qualification=row)
    terms = desk_terms(book(), city="wuhan", on=now.date())
    assert terms
    assert (letter.version, letter.digest) == (terms.letter.version, terms.letter.digest)
    assert letter.taken_by == cast.desk_clerk
    assert letter.how == SignedHow.PAPER
    assert letter.scan.size > 0
    assert file(login, "wuhan", "flexible-pause", PAUSE, now).status == "done"


def reasons_beforehand(login: User, now: dt.datetime, code: str = "flexible-pause") -> list[str]:
    bars = hall_desk.beforehand(
        offer=book().city("wuhan").offers[code], applicant=Applicant.of(login), now=now
    )
    return [str(bar.why) for bar in bars]


def test_an_employee_may_only_look_up(at_desk: Client, cast: Cast, now: dt.datetime) -> None:
    resident = person("钱进", WUCHANG, "1990-05-06", 33)
    employed(cast, resident)
    page = at_desk.post("/desk/open/", told(resident))
    assert errors(page) == {"right": ["单位职工的业务由单位办理，本人可查询。"]}
    at_desk.post("/desk/open/", told(resident, right="query"))
    login = User.objects.get(person=resident)
    assert reasons_beforehand(login, now) == ["您由单位参保，本业务由所在单位申报；您可以查询参保缴费记录。"]
    with pytest.raises(hall_desk.NotAccepted, match="由所在单位申报"):
        file(login, "wuhan", "flexible-pause", PAUSE, now)
    assert rights.of(resident, "wuhan", now).standing == Standing.EMPLOYED


def test_who_may_only_look_up_is_sent_to_sign(cast: Cast, flexible: Person, now: dt.datetime) -> None:
    opened(cast, flexible, now, Right.QUERY)
    login = User.objects.get(person=flexible)
    assert reasons_beforehand(login, now) == ["请先到社区网点签订网上办事承诺书。"]


@pytest.mark.parametrize(
    ("born", "insured", "why"),
    [
        ("1990-05-06", False, "没有在本市参保，不能开通网上办事资格，请先办理参保登记。"),
        ("2009-05-06", True, "未满18周岁，不能开通，请由监护人办理。"),
    ],
)
def test_who_is_not_insured_or_not_of_age_gets_none(
    at_desk: Client, cast: Cast, now: dt.datetime, born: str, insured: bool, why: str
) -> None:
    resident = person("钱进", WUCHANG, born, 33)
    if insured:
        cover(resident, Insurance.PENSION, "wuhan", "2026-01", tier="60")
    assert errors(at_desk.post("/desk/open/", told(resident))) == {"identity_number": [why]}
    assert not Qualification.objects.exists()
    assert not User.objects.filter(person=resident).exists()


def test_who_has_one_gets_a_reset_instead(at_desk: Client, cast: Cast, flexible: Person) -> None:
    at_desk.post("/desk/open/", told(flexible))
    first = User.objects.get(person=flexible).password
    again = at_desk.post("/desk/open/", told(flexible))
    assert errors(again) == {"identity_number": ["已经开通网上办事资格。忘记密码的，请办理密码重置。"]}
    assert User.objects.get(person=flexible).password == first
    assert Slip.objects.count() == 1
    page = at_desk.post("/desk/reset/", told(flexible))
    assert "data-code" in page.content.decode()
    assert Slip.objects.count() == 2
    assert User.objects.get(person=flexible).password != first


def test_a_name_that_differs_or_a_phone_of_another_opens_nothing(
    at_desk: Client, cast: Cast, flexible: Person
) -> None:
    assert "name" in errors(at_desk.post("/desk/open/", told(flexible, name="周虹")))
    taken = cast.wang_fang_login.phone
    assert "phone" in errors(at_desk.post("/desk/open/", told(flexible, phone=taken)))
    assert not Qualification.objects.exists()


def test_a_reset_ends_the_sessions(cast: Cast, flexible: Person, now: dt.datetime) -> None:
    login = with_letter(cast, flexible, now)
    login.must_change_password = False
    login.save()
    resident = Client()
    resident.force_login(login, PERSON_DOOR)
    assert resident.get("/account/").status_code == 200
    opening.reset_password(flexible, by=cast.desk_clerk, now=now)
    assert resident.get("/account/")["Location"].startswith(PERSON)
    assert not OpenSession.objects.filter(user=login).exists()


def test_a_first_password_is_good_for_thirty_days(
    cast: Cast, flexible: Person, now: dt.datetime, clock: Clock
) -> None:
    done = opened(cast, flexible, now)
    clock.step(days=30)
    resident = Client()
    knock(resident, PERSON, {"login": flexible.identity_number, "password": done.password})
    assert resident.get("/account/")["Location"].startswith("/account/first-password/")
    clock.step(days=1)
    late = Client()
    knock(late, PERSON, {"login": flexible.identity_number, "password": done.password})
    page = late.get("/account/first-password/")
    assert page.status_code == 403
    assert "初始密码已过期" in page.content.decode()
    assert late.get("/account/")["Location"].startswith(PERSON)
    again = opening.reset_password(flexible, by=cast.desk_clerk, now=clock.now)
    fresh = Client()
    knock(fresh, PERSON, {"login": flexible.identity_number, "password": again.password})
    assert fresh.get("/account/")["Location"].startswith("/account/first-password/")


# The letter


def test_a_new_letter_stops_filing_until_it_is_signed(
    cast: Cast, flexible: Person, now: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = with_letter(cast, flexible, now)
    User.objects.filter(pk=login.pk).update(must_change_password=False)
    new_letter(monkeypatch)
    with pytest.raises(hall_desk.NotAccepted, match="请先签订网上办事承诺书"):
        file(login, "wuhan", "flexible-pause", PAUSE, now)
    resident = Client()
    resident.force_login(login, PERSON_DOOR)
    assert resident.get("/")["Location"].endswith("/wuhan/letter/")
    assert "新的承诺。" in resident.get("/wuhan/letter/").content.decode()
    assert resident.post("/wuhan/letter/", {"version": "2026-12", "agreed": "on"}).status_code == 422
    assert resident.post("/wuhan/letter/", {"version": "v2"}).status_code == 422
    assert resident.post("/wuhan/letter/", {"version": "v2", "agreed": "on"}).status_code == 302
    assert resident.post("/wuhan/letter/", {"version": "v2", "agreed": "on"}).status_code == 302
    assert Letter.objects.filter(version="v2").count() == 1
    assert file(login, "wuhan", "flexible-pause", PAUSE, now).status == "done"


def test_a_letter_is_kept_as_it_was_signed(cast: Cast, flexible: Person, now: dt.datetime) -> None:
    with_letter(cast, flexible, now)
    with pytest.raises(DatabaseError), transaction.atomic():
        Letter.objects.update(text="别的")
    with pytest.raises(DatabaseError), transaction.atomic():
        Letter.objects.all().delete()


def test_the_same_version_twice_is_one_letter(cast: Cast, flexible: Person, now: dt.datetime) -> None:
    done = opened(cast, flexible, now)
    for _again in range(2):
        opening.sign_on_paper(
            done.qualification, content=b"scan", content_type="image/jpeg", by=cast.desk_clerk, now=now
        )
    assert Letter.objects.count() == 1


def test_nobody_signs_for_another(cast: Cast, flexible: Person, now: dt.datetime) -> None:
    done = opened(cast, flexible, now)
    with pytest.raises(opening.Refused):
        opening.sign_on_screen(done.qualification, by=cast.wang_fang_login, now=now)
    stranger = Client()
    stranger.force_login(cast.wang_fang_login, PERSON_DOOR)
    assert stranger.get("/wuhan/letter/").status_code == 404


def test_the_right_falls_when_an_employer_insures_them(
    cast: Cast, flexible: Person, now: dt.datetime
) -> None:
    login = with_letter(cast, flexible, now)
    assert rights.of(flexible, "wuhan", now).standing == Standing.FILE
    Coverage.objects.filter(person=flexible).update(until=Month(2026, 12))
    employed_from = cast.donghu
    cover(flexible, Insurance.PENSION, "wuhan", "2026-12", at=employed_from, wage_fen=600000)
    assert rights.of(flexible, "wuhan", now).standing == Standing.EMPLOYED
    assert "由所在单位申报" in reasons_beforehand(login, now)[0]


# Who was there before, and who registers


def test_who_had_a_login_before_keeps_it_until_their_first_letter(cast: Cast, now: dt.datetime) -> None:
    cover(cast.li_qiang, Insurance.PENSION, "wuhan", "2026-01", tier="60")
    login = cast.li_qiang_login
    assert reasons(login, "wuhan", "flexible-pause", PAUSE, now) == {}
    done = opened(cast, cast.li_qiang, now)
    assert done.slip is None
    assert login.check_password(PASSWORD)
    assert rights.of(cast.li_qiang, "wuhan", now).standing == Standing.FREE
    opening.sign_on_screen(done.qualification, by=login, now=now)
    assert rights.of(cast.li_qiang, "wuhan", now).standing == Standing.FILE
    opening.end(done.qualification, why="本人申请", by=staff("wh9", "吴为", "wuhan"), now=now)
    assert rights.of(cast.li_qiang, "wuhan", now).standing == Standing.ENDED


def test_a_new_login_of_another_city_is_led_to_the_desks(
    cast: Cast, flexible: Person, now: dt.datetime, client: Client
) -> None:
    login = User.objects.create_person(flexible, password=PASSWORD, date_joined=now)
    assert rights.of(flexible, "wuhan", now).standing == Standing.NONE
    assert rights.of(flexible, "ningbo", now).standing == Standing.FREE
    client.force_login(login, PERSON_DOOR)
    page = client.get("/wuhan/services/flexible-pause/").content.decode()
    assert 'href="/wuhan/desks/"' in page
    assert "开通网上办事资格" in page


def test_registering_in_wuhan_leads_to_the_list_of_desks(
    cast: Cast, client: Client, now: dt.datetime
) -> None:
    assert cast.shuiguohu.open
    page = client.post("/register/", {"city": "wuhan", "name": "周红"}, follow=True)
    assert page.request["PATH_INFO"] == "/wuhan/desks/"
    assert "水果湖社区" in page.content.decode()
    assert "武昌区水果湖路 1 号" in page.content.decode()
    assert client.get("/ningbo/desks/").status_code == 404


# Help to file


def test_the_desk_files_for_who_stands_there_and_they_are_told(
    at_desk: Client, cast: Cast, flexible: Person, now: dt.datetime, clock: Clock
) -> None:
    assert at_desk.get("/wuhan/services/flexible-pause/apply/")["Location"] == "/desk/"
    assert at_desk.post("/desk/visit/", told(flexible))["Location"] == "/desk/"
    assert "正在为 周红 帮办" in at_desk.get("/desk/").content.decode()
    applied = f"/wuhan/services/flexible-pause/apply/?for={flexible.pk}"
    page = at_desk.get(applied)
    assert "本人在场，您正在社区网点为 周红" in page.content.decode()
    step = at_desk.post(applied, {"action": "next", **PAUSE})
    look = at_desk.get(step["Location"])
    key = re.search(r'name="key" value="([^"]+)"', look.content.decode())
    assert key
    for _twice in range(2):
        receipt = at_desk.post(step["Location"], {"key": key[1]}, follow=True).content.decode()
        assert "由水果湖社区（何平）为周红办理" in receipt
    case = Case.objects.get()
    assert case.filed_by == cast.desk_clerk
    assert case.applicant_person == flexible
    notice = Notice.objects.get(kind="filed-by-desk")
    assert notice.person == flexible
    assert "水果湖社区于2026年12月8日为周红办理了" in notice.text
    assert case.number in at_desk.get("/desk/").content.decode()
    clock.step(days=1)
    next_day = Client()
    next_day.force_login(cast.desk_clerk, DESK_DOOR)
    assert case.number not in next_day.get("/desk/").content.decode()
    assert next_day.get(f"/cases/{case.number}/").status_code == 404


def test_nobody_is_helped_who_has_left(
    at_desk: Client, cast: Cast, flexible: Person, now: dt.datetime, clock: Clock
) -> None:
    at_desk.post("/desk/visit/", told(flexible))
    other = cast.wang_fang
    assert at_desk.get(f"/wuhan/services/flexible-pause/apply/?for={other.pk}").status_code == 404
    assert at_desk.get("/ningbo/services/flexible-pause/apply/").status_code == 302
    clock.step(minutes=31)
    assert at_desk.get("/wuhan/services/flexible-pause/apply/")["Location"] == "/desk/"
    offer = book().city("wuhan").offers["flexible-pause"]
    gone = Applicant(user=cast.desk_clerk, person=flexible, employer=None)
    ask = hall_desk.ask_for(offer=offer, applicant=gone, typed=PAUSE, now=clock.now)
    with pytest.raises(hall_desk.NotAllowed):
        hall_desk.submit(ask=ask, key="6d3cdd3e-4c1e-4b7e-8b0e-0d7f6a1d2c3b", now=clock.now)  # type: ignore[arg-type]


def test_one_resident_at_a_time_stands_before_a_clerk(
    cast: Cast, flexible: Person, now: dt.datetime, clock: Clock
) -> None:
    opening.begin_visit(cast.li_qiang, seen="居民身份证", by=cast.desk_clerk, now=now)
    later = clock.step(minutes=5)
    opening.begin_visit(flexible, seen="居民身份证", by=cast.desk_clerk, now=later)
    visit = opening.visit_of(cast.desk_clerk, later)
    assert visit
    assert visit.resident == flexible
    assert Visit.objects.count() == 2


def test_a_clerk_sees_only_what_they_did_today(
    at_desk: Client, cast: Cast, flexible: Person, now: dt.datetime, clock: Clock
) -> None:
    done = opened(cast, flexible, now)
    address = f"/desk/qualifications/{done.qualification.pk}/"
    assert at_desk.get(address).status_code == 200
    colleague = Client()
    colleague.force_login(cast.other_desk_clerk, DESK_DOOR)
    assert colleague.get(address).status_code == 404
    assert "周红" not in colleague.get("/desk/").content.decode()
    clock.step(days=1)
    next_day = Client()
    next_day.force_login(cast.desk_clerk, DESK_DOOR)
    assert next_day.get(address).status_code == 404
    assert "周红" not in next_day.get("/desk/").content.decode()


def test_a_desk_decides_nothing(at_desk: Client, cast: Cast, flexible: Person, now: dt.datetime) -> None:
    case = Case(
        city="wuhan",
        service="flexible-pause",
        mode="counter",
        status="pre_applied",
        number="WH20261208000001",
        filed_by=cast.li_qiang_login,
        applicant_person=cast.li_qiang,
        subject=cast.li_qiang,
        subject_identity_number=cast.li_qiang.identity_number,
        answers=PAUSE,
        digest="0",
        key="6d3cdd3e-4c1e-4b7e-8b0e-0d7f6a1d2c3b",
        submitted_at=now,
    )
    case.save()
    with pytest.raises(hall_desk.NotAllowed):
        hall_desk.decide(case, approve=True, by=cast.desk_clerk, now=now)
    assert at_desk.get("/admin/").status_code == 404
    assert at_desk.get(f"/cases/{case.number}/").status_code == 404


def test_a_closed_desk_does_nothing(at_desk: Client, cast: Cast, flexible: Person) -> None:
    desk = cast.shuiguohu
    desk.open = False
    desk.save()
    assert at_desk.get("/desk/").status_code == 403
    assert "停用" in str(errors(at_desk.post("/desk/open/", told(flexible))))
    assert at_desk.get("/wuhan/desks/").content.decode().count("水果湖社区") == 0


@pytest.mark.parametrize("path", ["/desk/", "/desk/open/", "/desk/reset/", "/desk/visit/"])
def test_the_desks_pages_are_for_desks(client: Client, cast: Cast, path: str) -> None:
    assert client.get(path)["Location"].startswith("/login/desk/")
    client.force_login(cast.li_qiang_login, PERSON_DOOR)
    assert client.get(path).status_code == 404


def test_a_clerk_comes_in_by_the_desks_own_door(client: Client, cast: Cast) -> None:
    assert cast.desk_clerk.is_desk
    assert cast.li_qiang_login.is_person
    page = knock(client, "/login/desk/?next=/desk/", {"login": "whsq-shuiguohu", "password": PASSWORD})
    assert page["Location"] == "/desk/"
    other = knock(Client(), PERSON, {"login": "whsq-shuiguohu", "password": PASSWORD})
    assert other.status_code == 200
    wrong = knock(Client(), "/login/desk/", {"login": cast.li_qiang.identity_number, "password": PASSWORD})
    assert wrong.status_code == 200


# The agency keeps desks and clerks


def test_the_citys_supervisors_keep_its_desks_and_clerks(
    client: Client, cast: Cast, now: dt.datetime
) -> None:
    client.force_login(staff("wh-chief", "吴为", "wuhan", "管理员"))
    typed = {
        "city": "wuhan",
        "district": "江岸区",
        "title": "一元街社区",
        "address": "江岸区一元路 2 号",
        "hours": "工作日",
        "open": "on",
    }
    assert client.post("/admin/qualifications/desk/add/", {**typed, "city": "ningbo"}).status_code == 200
    assert client.post("/admin/qualifications/desk/add/", typed).status_code == 302
    desk = cast.shuiguohu.__class__.objects.get(title="一元街社区")
    new = {"desk": desk.pk, "username": "whsq-yiyuan", "name": "程远", "password": "Yiyuan-4201-first"}
    assert client.post("/admin/qualifications/deskclerk/add/", new).status_code == 302
    clerk = User.objects.get(username="whsq-yiyuan")
    assert clerk.kind == "desk"
    assert clerk.must_change_password
    assert clerk.at_desk.desk == desk
    elsewhere = Client()
    elsewhere.force_login(staff("nb-chief", "宁为", "ningbo", "管理员"))
    assert "一元街社区" not in elsewhere.get("/admin/qualifications/desk/").content.decode()
    page = elsewhere.get(f"/admin/qualifications/deskclerk/{clerk.at_desk.pk}/change/")
    assert page.status_code in (302, 404)


def test_staff_end_a_qualification_for_a_reason(
    client: Client, cast: Cast, flexible: Person, now: dt.datetime
) -> None:
    login = with_letter(cast, flexible, now)
    row = Qualification.objects.get()
    client.force_login(staff("wh-chief", "吴为", "wuhan", "受理审核"))
    address = f"/admin/qualifications/qualification/{row.pk}/change/"
    assert client.post(address, {"why": ""}).status_code == 200
    assert client.post(address, {"why": "冒用他人身份"}).status_code == 302
    row.refresh_from_db()
    assert row.ended_at == now
    assert row.why == "冒用他人身份"
    assert "已终止" in reasons_beforehand(login, now)[0]
    with pytest.raises(DatabaseError), transaction.atomic():
        Qualification.objects.filter(pk=row.pk).update(ended_at=None, ended_by=None, why="")
