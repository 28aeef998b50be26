"""Top-ups of the medical personal account (社保卡个人账户充值): ordered and paid like
contributions, credited once.

The money is for medical use only. It is no contribution: no month is paid by it, and nothing of it
counts for a pension.
"""

import datetime as dt
from uuid import UUID

from django.db.models import Sum
from django.utils.translation import gettext as _

from contributions.books import ledger, personal_account
from contributions.books.receiving import Money
from contributions.models import HOLDING, AccountKind, AccountMovement, MovementKind, Order, TopUp
from contributions.orders import placing
from contributions.orders.payable import Refusal
from contributions.orders.placing import CannotOrder
from portal.accounts.models import User
from portal.people.models import Person
from portal.policy.book import book
from portal.policy.terms.payment import top_up_terms
from portal.registers.bank import SecurityCard
from portal.shared import money
from portal.shared.insurance import Insurance
from portal.shared.months import CHINA, today_in_china

# The account that is topped up; the database takes no other.
INSURANCE = Insurance.MEDICAL
# The offer that a top-up comes by.
SERVICE = "card-top-up"


def ordered_fen(person: Person, city: str, on: dt.date) -> int:
    """What the person's top-ups of a day in China come to, paid or still to be paid."""
    start = dt.datetime.combine(on, dt.time.min, CHINA)
    day = TopUp.objects.filter(
        order__person=person,
        order__city=city,
        order__status__in=HOLDING,
        order__placed_at__gte=start,
        order__placed_at__lt=start + dt.timedelta(days=1),
    )
    return day.aggregate(fen=Sum("amount_fen"))["fen"] or 0


def why_not(person: Person, city: str, amount_fen: int, *, now: dt.datetime) -> str:
    """Why this much cannot be topped up now; "" where it can. Raises PolicyMissing where the city
    takes no top-ups."""
    on = today_in_china(now)
    terms = top_up_terms(book(), city=city, on=on)
    if not terms.least_fen <= amount_fen <= terms.most_fen:
        return _("每次充值金额应在 %(least)s 元至 %(most)s 元之间。") % {
            "least": money.format_yuan(terms.least_fen),
            "most": money.format_yuan(terms.most_fen),
        }
    left = terms.per_day_fen - ordered_fen(person, city, on)
    if amount_fen > left:
        return _("每日充值累计不超过 %(day)s 元（含待支付的订单），今天还可充值 %(left)s 元。") % {
            "day": money.format_yuan(terms.per_day_fen),
            "left": money.format_yuan(max(left, 0)),
        }
    return ""


def place(
    *, person: Person, city: str, card: SecurityCard, amount_fen: int, key: UUID, by: User, now: dt.datetime
) -> Order:
    """Order a top-up of the person's own account, by their card: the sum stands until
    ``expires_at``.

    The same key with the same content gives the same order; KeyReused with other content. Raises
    CannotOrder beyond the limits.
    """

    def take() -> TopUp:
        if why := why_not(person, city, amount_fen, now=now):
            raise CannotOrder([Refusal(why, about="amount")])
        return TopUp(bank=card.bank, card_number=card.number, amount_fen=amount_fen, insurance=INSURANCE)

    return placing.place_top_up(
        person=person,
        city=city,
        take=take,
        content=[card.bank, card.number, amount_fen],
        key=key,
        by=by,
        now=now,
    )


def of_order(order: Order) -> TopUp | None:
    """What the order tops up; None where it is of charges."""
    return TopUp.objects.select_related("movement").filter(order=order).first()


def credit(top_up: TopUp, money: Money, *, by: User, now: dt.datetime) -> AccountMovement:
    """Credit a paid top-up to the account, once: the channel's clearing account against the
    personal account.

    Must run in the transaction that marks the order paid.
    """
    order = top_up.order
    if order.person is None:
        raise ValueError(f"{order.number} is no person's")
    clearing = ledger.account(city=order.city, kind=AccountKind.CLEARING, channel=money.channel)
    movement = personal_account.book_movement(
        person=order.person,
        city=order.city,
        insurance=Insurance(top_up.insurance),
        kind=MovementKind.TOP_UP,
        amount_fen=top_up.amount_fen,
        against=clearing,
        key=money.reference,
        by=by,
        now=now,
    )
    TopUp.objects.filter(pk=top_up.pk, movement__isnull=True).update(movement=movement)
    return movement


def balance_fen(top_up: TopUp) -> int | None:
    """What the account holds now; None until the top-up is credited."""
    movement = top_up.movement
    if movement is None:
        return None
    return personal_account.balance(movement.person, movement.city, Insurance(movement.insurance))
