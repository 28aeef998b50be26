"""Reads the demo's people and employers from its file, and makes their rows: each once, however
often it is called."""

import datetime as dt
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.contrib.auth.models import Group
from django.utils import timezone
from stdnum import luhn
from stdnum.cn import ric, uscc

from portal.accounts.models import FILES, Kind, User
from portal.people import papers, persons
from portal.people.models import Employer, Person
from portal.people.papers import Paper
from portal.policy.book import book
from portal.qualifications.models import Desk, DeskClerk
from portal.registers.models import HouseholdRecord
from portal.shared import credit_code, identity
from portal.shared.identity import Document, Sex
from portal.shared.months import CHINA, today_in_china

ADMINISTRATOR = "admin"
# When the demo's people opened their logins: before any city asked for a desk's qualification.
JOINED = dt.datetime(2024, 3, 1, 9, tzinfo=CHINA)

_FAMILY = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰萍建红春梅文辉玲燕鹏飞云"


@cache
def script() -> dict[str, Any]:
    """The demo's file, as it stands."""
    return dict(yaml.safe_load(Path(__file__).with_name("demo.yaml").read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Account:
    """One line of the list of demo accounts."""

    door: str
    login: str
    about: str


def identity_number(place: str, born: dt.date, order: int) -> str:
    """A valid identity number, not copied from a real person."""
    first = f"{place}{born:%Y%m%d}{order:03d}"
    return identity.parse(first + str(ric.calc_check_digit(f"{first}0"))).number


def account_number(first: str, *, ending: str) -> str:
    """A valid account number: ``first``, one digit that makes it valid, ``ending``."""
    return next(number for digit in range(10) if luhn.is_valid(number := f"{first}{digit}{ending}"))


def company_code(place: str, order: int) -> str:
    """A valid unified social credit code, not copied from a real company."""
    first = f"91{place}MA2{order:06d}"
    return credit_code.parse(first + uscc.calc_check_digit(first))


def employer(key: str) -> Employer:
    """The employer of that key."""
    entry = script()["employers"][key]
    code = company_code(entry["place"], entry["order"])
    row, _made = Employer.objects.get_or_create(
        credit_code=code,
        defaults={
            "name": entry["name"],
            "city": entry["city"],
            "insurance_number": f"{entry['place']}{entry['order']:06d}",
            "industry_grade": entry["grade"],
            "contact_name": entry["clerk"],
            "contact_phone": entry["phone"],
        },
    )
    return row


def person(key: str) -> Person:
    """The person of that key, with their entry in the household register."""
    entry = script()["persons"][key]
    if "passport" in entry:
        return persons.record(paper=_passport(entry), name=entry["name"], phone=entry["phone"])
    row = persons.record(
        identity_number=identity_number(entry["place"], entry["born"], entry["order"]),
        name=entry["name"],
        phone=entry.get("phone", ""),
        household_code=entry["place"],
    )
    HouseholdRecord.objects.get_or_create(
        identity_number=row.identity_number,
        defaults={
            "name": row.name,
            "place_code": entry.get("household", entry["place"]),
            "settled_on": entry.get("settled"),
        },
    )
    return row


def _passport(entry: dict[str, Any]) -> Paper:
    passport, today = entry["passport"], today_in_china(timezone.now())
    return Paper(
        papers.number_of(Document.PASSPORT, passport["number"], passport["country"], on=today),
        Document.PASSPORT,
        Sex(entry["sex"]),
        entry["born"],
        passport["number"],
        passport["country"],
        passport["expires_on"],
    )


def crowd(number: int) -> Person:
    """The person of this number in the demo's crowd."""
    entry = script()["crowd"]
    born = dt.date(1970, 1, 1) + dt.timedelta(days=163 * number)
    name = (
        _FAMILY[number * 7 % len(_FAMILY)]
        + _GIVEN[number * 11 % len(_GIVEN)]
        + (_GIVEN[number * 5 % 37] if number % 3 else "")
    )
    return persons.record(identity_number=identity_number(entry["place"], born, 100 + number), name=name)


def clerk(key: str) -> User:
    """The clerk of the employer of that key; no password until the demo is complete."""
    row, entry = employer(key), script()["employers"][key]
    login = User.objects.filter(kind=Kind.CLERK, employer=row).first()
    return login or User.objects.create_clerk(row, name=entry["clerk"], phone=entry["phone"], password=None)


def person_login(key: str) -> User:
    """The personal account of that key; no password until the demo is complete."""
    row = person(key)
    login = User.objects.filter(kind=Kind.PERSON, person=row).first()
    level = script()["persons"][key].get("level", FILES)
    return login or User.objects.create_person(row, password=None, identity_level=level, date_joined=JOINED)


def desk(entry: dict[str, Any]) -> Desk:
    """A community desk, with its clerks' logins; no passwords until the demo is complete."""
    row, _made = Desk.objects.get_or_create(
        city=entry["city"],
        title=entry["title"],
        defaults={name: entry[name] for name in ("district", "address", "hours", "phone")},
    )
    for username, name in entry["clerks"].items():
        if not User.objects.filter(username=username).exists():
            user = User.objects.create_desk_clerk(username, name=name, password=None)
            DeskClerk.objects.create(user=user, desk=row)
    return row


def staff(username: str) -> User:
    """The member of staff of that user name; no password until the demo is complete."""
    entry = script()["staff"][username]
    row = User.objects.filter(username=username).first()
    if row is None:
        row = User.objects.create_staff(username, name=entry["name"], city=entry["city"], password=None)
    row.groups.set(Group.objects.filter(name__in=entry["roles"]))
    return row


def staff_of(city: str, role: str) -> User:
    """A member of staff who holds that role for the city."""
    return all_staff_of(city, role)[0]


def all_staff_of(city: str, role: str) -> list[User]:
    """The members of staff who hold that role for the city."""
    members = script()["staff"]
    return [staff(name) for name, one in members.items() if one["city"] == city and role in one["roles"]]


def accounts() -> list[Account]:
    """Every account that one can log in with, by door."""
    script_data = script()
    lines = [
        Account(
            "单位登录",
            f"{employer(key).credit_code}  {one['clerk']} 或 {one['phone']}",
            f"{one['name']}({book().city(one['city']).title})",
        )
        for key, one in script_data["employers"].items()
    ]
    lines += [
        Account(
            "个人登录", f"{person(key).number_on_paper} 或 {one['phone']}", f"{one['name']}：{one['login']}"
        )
        for key, one in script_data["persons"].items()
        if one.get("login")
    ]
    lines += [
        Account("经办工作台", username, f"{one['name']}：{one['about']}")
        for username, one in script_data["staff"].items()
    ]
    lines += [
        Account("社区登录", username, f"{name}：{one['title']}（{book().city(one['city']).title}）")
        for one in script_data["desks"]
        for username, name in one["clerks"].items()
    ]
    return [*lines, Account("经办工作台", ADMINISTRATOR, "系统管理员，全部城市")]
