"""The named cast of all tests: persons, employers, clerks and staff, made when first asked for, the
same in every run.

Names are plain and numbers valid: check digits are computed. Who is insured, and how, is said by
the test itself, with ``cover``.
"""

import datetime as dt
from functools import cached_property
from typing import Any, Self

import pgtrigger
from django.contrib.auth.models import Group
from stdnum.cn import ric, uscc

from enrollment.models import ContributionBase, Coverage
from portal.accounts.models import User
from portal.accounts.roles import COLLECTOR, MANAGER, REVIEWER
from portal.people.models import Employer, Person, Sex
from portal.qualifications.models import Desk, DeskClerk
from portal.shared import credit_code, identity
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import CHINA, Month

PASSWORD = "Ningbo-1127-hall"

ZHENHAI = "330211"
JIANGBEI = "330205"
WUCHANG = "420106"
NANSHAN = "440305"
LIANGXI = "320213"
CHANGSHA = "430102"


def moment(text: str) -> dt.datetime:
    """A moment in China: "2026-11-20", "2026-11-20 09:30" or "2026-11-20 23:59:59.999"."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=CHINA)


# A Tuesday, in working hours, with the month's deadlines still ahead.
NOW = moment("2026-11-17 10:00")


def identity_number(place: str, born: str, order: int) -> str:
    """A valid number: place of six digits, birth date as 1988-05-12, order 1 to 999 (odd: a man,
    even: a woman)."""
    first = f"{place}{born.replace('-', '')}{order:03d}"
    return identity.parse(f"{first}{ric.calc_check_digit(f'{first}0')}").number


def employer_code(place: str, order: int) -> str:
    """A valid unified social credit code of a company, of that place and order."""
    first = f"91{place}MA2{order:06d}"
    return credit_code.parse(f"{first}{uscc.calc_check_digit(first)}")


def person(
    name: str, place: str, born: str, order: int, *, phone: str = "", household: str | None = None
) -> Person:
    """A person in the agency's register, of household ``household`` (the place of their number
    where not given)."""
    return Person.objects.create(
        identity_number=identity_number(place, born, order),
        name=name,
        sex=Sex.MALE if order % 2 else Sex.FEMALE,
        birth_date=dt.date.fromisoformat(born),
        phone=phone,
        household_code=place if household is None else household,
    )


def login(who: Person) -> User:
    """Their personal login, opened long before any city asked for a desk's qualification."""
    return User.objects.create_person(who, password=PASSWORD, date_joined=moment("2024-03-01"))


def employer(name: str, city: str, place: str, order: int, *, grade: int = 2) -> Employer:
    """An employer that has its account with the agency of ``city``."""
    return Employer.objects.create(
        credit_code=employer_code(place, order),
        name=name,
        city=city,
        insurance_number=f"{place}{order:06d}",
        industry_grade=grade,
        contact_name="周敏",
        contact_phone=f"1390000{order:04d}",
    )


def moved(employer: Employer, city: str) -> None:
    """Puts the employer into another city's register, as rows may stand from before the database
    refused it."""
    with pgtrigger.ignore("people.Employer:an_employers_city_stays"):
        Employer.objects.filter(pk=employer.pk).update(city=city)


def staff(username: str, name: str, city: str, *roles: str, of: Person | None = None) -> User:
    """A member of staff of the agency of ``city`` (empty: of all cities) in these roles; ``of`` is
    the natural person."""
    user = User.objects.create_staff(username, name=name, city=city, password=PASSWORD, person=of)
    user.groups.add(*Group.objects.filter(name__in=roles))
    return user


def desk_clerk(username: str, name: str, desk: Desk) -> User:
    """A clerk of a community desk."""
    user = User.objects.create_desk_clerk(username, name=name, password=PASSWORD)
    DeskClerk.objects.create(user=user, desk=desk)
    return user


def cover(
    who: Person,
    insurance: Insurance,
    city: str,
    start: str,
    until: str | None = None,
    *,
    at: Employer | None = None,
    capacity: Capacity | None = None,
    tier: str = "",
    wage_fen: int | None = None,
    **more: Any,
) -> Coverage:
    """A coverage over the months [start, until), by the employer ``at`` or as a flexible worker,
    with its base where given."""
    coverage = Coverage.objects.create(
        person=who,
        insurance=insurance,
        capacity=capacity or (Capacity.EMPLOYEE if at else Capacity.FLEXIBLE),
        city=city,
        employer=at,
        start=Month.parse(start),
        until=Month.parse(until) if until else None,
        created_at=NOW,
        **more,
    )
    if tier or wage_fen is not None:
        ContributionBase.objects.create(
            coverage=coverage, start=coverage.start, until=coverage.until, tier=tier, wage_fen=wage_fen
        )
    return coverage


class Cast:
    """Everyone by name. Asking twice gives the same row; who is not asked for is not there."""

    def again(self) -> Self:
        """Those who are there, read afresh: what a test does to a row in memory stays the
        test's."""
        cast = type(self)()
        for name, row in vars(self).items():
            vars(cast)[name] = type(row)._base_manager.get(pk=row.pk)
        return cast

    # Persons in the register.

    @cached_property
    def wang_fang(self) -> Person:
        """A woman of Zhenhai, born 1988."""
        return person("王芳", ZHENHAI, "1988-05-12", 24, phone="13800000001")

    @cached_property
    def li_qiang(self) -> Person:
        """A man of Wuchang, born 1985."""
        return person("李强", WUCHANG, "1985-09-30", 37, phone="13800000002")

    @cached_property
    def chen_jing(self) -> Person:
        """A woman of Nanshan, born 1992."""
        return person("陈静", NANSHAN, "1992-02-29", 48, phone="13800000003")

    @cached_property
    def liu_yang(self) -> Person:
        """A man whose number is of Changsha and whose household is in Nanshan, born 1979."""
        return person("刘洋", CHANGSHA, "1979-12-01", 11, phone="13800000004", household=NANSHAN)

    @cached_property
    def zhang_min(self) -> Person:
        """A woman of Jiangbei, born 1970."""
        return person("张敏", JIANGBEI, "1970-01-15", 62, phone="13800000005")

    # Someone whom no register knows yet.
    newcomer_name = "赵磊"
    newcomer_number = identity_number(JIANGBEI, "2003-07-08", 53)

    # Their logins.

    @cached_property
    def wang_fang_login(self) -> User:
        return login(self.wang_fang)

    @cached_property
    def li_qiang_login(self) -> User:
        return login(self.li_qiang)

    @cached_property
    def chen_jing_login(self) -> User:
        return login(self.chen_jing)

    @cached_property
    def liu_yang_login(self) -> User:
        return login(self.liu_yang)

    @cached_property
    def zhang_min_login(self) -> User:
        return login(self.zhang_min)

    # A community desk of Wuhan and its clerks.

    @cached_property
    def shuiguohu(self) -> Desk:
        return Desk.objects.create(
            city="wuhan",
            district="武昌区",
            title="水果湖社区",
            address="武昌区水果湖路 1 号",
            hours="工作日 9:00–17:00",
        )

    @cached_property
    def desk_clerk(self) -> User:
        return desk_clerk("whsq-shuiguohu", "何平", self.shuiguohu)

    @cached_property
    def other_desk_clerk(self) -> User:
        return desk_clerk("whsq-shuiguohu2", "方琴", self.shuiguohu)

    # Employers and their clerks.

    @cached_property
    def yongjiang(self) -> Employer:
        """A company of Ningbo."""
        return employer("宁波甬江机械有限公司", "ningbo", ZHENHAI, 101)

    @cached_property
    def zhaobao(self) -> Employer:
        """Another company of Ningbo."""
        return employer("宁波招宝物流有限公司", "ningbo", ZHENHAI, 102, grade=6)

    @cached_property
    def donghu(self) -> Employer:
        """A company of Wuhan."""
        return employer("武汉东湖软件有限公司", "wuhan", WUCHANG, 201, grade=1)

    @cached_property
    def yongjiang_clerk(self) -> User:
        return User.objects.create_clerk(self.yongjiang, name="周敏", phone="13900000101", password=PASSWORD)

    @cached_property
    def yongjiang_second_clerk(self) -> User:
        return User.objects.create_clerk(self.yongjiang, name="吴军", phone="13900000111", password=PASSWORD)

    @cached_property
    def zhaobao_clerk(self) -> User:
        return User.objects.create_clerk(self.zhaobao, name="徐丽", phone="13900000102", password=PASSWORD)

    @cached_property
    def donghu_clerk(self) -> User:
        return User.objects.create_clerk(self.donghu, name="孙涛", phone="13900000201", password=PASSWORD)

    # The agency's staff.

    @cached_property
    def ningbo_reviewer(self) -> User:
        return staff("ningbo-1", "马超群", "ningbo", REVIEWER)

    @cached_property
    def ningbo_second_reviewer(self) -> User:
        return staff("ningbo-2", "朱红", "ningbo", REVIEWER)

    @cached_property
    def wuhan_reviewer(self) -> User:
        return staff("wuhan-1", "胡建国", "wuhan", REVIEWER)

    @cached_property
    def shenzhen_reviewer(self) -> User:
        return staff("shenzhen-1", "林晓", "shenzhen", REVIEWER)

    @cached_property
    def every_city_reviewer(self) -> User:
        return staff("all-1", "何平", "", REVIEWER)

    @cached_property
    def wuhan_collector(self) -> User:
        return staff("wuhan-2", "郑文", "wuhan", COLLECTOR)

    @cached_property
    def wuhan_second_collector(self) -> User:
        return staff("wuhan-3", "钱芳", "wuhan", COLLECTOR)

    @cached_property
    def ningbo_manager(self) -> User:
        return staff("ningbo-4", "方圆", "ningbo", MANAGER)

    @cached_property
    def ningbo_staff_without_role(self) -> User:
        """Staff of Ningbo who may enter the admin, and nothing in it."""
        return staff("ningbo-3", "高翔", "ningbo")

    @cached_property
    def superuser(self) -> User:
        return User.objects.create_superuser("root", password=PASSWORD, name="系统管理员")
