"""Nobody stops another: in each loop of the hall's own work one item of several is poisoned, and
all others are done.

The control takes the isolation away: then not all others are reached.
"""

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection
from django.db.models import F

from certificates import revocation, seal_tasks, staff_batches
from certificates import tasks as certificate_tasks
from certificates.models import ResealingRun, StaffBatch
from contributions.assessments import arrears_bills
from contributions.bank_files import exchange as folders
from contributions.books import account_interest, day_sheets, ledger
from contributions.charges import charging, suspending
from contributions.debit import posting, reading, sending
from contributions.models import AccountKind, DebitBatch, Order, Receipt
from contributions.orders import asking, ending, queued
from contributions.partners import day_files
from contributions.refunds import sending as refund_sending
from contributions.tasks import assessments as employer_tasks
from contributions.tasks import books, orders, partners
from contributions.tasks import debit as tasks
from portal.accounts import messages
from portal.accounts import tasks as account_tasks
from portal.accounts.models import Notice, User
from portal.accounts.notices import _REFUSALS_IN_A_ROW
from portal.hall import drafts
from portal.hall import tasks as hall_tasks
from portal.hall.models import Draft
from portal.people.models import Person
from portal.policy.book import book
from portal.shared.insurance import Insurance
from portal.shared.months import Month
from portal.watch.failures import Watch
from portal.watch.models import Failure
from tests.cast import NOW, WUCHANG, cover, identity_number, moment, person
from tests.contributions.assessments.test_employer_arrears import billed
from tests.contributions.money_cast import Road, worker
from tests.contributions.orders.conftest import MEDICAL, PENSION, THIS, Till, providers, till
from tests.contributions.refunds.test_refunds import approved
from tests.enrollment.test_employer_add_staff import typed
from tests.filing import file
from tests.hall.test_races import without_triggers
from tests.partners.calling import partner_called
from tests.transfers.mover import begun, paid
from transfers import notices as transfer_notices
from transfers import tasks as transfer_tasks

__all__ = ["providers", "till"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("kept")]

CITIES = [city.slug for city in book().cities]
SECRET = "330211198805120249"


class Poisoned(Exception):
    """What nobody foresaw."""


@dataclass(frozen=True)
class Loop:
    """A loop, its items, and the function of ``home`` that works on one of them: ``of`` gives the
    item of a call. With ``stub`` nothing but reaching it is done."""

    ring: Callable[[], Any]
    home: Any
    name: str
    of: Callable[..., Any]
    items: list[Any]
    stub: Any = NotImplemented


Make = Callable[[pytest.FixtureRequest], Loop]


def charges(_request: pytest.FixtureRequest) -> Loop:
    return Loop(tasks.charge_due, charging, "charge", lambda *, city, **_more: city, CITIES)


def resumptions(_request: pytest.FixtureRequest) -> Loop:
    return Loop(tasks.resume_settled, suspending, "resume_city", lambda city, _now: city, CITIES)


def openings(_request: pytest.FixtureRequest) -> Loop:
    return Loop(tasks.open_due_batches, tasks, "_open_due", lambda city, *_rest, **_more: city, CITIES)


def assessments(_request: pytest.FixtureRequest) -> Loop:
    def of(_watch: Watch, city: Any, *_rest: Any, **_more: Any) -> str:
        return str(city.slug)

    return Loop(employer_tasks.draw_up_assessments, employer_tasks, "_draw_up", of, CITIES)


def sheets(request: pytest.FixtureRequest) -> Loop:
    clock, by = request.getfixturevalue("clock"), User.objects.system()
    for city in CITIES[:3]:
        clearing = ledger.account(city=city, kind=AccountKind.CLEARING, channel="counter")
        suspense = ledger.account(city=city, kind=AccountKind.SUSPENSE)
        ledger.post_entry(
            city=city,
            kind="receipt",
            reference=f"counter/{city}",
            postings=[ledger.Posting(clearing, 100), ledger.Posting(suspense, -100)],
            by=by,
            now=clock.now,
        )
    clock.step(days=1)
    return Loop(books.make_day_sheets, day_sheets, "make", lambda *, city, **_more: city, sorted(CITIES[:3]))


def years(request: pytest.FixtureRequest) -> Loop:
    due = [(city, Insurance.PENSION, 2025) for city in CITIES]
    request.getfixturevalue("monkeypatch").setattr(account_interest, "due", lambda **_named: due)
    done = account_interest.InterestRun(people=0)
    return Loop(
        books.credit_account_interest,
        account_interest,
        "credit",
        lambda *, city, **_more: city,
        CITIES,
        stub=done,
    )


def partner_days(_request: pytest.FixtureRequest) -> Loop:
    found = [partner_called(f"bank-{place}", name=f"银行{place}").partner.pk for place in "abc"]

    def of(partner: Any, _now: dt.datetime) -> int:
        return int(partner.pk)

    return Loop(partners.make_day_files, day_files, "days_to_make", of, found, stub=())


def batches(request: pytest.FixtureRequest) -> list[DebitBatch]:
    road: Road = request.getfixturevalue("road")
    worker(1)
    made = []
    for month in (Month(2026, 9), Month(2026, 10), Month(2026, 11)):
        road.month = month
        road.charge()
        made.append(road.release(road.open()))
    return made


def sendings(request: pytest.FixtureRequest) -> Loop:
    found = [one.pk for one in batches(request)]
    return Loop(tasks.send_batches, sending, "write_file", lambda batch, **_more: batch.pk, found)


def postings(request: pytest.FixtureRequest) -> Loop:
    found = [one.pk for one in batches(request)]
    connection.check_constraints()
    with without_triggers(DebitBatch):
        DebitBatch.objects.update(status="answered", file_name=F("number"), file_digest="0" * 64)
        connection.check_constraints()
    return Loop(tasks.post_answers, posting, "post", lambda batch, **_more: batch.pk, found, stub=None)


def answers(request: pytest.FixtureRequest) -> Loop:
    request.getfixturevalue("road")
    for name in ("a.txt", "b.txt", "c.txt"):
        (folders.folder(folders.INBOX) / name).write_text(name)
    return Loop(
        tasks.read_answers,
        reading,
        "read_answer",
        lambda path, **_more: path.name,
        ["a.txt", "b.txt", "c.txt"],
    )


def placed(till: Till) -> list[Any]:
    picks = [{PENSION: ("60", [THIS])}, {MEDICAL: ("60", [THIS])}]
    third = till.place(city="shenzhen", person=till.cast.chen_jing, by=till.cast.chen_jing_login)
    return [*(till.place(one) for one in picks), third]


def askings(request: pytest.FixtureRequest) -> Loop:
    till: Till = request.getfixturevalue("till")
    found = []
    for one in placed(till):
        found.append(till.start(one, "card" if one.city == "shenzhen" else "wechat").number)
        till.clock.step(seconds=1)
    till.clock.step(minutes=1)
    return Loop(orders.ask_payments, asking, "ask_provider", lambda payment, **_more: payment.number, found)


def endings(request: pytest.FixtureRequest) -> Loop:
    till: Till = request.getfixturevalue("till")
    found = []
    for one in placed(till):
        found.append(one.number)
    till.clock.step(days=2)
    numbers = list(
        Order.objects.filter(number__in=found).order_by("expires_at", "pk").values_list("number", flat=True)
    )
    return Loop(orders.end_overdue_orders, ending, "expire", lambda order, **_more: order.number, numbers)


def starts(request: pytest.FixtureRequest) -> Loop:
    till: Till = request.getfixturevalue("till")
    till.clock.set("2026-11-17 18:00")
    found = []
    for place in range(3):
        who = person(f"参保人{place}", WUCHANG, "1985-01-01", 40 + place)
        cover(who, PENSION, "shenzhen", "2026-01", tier="60")
        login = User.objects.create_person(who, password="Shebao-2026")
        order = till.place(city="shenzhen", person=who, by=login)
        found.append(till.start(order, "card").pk)
        till.clock.step(seconds=1)
    till.clock.set("2026-11-18 09:01")
    return Loop(
        orders.start_queued_payments,
        queued,
        "begin_queued",
        lambda payment, **_more: payment.pk,
        found,
    )


def paid_twice(till: Till, order: Any) -> Any:
    first = till.start(order, "wechat")
    till.tell(till.providers["wechat"].fails(first.number))
    second = till.start(order, "alipay")
    till.tell(till.providers["wechat"].pays(first.number))
    till.tell(till.providers["alipay"].pays(second.number), "alipay")
    second.refresh_from_db()
    return Receipt.objects.get(entry=second.entry)


def refundings(request: pytest.FixtureRequest) -> Loop:
    till: Till = request.getfixturevalue("till")
    found = []
    picks: tuple[Any, ...] = ({PENSION: ("60", [THIS])}, {MEDICAL: ("60", [THIS])})
    for one in (*picks, {PENSION: ("60", [THIS + 1])}):
        if one == {PENSION: ("60", [THIS + 1])}:
            till.clock.set("2026-12-01 10:00")
        found.append(approved(till, paid_twice(till, till.place(one))).number)
        till.clock.step(seconds=1)
    return Loop(orders.send_refunds, refund_sending, "send_to_channel", lambda refund: refund.number, found)


def bills(request: pytest.FixtureRequest) -> Loop:
    cast, clock = request.getfixturevalue("cast"), request.getfixturevalue("clock")
    cover(cast.li_qiang, PENSION, "wuhan", "2026-08", at=cast.donghu, wage_fen=600000)
    found = []
    for month in ("2026-08", "2026-09", "2026-10"):
        charging.charge(
            city="wuhan", month=Month.parse(month), by=User.objects.system(), now=moment(f"{month}-01 01:10")
        )
        found.append(billed(cast, clock.now, months=[month]).pk)
    clock.set("2026-12-20 00:20")
    return Loop(
        employer_tasks.lapse_bills, arrears_bills, "end_bill", lambda bill, **_more: bill.pk, sorted(found)
    )


def texts(request: pytest.FixtureRequest) -> Loop:
    cast = request.getfixturevalue("cast")
    cast.li_qiang.phone = "13800000001"
    cast.li_qiang.save()
    for place in range(3):
        Notice.objects.create(
            person=cast.li_qiang,
            kind="trial",
            reference=str(place),
            title="试",
            text=f"第{place}条",
            at=NOW,
            by_text=True,
        )
    return Loop(
        account_tasks.send_text_messages,
        messages,
        "send",
        lambda *, text, **_more: text,
        ["第0条", "第1条", "第2条"],
    )


def old_drafts(request: pytest.FixtureRequest) -> Loop:
    cast, clock = request.getfixturevalue("cast"), request.getfixturevalue("clock")
    found = [
        Draft.objects.create(user=cast.li_qiang_login, city=city, service="x", updated_at=clock.now).pk
        for city in CITIES[:3]
    ]
    clock.step(days=61)
    return Loop(hall_tasks.forget_old_drafts, drafts, "forget", lambda draft: draft.pk, found)


def chased(request: pytest.FixtureRequest) -> Loop:
    cast, clock = request.getfixturevalue("cast"), request.getfixturevalue("clock")
    people: list[tuple[Person, Any]] = [
        (cast.li_qiang, cast.li_qiang_login),
        (cast.zhang_min, cast.zhang_min_login),
        (cast.liu_yang, cast.liu_yang_login),
    ]
    found = []
    for who, login in people:
        paid(who, "wuhan", "2025-12", "2026-01")
        found.append(begun(who, login, clock.now).number)
    clock.step(days=400)
    return Loop(
        transfer_tasks.chase_late,
        transfer_notices,
        "reminders_of",
        lambda transfer, *_rest: transfer.number,
        found,
    )


def proofs(request: pytest.FixtureRequest) -> list[StaffBatch]:
    cast = request.getfixturevalue("cast")
    made = []
    for place in range(3):
        number = identity_number(WUCHANG, "1990-01-01", 60 + place)
        case = file(cast.yongjiang_clerk, "ningbo", "employer-add-staff", typed(number), NOW)
        made.append(
            staff_batches.open_batch(
                case=case,
                employer=cast.yongjiang,
                people=[cast.wang_fang.pk],
                asked={},
                by=cast.yongjiang_clerk,
                now=NOW,
            )
        )
    return made


def making(request: pytest.FixtureRequest) -> Loop:
    found = [one.pk for one in proofs(request)]
    return Loop(
        certificate_tasks.make_staff_proofs,
        staff_batches,
        "work_on",
        lambda batch, **_more: batch.pk,
        found,
        stub=0,
    )


def archives(request: pytest.FixtureRequest) -> Loop:
    clock, found = request.getfixturevalue("clock"), []
    for one in proofs(request):
        StaffBatch.objects.filter(pk=one.pk).update(
            status="ready",
            archive=f"archives/{one.pk}/x.zip",
            archive_digest="0" * 64,
            archive_size=1,
            ready_at=NOW,
            kept_until=NOW.date(),
        )
        found.append(f"archives/{one.pk}/x.zip")
    clock.step(days=99)
    return Loop(
        certificate_tasks.delete_expired_archives, staff_batches, "path_of", lambda name: name, found[::-1]
    )


def seals(request: pytest.FixtureRequest) -> Loop:
    by = User.objects.system()
    for city in CITIES[:3]:
        ResealingRun.objects.create(
            city=city, reason="x", key_fingerprint="0" * 64, total=1, started_by=by, started_at=NOW
        )
    return Loop(seal_tasks.go_on_resealing, seal_tasks, "_go_on", lambda run: run.city, CITIES[:3], stub=0)


def lists(request: pytest.FixtureRequest) -> Loop:
    addresses = [f"http://ca.example/{place}.crl" for place in "abc"]
    monkeypatch = request.getfixturevalue("monkeypatch")
    monkeypatch.setattr(revocation, "certificates_to_follow", lambda _now: [("一", list)])
    monkeypatch.setattr(revocation, "addresses_of", lambda _certificates: addresses)
    return Loop(
        seal_tasks.refresh_revocation_lists,
        revocation,
        "fetch_list",
        lambda address, _now: address,
        addresses,
        stub=True,
    )


def certificate_files(request: pytest.FixtureRequest) -> Loop:
    def read(name: str) -> str:
        return name

    monkeypatch = request.getfixturevalue("monkeypatch")
    monkeypatch.setattr(
        revocation, "certificates_to_follow", lambda _now: [(one, lambda one=one: one) for one in "abc"]
    )
    return Loop(
        seal_tasks.refresh_revocation_lists, revocation, "addresses_of", read, ["a", "b", "c"], stub=[]
    )


LOOPS: dict[str, Make] = {
    make.__name__: make
    for make in (
        charges,
        resumptions,
        openings,
        assessments,
        sheets,
        years,
        partner_days,
        sendings,
        postings,
        answers,
        askings,
        endings,
        starts,
        refundings,
        bills,
        old_drafts,
        chased,
        making,
        archives,
        seals,
        lists,
        certificate_files,
    )
}


def poisoned(
    loop: Loop, monkeypatch: pytest.MonkeyPatch, item: Any, reached: list[Any] | None = None
) -> list[Any]:
    """Rings with one item poisoned; the others that were reached, in order."""
    real, reached = getattr(loop.home, loop.name), [] if reached is None else reached

    def work(*given: Any, **named: Any) -> Any:
        one = loop.of(*given, **named)
        if one == item:
            raise Poisoned(f"of {SECRET}")
        reached.append(one)
        return real(*given, **named) if loop.stub is NotImplemented else loop.stub

    with monkeypatch.context() as poison:
        poison.setattr(loop.home, loop.name, work)
        loop.ring()
    return list(dict.fromkeys(reached))


@pytest.mark.parametrize("name", LOOPS)
def test_the_others_are_done(
    name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    request.getfixturevalue("clock")
    loop = LOOPS[name](request)
    middle = loop.items[len(loop.items) // 2]
    assert poisoned(loop, monkeypatch, middle) == [one for one in loop.items if one != middle]
    told = Failure.objects.filter(resolved_at=None)
    assert told
    for one in told:
        assert SECRET not in one.message + one.traceback
        assert one.item


@pytest.mark.parametrize("name", LOOPS)
def test_control_without_isolation_not_all_others_are_reached(
    name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    request.getfixturevalue("clock")
    loop = LOOPS[name](request)
    middle = loop.items[len(loop.items) // 2]
    reached: list[Any] = []
    monkeypatch.setattr(Watch, "item", _through)
    with pytest.raises(Poisoned):
        poisoned(loop, monkeypatch, middle, reached)
    assert set(reached) < {one for one in loop.items if one != middle}


@contextlib.contextmanager
def _through(self: Watch, name: str, *, city: str = "") -> Iterator[None]:
    yield


def test_what_succeeds_the_next_time_is_resolved(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = request.getfixturevalue("clock")
    loop = charges(request)
    poisoned(loop, monkeypatch, CITIES[1])
    assert set(Failure.objects.filter(resolved_at=None).values_list("city", flat=True)) == {CITIES[1]}
    clock.step(hours=1)
    tasks.charge_due()
    assert not Failure.objects.filter(resolved_at=None).exists()
    assert Failure.objects.exists()


# Text messages: a provider that refuses one is not a provider that is down.


def test_a_text_message_that_is_always_refused_keeps_no_other(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = texts(request)
    assert poisoned(loop, monkeypatch, "第0条") == ["第1条", "第2条"]
    assert Notice.objects.filter(texted_at=None).count() == 1
    assert Failure.objects.get().count == 1
    # The next time it comes after all others.
    Notice.objects.create(
        person=Notice.objects.all()[0].person, kind="trial", reference="9", title="试", text="第9条", at=NOW,
        by_text=True,
    )  # fmt: skip
    order: list[str] = []
    monkeypatch.setattr(messages, "send", lambda *, text, **_more: order.append(text))
    loop.ring()
    assert order == ["第9条", "第0条"]
    assert Failure.objects.get().resolved_at


def test_a_provider_that_is_down_is_told_once_and_left_alone(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = texts(request)
    for place in range(10, 20):
        Notice.objects.create(
            person=Notice.objects.all()[0].person, kind="trial", reference=str(place), title="试", text="x",
            at=NOW, by_text=True,
        )  # fmt: skip
    tried: list[str] = []

    def down(**named: str) -> None:
        tried.append(named["text"])
        raise messages.MessageNotSent

    monkeypatch.setattr(messages, "send", down)
    loop.ring()
    assert len(tried) == _REFUSALS_IN_A_ROW
    assert [one.item for one in Failure.objects.all()] == ["短信平台"]
