"""我的家人: the members and what is due, the pages of a ward through either guardian's login, and
nothing for anyone else or after the eighteenth birthday, also in an open session."""

import datetime as dt
from uuid import uuid4

import pytest
from django.test import Client

from contributions.models import Charge, ChargeStatus, Order, OrderLine
from enrollment.models import Coverage
from portal.accounts.models import User
from portal.people import guardianship
from portal.people.models import Person, Proof, Relation
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month
from tests.cast import NANSHAN, NOW, Cast, cover, person
from tests.conftest import Clock
from tests.filing import file
from tests.web.conftest import signed_in

pytestmark = pytest.mark.django_db

STOP = "/shenzhen/services/child-stop/"


@pytest.fixture
def child(cast: Cast, clock: Clock) -> Person:
    """A boy whose guardians are 陈静 and 刘洋, and who comes of age on 2027-05-06."""
    ward = person("陈小宇", NANSHAN, "2009-05-06", 21)
    for guardian in (cast.chen_jing, cast.liu_yang):
        guardianship.begin(
            guardian=guardian, ward=ward, relation=Relation.PARENT, proof_kind=Proof.HOUSEHOLD,
            proof="户口簿", start=dt.date(2026, 1, 1), on=NOW.date(),
        )  # fmt: skip
    return ward


@pytest.fixture
def insured(child: Person) -> Coverage:
    return cover(child, Insurance.MEDICAL, "shenzhen", "2026-09", capacity=Capacity.CHILD, tier="one")


def charge(coverage: Coverage, status: ChargeStatus = ChargeStatus.PAID) -> Charge:
    return Charge.objects.create(
        person=coverage.person, coverage=coverage, city="shenzhen", insurance="medical", capacity="child",
        month=Month(2026, 11), amount_fen=4056, personal_fen=4056, employer_fen=0, account_fen=0, base="6760",
        policy="shenzhen/child_medical", policy_since=dt.date(2026, 9, 1), basis="one", created_at=NOW,
        due_on=dt.date(2026, 11, 30), status=status,
    )  # fmt: skip


def mother(cast: Cast) -> Client:
    client = signed_in(cast.chen_jing_login)
    client.cookies["city"] = "shenzhen"
    return client


def page_of(client: Client) -> str:
    return client.get("/family/").content.decode()


def test_it_shows_each_member_with_insurances_guardians_and_ways(
    insured: Coverage, child: Person, cast: Cast
) -> None:
    cover(cast.chen_jing, Insurance.PENSION, "shenzhen", "2026-01", tier="60")
    page = page_of(mother(cast))
    assert page.index("陈静（本人）") < page.index("陈小宇")
    assert "少儿，深圳，2026年9月起" in page
    assert "陈静（您）" in page
    assert "刘洋" in page
    assert "2027年5月6日为止，此后由本人办理" in page
    assert f"{STOP}?for={child.pk}" in page
    assert "student-stop" not in page, "what they are not insured as is not stopped"
    assert f"/record/?for={child.pk}" in page
    assert f"/shenzhen/services/person-proof/?for={child.pk}" in page
    assert "/shenzhen/services/flexible-pause/" in page, "their own pension, by their own service"


def test_what_a_ward_owes_is_due_there(insured: Coverage, child: Person, cast: Cast) -> None:
    charge(insured, ChargeStatus.OWED)
    page = page_of(mother(cast))
    assert "2026年11月 医疗保险待缴 40.56 元" in page


def test_without_wards_it_says_how_to_register(cast: Cast, clock: Clock) -> None:
    client = mother(cast)
    assert "/shenzhen/services/guardian-upkeep/" in page_of(client)
    client.cookies["city"] = "ningbo"
    assert "窗口登记" in page_of(client)


def test_a_clerk_has_no_family(cast: Cast, clock: Clock) -> None:
    assert signed_in(cast.yongjiang_clerk).get("/family/").status_code == 404


@pytest.mark.parametrize("address", ["/record/", "/record/account/", "/orders/list/"])
def test_either_guardian_looks_up_the_wards_pages_and_nobody_else(
    insured: Coverage, child: Person, cast: Cast, address: str
) -> None:
    url = f"{address}?for={child.pk}"
    for login in (cast.chen_jing_login, cast.liu_yang_login):
        page = signed_in(login).get(url)
        assert page.status_code == 200
        assert "陈小宇" in page.content.decode()
    stranger = signed_in(cast.li_qiang_login)
    assert stranger.get(url).status_code == 404
    for wrong in ("0", "x", "-1", "9" * 30):
        assert signed_in(cast.chen_jing_login).get(f"{address}?for={wrong}").status_code == 404


def test_the_years_of_a_wards_record_stay_the_wards(insured: Coverage, child: Person, cast: Cast) -> None:
    charge(insured)
    page = mother(cast).get(f"/record/?for={child.pk}").content.decode()
    assert f"?for={child.pk}&amp;year=2026#list" in page
    assert "以监护人身份查看 陈小宇" in page


def test_a_wards_charge_explains_itself_to_the_guardians_only(
    insured: Coverage, child: Person, cast: Cast
) -> None:
    url = f"/record/charges/{charge(insured).pk}/"
    page = mother(cast).get(url)
    assert page.status_code == 200
    assert f"/record/?for={child.pk}" in page.content.decode()
    assert signed_in(cast.li_qiang_login).get(url).status_code == 404


def test_a_wards_order_is_the_guardians_too(insured: Coverage, child: Person, cast: Cast) -> None:
    owed = charge(insured, ChargeStatus.OWED)
    order = Order.objects.create(
        number="S440300-20261117-0001", person=child, city="shenzhen", sum_fen=4056, line_count=1, status="open",
        placed_by=cast.chen_jing_login, key=uuid4(), digest="0" * 64, placed_at=NOW, expires_at=NOW + dt.timedelta(hours=2),
    )  # fmt: skip
    OrderLine.objects.create(order=order, charge=owed, amount_fen=4056)
    page = mother(cast).get("/orders/").content.decode()
    assert order.number in page
    assert "为陈小宇" in page
    assert signed_in(cast.liu_yang_login).get(f"/orders/{order.number}/").status_code == 200
    assert signed_in(cast.li_qiang_login).get(f"/orders/{order.number}/").status_code == 404


def test_both_guardians_see_what_either_filed(
    insured: Coverage, child: Person, cast: Cast, clock: Clock
) -> None:
    case = file(
        cast.chen_jing_login,
        "shenzhen",
        "child-stop",
        {"reason": "moved", "understood": "on"},
        clock.now,
        ward=child,
    )
    assert signed_in(cast.liu_yang_login).get(f"/cases/{case.number}/").status_code == 200
    assert "为陈小宇办理了" in signed_in(cast.liu_yang_login).get("/messages/").content.decode()
    assert signed_in(cast.li_qiang_login).get(f"/cases/{case.number}/").status_code == 404


def test_from_the_birthday_on_an_open_session_does_nothing_for_them(
    insured: Coverage, child: Person, cast: Cast, clock: Clock
) -> None:
    charge(insured)
    clock.set("2027-05-05 23:50")
    client = mother(cast)
    assert client.get(f"{STOP}apply/?for={child.pk}").status_code == 200
    clock.set("2027-05-06 00:00")
    for address in ("/record/", "/record/account/", "/orders/list/"):
        assert client.get(f"{address}?for={child.pk}").status_code == 404
    assert client.get(f"/record/charges/{Charge.objects.get().pk}/").status_code == 404
    assert "陈小宇" not in page_of(client)
    for step in ("", "apply/"):
        sent = client.get(f"{STOP}{step}?for={child.pk}", follow=True)
        assert sent.redirect_chain == [("/family/", 302)]
        assert "陈小宇已满18周岁，请由本人登录办理" in sent.content.decode()
    client.post(f"{STOP}apply/?for={child.pk}", {"reason": "moved", "understood": "on"})
    insured.refresh_from_db()
    assert insured.until is None


def test_a_guardian_of_former_days_is_told_why(
    insured: Coverage, child: Person, cast: Cast, clock: Clock
) -> None:
    child.guarded_by.filter(guardian=cast.liu_yang).update(ends_on=dt.date(2026, 11, 17))
    sent = signed_in(cast.liu_yang_login).get(f"{STOP}?for={child.pk}", follow=True)
    assert "您不是陈小宇的登记监护人" in sent.content.decode()
    assert mother(cast).get(f"{STOP}?for={child.pk}").status_code == 200


def test_what_is_not_there_leads_to_the_wards_record(child: Person, cast: Cast) -> None:
    page = mother(cast).get(f"{STOP}?for={child.pk}").content.decode()
    assert "没有以少儿身份在保" in page
    assert f'href="/record/?for={child.pk}"' in page


def test_the_new_adult_reads_what_the_guardian_filed(
    insured: Coverage, child: Person, cast: Cast, clock: Clock
) -> None:
    case = file(
        cast.chen_jing_login,
        "shenzhen",
        "child-stop",
        {"reason": "moved", "understood": "on"},
        clock.now,
        ward=child,
    )
    clock.set("2027-05-06 09:00")
    own = signed_in(User.objects.create_person(child, password=None))
    assert own.get(f"/cases/{case.number}/").status_code == 200
    assert signed_in(cast.chen_jing_login).get(f"/cases/{case.number}/").status_code == 404
