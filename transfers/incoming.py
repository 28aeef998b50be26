"""What an outside agency's system tells: one of the moves that are its to make
(docs/transfer-messages.md)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.people import persons
from portal.people.locks import lock_subject
from portal.people.models import Person
from portal.shared import names
from portal.shared.insurance import Insurance
from portal.shared.months import today_in_china
from transfers import information, relation, releasing, steps
from transfers.agencies import of_city
from transfers.machine import Status
from transfers.models import Direction, Message, OutsideAgency, Transfer, Way


class Refused(Exception):
    """The message cannot be followed; ``mistakes`` are (field, why), in Chinese, "" for the
    whole."""

    def __init__(self, *mistakes: tuple[str, str]) -> None:
        super().__init__("; ".join(why for _field, why in mistakes))
        self.mistakes = list(mistakes)


def follow(agency: OutsideAgency, told: Mapping[str, Any], *, by: User, now: datetime) -> Transfer:
    """Do what the agency tells, and keep the message; in one transaction.

    ``told``: ``kind``, ``transfer`` (its number) or, with a letter that begins one, ``person``,
    ``insurance`` and ``city``; ``information`` with a release, ``note`` with what is returned.
    Raises Refused, with nothing done.
    """
    kind = Status(told["kind"])
    try:
        with transaction.atomic():
            if kind == Status.LETTER_SENT:
                transfer = _letter(agency, told, by=by, now=now)
            else:
                transfer = _step(agency, kind, told, by=by, now=now)
            Message.objects.create(
                agency=agency, transfer=transfer, way=Way.IN, kind=kind, body=dict(told), at=now
            )
            return transfer
    except steps.CannotStep as why:
        raise Refused(*(("", str(one)) for one in why.whys)) from why
    except information.Unfit as unfit:
        raise Refused(*((f"information.{field}", why) for field, why in unfit.mistakes)) from unfit


def _letter(agency: OutsideAgency, told: Mapping[str, Any], *, by: User, now: datetime) -> Transfer:
    """The letter for a transfer that the person applied for here, or else one that the letter
    begins."""
    insurance, city = Insurance(told["insurance"]), str(told["city"])
    person = persons.find(told["person"]["identity_number"])
    if person is None or not names.agree(person.name, told["person"]["name"]):
        raise Refused(("person", _("没有姓名与身份证号码相符的参保人，请核对。")))
    lock_subject(person.identity_number)
    transfer = Transfer.objects.filter(
        person=person,
        insurance=insurance,
        from_city=city,
        outside=agency,
        status__in=[Status.APPLIED, Status.ACCEPTED],
    ).first()
    if transfer is None:
        transfer = _begun(agency, person, insurance, city, by=by, now=now)
    if transfer.status == Status.APPLIED:
        transfer = steps.accept(transfer, by=by, now=now)
    return steps.send_letter(transfer, by=by, now=now)


def _begun(
    agency: OutsideAgency, person: Person, insurance: Insurance, city: str, *, by: User, now: datetime
) -> Transfer:
    there = agency.place
    found = relation.read(
        person, insurance=insurance, from_city=city, to_city="", to_place=there.title, now=now
    )
    whys = [bar.why for bar in relation.barriers(found)]
    if whys:
        raise Refused(*(("", why) for why in whys))
    return steps.apply(
        person=person,
        insurance=insurance,
        old=of_city(city),
        new=there,
        direction=Direction.OUT,
        case=None,
        by=by,
        now=now,
    )


def _step(
    agency: OutsideAgency, kind: Status, told: Mapping[str, Any], *, by: User, now: datetime
) -> Transfer:
    transfer = (
        Transfer.objects.filter(number=told.get("transfer", ""), outside=agency)
        .select_related("person")
        .first()
    )
    if transfer is None:
        raise Refused(("transfer", _("没有这份转移。")))
    match kind:
        case Status.RELEASED:
            if transfer.status == Status.RETURNED:
                transfer = steps.put_right(transfer, by=by, now=now)
            form = information.checked(told["information"], transfer, on=today_in_china(now))
            return releasing.release(transfer, by=by, now=now, told=form)
        case Status.RECEIVED:
            return steps.receive(transfer, by=by, now=now)
        case Status.MERGED:
            return steps.merge(transfer, by=by, now=now)
        case Status.RETURNED:
            return steps.send_back(transfer, reason=str(told.get("note", "")), by=by, now=now)
    raise Refused(("kind", _("这一步不由对方机构办理。")))
