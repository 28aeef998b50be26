"""An employer's month: drawn up once, explained against the month before, confirmed by its clerk,
paid whole."""

import datetime as dt
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from contributions.assessments import assessing as assessments
from contributions.assessments.assessing import AlreadyMoved, Change, NotYours, compare, draw_up, people_of
from contributions.audit.looking import audit
from contributions.charges.charging import charge, void
from contributions.models import (
    Assessment,
    AssessmentEvent,
    AssessmentStatus,
    Charge,
    ChargeStatus,
    Receipt,
)
from contributions.tasks.assessments import draw_up_assessments
from enrollment.actions import set_base
from enrollment.models import ContributionBase, Coverage
from portal.accounts.models import User
from portal.people.models import Employer, Person
from portal.shared.insurance import Insurance
from portal.shared.months import Month
from portal.watch.models import Failure
from tests.cast import Cast, cover, employer, moment, moved, person
from tests.conftest import Clock
from tests.contributions.assessments.transferring import booked

OCTOBER, NOVEMBER = Month(2026, 10), Month(2026, 11)
FIRST = moment("2026-11-01 01:10")


@pytest.fixture
def system(db: None) -> User:
    return User.objects.system()


@pytest.fixture
def staff(cast: Cast) -> list[Person]:
    """Three people at Donghu in pension and unemployment, at 6,000 yuan, since 2025."""
    people = [cast.li_qiang, cast.wang_fang, cast.chen_jing]
    for one in people:
        for insurance in (Insurance.PENSION, Insurance.UNEMPLOYMENT):
            cover(one, insurance, "wuhan", "2025-03", at=cast.donghu, wage_fen=600000)
    return people


def month(which: Month, system: User, now: dt.datetime = FIRST) -> None:
    charge(city="wuhan", month=which, by=system, now=now)
    draw_up(city="wuhan", month=which, by=system, now=now)


def of(who: Employer, which: Month = NOVEMBER) -> Assessment:
    return Assessment.objects.exclude(status=AssessmentStatus.REPLACED).get(
        employer=who, month=which, round=0
    )


# 6,000 × 25 %, of which the employer 16.5 % and the person 8.5 %.
EACH = 150000


def test_a_month_is_drawn_up_once_with_its_sums(cast: Cast, staff: list[Person], system: User) -> None:
    cover(
        cast.liu_yang,
        Insurance.PENSION,
        "wuhan",
        "2025-03",
        at=employer("另一公司", "wuhan", "420106", 7),
        wage_fen=500000,
    )
    cover(cast.zhang_min, Insurance.PENSION, "wuhan", "2025-03", tier="60")
    charge(city="wuhan", month=NOVEMBER, by=system, now=FIRST)
    assert draw_up(city="wuhan", month=NOVEMBER, by=system, now=FIRST).created == 2
    one = of(cast.donghu)
    assert (one.people, one.charges, one.sum_fen) == (3, 6, 3 * EACH)
    assert (one.personal_fen, one.employer_fen) == (3 * 51000, 3 * 99000)
    assert one.due_on == dt.date(2026, 11, 30)
    assert one.digest == assessments.digest_of(one)
    again = draw_up(city="wuhan", month=NOVEMBER, by=system, now=FIRST)
    assert (again.created, again.replaced, again.paid) == (0, 0, 0)
    assert [event.status for event in one.events.all()] == ["drawn_up"]


def test_what_is_registered_late_is_assessed_on_top(cast: Cast, staff: list[Person], system: User) -> None:
    month(NOVEMBER, system)
    cover(cast.zhang_min, Insurance.PENSION, "wuhan", "2026-11", at=cast.donghu, wage_fen=500000)
    later = moment("2026-12-02")
    month(NOVEMBER, system, later)
    first, second = Assessment.objects.filter(employer=cast.donghu).order_by("round")
    assert (first.charges, second.charges, second.sum_fen) == (6, 1, 120000)
    assert first.digest == assessments.digest_of(first)
    assert [line.person for line in assessments.lines(second)] == [cast.zhang_min]
    # Whoever hears of it in December has December to pay.
    assert second.due_on == dt.date(2026, 12, 31)


def test_what_fell_away_since_replaces_it(cast: Cast, staff: list[Person], system: User) -> None:
    month(NOVEMBER, system)
    old = of(cast.donghu)
    assessments.confirm(old, by=cast.donghu_clerk, now=FIRST)
    cover(cast.zhang_min, Insurance.PENSION, "wuhan", "2026-11", at=cast.donghu, wage_fen=500000)
    month(NOVEMBER, system)
    void(Charge.objects.filter(person=cast.wang_fang), why="参保关系终止", by=system, now=FIRST)
    done = draw_up(city="wuhan", month=NOVEMBER, by=system, now=FIRST)
    assert (done.created, done.replaced) == (1, 1)
    old.refresh_from_db()
    assert old.status == AssessmentStatus.REPLACED
    standing = Assessment.objects.exclude(status="replaced").order_by("after")
    assert [(one.round, one.charges) for one in standing] == [(2, 4), (1, 1)]
    assert sum(one.sum_fen for one in standing) == 2 * EACH + 120000
    for one in standing:
        assert one.digest == assessments.digest_of(one)


def test_the_number_of_statements_does_not_grow_with_the_employers(cast: Cast, system: User) -> None:
    counts = []
    for number, which in ((2, OCTOBER), (12, NOVEMBER)):
        for order in range(number):
            who = person(f"职工{order}", "420106", "1990-01-01", 100 * which.month % 700 + order + 1)
            place = employer(f"公司{which}{order}", "wuhan", "420106", 300 + 20 * which.month + order)
            cover(who, Insurance.PENSION, "wuhan", str(which), at=place, wage_fen=600000)
        charge(city="wuhan", month=which, by=system, now=FIRST)
        with CaptureQueriesContext(connection) as captured:
            assert draw_up(city="wuhan", month=which, by=system, now=FIRST).created >= number
        counts.append(len(captured))
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    "change",
    [
        lambda one: Assessment.objects.filter(pk=one.pk).update(sum_fen=1, personal_fen=1, employer_fen=0),
        lambda one: Assessment.objects.filter(pk=one.pk).update(last=one.last + 1),
        lambda one: Assessment.objects.filter(pk=one.pk).delete(),
        lambda one: AssessmentEvent.objects.all().update(note="x"),
    ],
)
def test_the_database_keeps_it_as_it_was_drawn_up(
    cast: Cast, staff: list[Person], system: User, change: Callable[[Assessment], Any]
) -> None:
    month(NOVEMBER, system)
    with pytest.raises(DatabaseError), transaction.atomic():
        change(of(cast.donghu))


def test_no_charge_stands_in_two(cast: Cast, staff: list[Person], system: User) -> None:
    month(NOVEMBER, system)
    one = of(cast.donghu)
    one.pk, one.round, one.after, one.last = None, 9, one.last - 1, one.last + 5
    with pytest.raises(IntegrityError, match="a_charge_stands_in_one_assessment"), transaction.atomic():
        one.save(force_insert=True)


# The changes explained


def test_every_change_is_told_and_together_they_are_the_difference(
    cast: Cast, staff: list[Person], system: User
) -> None:
    month(OCTOBER, system, moment("2026-10-01"))
    # One joins, one leaves, one stays with another wage and one insurance more.
    cover(cast.zhang_min, Insurance.PENSION, "wuhan", "2026-11", at=cast.donghu, wage_fen=500000)
    ContributionBase.objects.filter(coverage__person=cast.wang_fang).update(until=NOVEMBER)
    Coverage.objects.filter(person=cast.wang_fang).update(until=NOVEMBER)
    cover(cast.chen_jing, Insurance.WORK_INJURY, "wuhan", "2026-11", at=cast.donghu, wage_fen=600000)
    set_base(
        Coverage.objects.get(person=cast.chen_jing, insurance="pension"), start=NOVEMBER, wage_fen=700000
    )
    month(NOVEMBER, system)
    told = compare(of(cast.donghu))
    assert {one.kind: (one.people, one.difference_fen) for one in told.changes} == {
        Change.JOINED: (1, 120000),
        Change.LEFT: (1, -EACH),
        Change.STARTED: (1, 1200),
        Change.BASE: (1, 24000),
    }
    assert (told.former_fen, told.first) == (3 * EACH, False)
    assert told.amount_fen == told.former_fen + sum(one.difference_fen for one in told.changes)
    [base] = people_of(of(cast.donghu), Change.BASE, offset=0, limit=50)
    assert (base.name, base.former_fen, base.amount_fen) == ("陈静", 144000, 168000)


def test_another_grade_is_a_change_of_policy(cast: Cast, system: User) -> None:
    cover(cast.li_qiang, Insurance.WORK_INJURY, "wuhan", "2025-03", at=cast.donghu, wage_fen=600000)
    month(OCTOBER, system, moment("2026-10-01"))
    Employer.objects.filter(pk=cast.donghu.pk).update(industry_grade=8)
    month(NOVEMBER, system)
    [one] = compare(of(cast.donghu)).changes
    assert (one.kind, one.difference_fen) == (Change.POLICY, 11400 - 1200)


def test_a_wage_that_stays_below_the_floor_changes_nothing(cast: Cast, system: User) -> None:
    coverage = cover(cast.li_qiang, Insurance.PENSION, "wuhan", "2025-03", at=cast.donghu, wage_fen=100000)
    month(OCTOBER, system, moment("2026-10-01"))
    set_base(coverage, start=NOVEMBER, wage_fen=200000)
    month(NOVEMBER, system)
    assert compare(of(cast.donghu)).changes == ()


def test_a_first_month_is_compared_with_nothing(cast: Cast, staff: list[Person], system: User) -> None:
    month(NOVEMBER, system)
    assert compare(of(cast.donghu)).first


# Confirming


def test_only_its_own_clerks_confirm_and_twice_is_once(
    cast: Cast, staff: list[Person], system: User, now: dt.datetime
) -> None:
    month(NOVEMBER, system)
    one = of(cast.donghu)
    for stranger in (cast.yongjiang_clerk, cast.li_qiang_login, cast.wuhan_collector):
        with pytest.raises(NotYours):
            assessments.confirm(one, by=stranger, now=now)
    for _again in range(2):
        assert assessments.confirm(one, by=cast.donghu_clerk, now=now).status == AssessmentStatus.CONFIRMED
    assert one.events.filter(status="confirmed").count() == 1


def both_confirm(cast: Cast, one: Assessment, confirm: Callable[..., Any]) -> list[str]:
    """Two clerks press at once; what came of each."""
    second = User.objects.create_clerk(cast.donghu, name="吴军", phone="13900000211", password=None)
    clerks = [cast.donghu_clerk, second]
    gate, came = threading.Barrier(2), []

    def press(clerk: User) -> None:
        try:
            gate.wait(10)
            confirm(one, by=clerk, now=FIRST)
            came.append("ok")
        except Exception as error:
            came.append(type(error).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=press, args=[clerk]) for clerk in clerks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return sorted(came)


@pytest.mark.django_db(transaction=True)
def test_two_clerks_who_confirm_at_once_confirm_once(cast: Cast, staff: list[Person], system: User) -> None:
    month(NOVEMBER, system)
    one = of(cast.donghu)
    assert both_confirm(cast, one, assessments.confirm) == ["ok", "ok"]
    assert one.events.filter(status="confirmed").count() == 1


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_one_of_them_would_fail(cast: Cast, staff: list[Person], system: User) -> None:
    month(NOVEMBER, system)
    one = of(cast.donghu)

    def unguarded(which: Assessment, *, by: User, now: dt.datetime) -> None:
        with transaction.atomic():
            stale = Assessment.objects.get(pk=which.pk)
            gate.wait(10)
            assessments.move(stale, AssessmentStatus.CONFIRMED, by=by, now=now)

    gate = threading.Barrier(2)
    assert both_confirm(cast, one, unguarded) == ["AlreadyMoved", "ok"]


# Paying by transfer


@pytest.fixture
def confirmed(cast: Cast, staff: list[Person], system: User) -> Assessment:
    month(NOVEMBER, system)
    return assessments.confirm(of(cast.donghu), by=cast.donghu_clerk, now=FIRST)


def book(cast: Cast, one: Assessment, fen: int = 3 * EACH, **other: Any) -> Assessment:
    booked(cast, one, fen, **other)
    one.refresh_from_db()
    return one


def test_a_transfer_pays_the_month_whole(cast: Cast, confirmed: Assessment) -> None:
    assert book(cast, confirmed).status == AssessmentStatus.PAID
    assert set(Charge.objects.values_list("status", flat=True)) == {ChargeStatus.PAID}
    assert sum(Receipt.objects.values_list("amount_fen", flat=True)) == 3 * EACH
    assert Receipt.objects.count() == 6
    assert all(one.holds for one in audit())


def test_the_last_day_is_in_time(cast: Cast, confirmed: Assessment) -> None:
    last = moment("2026-11-30 23:59:59.999")
    assert book(cast, confirmed, now=last).status == AssessmentStatus.PAID


def test_what_is_paid_or_replaced_is_not_confirmed(cast: Cast, staff: list[Person], system: User) -> None:
    month(NOVEMBER, system)
    one = of(cast.donghu)
    book(cast, one)
    with pytest.raises(AlreadyMoved):
        assessments.confirm(one, by=cast.donghu_clerk, now=FIRST)


def test_the_audit_finds_a_paid_month_whose_charges_were_changed(cast: Cast, confirmed: Assessment) -> None:
    book(cast, confirmed)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "UPDATE contributions_charge SET amount_fen = amount_fen + 1, employer_fen = employer_fen + 1 WHERE id = %s",
            [confirmed.last],
        )
    [finding] = [one for one in audit() if one.number == 8]
    assert any(f"核定单 {confirmed.pk} 已缴清" in example for example in finding.examples)


# An employer stops nobody: one that is registered elsewhere, or whose month breaks


@pytest.fixture
def strayed(cast: Cast, staff: list[Person], system: User) -> None:
    """Donghu moved its registration to Wuxi after it was charged in Wuhan: rows as they were before
    the database refused them. Another employer of Wuhan is charged, too, and Donghu at home."""
    other = employer("另一公司", "wuhan", "420106", 7)
    cover(cast.zhang_min, Insurance.PENSION, "wuhan", "2026-11", at=other, wage_fen=500000)
    charge(city="wuhan", month=NOVEMBER, by=system, now=FIRST)
    moved(cast.donghu, "wuxi")
    cover(cast.liu_yang, Insurance.PENSION, "wuxi", "2026-11", at=cast.donghu, wage_fen=800000)
    charge(city="wuxi", month=NOVEMBER, by=system, now=FIRST)


def test_an_employer_of_another_city_is_left_out_and_told_and_everyone_else_assessed(
    cast: Cast, strayed: None, clock: Clock
) -> None:
    clock.set(FIRST)
    for _ring in range(3):
        draw_up_assessments()
    assert {(one.city, one.employer.name) for one in Assessment.objects.all()} == {
        ("wuhan", "另一公司"),
        ("wuxi", cast.donghu.name),
    }
    assert {one.status for one in Assessment.objects.all()} == {"drawn_up"}
    told = Failure.objects.get(resolved_at=None)
    assert (told.task, told.city, told.count) == ("draw_up_assessments", "wuhan", 3)
    assert "单位" in told.item
    # The months in the wrong city fall away: the next ring finds nothing amiss.
    void(
        Charge.objects.filter(city="wuhan", employer=cast.donghu),
        why="误办",
        by=User.objects.system(),
        now=FIRST,
    )
    draw_up_assessments()
    told.refresh_from_db()
    assert told.resolved_at


def test_what_was_drawn_up_in_the_wrong_city_gives_way(
    cast: Cast, staff: list[Person], system: User, clock: Clock
) -> None:
    month(NOVEMBER, system)
    moved(cast.donghu, "wuxi")
    cover(cast.liu_yang, Insurance.PENSION, "wuxi", "2026-11", at=cast.donghu, wage_fen=800000)
    charge(city="wuxi", month=NOVEMBER, by=system, now=FIRST)
    clock.set(FIRST)
    draw_up_assessments()
    draw_up_assessments()
    standing = Assessment.objects.exclude(status="replaced").get()
    assert (standing.city, standing.round, standing.charges) == ("wuxi", 1, 1)
    assert [line.person for line in assessments.lines(standing)] == [cast.liu_yang]
    assert standing.digest == assessments.digest_of(standing)


def test_an_employer_whose_month_breaks_keeps_no_other_of_its_city(
    cast: Cast, staff: list[Person], system: User, clock: Clock, kept: list[object]
) -> None:
    others = [employer(f"公司{order}", "wuhan", "420106", 20 + order) for order in range(2)]
    for order, one in enumerate(others):
        who = person(f"职工{order}", "420106", "1990-01-01", 300 + order)
        cover(who, Insurance.PENSION, "wuhan", "2026-11", at=one, wage_fen=500000)
    charge(city="wuhan", month=NOVEMBER, by=system, now=FIRST)
    connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute(
            f"ALTER TABLE contributions_assessment ADD CONSTRAINT poison CHECK (employer_id <> {others[0].pk})"
        )
    clock.set(FIRST)
    draw_up_assessments()
    assert {one.employer for one in Assessment.objects.all()} == {cast.donghu, others[1]}
    told = Failure.objects.get(resolved_at=None)
    assert told.item == f"武汉 2026-11 单位{others[0].pk}"
    assert told.message == "IntegrityError poison"
    connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE contributions_assessment DROP CONSTRAINT poison")
    draw_up_assessments()
    assert Assessment.objects.filter(employer=others[0]).exists()
    assert not Failure.objects.filter(resolved_at=None).exists()
    assert len(kept) == 1
