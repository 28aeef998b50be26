"""单位参保证明 by the personal door: for the employer's contact, and for nobody else; shown while
the right holds."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from certificates.models import Certificate
from portal.accounts.models import Notice, User
from portal.hall import desk
from portal.people import contacts
from portal.people.models import EmployerContact, Person
from tests.cast import NOW, Cast
from tests.certificates.test_pages import signed_in
from tests.filing import ask, file, reasons

pytestmark = pytest.mark.django_db

CODE, NAMING = "employer-proof-contact", "employer-contact"


def named(cast: Cast, **more: str) -> dict[str, str]:
    return {
        "action": "name",
        "identity_number": cast.zhang_min.identity_number,
        "name": cast.zhang_min.name,
        **more,
    }


def typed(cast: Cast, **more: Any) -> dict[str, Any]:
    return {
        "employer": cast.yongjiang.credit_code,
        "place": "330200",
        "unit_number": cast.yongjiang.insurance_number,
        "months": "1",
        "contact_name": "周敏",
        "contact_phone": "13900000101",
        **more,
    }


@pytest.fixture
def contact(cast: Cast, insured: Person) -> User:
    """张敏, whom the clerk of 甬江 has named."""
    file(cast.yongjiang_clerk, "ningbo", NAMING, named(cast), NOW)
    return cast.zhang_min_login


def test_the_contact_gets_it_by_the_personal_login_and_the_employer_sees_it(
    cast: Cast, contact: User, clock: object
) -> None:
    assert Notice.objects.get(kind=NAMING).person == cast.zhang_min
    case = file(contact, "ningbo", CODE, typed(cast), NOW)
    paper = Certificate.objects.get(case=case)
    assert (paper.employer, paper.person, paper.issued_to) == (cast.yongjiang, None, contact)
    address = reverse("certificate", args=[paper.serial_number])
    for user in (contact, cast.yongjiang_clerk):
        assert signed_in(user).get(address).status_code == 200
    for user in (cast.wang_fang_login, cast.zhaobao_clerk):
        assert signed_in(user).get(address).status_code == 404


def test_when_the_right_ends_so_does_all_of_it(cast: Cast, contact: User, clock: object) -> None:
    begun = ask(contact, "ningbo", CODE, typed(cast), NOW)
    paper = Certificate.objects.get(case=file(contact, "ningbo", CODE, typed(cast), NOW))
    file(cast.yongjiang_clerk, "ningbo", NAMING, {"action": "end"}, NOW)
    assert "employer" in reasons(contact, "ningbo", CODE, typed(cast), NOW)
    with pytest.raises(desk.NotAccepted, match="您不是这家单位登记的联系人"):
        desk.look(begun)
    assert signed_in(contact).get(reverse("certificate", args=[paper.serial_number])).status_code == 404
    assert "终止" in Notice.objects.filter(kind=NAMING, person=cast.zhang_min).latest("pk").text
    assert EmployerContact.objects.get().ended_at == NOW


def test_nobody_else_gets_it(cast: Cast, contact: User, clock: object) -> None:
    page = signed_in(cast.wang_fang_login).get(f"/ningbo/services/{CODE}/").content.decode()
    assert "您不是本市任何单位登记的联系人" in page
    for user in (cast.wang_fang_login, cast.liu_yang_login):
        assert "employer" in reasons(user, "ningbo", CODE, typed(cast), NOW)
    with pytest.raises(desk.NotAccepted):
        file(cast.yongjiang_clerk, "ningbo", CODE, typed(cast), NOW)
    other = typed(cast, employer=cast.zhaobao.credit_code)
    assert "employer" in reasons(contact, "ningbo", CODE, other, NOW)
    number = typed(cast, unit_number=cast.zhaobao.insurance_number)
    assert "不是所选单位" in reasons(contact, "ningbo", CODE, number, NOW)["unit_number"]


def test_a_number_tells_nobody_s_name(cast: Cast, insured: Person) -> None:
    why = [
        reasons(cast.yongjiang_clerk, "ningbo", NAMING, named(cast, **more), NOW)["identity_number"]
        for more in ({"name": "张三"}, {"identity_number": "330205199001010010"[:17] + "X"})
    ]
    assert why[0] == "没有查到这个号码和姓名的参保登记，请核对。"
    assert why[1]
    assert reasons(cast.yongjiang_clerk, "ningbo", NAMING, {"action": "end"}, NOW)["action"]
    assert "name" in reasons(cast.yongjiang_clerk, "ningbo", NAMING, named(cast, name=""), NOW)


def test_another_takes_the_place_and_there_is_one_at_a_time(cast: Cast, contact: User) -> None:
    same = reasons(cast.yongjiang_clerk, "ningbo", NAMING, named(cast), NOW)
    assert same["identity_number"] == "与现在的登记相同，不需要变更。"
    wang = {"identity_number": cast.wang_fang.identity_number, "name": "王芳"}
    file(cast.yongjiang_clerk, "ningbo", NAMING, named(cast, **wang), NOW)
    assert contacts.contact_of(cast.yongjiang) == cast.wang_fang
    assert not contacts.employers_of(cast.zhang_min).exists()
    with pytest.raises(IntegrityError, match="one_contact_of_an_employer"), transaction.atomic():
        EmployerContact.objects.create(employer=cast.yongjiang, person=cast.zhang_min, since=NOW)
