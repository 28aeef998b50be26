"""A month's charges: who is charged, what is left out and told, and that doing it again changes
nothing."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from contributions.charges import charging
from contributions.models import Charge, ChargingRun
from portal.accounts.models import User
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month
from tests.cast import Cast, cover
from tests.contributions.money_cast import NOVEMBER, OCTOBER, Road, worker

PENSION, MEDICAL, INJURY = Insurance.PENSION, Insurance.MEDICAL, Insurance.WORK_INJURY


def test_a_covered_month_is_charged_with_all_that_made_it(road: Road) -> None:
    who = worker(1)
    assert road.charge().created == 1
    charge = Charge.objects.get()
    assert (charge.person, charge.insurance, charge.month, charge.city) == (who, "pension", OCTOBER, "wuhan")
    assert (charge.amount_fen, charge.personal_fen, charge.employer_fen, charge.account_fen) == (
        39304,
        39304,
        0,
        15721,
    )
    assert (charge.policy, charge.policy_since, charge.basis) == (
        "wuhan/flexible_pension",
        dt.date(2013, 1, 1),
        "60",
    )
    assert (charge.status, charge.live, charge.due_on) == ("owed", True, dt.date(2026, 10, 31))


def test_again_finds_nothing_to_do(road: Road) -> None:
    worker(1, insurances=(PENSION, MEDICAL))
    assert road.charge().created == 2
    assert road.charge().created == 0
    assert Charge.objects.count() == 2


def test_charges_lie_in_the_order_of_the_coverages(
    cast: Cast, now: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charging, "ROWS_AT_A_TIME", 3)
    people = [cast.wang_fang, cast.zhang_min, cast.li_qiang, cast.chen_jing]
    for who, wage in zip(people, (900_000, 700_000, 800_000, 600_000), strict=True):
        cover(who, PENSION, "ningbo", "2026-01", at=cast.yongjiang, wage_fen=wage)
    charging.charge(city="ningbo", month=OCTOBER, by=User.objects.system(), now=now)
    assert [charge.person for charge in Charge.objects.order_by("pk")] == people


def test_only_covered_months_are_charged(road: Road, cast: Cast) -> None:
    cover(cast.li_qiang, PENSION, "wuhan", "2026-01", "2026-10", tier="60")
    cover(cast.wang_fang, PENSION, "wuhan", "2026-11", tier="60")
    cover(cast.chen_jing, PENSION, "wuhan", "2026-01", tier="60", live=False)
    cover(cast.zhang_min, PENSION, "wuxi", "2026-01", tier="60")
    assert road.charge().created == 0


def test_the_base_of_the_month_counts(road: Road, cast: Cast) -> None:
    coverage = cover(cast.li_qiang, PENSION, "wuhan", "2026-01")
    coverage.bases.create(start=Month(2026, 1), until=OCTOBER, tier="60")
    coverage.bases.create(start=OCTOBER, until=NOVEMBER, tier="100")
    coverage.bases.create(start=NOVEMBER, tier="300")
    road.charge()
    assert Charge.objects.get().basis == "100"


def test_employees_are_charged_by_wage_and_work_injury_by_the_employers_grade(
    cast: Cast, now: dt.datetime
) -> None:
    for insurance in (PENSION, INJURY):
        cover(cast.wang_fang, insurance, "ningbo", "2026-01", at=cast.yongjiang, wage_fen=800_000)
        cover(cast.zhang_min, insurance, "ningbo", "2026-01", at=cast.zhaobao, wage_fen=800_000)
    done = charging.charge(city="ningbo", month=OCTOBER, by=User.objects.system(), now=now)
    assert done.created == 4
    injury = {
        charge.employer: charge
        for charge in Charge.objects.filter(insurance=INJURY).select_related("employer")
    }
    # Grade 2: 0.4 %, grade 6: 1.3 %.
    assert injury[cast.yongjiang].employer_fen == 3200
    assert injury[cast.zhaobao].employer_fen == 10400
    pension = Charge.objects.get(insurance=PENSION, person=cast.wang_fang)
    assert pension.basis == "wage:800000"
    assert pension.amount_fen == pension.personal_fen + pension.employer_fen


def test_what_has_no_base_or_no_price_is_left_out_and_told(road: Road, cast: Cast) -> None:
    without_base = cover(cast.li_qiang, PENSION, "wuhan", "2026-01")
    unknown_tier = cover(cast.wang_fang, PENSION, "wuhan", "2026-01", tier="61")
    no_policy = cover(cast.chen_jing, Insurance.UNEMPLOYMENT, "wuhan", "2026-01", tier="60")
    worker(1)
    done = road.charge()
    assert done.created == 1
    left = {one.why: one for one in done.left_out}
    assert {one.coverages[0] for one in left.values()} == {without_base.pk, unknown_tier.pk, no_policy.pk}
    assert left["没有当月缴费基数"].coverages == [without_base.pk]
    assert all(one.count == 1 for one in left.values())
    assert len(ChargingRun.objects.get().left_out) == 3


def test_wages_without_a_price_are_left_out_and_told_once(
    cast: Cast, now: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charging, "ROWS_AT_A_TIME", 2)
    monkeypatch.setattr(charging, "EXAMPLES", 2)
    people = [cast.wang_fang, cast.zhang_min, cast.li_qiang, cast.chen_jing]
    unpriced = [cover(who, MEDICAL, "wuhan", "1990-01", at=cast.donghu, wage_fen=900_000) for who in people]
    done = charging.charge(city="wuhan", month=Month(1990, 1), by=User.objects.system(), now=now)
    assert done.created == 0
    [left] = done.left_out
    assert (left.count, left.coverages) == (4, [one.pk for one in unpriced[:2]])
    assert str(left) == "单位职工医疗保险 4 人：政策参数中没有该险种当月的计费标准"


def test_only_the_capacities_that_are_asked_for(road: Road, cast: Cast) -> None:
    worker(1)
    cover(cast.li_qiang, PENSION, "wuhan", "2026-01", at=cast.donghu, wage_fen=900_000)
    done = charging.charge(
        city="wuhan", month=OCTOBER, capacities=[Capacity.EMPLOYEE], by=road.by, now=road.now
    )
    assert done.created == 1
    assert Charge.objects.get().capacity == "employee"


def test_what_fell_away_is_charged_again_under_its_new_coverage(road: Road) -> None:
    who = worker(1)
    road.charge()
    Charge.objects.update(status="void", live=False)
    coverage = who.coverages.get()
    coverage.live = False
    coverage.save()
    fresh = cover(who, PENSION, "wuhan", "2026-10", tier="100")
    assert road.charge().created == 1
    assert Charge.objects.get(live=True).coverage == fresh


@pytest.mark.django_db(transaction=True)
def test_five_at_once_charge_once(exchange: object, now: dt.datetime) -> None:
    for order in range(20):
        worker(order + 1)
    by = User.objects.system()

    def run(_number: int) -> int:
        try:
            return charging.charge(city="wuhan", month=OCTOBER, by=by, now=now).created
        finally:
            connection.close()

    with ThreadPoolExecutor(5) as pool:
        created = list(pool.map(run, range(5)))
    assert sorted(created) == [0, 0, 0, 0, 20]
    assert Charge.objects.count() == 20
