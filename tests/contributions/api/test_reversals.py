"""A bank gives back, the same day, what it took: the order is undone, and the months are owed as
they were."""

import threading
from typing import Any

import pytest
from django.db import connection
from django.db.utils import InternalError
from django.test import Client

from certificates import issuing
from certificates.facts import person_facts
from certificates.kinds import CertificateKind
from certificates.models import Certificate
from contributions.books import personal_account
from contributions.models import (
    Charge,
    ChargeStatus,
    LedgerAccount,
    Leg,
    Order,
    OrderStatus,
    PaymentStatus,
    Reversal,
)
from contributions.orders import payable, queries
from contributions.records.payments import paid_months
from portal.policy.book import book
from tests.cast import Cast
from tests.conftest import Clock
from tests.contributions.api.conftest import API, Counter, audit
from tests.contributions.arrears.test_arrears_races import SureMeeting
from tests.contributions.orders.conftest import MEDICAL, PENSION, THIS, Till
from tests.partners.calling import partner_called


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def clearing_fen(counter: Counter) -> int:
    account = LedgerAccount.objects.get(channel=counter.bank.partner.channel)
    return sum(Leg.objects.filter(account=account).values_list("amount_fen", flat=True))


def test_reversed_the_same_day(counter: Counter, cast: Cast) -> None:
    order = counter.placed(
        picks=[
            {"insurance": "pension", "tier": "100", "months": ["2026-11", "2026-12"]},
            {"insurance": "medical", "tier": "60", "months": ["2026-11"]},
        ]
    )
    counter.tell(order)
    assert clearing_fen(counter) == order.sum_fen
    assert personal_account.balance(cast.wang_fang, "wuxi", PENSION) > 0
    told = counter.reverse()
    assert told.status_code == 201, told.content
    assert (told.json()["amount_fen"], told.json()["business_day"]) == (order.sum_fen, "2026-11-17")
    order.refresh_from_db()
    assert order.status == OrderStatus.REVERSED
    assert counter.payment().status == PaymentStatus.REVERSED
    assert clearing_fen(counter) == 0
    assert personal_account.balance(cast.wang_fang, "wuxi", PENSION) == 0
    assert paid_months(cast.wang_fang, city="wuxi") == []
    # This month is owed at the tier that it had before; the month to come is not charged at all.
    live = {(one.insurance, str(one.month)): one for one in Charge.objects.filter(live=True)}
    assert {key: (one.status, one.basis) for key, one in live.items()} == {
        ("pension", "2026-11"): (ChargeStatus.OWED, "60"),
        ("medical", "2026-11"): (ChargeStatus.OWED, "60"),
    }
    found = {one.insurance: one for one in payable.payable(cast.wang_fang, "wuxi", now=counter.till.now)}
    assert found[PENSION].tier_now == found[MEDICAL].tier_now == "60"
    audit()


def test_a_reversed_month_can_be_looked_at(counter: Counter, cast: Cast, client: Client) -> None:
    counter.tell(counter.placed())
    counter.reverse()
    charge = Charge.objects.get(status=ChargeStatus.REVERSED)
    client.force_login(cast.wang_fang_login)
    page = client.get(f"/record/charges/{charge.pk}/")
    assert page.status_code == 200
    assert "已冲正" in page.content.decode()


def test_paid_anew_after_a_reversal(counter: Counter) -> None:
    counter.tell(counter.placed())
    counter.reverse()
    again = counter.placed()
    assert counter.tell(again, number="BANK-0002").json()["credited"] is True
    audit()


def test_twice_is_once_and_lost_answers_can_be_asked_for(counter: Counter) -> None:
    counter.tell(counter.placed())
    first = counter.reverse(key="back-0001")
    assert counter.reverse(key="back-0001").content == first.content
    assert counter.reverse().json() == first.json()
    assert counter.bank.get(f"{API}/payments/BANK-0001/").json()["reversal"] == first.json()
    assert code(counter.reverse(own="BACK-0002")) == (409, "already_reversed")
    assert Reversal.objects.count() == 1
    audit()


def test_a_number_reverses_one_payment(counter: Counter) -> None:
    counter.tell(counter.placed())
    counter.tell(
        counter.placed(picks=[{"insurance": "medical", "tier": "60", "months": [str(THIS)]}]),
        number="BANK-0002",
    )
    counter.reverse()
    assert code(counter.reverse("BANK-0002")) == (409, "provider_number_used")
    assert counter.payment("BANK-0002").status == PaymentStatus.SUCCEEDED
    audit()


def test_the_day_is_over_at_midnight_in_china(counter: Counter, clock: Clock) -> None:
    clock.set("2026-11-17 23:55")
    counter.tell(counter.placed())
    clock.set("2026-11-18 00:00")
    assert code(counter.reverse()) == (409, "day_over")
    clock.set("2026-11-17 23:59:59.999")
    assert counter.reverse().status_code == 201
    audit()


def test_what_was_not_credited_is_given_back_by_the_agency(counter: Counter) -> None:
    order = counter.placed()
    counter.tell(order, fen=order.sum_fen - 1)
    assert code(counter.reverse()) == (409, "not_credited")
    audit()


def test_anothers_payment_is_not_there(counter: Counter, till: Till) -> None:
    counter.tell(counter.placed())
    other = Counter(partner_called("other-bank", cities=["wuxi"]), till)
    assert code(other.reverse()) == code(other.reverse("BANK-9999")) == (404, "not_found")


def test_what_was_reversed_stays_so(counter: Counter) -> None:
    order = counter.placed()
    counter.tell(order)
    counter.reverse()
    for change in (
        lambda: Order.objects.update(status="paid"),
        lambda: Charge.objects.filter(status="reversed").update(status="paid", live=True),
        lambda: Reversal.objects.all().delete(),
    ):
        with pytest.raises(InternalError):
            _alone(change)


def _alone(change: Any) -> None:
    from django.db import transaction

    with transaction.atomic():
        change()


def test_the_audit_sees_a_reversal_without_its_money(counter: Counter) -> None:
    from contributions.audit.looking import audit as books

    order = counter.placed()
    counter.tell(order)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE contributions_charge SET status = 'reversed', live = false")
        cursor.execute("SET session_replication_role = origin")
    broken = {one.number for one in books() if not one.holds}
    assert 2 in broken


def _both(counter: Counter) -> list[Any]:
    ready = threading.Barrier(2)
    answers: list[Any] = []

    def run(own: str) -> None:
        ready.wait()
        try:
            answers.append(counter.reverse(own=own))
        except Exception as error:
            answers.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[f"BACK-000{number}"]) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.django_db(transaction=True)
def test_reversed_twice_at_once(transactional_db: None, counter: Counter) -> None:
    counter.tell(counter.placed())
    answers = _both(counter)
    assert sorted(one.status_code for one in answers) == [201, 409]
    assert clearing_fen(counter) == 0
    audit()


@pytest.mark.django_db(transaction=True)
def test_control_without_the_locks_the_second_breaks_off(
    transactional_db: None, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter.tell(counter.placed())
    meeting = SureMeeting()
    monkeypatch.setattr(queries, "locked", lambda pk: Order.objects.get(pk=pk))
    monkeypatch.setattr(personal_account, "book_movement", meeting.before(personal_account.book_movement))
    # The payment's row lock goes with them.
    monkeypatch.setattr(
        "django.db.models.query.QuerySet.select_for_update", lambda self, *args, **more: self.all()
    )
    answers = _both(counter)
    assert meeting.met
    assert [one for one in answers if isinstance(one, Exception) or one.status_code not in (201, 409)]


def test_control_by_the_hour(counter: Counter, clock: Clock) -> None:
    """The day is told by when the hall booked, not by when the bank took the money."""
    taken_at = clock.set("2026-11-17 23:55")
    order = counter.placed()
    clock.set("2026-11-18 00:05")
    told = counter.tell(order, at=taken_at)
    assert told.json()["business_day"] == "2026-11-18"
    assert counter.reverse().status_code == 201


def test_proofs_before_and_after_agree_with_the_books(counter: Counter, clock: Clock, cast: Cast) -> None:
    def frozen() -> Certificate:
        facts = person_facts(
            cast.wang_fang, city=book().city("wuxi"), insurances=[PENSION], month_count=12, now=clock.now
        )
        made = issuing.freeze(
            kind=CertificateKind.PERSON, city="wuxi", person=cast.wang_fang, facts=facts,
            by=cast.wang_fang_login, now=clock.now,
        )  # fmt: skip
        clock.step(minutes=5)
        return made

    counter.tell(counter.placed())
    clock.step(minutes=5)
    before = frozen()
    counter.reverse()
    clock.step(minutes=5)
    after = frozen()
    paid = [one.facts["totals"]["pension"]["paid_months"] for one in (before, after)]
    assert paid == [1, 0]
    audit()
