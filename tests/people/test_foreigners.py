"""Passports and older permanent residence cards: how their holders' number is made, and that each
entrance takes them."""

import datetime as dt
import io
from typing import Any

import openpyxl
import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from certificates import facts, presenting
from certificates.services import staff_proofs
from enrollment.models import Coverage, Roster
from enrollment.roster import checking, drafting
from enrollment.roster.sheet import to_fill_in, upload
from enrollment.spreadsheets import read_table
from portal.accounts.models import Proposal, User
from portal.accounts.roles import MANAGER, REVIEWER
from portal.hall import counter, desk
from portal.hall.catalogue import service
from portal.hall.models import Draft
from portal.people import papers, persons
from portal.people.models import Person
from portal.people.papers import Paper
from portal.policy.book import book
from portal.policy.terms.people import foreign_layout
from portal.shared import foreigners
from portal.shared.countries import country_name, foreign_countries
from portal.shared.identity import Document, InvalidIdentity, Sex
from portal.shared.insurance import Insurance
from portal.shared.logs import mask_numbers
from portal.shared.months import Month
from portal.web.templatetags.formats import number_on_paper, paper_title
from tests.accounts.knocking import PERSON, code_sent_to, errors, exist, hidden, knock
from tests.accounts.test_registration import PROVE, SET, set_password, state
from tests.cast import NOW, PASSWORD, Cast, cover, identity_number, staff
from tests.conftest import Clock
from tests.enrollment.test_employer_add_staff import CODE, typed
from tests.enrollment.test_roster_sheets import sheet
from tests.filing import ask, file, reasons
from tests.workbench import listed

pytestmark = pytest.mark.django_db

TODAY = dt.date(2026, 11, 17)
RESIDENT = identity_number("330211", "1988-05-12", 24)
PASSPORT, OF_PASSPORT = "C01X0006H", "DEU000000C01X0006H"
CARD, OF_CARD = "USA310085010102", "USA000310085010102"
ANNA = {
    "document": "passport",
    "identity_number": " c01x-0006h ",
    "nationality": "DEU",
    "sex": "female",
    "birth_date": "1985-01-01",
    "paper_expires_on": "2030-05-31",
    "name": "MUELLER ANNA",
}
JOHN = {**ANNA, "document": "foreign_resident_before", "identity_number": CARD.lower(), "nationality": ""}


def anna(number: str = PASSPORT, country: str = "DEU", **more: Any) -> Person:
    paper = Paper(
        papers.number_of(Document.PASSPORT, number, country, on=TODAY),
        Document.PASSPORT,
        Sex.FEMALE,
        dt.date(1985, 1, 1),
        number,
        country,
    )
    return persons.record(paper=paper, name="MUELLER ANNA", **more)


def inside(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="portal.accounts.doors.StaffDoor")
    return client


# The number


@pytest.mark.parametrize(
    ("country", "number", "made"),
    [("DEU", PASSPORT, OF_PASSPORT), ("USA", CARD, OF_CARD), ("USA", "123456789", "USA000000123456789")],
)
def test_the_number_is_made_of_country_and_paper(country: str, number: str, made: str) -> None:
    assert foreign_layout(book(), on=TODAY).number(country, number) == made
    assert foreigners.is_made(made)


@pytest.mark.parametrize("text", ["ABCDE", "1234", "C01X0006H12345X", "護照12345", "", "C01X_0006"])
def test_what_is_no_passports_number(text: str) -> None:
    with pytest.raises(foreigners.InvalidPaper):
        foreigners.parse_passport(text)


@pytest.mark.parametrize("text", ["CHN310085010102", "XXX310085010102", "USA31008501010", "US3310085010102"])
def test_what_is_no_cards_number(text: str) -> None:
    with pytest.raises(foreigners.InvalidPaper):
        foreigners.parse_card(text)


def test_china_is_no_foreign_country() -> None:
    assert not {"CHN", "HKG", "MAC", "TWN"} & set(foreign_countries())
    assert country_name("DEU") == "德国"
    assert not foreigners.is_made("CHN000000C01X0006H")


def test_the_number_stays_when_the_passport_is_renewed() -> None:
    Person.objects.filter(pk=anna().pk).update(paper_number="C02Y00001")
    assert papers.number_of(Document.PASSPORT, "C02Y00001", "DEU", on=TODAY) == OF_PASSPORT


def test_the_rule_is_named_with_how_well_it_is_known() -> None:
    assert (
        papers.made_as(TODAY)
        == "《在中国境内就业的外国人参加社会保险暂行办法》（人力资源和社会保障部令第16号）（推定值）"
    )


# The register


@pytest.mark.parametrize(
    "broken",
    [
        {"nationality": ""},
        {"paper_number": ""},
        {"paper_kind": ""},
        {"paper_kind": "visa"},
        {"paper_number": "c01x0006h"},
        {"identity_number": RESIDENT},
        {"paper_kind": "foreign_resident_before"},
    ],
)
def test_the_database_holds_that_paper_and_number_fit(broken: dict[str, str]) -> None:
    who = anna()
    with pytest.raises(IntegrityError), transaction.atomic():
        Person.objects.filter(pk=who.pk).update(**broken)


def test_a_paper_is_one_persons(cast: Cast) -> None:
    anna()
    with pytest.raises(IntegrityError), transaction.atomic():
        Person.objects.create(
            identity_number="DEU100000C01X0006H", paper_kind="passport", paper_number=PASSPORT, nationality="DEU",
            name="别人", sex="male", birth_date=TODAY,
        )  # fmt: skip
    assert anna(country="FRA").identity_number == "FRA000000C01X0006H"
    with pytest.raises(IntegrityError), transaction.atomic():
        Person.objects.filter(pk=cast.wang_fang.pk).update(nationality="DEU")


def test_of_a_number_that_says_too_little_nothing_is_made_up() -> None:
    with pytest.raises(InvalidIdentity):
        papers.of_told({"identity_number": OF_PASSPORT})


# The employer's registration of staff


def told(paper: dict[str, str], **more: str) -> dict[str, Any]:
    return {**typed(RESIDENT), **paper, **more}


@pytest.mark.parametrize(("paper", "number"), [(ANNA, OF_PASSPORT), (JOHN, OF_CARD)])
def test_an_employer_registers_a_foreigner(cast: Cast, paper: dict[str, str], number: str) -> None:
    case = file(cast.yongjiang_clerk, "ningbo", CODE, told(paper), NOW)
    shown = dict(case.facts["summary"])
    assert shown["社会保障号"].startswith(f"{number[:6]}********{number[-4:]}（按《在中国境内就业的外国人")
    assert "推定值" in shown["社会保障号"]
    assert (shown["国籍"], shown["性别"], shown["出生日期"]) == (country_name(number[:3]), "女", "1985-01-01")
    assert paper["identity_number"].strip().upper() not in str(shown)
    desk.decide(case, approve=True, by=cast.ningbo_reviewer, now=NOW)
    who = Person.objects.get(identity_number=number)
    assert (who.sex, who.birth_date, who.paper_expires_on) == (
        "female",
        dt.date(1985, 1, 1),
        dt.date(2030, 5, 31),
    )
    assert who.document == paper["document"]
    assert who.number_on_paper in {PASSPORT, CARD}
    assert Coverage.objects.filter(person=who).count() == 3


def test_who_is_registered_already_is_read_by_passport_and_by_number(cast: Cast) -> None:
    """But for the name, which whoever does not insure them has to state."""
    anna()
    for said in (ANNA, {**ANNA, "document": "", "identity_number": OF_PASSPORT, "sex": "", "birth_date": ""}):
        assert set(reasons(cast.yongjiang_clerk, "ningbo", CODE, told({**said, "name": ""}), NOW)) == {"name"}
        application = ask(cast.yongjiang_clerk, "ningbo", CODE, told(said), NOW)
        assert (application.answers["name"], application.answers["identity_number"]) == (
            "MUELLER ANNA",
            OF_PASSPORT,
        )
        assert application.answers["document"] == "passport"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"document": ""}, "document"),
        ({"document": "", "identity_number": CARD}, "document"),
        ({"document": "", "identity_number": "H1234567890"}, "document"),
        ({"document": "", "identity_number": OF_PASSPORT}, "document"),
        ({"document": "", "identity_number": "330211"}, "identity_number"),
        ({"document": "visa"}, "document"),
        ({"nationality": ""}, "nationality"),
        ({"nationality": "CHN"}, "nationality"),
        ({"nationality": "德国"}, "nationality"),
        ({"sex": ""}, "sex"),
        ({"sex": "x"}, "sex"),
        ({"birth_date": ""}, "birth_date"),
        ({"birth_date": "1885-01-01"}, "birth_date"),
        ({"birth_date": "2027-01-01"}, "birth_date"),
        ({"birth_date": "1985-02-30"}, "birth_date"),
        ({"paper_expires_on": "2026-11-16"}, "paper_expires_on"),
        ({"identity_number": ""}, "identity_number"),
        ({"identity_number": "PASSPORT"}, "identity_number"),
        ({"identity_number": "C01X0006H\u0000\u202e12345678"}, "identity_number"),
        ({"identity_number": "33021119880512024X"}, "document"),
        ({"document": "foreign_resident_before"}, "identity_number"),
        ({"document": "foreign_resident_before", "identity_number": "XXX310085010102"}, "identity_number"),
        ({"birth_date": "2015-01-01"}, "identity_number"),
    ],
)
def test_what_is_wrong_is_told_beside_its_field(cast: Cast, change: dict[str, str], field: str) -> None:
    assert set(reasons(cast.yongjiang_clerk, "ningbo", CODE, told({**ANNA, **change}), NOW)) == {field}


@pytest.mark.parametrize(
    ("change", "field"),
    [({"sex": "male"}, "sex"), ({"birth_date": "1985-01-02"}, "birth_date"), ({"name": "别人"}, "name")],
)
def test_what_contradicts_the_file_is_refused(cast: Cast, change: dict[str, str], field: str) -> None:
    anna()
    assert field in reasons(cast.yongjiang_clerk, "ningbo", CODE, told({**ANNA, **change}), NOW)


def test_the_same_passport_number_of_another_country_is_another_person(cast: Cast) -> None:
    anna(country="FRA")
    assert reasons(cast.yongjiang_clerk, "ningbo", CODE, told({**ANNA, "name": "SCHMIDT EVA"}), NOW) == {}


def test_a_draft_about_a_foreigner_is_named_once_it_is_known_who_it_is(clock: Clock, cast: Cast) -> None:
    clerk = Client()
    clerk.force_login(cast.yongjiang_clerk, backend="portal.accounts.doors.EmployerDoor")
    begun = f"/ningbo/services/{CODE}/apply/?draft=new"
    at = clerk.post(begun, {**told(ANNA), "nationality": "", "action": "save"})["Location"]
    assert Draft.objects.get().subject == ""
    clerk.post(at, {**told(ANNA), "action": "save"})
    assert Draft.objects.get().subject == OF_PASSPORT


def test_staff_are_stopped_by_their_passport(cast: Cast) -> None:
    cover(anna(), Insurance.PENSION, "ningbo", "2026-01", at=cast.yongjiang, wage_fen=560000)
    said = {"identity_number": PASSPORT, "reason": "resigned", "stop_pension": "2026-11"}
    case = file(cast.yongjiang_clerk, "ningbo", "employer-stop-staff", said, NOW)
    assert case.subject_identity_number == OF_PASSPORT
    refused = reasons(cast.zhaobao_clerk, "ningbo", "employer-stop-staff", said, NOW)
    nobody = reasons(
        cast.zhaobao_clerk, "ningbo", "employer-stop-staff", {**said, "identity_number": "C09X0006H"}, NOW
    )
    assert refused == nobody, "nobody learns whose passport is on file"
    assert "没有由本单位参保" in refused["identity_number"]


def test_proofs_of_listed_staff_are_asked_for_by_passport_in_one_question(
    django_assert_num_queries: Any,
) -> None:
    anna()
    anna("C09X0006H")
    with django_assert_num_queries(1):
        numbers, mistakes = staff_proofs.read_numbers(
            f"证件号码\n{PASSPORT}\nc09x-0006h\nE12345678\n{RESIDENT}\n"
        )
    assert (numbers, mistakes) == ([OF_PASSPORT, "DEU000000C09X0006H", "E12345678", RESIDENT], [])


# The sheet of wages


def test_a_sheet_tells_foreigners_by_their_paper() -> None:
    held = {PASSPORT: [checking.Holder(Document.PASSPORT, OF_PASSPORT)]}
    staff_of = {OF_PASSPORT: (1, "MUELLER ANNA"), RESIDENT: (2, "王芳")}
    heads = ["姓名", "证件类型", "证件号码", "月申报工资（元）"]
    rows = [
        (["Mueller Anna", "护照", "c01x 0006h", 6500], ""),
        (["MUELLER ANNA", "", OF_PASSPORT, 6500], ""),
        (["王芳", "身份证", RESIDENT, 6500], ""),
        (["MUELLER ANNA", "居民身份证", PASSPORT, 6500], "登记的是“护照”"),
        (["王芳", "护照", RESIDENT, 6500], "登记的是“居民身份证”"),
        (["王芳", "护照", PASSPORT, 6500], "姓名与这个号码登记的姓名不一致"),
        (["MUELLER ANNA", "护照", "C09X0006H", 6500], "不在本单位应申报的职工中"),
    ]
    for row, why in rows:
        found = checking.check(read_table(sheet(row, heads=heads)), staff_of, held)
        assert [why in one.why for one in found.problems] == ([True] if why else []), (row, found)
    twice = checking.check(read_table(sheet(rows[0][0], rows[1][0], heads=heads)), staff_of, held)
    assert not twice.wages
    assert all("同一名职工" in one.why for one in twice.problems)


def test_one_number_of_two_countries_asks_for_the_other_number() -> None:
    held = {
        PASSPORT: [
            checking.Holder(Document.PASSPORT, number) for number in (OF_PASSPORT, "FRA000000C01X0006H")
        ]
    }
    heads = ["姓名", "身份证号码", "月申报工资（元）"]
    found = checking.check(
        read_table(sheet(["甲", PASSPORT, 6500], heads=heads)), {OF_PASSPORT: (1, "甲")}, held
    )
    assert "改填社会保障号码" in found.problems[0].why


def test_the_list_to_fill_in_names_the_papers(cast: Cast) -> None:
    for who in (cast.wang_fang, anna()):
        cover(who, Insurance.PENSION, "wuhan", "2026-01", at=cast.donghu, wage_fen=560000)
    draft = Draft.objects.create(
        user=cast.donghu_clerk, city="wuhan", service="employer-bases", typed={}, updated_at=NOW
    )
    month = Month.parse("2026-11")
    made: Roster = drafting.begin(
        draft=draft, employer=cast.donghu, city="wuhan", start=month, month=month, now=NOW
    )
    page = openpyxl.load_workbook(io.BytesIO(to_fill_in(made))).active
    assert page is not None
    cells = [[cell for cell in row if cell] for row in page.iter_rows(values_only=True)]
    assert any({"证件类型", "证件号码"} <= set(map(str, row)) for row in cells)
    assert any({"护照", PASSPORT} <= set(map(str, row)) for row in cells)
    back = sheet(["MUELLER ANNA", PASSPORT, 7000], heads=["姓名", "证件号码", "月申报工资"])
    checked = upload(made, back, name="a.xlsx", now=NOW)
    assert (list(checked.wages.values()), checked.problems) == ([700000], ())


# Registration, and the door


def test_a_passport_holder_opens_an_account_and_comes_in(client: Client, clock: Clock) -> None:
    who = anna(phone="13700000009")
    page = state(client, **{**ANNA, "phone": "13700000009"})
    assert page.request["PATH_INFO"] == SET, errors(page)
    assert "账号已开通" in set_password(client).content.decode()
    for login in (PASSPORT.lower(), OF_PASSPORT, "13700000009"):
        assert knock(Client(), PERSON, {"login": login, "password": "Zhenhai-3302-new"}).status_code == 302
    assert User.objects.get(kind="person").person == who


def test_two_passports_of_one_number_come_in_by_the_other_number(clock: Clock) -> None:
    exist(
        User.objects.create_person(anna(), password=PASSWORD),
        User.objects.create_person(anna(country="FRA"), password=PASSWORD),
    )
    assert knock(Client(), PERSON, {"login": PASSPORT, "password": PASSWORD}).status_code == 200
    assert knock(Client(), PERSON, {"login": OF_PASSPORT, "password": PASSWORD}).status_code == 302


@pytest.mark.parametrize("on_file", [True, False])
def test_whoever_registers_with_a_passport_learns_nothing_of_the_file(
    client: Client, clock: Clock, on_file: bool
) -> None:
    if on_file:
        anna(phone="13700000009")
    page = state(client, **{**ANNA, "birth_date": "1985-01-02", "phone": "13700000001"})
    assert page.request["PATH_INFO"] == PROVE
    assert not User.objects.exists()


def test_a_child_with_a_passport_is_sent_to_its_guardian(client: Client, clock: Clock) -> None:
    page = knock(client, "/register/", {**ANNA, "birth_date": "2015-01-01", "phone": "13700000001"})
    assert "监护人" in errors(page)["identity_number"][0]


def test_a_forgotten_password_is_set_anew_by_passport(client: Client, clock: Clock) -> None:
    login = User.objects.create_person(anna(), password=PASSWORD, phone="13700000009")
    exist(login)
    asked = knock(client, "/password/forgot/", {"number": PASSPORT.lower(), "phone": "13700000009"})
    new = {"password": "Opened-2026-hall", "password_again": "Opened-2026-hall"}
    client.post("/password/forgot/", {**hidden(asked), "code": code_sent_to("13700000009"), **new})
    login.refresh_from_db()
    assert login.check_password("Opened-2026-hall")


# The workbench


@pytest.fixture
def two(clock: Clock) -> tuple[Client, Client]:
    return (
        inside(staff("first", "甲", "ningbo", MANAGER)),
        inside(staff("second", "乙", "ningbo", REVIEWER)),
    )


def test_a_foreigners_file_is_opened_by_two_and_found_by_the_passport(two: tuple[Client, Client]) -> None:
    first, second = two
    answer = first.post(
        "/admin/people/person/add/",
        {**ANNA, "phone": "", "household_code": "", "city": "ningbo", "reason": "护照和工作许可证原件"},
    )
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    proposal = Proposal.objects.get()
    address = f"/admin/accounts/proposal/{proposal.pk}/change/"
    shown = second.get(address).content.decode()
    assert all(word in shown for word in ("护照", "德国", "C*****06H", "推定值", "1985-01-01"))
    assert PASSPORT not in shown
    second.post(address, {"step": "approve"})
    who = Person.objects.get()
    assert (who.identity_number, who.paper_number, who.nationality) == (OF_PASSPORT, PASSPORT, "DEU")
    for term in (PASSPORT.lower(), OF_PASSPORT, "MUELLER ANNA"):
        assert listed(first, "/admin/people/person/", term) == ["MUELLER ANNA"]
    page = first.get(f"/admin/people/person/{who.pk}/change/").content.decode()
    assert "护照（DEU 德国）" in page
    assert "C*****06H" in page


def test_a_residents_file_still_needs_a_household(two: tuple[Client, Client]) -> None:
    said = {"identity_number": RESIDENT, "name": "王芳", "city": "ningbo", "reason": "身份证"}
    answer = two[0].post("/admin/people/person/add/", said)
    assert set(answer.context["adminform"].form.errors) == {"household_code"}


# What documents and pages say


def test_documents_name_the_paper_and_verification_masks_it() -> None:
    who = anna().named()
    assert (paper_title(who), number_on_paper(who)) == (
        "护照",
        f"{PASSPORT}（德国），社会保障号码 {OF_PASSPORT}",
    )
    told_of = presenting.told({"schema": facts.PERSON_SCHEMA, "person": who})
    assert PASSPORT not in str(told_of)
    assert OF_PASSPORT not in str(told_of)
    assert ("护照号码", "C*****06H") in presenting.whose_paper(who)


def test_a_residents_document_says_what_it_always_did(cast: Cast) -> None:
    who = cast.wang_fang.named()
    assert set(who) == {"name", "identity_number"}
    assert (paper_title(who), number_on_paper(who)) == ("居民身份证", cast.wang_fang.identity_number)


def test_a_foreigners_account_page_names_the_paper(clock: Clock) -> None:
    client = Client()
    client.force_login(
        User.objects.create_person(anna(), password=PASSWORD), backend="portal.accounts.doors.PersonDoor"
    )
    page = client.get("/account/").content.decode()
    assert "C*****06H" in page
    assert "护照" in page
    assert PASSPORT not in page


def test_a_card_in_a_log_is_masked() -> None:
    assert mask_numbers(f"of {CARD} and {OF_PASSPORT}") == "of USA310*****0102 and DEU000********006H"


def test_the_last_look_shows_in_full_only_the_number_of_a_paper_that_was_typed(cast: Cast) -> None:
    number = anna("310085010", "USA").identity_number
    Person.objects.filter(identity_number=number).update(paper_number="999888777")
    named = {"name": "MUELLER ANNA", "start_pension": "", "start_unemployment": ""}
    read = typed(number, **named)
    stated = {**typed("999888777", **named), **ANNA, "identity_number": "999888777", "nationality": "USA"}
    for told, shown in ((read, False), (stated, True)):
        application = ask(cast.zhaobao_clerk, "ningbo", CODE, told, NOW)
        facts_now = desk.look(application).facts
        summary = service(CODE).summary(application, facts_now)
        lines = counter.typed_in_full(summary, application.answers, {key: [one] for key, one in told.items()})
        assert ("999888777" in str(lines)) == shown


def test_an_employer_that_does_not_know_the_name_does_not_find_out_the_birth_date(cast: Cast) -> None:
    anna()
    stated = {**typed(PASSPORT), **ANNA, "name": "SOMEBODY ELSE"}
    for day in ("1985-01-01", "1985-01-02"):
        why = reasons(cast.zhaobao_clerk, "ningbo", CODE, {**stated, "birth_date": day, "sex": "male"}, NOW)
        assert set(why) == {"name"}
