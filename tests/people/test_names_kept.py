"""Names are kept in one form, whoever writes them; the database refuses others, and what stood
before was brought to the form."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from portal.columns import bring_into_form
from portal.people.models import Person
from portal.registers.models import HouseholdRecord
from tests.cast import Cast

pytestmark = pytest.mark.django_db


def test_the_model_keeps_and_finds_by_the_form(cast: Cast) -> None:
    cast.wang_fang.name = "买买提•艾\u2f12"
    cast.wang_fang.save()
    assert cast.wang_fang.name == "买买提·艾力"
    assert Person.objects.get(name="买买提．艾力") == cast.wang_fang


@pytest.mark.parametrize(
    "name",
    [
        "买买提•艾力",
        "买买提\u2219艾力",
        "赵\u2f00",
        "赵\u2e80",
        "王芳 ",
        " 王芳",
        "Ａnna",
        "=王芳",
        "+王芳",
        "-王芳",
        "@王芳",
        "·王",
    ],
)
def test_the_database_refuses_another_form(cast: Cast, name: str) -> None:
    with (
        pytest.raises(IntegrityError, match="name_in_form"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE people_person SET name = %s WHERE id = %s", [name, cast.wang_fang.pk])


def test_what_stood_before_is_brought_to_the_form(cast: Cast) -> None:
    rows = {
        cast.wang_fang: " 王 芳",
        cast.li_qiang: "买买提•艾力",
        cast.chen_jing: "=cmd",
        cast.liu_yang: "刘洋",
    }
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE people_person DROP CONSTRAINT person_name_in_form")
        for person, name in rows.items():
            cursor.execute("UPDATE people_person SET name = %s WHERE id = %s", [name, person.pk])
    bring_into_form(Person, "name")
    kept = dict(Person.objects.values_list("pk", "name"))
    assert [kept[person.pk] for person in rows] == ["王芳", "买买提·艾力", "cmd", "刘洋"]


@pytest.mark.parametrize(
    ("typed", "kept", "why"),
    [
        ("买买提 • 艾力", "买买提·艾力", ""),
        ("\u2fbc\u2f42\u2f45", "高文方", ""),
        ("王エ", "", "第 2 个字符“エ”看起来像“工”"),
        ("=王芳", "", "第 1 个字符“=”不是文字"),
    ],
)
def test_the_workbench_takes_a_name_in_the_form(cast: Cast, typed: str, kept: str, why: str) -> None:
    client = Client()
    client.force_login(cast.superuser)
    record = HouseholdRecord.objects.create(
        identity_number=cast.wang_fang.identity_number, name="王芳", place_code="330211"
    )
    page = client.post(
        f"/admin/registers/householdrecord/{record.pk}/change/",
        {"name": typed, "place_code": "330211", "settled_on": ""},
    )
    record.refresh_from_db()
    assert record.name == (kept or "王芳")
    assert page.status_code == (302 if kept else 200)
    if why:
        assert why in page.content.decode()
