"""The ground for orders: a flexible worker in Wuxi and one in Shenzhen, and a provider that says
what the test scripts."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest

from contributions import channels
from contributions.audit.looking import audit as books
from contributions.books import ledger
from contributions.channels.protocol import Answer, Forged, Outcome, Refused, Started, Unreachable, Wanted
from contributions.models import Order, Payment
from contributions.orders import answers, asking, ending, paying, placing, queued
from portal.accounts.models import User
from portal.people.models import Person
from portal.policy.book import book
from portal.shared.insurance import Insurance
from portal.shared.months import Month, month_span
from tests.cast import ZHENHAI, Cast, cover, identity_number
from tests.conftest import Clock

THIS = Month(2026, 11)
PENSION, MEDICAL = Insurance.PENSION, Insurance.MEDICAL
# 7490.00 × 60 % × 20 % and × 9 %; × 100 % × 20 %.
WUXI_PENSION_60, WUXI_MEDICAL_60, WUXI_PENSION_100 = 89880, 40446, 149800
CARD = {
    "card_number": "6222020200000000006",
    "holder": "王芳",
    "identity_number": identity_number(ZHENHAI, "1988-05-12", 24),
    "phone": "13800000001",
}


@dataclass
class Provider:
    """A provider in the test's hands, behind the protocol that the real ones are behind."""

    code: str
    title: str = ""
    announced: dict[str, Wanted] = field(default_factory=dict)
    paid: dict[str, Answer] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    calls: list[tuple[str, str]] = field(default_factory=list)
    # The next calls of these names find nobody, before or after the provider did what was asked.
    down: set[str] = field(default_factory=set)
    cut: set[str] = field(default_factory=set)
    refuses: Refused | None = None
    # What was given back, by its number; and the answer to those that are not to go through.
    given: dict[str, int] = field(default_factory=dict)
    no_refund: Answer | None = None

    def _said(self, what: str, number: str) -> None:
        self.calls.append((what, number))
        if what in self.down:
            raise Unreachable(what)

    def start(self, wanted: Wanted) -> Started:
        self._said("start", wanted.number)
        if self.refuses:
            raise self.refuses
        self.announced[wanted.number] = wanted
        if "start" in self.cut:
            raise Unreachable("start")
        return Started(
            qr_text=f"weixin://pay/{wanted.number}" if self.code == "wechat" else "",
            redirect_url=f"http://pay.example/{wanted.number}" if self.code == "alipay" else "",
            needs_code=self.code == "card",
        )

    def confirm(self, number: str, code: str) -> Answer:
        self._said("confirm", number)
        if code != "135790":
            return Answer(number, Outcome.PENDING, why="短信验证码不正确，还可以输入 2 次。")
        self.pays(number)
        if "confirm" in self.cut:
            raise Unreachable("confirm")
        return self.paid[number]

    def ask(self, number: str) -> Answer:
        self._said("ask", number)
        if number in self.paid:
            return self.paid[number]
        if number in self.ended or number not in self.announced:
            return Answer(number, Outcome.FAILED, why="支付已关闭")
        return Answer(number, Outcome.PENDING)

    def close(self, number: str) -> Answer:
        self._said("close", number)
        if number not in self.paid:
            self.ended.add(number)
        return self.ask(number)

    def refund(self, *, number: str, refund_number: str, amount_fen: int, total_fen: int, why: str) -> Answer:
        self._said("refund", refund_number)
        if self.no_refund:
            return self.no_refund
        others = sum(fen for other, fen in self.given.items() if other != refund_number)
        if self.paid[number].amount_fen != total_fen or others + amount_fen > total_fen:
            return Answer(refund_number, Outcome.FAILED, why="退款金额超过支付金额")
        self.given[refund_number] = amount_fen
        if "refund" in self.cut:
            raise Unreachable("refund")
        return self._given(refund_number)

    def ask_refund(self, *, number: str, refund_number: str) -> Answer:
        self._said("ask_refund", refund_number)
        if refund_number not in self.given:
            return Answer(refund_number, Outcome.FAILED, why="没有这笔退款")
        return self._given(refund_number)

    def _given(self, refund_number: str) -> Answer:
        fen = self.given[refund_number]
        return Answer(refund_number, Outcome.SUCCEEDED, fen, f"{self.code}-{refund_number}")

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> Answer:
        if headers.get("Signature") != "good":
            raise Forged("the signature does not verify")
        said = json.loads(body)
        return Answer(said["number"], Outcome(said["outcome"]), said.get("amount"), said.get("mark", ""))

    def callback_reply(self, ok: bool) -> tuple[int, str, bytes]:
        return (200, "text/plain", b"success") if ok else (500, "text/plain", b"fail")

    def pays(self, number: str, *, fen: int | None = None, mark: str = "") -> Answer:
        """The payer pays at the provider's; nobody tells the hall."""
        amount = self.announced[number].amount_fen if fen is None else fen
        self.paid[number] = Answer(number, Outcome.SUCCEEDED, amount, mark or f"{self.code}-{number}")
        return self.paid[number]

    def fails(self, number: str) -> Answer:
        return Answer(number, Outcome.FAILED, why="余额不足")

    def asked(self, what: str = "ask") -> int:
        return sum(one == what for one, _number in self.calls)


@dataclass
class Till:
    """Orders as a test places and pays them."""

    cast: Cast
    clock: Clock
    providers: dict[str, Provider]

    @property
    def now(self) -> dt.datetime:
        return self.clock.now

    @property
    def system(self) -> User:
        return User.objects.system()

    def place(
        self,
        picks: Mapping[Insurance, tuple[str, Sequence[Month]]] | None = None,
        *,
        city: str = "wuxi",
        person: Person | None = None,
        by: User | None = None,
        key: UUID | None = None,
    ) -> Order:
        return placing.place(
            person=person or self.cast.wang_fang,
            city=city,
            picks=picks or {PENSION: ("60", [THIS])},
            key=key or uuid4(),
            by=by or self.cast.wang_fang_login,
            now=self.now,
        )

    def start(self, order: Order, channel: str = "wechat", **more: Any) -> Payment:
        return paying.start_payment(
            order=order,
            channel=channel,
            payer=CARD if channel == "card" else {},
            by=self.cast.wang_fang_login,
            now=self.now,
            **more,
        )

    def tell(self, answer: Answer, channel: str = "wechat") -> Payment | None:
        """What a provider says reaches the hall."""
        return answers.take_answer(answer, channel=channel, by=self.system, now=self.now, how="渠道通知")

    def rings(self) -> None:
        """Everything that the schedule does for orders."""
        queued.start_queued(by=self.system, now=self.now)
        asking.ask_due(by=self.system, now=self.now)
        ending.end_overdue(by=self.system, now=self.now)


def _schemes(monkeypatch: pytest.MonkeyPatch) -> dict[str, Provider]:
    providers = {code: Provider(code, channels.TITLES[code]) for code in ("card", "alipay", "wechat")}
    from portal.policy.terms.payment import payment_terms

    def available(city: str, *, on: dt.date | None = None) -> list[Provider]:
        terms = payment_terms(book(), city=city, on=on or dt.date(2026, 11, 17))
        return [providers[code] for code in terms.channels]

    monkeypatch.setattr(channels, "available", available)
    monkeypatch.setattr(channels, "channel", lambda code: providers[code])
    return providers


@pytest.fixture
def providers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Provider]:
    """The providers, in place of the channels of this installation."""
    return _schemes(monkeypatch)


@pytest.fixture
def till(cast: Cast, clock: Clock, providers: dict[str, Provider]) -> Till:
    """王芳 is insured in Wuxi for pension and medical, 陈静 in Shenzhen; both from January on at 60
    % (tier one)."""
    cover(cast.wang_fang, PENSION, "wuxi", "2026-01", tier="60")
    cover(cast.wang_fang, MEDICAL, "wuxi", "2026-01", tier="60")
    cover(cast.chen_jing, PENSION, "shenzhen", "2026-01", tier="60")
    return Till(cast, clock, providers)


def months(first: str, last: str) -> list[Month]:
    return list(month_span(Month.parse(first), Month.parse(last) + 1))


def audit() -> None:
    """The whole audit holds, and what it does not look at: the trial balance, and that every move
    has its event last."""
    broken = [one for one in books() if not one.holds]
    assert not broken, broken
    assert sum(one.balance_fen for one in ledger.trial_balance(cities=[c.slug for c in book().cities])) == 0
    for order in Order.objects.all():
        assert order.events.latest("pk").status == order.status
    for payment in Payment.objects.all():
        assert payment.events.latest("pk").status == payment.status
