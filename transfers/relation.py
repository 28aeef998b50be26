"""Whether a relation can move: the bars at the old and at the new place, and what the person can do
about them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from certificates import drawable
from contributions.books import personal_account
from contributions.charges import brought_in
from contributions.models import Charge, ChargeStatus
from contributions.refunds import held_money
from contributions.ways import PAY, SETTLE, WRITE_OFF
from enrollment import queries as enrollment
from enrollment.queries import Held
from enrollment.ways import ENROL, to_stop
from portal.hall.queries import open_about
from portal.hall.service import Bar
from portal.hall.ways import Way
from portal.people.models import Employer, Person
from portal.policy.book import book
from portal.shared.insurance import INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import Month, month_in_china, periods_zh, runs, today_in_china
from portal.shared.tables import Some
from transfers.amounts import Moving, what_moves
from transfers.benefit_place import BenefitPlace, benefit_place
from transfers.machine import OPEN, TRANSFER_LIFE_CYCLE
from transfers.models import Transfer

# The service that an employer files when a member of staff leaves.
_STOP = "employer-stop-staff"


@dataclass(frozen=True, slots=True)
class Owed:
    """A month that is charged and neither paid nor written off. ``employer`` is empty where the
    person must pay it; ``late``: its due day has passed."""

    month: Month
    employer: str
    late: bool


@dataclass(frozen=True, slots=True)
class Double:
    """Money (fen) received for a month of the relation that pays no charge; it is refunded to the
    payer."""

    receipt_id: int
    month: Month
    fen: int


@dataclass(frozen=True)
class Relation:
    """The hall's data about one relation that is to move. ``moving`` is None where the old place is
    outside the hall."""

    insurance: Insurance
    from_city: str
    to_city: str
    to_place: str
    month: Month
    retired: bool
    running: tuple[Held, ...]
    employers: tuple[str, ...]
    owed: tuple[Owed, ...]
    under_way: tuple[str, str]
    insured_there: bool
    moving: Moving | None
    doubles: tuple[Double, ...]
    place: BenefitPlace | None
    months_there: int
    balance_there_fen: int
    # Characters of the person's name and of the place that the fonts of the documents lack.
    undrawable: tuple[str, ...]
    # Whether an employer's stop of this person is filed and not decided yet.
    stopping: bool = False


def read(
    person: Person,
    *,
    insurance: Insurance,
    from_city: str,
    to_city: str,
    to_place: str,
    now: datetime,
    itself: Transfer | None = None,
) -> Relation:
    """The relation's state at a moment. ``itself`` is the present transfer; it does not count as
    another open transfer."""
    today, month = today_in_china(now), month_in_china(now)
    held = enrollment.held(person.identity_number)
    coverages = [one for one in held if one.insurance == insurance]
    running = tuple(one for one in coverages if from_city and one.city == from_city and one.runs_from(month))
    open_transfers = Transfer.objects.filter(
        person=person, insurance=insurance, status__in=[str(status) for status in OPEN]
    )
    other_transfer = (open_transfers.exclude(pk=itself.pk) if itself else open_transfers).first()
    return Relation(
        insurance=insurance,
        from_city=from_city,
        to_city=to_city,
        to_place=to_place,
        month=month,
        retired=any(one.capacity == Capacity.RETIREE and one.runs_from(month) for one in held),
        running=running,
        employers=_employers(running),
        owed=tuple(_owed(person, insurance, from_city, today)),
        under_way=(other_transfer.number, str(TRANSFER_LIFE_CYCLE.label(other_transfer.status)))
        if other_transfer
        else ("", ""),
        insured_there=not to_city or any(one.city == to_city and one.runs_from(month) for one in coverages),
        moving=what_moves(person, insurance=insurance, city=from_city, on=today) if from_city else None,
        doubles=tuple(_doubles(person, insurance, from_city)),
        place=benefit_place(person, to_city=to_city, to_place=to_place, on=today)
        if insurance == Insurance.PENSION
        else None,
        months_there=len(brought_in.counted_months(person, insurance=insurance, city=to_city))
        if to_city
        else 0,
        balance_there_fen=personal_account.balance(person, to_city, insurance) if to_city else 0,
        stopping=bool(running and open_about(person.identity_number, _STOP)),
        undrawable=drawable.missing([person.name, to_place]),
    )


def of(transfer: Transfer, *, now: datetime) -> Relation:
    """The state at a moment of the relation of an open transfer."""
    return read(
        transfer.person,
        insurance=Insurance(transfer.insurance),
        from_city=transfer.from_city,
        to_city=transfer.to_city,
        to_place=transfer.to_place,
        now=now,
        itself=transfer,
    )


def barriers(relation: Relation) -> Iterator[Bar]:
    """The bars to moving the relation now, each with what to do about it; none where it can
    move."""
    number, status = relation.under_way
    if number:
        progress = Way(number, number, reverse("transfer", args=[number]))
        yield Bar(
            "",
            _("这一关系已经在转移（{number}，{status}），不能重复申请。").format(
                number=number, status=status
            ),
            (progress,),
        )
        return
    if relation.retired:
        yield Bar("", _RETIRED[relation.insurance]())
        return
    if relation.undrawable:
        yield Bar("", drawable.why_not(relation.undrawable, city=relation.from_city or relation.to_city))
    yield from _not_ended(relation)
    yield from _arrears(relation)
    if relation.moving is not None and not relation.moving.months:
        why = _("您在{city}没有可以转移的{insurance}缴费月份。").format(
            city=book().city(relation.from_city).title, insurance=_(INSURANCE_LABELS[relation.insurance])
        )
        yield Bar("", why)
    # A person cannot be insured at two places in one month. So this bar applies only after the old
    # coverage has ended.
    if not relation.insured_there and not relation.running:
        enrol = ENROL.at(relation.to_city)
        why = _(
            "您还没有在{place}参加{insurance}，或参保已经终止。请先在{place}参保（由单位参保的，由单位办理；自己缴费的，请{enrol}），再申请转移。"
        ).format(place=relation.to_place, insurance=_(INSURANCE_LABELS[relation.insurance]), enrol=enrol)
        yield Bar("", why, (enrol,))


def _pension_drawn() -> str:
    return _("您已经按月领取基本养老金，养老保险关系不再转移（国办发〔2009〕66号第二条）。")


def _medical_drawn() -> str:
    return _("您已经享受退休人员医疗保险待遇，医疗保险关系不再转移。")


_RETIRED = Some({Insurance.PENSION: _pension_drawn, Insurance.MEDICAL: _medical_drawn})


def _not_ended(relation: Relation) -> Iterator[Bar]:
    for coverage in relation.running:
        words = {
            "city": book().city(coverage.city).title,
            "insurance": _(INSURANCE_LABELS[coverage.insurance]),
        }
        if coverage.until is not None:
            why = _("您在{city}的{insurance}到{last}才终止，请从{month}起申请转移。").format(
                last=(coverage.until - 1).zh, month=coverage.until.zh, **words
            )
            yield Bar("", why)
        elif coverage.capacity == Capacity.EMPLOYEE:
            words["employer"] = "、".join(relation.employers)
            if relation.stopping:
                why = _(
                    "您在{city}的{insurance}仍由单位（{employer}）参保，单位的停保申报正在审核，停保生效后再申请转移。"
                ).format(**words)
            else:
                why = _("您在{city}的{insurance}仍由单位（{employer}）参保，请先由单位办理停保。").format(
                    **words
                )
            yield Bar("", why)
        else:
            stop = to_stop(coverage.capacity).at(coverage.city)
            why = _("您在{city}的{insurance}还没有终止，请先{stop}，停保生效后再申请转移。").format(
                stop=stop, **words
            )
            yield Bar("", why, (stop,))


def _arrears(relation: Relation) -> Iterator[Bar]:
    city = relation.from_city
    words = {
        "city": book().city(city).title if city else "",
        "insurance": _(INSURANCE_LABELS[relation.insurance]),
    }
    late = runs(one.month for one in relation.owed if not one.employer and one.late)
    if late:
        settle = SETTLE.all_at(city)
        give_up = [WRITE_OFF.at(city)] if WRITE_OFF.offered(city) else []
        why = _("您在{city}的{insurance}有欠费：{months}。请先{settle}，再申请转移。").format(
            months=periods_zh(late), settle=_("或者").join(map(str, [*settle, *give_up])), **words
        )
        yield Bar("", why, (*settle, *give_up))
    # Months that are not due yet or are debited today are no arrears: the message does not offer to
    # write them off.
    due = runs(one.month for one in relation.owed if not one.employer and not one.late)
    if due:
        pay = [PAY.at(city)] if PAY.offered(city) else []
        how = _("请{pay}，").format(pay=pay[0]) if pay else ""
        why = _(
            "您在{city}的{insurance}还有没到期限的应缴：{months}。{how}缴清或者扣款成功以后，再申请转移。"
        ).format(months=periods_zh(due), how=how, **words)
        yield Bar("", why, tuple(pay))
    for employer in sorted({one.employer for one in relation.owed if one.employer}):
        months = runs(one.month for one in relation.owed if one.employer == employer)
        why = _("单位（{employer}）欠缴您的{insurance}：{months}。请联系单位补缴后再申请转移。").format(
            employer=employer, months=periods_zh(months), insurance=words["insurance"]
        )
        yield Bar("", why)


def _employers(running: tuple[Held, ...]) -> tuple[str, ...]:
    pks = [one.employer_id for one in running if one.employer_id]
    return (
        tuple(Employer.objects.filter(pk__in=pks).order_by("name").values_list("name", flat=True))
        if pks
        else ()
    )


def _owed(person: Person, insurance: Insurance, city: str, today: date) -> Iterator[Owed]:
    charges = Charge.objects.filter(
        person=person, insurance=insurance, city=city, status=ChargeStatus.OWED
    ).select_related("employer")
    for charge in charges.order_by("month"):
        employer = charge.employer.name if charge.employer else ""
        yield Owed(charge.month, employer, late=charge.due_on < today)


def _doubles(person: Person, insurance: Insurance, city: str) -> Iterator[Double]:
    held = held_money.to_draft([city]).filter(charge__person=person, charge__insurance=insurance)
    for receipt in held.select_related("charge"):
        if receipt.charge is not None:
            yield Double(receipt.pk, receipt.charge.month, receipt.left_fen)
