"""A first card on its way: applied for, sent to be made, ready, collected. Each move is told to its
owner, and happens once."""

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from enrollment.cards.machine import CARD_LIFE_CYCLE, CardStatus, Delivery
from enrollment.cards.models import FirstCard, FirstCardEvent
from portal.accounts import notices
from portal.accounts.models import Notice, User
from portal.hall import lifecycle
from portal.hall.models import Case
from portal.hall.routing import Status
from portal.hall.working_days import overrides_of
from portal.policy.book import book
from portal.policy.terms.offers import first_card_terms
from portal.policy.workdays import add_workdays
from portal.shared.months import day_zh, today_in_china
from portal.watch.failures import Watch

KIND = "first-card"


class NotSo(Exception):
    """The card does not stand where the move starts."""


def apply(case: Case, *, bank: str, delivery: str, address: str, by: User, now: dt.datetime) -> FirstCard:
    """Notes a card that was just applied for. The caller holds the transaction."""
    if case.applicant_person is None:
        raise ValueError("a first card is a person's")
    come_by = first_card_terms(case.offer).come_by(today_in_china(now))
    card = FirstCard.objects.create(
        case=case,
        person=case.applicant_person,
        city=case.city,
        bank=bank,
        delivery=delivery,
        address=address if delivery == Delivery.POST else "",
        come_by=come_by,
    )
    # The promise runs from the window on.
    Case.objects.filter(pk=case.pk).update(due_on=None)
    case.due_on = None
    FirstCardEvent.objects.create(card=card, status=card.status, at=now, by=by)
    _tell(card, CardStatus.APPLIED, _("制卡申请已提交"), to_confirm(card), now)
    return card


def send(case: Case, *, by: User, now: dt.datetime) -> FirstCard:
    """Sends the card of an application that was accepted to be made. The caller holds the
    transaction."""
    card = FirstCard.objects.select_for_update(no_key=True).get(case=case)
    today = today_in_china(now)
    made_by = add_workdays(
        today, first_card_terms(case.offer).made_in_days, overrides_of(case.city, since=today)
    )
    _move(card, CardStatus.MAKING, by=by, now=now, made_by=made_by)
    Case.objects.filter(pk=case.pk).update(due_on=made_by)
    _tell(card, CardStatus.MAKING, _("社会保障卡制卡中"), stands(card), now)
    return card


@transaction.atomic
def mark_ready(card: FirstCard, *, by: User, now: dt.datetime) -> None:
    """The card has come from its maker. NotSo where it is not in the making."""
    card = _held(card)
    _move(card, CardStatus.READY, by=by, now=now)
    _tell(card, CardStatus.READY, _("社会保障卡可以领取了"), stands(card), now)


@transaction.atomic
def mark_collected(card: FirstCard, *, by: User, now: dt.datetime) -> None:
    """Its owner has the card, and the case is done. NotSo where it is not ready."""
    card = _held(card)
    _move(card, CardStatus.COLLECTED, by=by, now=now)
    lifecycle.move(card.case, Status.DONE, by=by, now=now, decided_at=now)
    _tell(card, CardStatus.COLLECTED, _("社会保障卡已领取"), stands(card), now)


def remind(*, now: dt.datetime) -> int:
    """Tells whoever has not come to the window by their day, again and again from the day after;
    how many are late. Run twice, nobody is told twice."""
    watch, today, late_ones = Watch("remind_of_first_cards", now=now), today_in_china(now), 0
    for city in book().cities:
        offer = city.offers.get("first-medical-card")
        if offer is None:
            continue
        with watch.item(city.title, city=city.slug):
            every = first_card_terms(offer).told_every_days
            late = FirstCard.objects.filter(
                city=city.slug,
                status=CardStatus.APPLIED,
                case__status=Status.PRE_APPLIED,
                come_by__lt=today,
            ).select_related("case", "person")
            # Counted in whole periods, so that a run that was left out is made up for.
            drafted = [
                _drafted(
                    card,
                    f"late-{((today - card.come_by).days - 1) // every}",
                    _("请到窗口确认照片"),
                    to_confirm(card),
                    now,
                )
                for card in late.iterator(chunk_size=1000)
            ]
            Notice.objects.bulk_create(drafted, ignore_conflicts=True, batch_size=1000)
            late_ones += len(drafted)
    watch.finished()
    return late_ones


def to_confirm(card: FirstCard) -> str:
    """What its owner has still to do, by when, and what follows for who is late."""
    return _(
        "制卡申请（{number}）已提交，请在{day}前到辖区社保经办机构确认照片并签字，逾期影响领卡，不影响参保。"
        "领卡以前就医，请用医保电子凭证。"
    ).format(number=card.case.number, day=day_zh(card.come_by))


def stands(card: FirstCard) -> str:
    """Where the card stands, and what comes next."""
    match CardStatus(card.status):
        case CardStatus.APPLIED:
            return to_confirm(card)
        case CardStatus.MAKING:
            return _(
                "照片和签字已确认，社会保障卡正在制作，预计{day}前制好，制好后会通知您。"
                "领卡以前就医，请用医保电子凭证。"
            ).format(day=card.made_by_words)
        case CardStatus.READY if card.delivery == Delivery.POST:
            return _("社会保障卡已制好，正寄往您填写的地址，请凭居民身份证签收。")
        case CardStatus.READY:
            return _("社会保障卡已制好，请携带居民身份证到{agency}窗口领取。").format(
                agency=book().city(card.city).agency
            )
        case CardStatus.COLLECTED:
            return _("社会保障卡已领取，请到{bank}激活后使用。").format(bank=card.bank)


def label(card: FirstCard) -> str:
    """The status in words."""
    return str(_(CARD_LIFE_CYCLE.label(card.status)))


def _held(card: FirstCard) -> FirstCard:
    # The case before the card: a decision locks in this order.
    Case.objects.select_for_update(no_key=True).get(pk=card.case_id)
    return (
        FirstCard.objects.select_for_update(no_key=True, of=("self",)).select_related("case").get(pk=card.pk)
    )


def _move(card: FirstCard, to: CardStatus, *, by: User, now: dt.datetime, **changes: dt.date) -> None:
    if to not in CARD_LIFE_CYCLE.moves_from(card.status):
        raise NotSo
    if not FirstCard.objects.filter(pk=card.pk, status=card.status).update(status=to, **changes):
        raise NotSo
    card.status = to
    for name, value in changes.items():
        setattr(card, name, value)
    FirstCardEvent.objects.create(card=card, status=to, at=now, by=by)


def _tell(card: FirstCard, what: str, title: str, text: str, now: dt.datetime) -> None:
    notices.tell(card.person, kind=KIND, reference=f"{card.pk}/{what}", title=title, text=text, now=now)


def _drafted(card: FirstCard, what: str, title: str, text: str, now: dt.datetime) -> Notice:
    return notices.drafted(
        card.person, kind=KIND, reference=f"{card.pk}/{what}", title=title, text=text, now=now
    )
