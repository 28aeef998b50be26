"""居民养老参保登记: a pre-application, done at the window; the first year follows the rule of the
time."""

import datetime as dt

import pytest

from contributions.models import Charge, PublicShare
from enrollment.models import Coverage
from portal.accounts.models import User
from portal.hall import desk
from portal.hall.models import Case
from portal.hall.routing import Status
from portal.people.models import BankAccount
from portal.shared.months import Month
from tests.cast import NANSHAN, Cast, cover, employer, moment
from tests.enrollment.residents import ACCOUNT, CITY, PENSION, charge, draws, registered, settler, sums
from tests.filing import file, reasons

pytestmark = pytest.mark.django_db

CODE = "resident-pension-enroll"
NOVEMBER, MAY_2018 = moment("2026-11-05 10:00"), moment("2018-05-10 10:00")


def typed(**changes: str) -> dict[str, str]:
    return {
        "group": "none",
        "tier_pension": "1200",
        "account_number": ACCOUNT,
        "former": "native",
        "settled_on": "",
        **changes,
    }


def confirmed(case: Case, by: User, now: dt.datetime) -> Case:
    assert case.status == Status.PRE_APPLIED
    assert not Coverage.objects.filter(opened_by=case).exists(), "nothing takes effect before"
    return desk.decide(case, approve=True, by=by, now=now + dt.timedelta(days=3))


def test_today_the_year_of_enrolment_is_charged_at_once(cast: Cast) -> None:
    registered(cast.chen_jing)
    case = confirmed(
        file(cast.chen_jing_login, CITY, CODE, typed(), NOVEMBER), cast.shenzhen_reviewer, NOVEMBER
    )
    assert case.status == Status.DONE
    assert Coverage.objects.get().start == Month(2026, 11)
    assert sums() == [("2026-11", 120_000, 9_000)]
    assert BankAccount.objects.get().number == ACCOUNT


def test_in_2018_the_next_january_was_the_first(cast: Cast) -> None:
    registered(cast.chen_jing)
    confirmed(file(cast.chen_jing_login, CITY, CODE, typed(), MAY_2018), cast.shenzhen_reviewer, MAY_2018)
    assert Coverage.objects.get().start == Month(2019, 1)
    charge("2018-12")
    assert sums() == []
    charge("2019-01")
    assert sums() == [("2019-01", 120_000, 6_000)]


def test_public_money_pays_all_for_those_in_need(cast: Cast) -> None:
    registered(cast.chen_jing)
    case = file(
        cast.chen_jing_login,
        CITY,
        CODE,
        typed(group="severely-disabled", tier_pension="", account_number=""),
        NOVEMBER,
    )
    assert "support-proof" in case.facts["papers"]
    case = confirmed(case, cast.shenzhen_reviewer, NOVEMBER)
    assert not Charge.objects.exists()
    assert PublicShare.objects.get().amount_fen == 21_000
    assert dict(case.outcome["lines"])["下一步"] == "不需要您缴费。"
    assert not BankAccount.objects.exists()


def test_nobody_else_takes_the_tier_of_those_in_need(cast: Cast) -> None:
    registered(cast.chen_jing)
    refused = reasons(cast.chen_jing_login, CITY, CODE, typed(tier_pension="special"), NOVEMBER)
    assert set(refused) == {"tier_pension"}
    refused = reasons(cast.chen_jing_login, CITY, CODE, typed(tier_pension="", account_number=""), NOVEMBER)
    assert set(refused) == {"tier_pension", "account_number"}


@pytest.mark.parametrize(("born", "allowed"), [("2010-11-05", True), ("2010-11-06", False)])
def test_sixteen_is_the_lowest_age(born: str, allowed: bool) -> None:
    login = settler(born, 13)
    assert (reasons(login, CITY, CODE, typed(), NOVEMBER) == {}) is allowed


def test_who_moved_in_at_sixty_stays_where_they_were(cast: Cast) -> None:
    login = settler("1959-03-01", 13, settled_on=dt.date(2020, 6, 1))
    moved = typed(former="rural", settled_on="2018-06-01")
    refused = reasons(login, CITY, CODE, moved, NOVEMBER)
    assert refused == {
        "settled_on": "60周岁以后迁入深圳户籍的，不纳入本市居民养老，请在原参保地参保或领取。"
    }, "the register's day counts"


def test_in_2018_who_moved_in_late_brought_a_proof(cast: Cast) -> None:
    login = settler("1949-03-01", 13)
    moved = typed(former="rural", settled_on="2010-06-01")
    late = file(login, CITY, CODE, moved, MAY_2018)
    assert "former-proof" in late.facts["papers"]
    early = settler("1959-03-01", 15)
    assert "former-proof" not in file(early, CITY, CODE, moved, MAY_2018).facts["papers"]
    assert (
        "former-proof"
        in file(
            settler("1956-03-01", 16), CITY, CODE, typed(former="urban", settled_on="2006-06-01"), MAY_2018
        ).facts["papers"]
    ), "a woman of fifty from a town"


def test_whoever_is_insured_otherwise_or_draws_a_pension_is_barred(cast: Cast) -> None:
    registered(cast.chen_jing)
    nanshan = employer("深圳南山设计有限公司", CITY, NANSHAN, 401)
    coverage = cover(cast.chen_jing, PENSION, CITY, "2025-01", at=nanshan)
    assert "您由单位参保" in reasons(cast.chen_jing_login, CITY, CODE, typed(), NOVEMBER)["tier_pension"]
    coverage.delete()
    draws(cast.chen_jing)
    assert (
        "不能再缴纳养老保险费" in reasons(cast.chen_jing_login, CITY, CODE, typed(), NOVEMBER)["tier_pension"]
    )


def test_what_the_register_does_not_know_goes_to_the_window_and_another_city_does_not(cast: Cast) -> None:
    case = file(cast.chen_jing_login, CITY, CODE, typed(), NOVEMBER)
    assert [one["why"] for one in case.mismatches] == ["户籍登记中没有查到您的信息。"]
    registered(cast.li_qiang, "420106")
    assert "户籍登记显示不是深圳户籍" in reasons(cast.li_qiang_login, CITY, CODE, typed(), NOVEMBER)[""]


def test_the_day_of_moving_in_is_told_where_it_is_needed(cast: Cast) -> None:
    registered(cast.chen_jing)
    for settled, why in (("", "请填写入户日期。"), ("2026-11-06", "入户日期不能晚于今天。")):
        moved = typed(former="urban", settled_on=settled)
        assert reasons(cast.chen_jing_login, CITY, CODE, moved, NOVEMBER) == {"settled_on": why}


def test_a_second_application_waits_for_the_first(cast: Cast) -> None:
    registered(cast.chen_jing)
    file(cast.chen_jing_login, CITY, CODE, typed(), NOVEMBER)
    with pytest.raises(desk.NotAccepted):
        file(cast.chen_jing_login, CITY, CODE, typed(), NOVEMBER)
