"""超龄居民老人缴纳医疗保险: whoever moved in after the retirement age and draws nothing pays by the
month."""

import datetime as dt

import pytest

from enrollment import consequences
from enrollment.models import Coverage
from portal.accounts.models import User
from portal.hall import desk
from portal.hall.routing import Status
from portal.registers.models import PensionKind
from portal.shared.insurance import Capacity
from portal.shared.months import Month
from tests.cast import Cast, moment
from tests.enrollment.residents import ACCOUNT, CITY, MEDICAL, draws, resident, settler, sums
from tests.filing import file, reasons

pytestmark = pytest.mark.django_db

CODE = "elder-medical"


def typed(tier: str = "elder", settled_on: str = "2013-06-01", **changes: str) -> dict[str, str]:
    return {
        "settled_on": settled_on,
        "former_place": "湖南省长沙市",
        "tier_medical": tier,
        "account_number": ACCOUNT,
        **changes,
    }


def old_man(order: int = 13) -> User:
    """Born in 1951, so of retirement age in 2011; he moved in when he was 62."""
    return settler("1951-02-01", order, settled_on=dt.date(2013, 6, 1))


@pytest.mark.parametrize(
    ("filed", "tier", "owed"),
    [
        ("2018-08-10", "elder", ("2018-08", 97672, 0)),
        ("2018-08-21", "elder", ("2018-09", 97672, 0)),
        ("2026-11-10", "adult", ("2026-11", 4732, 7436)),
    ],
)
def test_staff_confirm_and_the_month_is_charged(
    cast: Cast, filed: str, tier: str, owed: tuple[str, int, int]
) -> None:
    now = moment(f"{filed} 10:00")
    case = file(old_man(), CITY, CODE, typed(tier), now)
    assert case.status == Status.PRE_APPLIED
    assert case.facts["papers"] == ["identity-card", "household-book", "former-proof"]
    confirmed_on = dt.datetime.combine(Month.parse(owed[0]).last_day, dt.time(10), now.tzinfo)
    desk.decide(case, approve=True, by=cast.shenzhen_reviewer, now=confirmed_on)
    assert Coverage.objects.get().start == Month.parse(owed[0])
    assert sums() == [owed]


def test_by_the_wage_of_2014(cast: Cast) -> None:
    price = consequences.quote(
        city=CITY, capacity=Capacity.RESIDENT, insurance=MEDICAL, tier="elder", month=Month(2014, 9)
    )
    assert price is not None
    assert (price.personal_fen, price.public_fen) == (61051, 0)


def test_each_time_has_the_tier_of_its_own(cast: Cast) -> None:
    login = old_man()
    assert set(reasons(login, CITY, CODE, typed("two"), moment("2018-08-10 10:00"))) == {"tier_medical"}
    assert set(reasons(login, CITY, CODE, typed("elder"), moment("2026-11-10 10:00"))) == {"tier_medical"}


def test_who_draws_elsewhere_is_insured_there(cast: Cast) -> None:
    login, now = old_man(), moment("2026-11-10 10:00")
    assert login.person is not None
    record = draws(login.person, PensionKind.UNIT)
    assert reasons(login, CITY, CODE, typed("adult"), now) == {
        "": "您在长沙市社会保险经办机构按月领取养老待遇，请在养老金领取地参加医疗保险。"
    }
    record.kind = PensionKind.RESIDENT
    record.save()
    assert reasons(login, CITY, CODE, typed("adult"), now) == {}, "a residents' pension is no bar"


def test_who_moved_in_before_the_age_is_an_ordinary_resident(cast: Cast) -> None:
    login = settler("1951-02-01", 13)
    refused = reasons(login, CITY, CODE, typed(settled_on="2010-06-01"), moment("2018-08-10 10:00"))
    assert refused["settled_on"] == "您达龄前已是深圳户籍，请按居民医保参保：办理“居民恢复参保”。"


def test_who_is_not_old_enough_is_told_so_first(cast: Cast) -> None:
    refused = reasons(settler("1970-02-01", 13), CITY, CODE, typed("adult"), moment("2026-11-10 10:00"))
    assert "您还没有达到法定退休年龄（2031年6月）" in refused[""]


def test_a_day_that_differs_from_the_register_is_seen_at_the_window(cast: Cast) -> None:
    case = file(old_man(), CITY, CODE, typed(settled_on="2013-06-02"), moment("2018-08-10 10:00"))
    assert [one["why"] for one in case.mismatches] == ["户籍登记中的入户日期与您填写的不一致。"]


def test_who_is_insured_already_is_barred(cast: Cast) -> None:
    login = old_man()
    assert login.person is not None
    resident(login.person, MEDICAL, "elder", "2017-01")
    refused = reasons(login, CITY, CODE, typed(), moment("2018-08-10 10:00"))
    assert refused["tier_medical"] == "您已在深圳参加医疗保险，不需要重复参保。"
