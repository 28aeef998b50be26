"""Any sequence of transfers, cancellations and returns keeps every month and every fen."""

import datetime as dt
from contextlib import suppress

import pytest
from django.db import transaction
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contributions.books import personal_account
from contributions.charges import brought_in
from contributions.models import AccountMovement, MovedOut, MovementKind
from enrollment.models import Coverage
from portal.accounts.models import User
from portal.people.models import Person
from tests.cast import Cast, cover
from tests.transfers.mover import ACCOUNT_FEN, PENSION, begun, charge, clerk_of, offences, pay
from transfers import relation, releasing, steps
from transfers.machine import OPEN, Status
from transfers.models import Transfer

CITIES = ("wuhan", "shenzhen", "wuxi")
MOVES = st.one_of(
    st.sampled_from(["on", "on", "on", "back", "again", "cancel", "pay"]).map(lambda what: (what, "")),
    st.sampled_from(CITIES).map(lambda city: ("go", city)),
)


class Traveller:
    """Li Qiang between three cities: where he is insured, and what he and the agencies do."""

    def __init__(self, who: Person, login: User, now: dt.datetime) -> None:
        self.who, self.login, self.now = who, login, now
        self.home = "wuhan"
        self.months, self.account_fen = 12, ACCOUNT_FEN
        self.next_month = 0

    def does(self, what: str, city: str) -> None:
        if what == "go":
            self.go(city)
        elif what == "pay":
            self.pay()
        else:
            with suppress(steps.CannotStep):
                self.step(what)

    def go(self, city: str) -> None:
        if city == self.home or self.open is not None:
            return
        Coverage.objects.filter(person=self.who, until__isnull=True).update(live=False)
        cover(self.who, PENSION, city, "2027-06", tier="60")
        found = relation.read(
            self.who, insurance=PENSION, from_city=self.home, to_city=city, to_place=city, now=self.now
        )
        if not list(relation.barriers(found)):
            begun(self.who, clerk_of(self.home), self.now, old=self.home, new=city)
            self.home = city

    def pay(self) -> None:
        """One more month is paid where the relation stands, which leaves it or not with the next
        release."""
        if self.open is not None or self.next_month == 4:
            return
        start = f"2026-{1 + 2 * self.next_month:02d}"
        until = f"2026-{2 + 2 * self.next_month:02d}"
        self.next_month += 1
        cover(self.who, PENSION, self.home, start, until, tier="60")
        charges = charge(self.who, self.home, start, until)
        self.months += len(charges)
        self.account_fen += sum(one.account_fen for one in charges)
        pay(charges)

    def step(self, what: str) -> None:
        transfer = self.open
        if transfer is None:
            return
        acting = clerk_of(transfer.acting_city) if transfer.acting_city else self.login
        if what == "cancel":
            steps.cancel(transfer, by=self.login, now=self.now)
            self.home = transfer.from_city
        elif what == "back":
            steps.send_back(transfer, reason="更正", by=acting, now=self.now)
        elif what == "again":
            steps.put_right(transfer, by=acting, now=self.now)
        else:
            does = {
                Status.APPLIED: steps.accept,
                Status.ACCEPTED: steps.send_letter,
                Status.LETTER_SENT: releasing.release,
                Status.RELEASED: steps.receive,
                Status.RECEIVED: steps.merge,
                Status.RETURNED: steps.put_right,
            }[Status(transfer.status)]
            does(transfer, by=acting, now=self.now)

    @property
    def open(self) -> Transfer | None:
        return Transfer.objects.filter(status__in=[str(one) for one in OPEN]).select_related("person").first()

    def kept(self) -> None:
        """Every month counts in one place or is under way once; every fen stands in one account or
        is under way."""
        away = [
            one
            for one in MovedOut.objects.filter(live=True).select_related("brought_in")
            if brought_in.is_in_transit(one)
        ]
        counted = [brought_in.counted_months(self.who, insurance=PENSION, city=city) for city in CITIES]
        assert sum(len(months) for months in counted) + sum(one.months for one in away) == self.months
        assert len(set().union(*counted)) == sum(len(months) for months in counted)
        standing = sum(personal_account.balance(self.who, city, PENSION) for city in CITIES)
        transfer = self.open
        under_way = (
            transfer.information["account_fen"]
            if transfer is not None and transfer.status == Status.RELEASED
            else 0
        )
        interest = AccountMovement.objects.filter(person=self.who, kind=MovementKind.INTEREST)
        earned = interest.aggregate(fen=Sum("amount_fen", default=0))["fen"]
        assert standing + under_way == self.account_fen + earned


@pytest.mark.django_db
@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(moves=st.lists(MOVES, min_size=6, max_size=20))
def test_months_and_fen_are_kept(
    cast: Cast, now: dt.datetime, mover: Person, moves: list[tuple[str, str]]
) -> None:
    login = cast.li_qiang_login
    Coverage.objects.filter(person=mover, until__isnull=True).update(live=False)
    with transaction.atomic():
        traveller = Traveller(mover, login, now)
        for what, city in [("go", "shenzhen"), *moves]:
            traveller.does(what, city)
            traveller.kept()
        assert offences() == []
        transaction.set_rollback(True)
