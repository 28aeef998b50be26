"""People's data in the workbench: of the own city or by a number and a reason, each look recorded,
no mask undone."""

import datetime as dt
from itertools import product

import pytest
from django.contrib import admin
from django.db import models, transaction
from django.db.utils import InternalError
from django.test import Client, RequestFactory

from contributions.models import Charge, InterestRun
from enrollment.models import Coverage
from portal.accounts.models import PersonLookup, User
from portal.accounts.staff_admin import StaffAdmin
from portal.people.models import Person
from portal.registers.models import BankAccountRecord, HouseholdRecord
from portal.shared.insurance import Insurance
from tests.cast import NOW, Cast, cover
from tests.conftest import Clock
from tests.workbench import listed, search

pytestmark = pytest.mark.django_db

PEOPLE = "/admin/people/person/"
COVERAGE = "/admin/enrollment/coverage/"
HOUSEHOLDS = "/admin/registers/householdrecord/"
ACCOUNTS = "/admin/registers/bankaccountrecord/"


@pytest.fixture
def manager(cast: Cast, clock: Clock) -> Client:
    return inside(cast.ningbo_manager)


def inside(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def here(cast: Cast) -> Coverage:
    """王芳, insured in Ningbo, whose household is nowhere in particular."""
    Person.objects.filter(pk=cast.wang_fang.pk).update(household_code="")
    return cover(cast.wang_fang, Insurance.PENSION, "ningbo", "2026-01", at=cast.yongjiang, wage_fen=560000)


def looks() -> list[tuple[str, str, str]]:
    """Whose data was looked at, on which page, and after what search."""
    return list(PersonLookup.objects.order_by("pk").values_list("identity_number", "page", "sought"))


# Whom staff find


def test_a_person_of_the_city_is_found_by_the_whole_number_or_name(
    manager: Client, cast: Cast, here: Coverage
) -> None:
    number = cast.wang_fang.identity_number
    assert "请先在上方输入" in manager.get(PEOPLE).content.decode()
    assert "王芳" not in manager.get(PEOPLE).content.decode()
    assert "王芳" not in search(manager, PEOPLE, number[:10]).content.decode()
    found = search(manager, PEOPLE, number.lower()).content.decode()
    assert "王芳" in found
    assert f"330211********{number[-4:]}" in found
    assert listed(manager, PEOPLE, "王芳") == ["王芳"]
    page = manager.get(f"{PEOPLE}{cast.wang_fang.pk}/change/").content.decode()
    assert number not in page
    assert looks() == [
        ("", "人员", number[:10]),
        (number, "人员", number.lower()),
        (number, "人员", "王芳"),
        (number, "人员", ""),
    ]


def test_someone_of_another_city_is_looked_up_with_a_reason_for_a_while(
    manager: Client, cast: Cast, clock: Clock
) -> None:
    other, number = cast.chen_jing, cast.chen_jing.identity_number
    page = f"{PEOPLE}{other.pk}/change/"
    assert not listed(manager, PEOPLE, "陈静")
    nobody = search(manager, PEOPLE, number).content.decode()
    assert "陈静" not in nobody
    assert "填写查询事由" in nobody
    assert manager.get(page).status_code == 302
    found = search(manager, PEOPLE, number, reason="本人到窗口办理转移").content.decode()
    assert "陈静" in found
    assert PersonLookup.objects.get(reason="本人到窗口办理转移").identity_number == number
    assert manager.get(page).status_code == 200
    assert manager.post(page, {"name": "陈静静", "reason": "户口簿"}).status_code == 403
    clock.step(minutes=31)
    assert manager.get(page).status_code == 302


def test_who_serves_all_cities_finds_everybody_without_a_reason(cast: Cast, clock: Clock) -> None:
    chief = inside(cast.superuser)
    assert listed(chief, PEOPLE, cast.chen_jing.identity_number) == ["陈静"]


@pytest.mark.parametrize("tie", ["coverage", "case", "household"])
def test_what_makes_somebody_a_citys(manager: Client, cast: Cast, tie: str) -> None:
    person = cast.liu_yang
    assert "刘洋" not in search(manager, PEOPLE, person.identity_number).content.decode()
    if tie == "coverage":
        cover(person, Insurance.PENSION, "ningbo", "2020-01", "2021-01", tier="60")
    elif tie == "household":
        Person.objects.filter(pk=person.pk).update(household_code="330211")
    else:
        person = cast.wang_fang
    assert person.name in search(manager, PEOPLE, person.identity_number).content.decode()


def test_registers_list_nobody_and_show_the_own_city(
    manager: Client, cast: Cast, here: Coverage, clock: Clock
) -> None:
    for person, code in ((cast.wang_fang, "330211"), (cast.chen_jing, "440305")):
        HouseholdRecord.objects.create(
            identity_number=person.identity_number, name=person.name, place_code=code
        )
        BankAccountRecord.objects.create(
            bank="psbc",
            number=f"62179{person.pk:011d}",
            holder=person.name,
            identity_number=person.identity_number,
        )
    for listing in (HOUSEHOLDS, ACCOUNTS):
        # What a reason has opened is closed again.
        clock.step(minutes=31)
        assert "王芳" not in manager.get(listing).content.decode()
        assert len(listed(manager, listing, "王芳")) == 1
        assert not listed(manager, listing, "陈静")
        assert not listed(manager, listing, cast.chen_jing.identity_number)
        row = listing + "{}/change/"
        other = (HouseholdRecord if listing == HOUSEHOLDS else BankAccountRecord).objects.get(
            identity_number=cast.chen_jing.identity_number
        )
        assert manager.get(row.format(other.pk)).status_code == 302
        seen = search(manager, listing, cast.chen_jing.identity_number, reason="本人到窗口核对")
        assert "陈静" in seen.content.decode()
        assert manager.get(row.format(other.pk)).status_code == 200
        assert manager.post(row.format(other.pk), {"name": "别人"}).status_code == 403


def test_nobody_of_another_city_is_entered_into_a_register(manager: Client, cast: Cast) -> None:
    typed = {
        "identity_number": cast.chen_jing.identity_number,
        "bank": "psbc",
        "number": "6217991234567890123",
        "holder": "陈静",
    }
    page = manager.post(f"{ACCOUNTS}add/", typed)
    assert "不属于本市" in page.content.decode()
    household = {"identity_number": cast.newcomer_number, "name": "赵磊", "place_code": "440305"}
    assert "不是本市的区划代码" in manager.post(f"{HOUSEHOLDS}add/", household).content.decode()
    assert not BankAccountRecord.objects.exists()
    assert not HouseholdRecord.objects.exists()


# What is recorded


def test_every_list_records_whom_a_search_has_shown(manager: Client, cast: Cast, here: Coverage) -> None:
    number = cast.wang_fang.identity_number
    for listing in (
        COVERAGE,
        "/admin/hall/case/",
        "/admin/contributions/charge/",
        "/admin/contributions/receipt/",
    ):
        search(manager, listing, number)
    assert looks() == [(number, page, number) for page in ("参保关系", "办件", "应缴", "到账记录")]
    assert list(PersonLookup.objects.order_by("pk").values_list("found", flat=True)) == [
        True,
        False,
        False,
        False,
    ]
    search(manager, COVERAGE, cast.yongjiang.name)
    assert looks()[-1] == (number, "参保关系", cast.yongjiang.name)
    before = len(looks())
    manager.get(COVERAGE)
    manager.get(f"{PEOPLE}999999/change/")
    assert len(looks()) == before


def test_every_page_of_a_persons_row_records_a_look(manager: Client, cast: Cast, here: Coverage) -> None:
    charge = Charge.objects.create(
        person=cast.wang_fang, employer=cast.yongjiang, coverage=here, city="ningbo", insurance="pension",
        capacity="employee", month=here.start, amount_fen=100, personal_fen=40, employer_fen=60, account_fen=0,
        base="5600", policy="ningbo/employee_pension", policy_since=dt.date(2026, 1, 1), basis="示例", created_at=NOW,
        due_on=dt.date(2026, 1, 25),
    )  # fmt: skip
    manager.get(f"{COVERAGE}{here.pk}/change/")
    manager.get(f"/admin/contributions/charge/{charge.pk}/change/")
    number = cast.wang_fang.identity_number
    assert looks() == [(number, "参保关系", ""), (number, "应缴", "")]
    assert list(PersonLookup.objects.order_by("pk").values_list("row", flat=True)) == [here.pk, charge.pk]
    inside(cast.wuhan_reviewer).get(f"{COVERAGE}{here.pk}/change/")
    assert len(looks()) == 2, "what is not shown is not looked at"


def test_every_admin_with_people_says_whose_numbers_it_shows() -> None:
    """A list whose rows lead to a person, or bear a number, records looks."""

    def leads_to_people(model: type[models.Model]) -> bool:
        fields = [one for one in model._meta.get_fields() if isinstance(one, models.Field)]
        return any(one.name.endswith("identity_number") or one.related_model is Person for one in fields)

    # The record of looks is itself not recorded; a run of interest is about a city.
    silent = {PersonLookup, InterestRun}
    missing = [
        model._meta.label
        for model, one in admin.site._registry.items()
        if leads_to_people(model) and model not in silent and not getattr(one, "identity_numbers", ())
    ]
    assert not missing


def test_look_ups_by_number_are_so_many_and_no_more(
    manager: Client, cast: Cast, here: Coverage, settings
) -> None:
    cover(cast.zhang_min, Insurance.PENSION, "ningbo", "2026-01", tier="60")
    settings.PERSON_LOOKUPS_PER_HOUR = 1
    assert manager.get(f"{PEOPLE}{cast.wang_fang.pk}/change/").status_code == 200
    assert manager.get(f"{PEOPLE}{cast.wang_fang.pk}/change/").status_code == 200, "the same again is free"
    assert manager.get(f"{PEOPLE}{cast.zhang_min.pk}/change/").status_code == 302
    for listing in (PEOPLE, COVERAGE):
        found = search(manager, listing, cast.zhang_min.identity_number).content.decode()
        assert "张敏" not in found
        assert "已达上限" in found


def test_looks_are_shown_to_the_citys_supervisor_and_kept(
    manager: Client, cast: Cast, here: Coverage
) -> None:
    search(manager, PEOPLE, cast.wang_fang.identity_number)
    look = PersonLookup.objects.get()
    page = manager.get("/admin/accounts/personlookup/").content.decode()
    for shown in ("方圆", "查询人", "用途", "经办工作台查询", "人员"):
        assert shown in page
    assert cast.wang_fang.identity_number not in page
    wuhan = inside(cast.wuhan_reviewer)
    assert wuhan.get("/admin/accounts/personlookup/").status_code == 403, "for supervisors"
    chief = inside(cast.superuser)
    for address in (f"/admin/accounts/personlookup/{look.pk}/delete/", "/admin/accounts/personlookup/add/"):
        assert chief.post(address).status_code == 403
    for change in (
        lambda: PersonLookup.objects.update(found=False),
        lambda: PersonLookup.objects.all().delete(),
    ):
        with pytest.raises(InternalError), transaction.atomic():
            change()


# What an address may ask


def test_no_text_of_a_search_stands_in_an_address(manager: Client, cast: Cast, here: Coverage) -> None:
    number = cast.wang_fang.identity_number
    answer = manager.post(PEOPLE, {"q": number, "o": "1"})
    assert answer.status_code == 302
    assert answer["Location"].startswith(f"{PEOPLE}?o=1&q=~") or "q=%7E" in answer["Location"]
    assert number not in answer["Location"]
    page = manager.get(answer["Location"]).content.decode()
    assert "王芳" in page
    assert f"q={number}" not in page
    assert 'method="post"' in page
    assert "王芳" not in manager.get(PEOPLE, {"q": number}).content.decode(), (
        "a number in an address is not searched"
    )
    assert "王芳" not in inside(cast.superuser).get(answer["Location"]).content.decode(), "another's search"


PARTS = (
    "__startswith",
    "__contains",
    "__regex",
    "__gt",
    "__lt",
    "__in",
    "__isnull",
    "__exact",
    "__iexact",
    "",
)


def test_no_mask_is_undone_by_what_an_address_filters() -> None:
    """Of every admin: no column and no related column can be asked for but the filters that the
    page shows."""
    request = RequestFactory().get("/")
    request.user = User(kind="staff", is_staff=True, is_superuser=True, is_active=True)
    personal = {"identity_number", "subject_identity_number", "phone", "number", "name", "holder", "account_number",
                "contact_phone", "birth_date", "payer_account", "username", "password"}  # fmt: skip
    for model, one in admin.site._registry.items():
        assert isinstance(one, StaffAdmin), f"{model._meta.label} is not under the rules of the workbench"
        filters = one.get_list_filter(request)
        declared = {name if isinstance(name, str) else name.parameter_name for name in filters}
        assert not declared & personal
        paths: list[str] = []
        # A calendar above a list asks for spans of its one day.
        declared.add(str(one.date_hierarchy))
        for field in model._meta.get_fields():
            paths.append(field.name)
            related = getattr(field, "related_model", None)
            if related and related is not model:
                paths += [f"{field.name}__{other.name}" for other in related._meta.get_fields()]
        for path, part in product(paths, PARTS):
            if path not in declared and path.removesuffix("__id") not in declared:
                assert not one.lookup_allowed(path + part, "4", request), f"{model._meta.label} {path}{part}"
        assert not any(one.lookup_allowed(f"{path}__startswith", "4", request) for path in paths)


@pytest.mark.parametrize(
    "address",
    [
        f"{PEOPLE}?phone__startswith=138",
        f"{HOUSEHOLDS}?identity_number__startswith=4",
        f"{ACCOUNTS}?number__startswith=6",
        f"{COVERAGE}?person__identity_number__startswith=3",
        "/admin/accounts/user/?phone__startswith=1",
        "/admin/people/bankaccount/?number__startswith=6",
    ],
)
def test_a_filter_that_is_not_on_the_page_is_refused(manager: Client, address: str) -> None:
    assert manager.get(address).status_code == 400


def test_nobody_is_completed_from_a_part_of_a_name(cast: Cast) -> None:
    asked = {"app_label": "people", "model_name": "guardianship", "field_name": "guardian", "term": "李强"}
    assert cast.li_qiang.name == "李强"
    assert inside(cast.superuser).get("/admin/autocomplete/", asked).status_code == 404
