"""Messages from an outside agency's system: each makes one of the agency's moves
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
    """The message is refused; ``mistakes`` are (field, why), in Chinese; the field is "" for the
    whole message."""

    def __init__(self, *mistakes: tuple[str, str]) -> None:
        super().__init__("; ".join(why for _field, why in mistakes))
        self.mistakes = list(mistakes)


def follow(agency: OutsideAgency, message: Mapping[str, Any], *, by: User, now: datetime) -> Transfer:
    """Makes the move that the agency's message asks for and stores the message, in one transaction.

    ``message``: ``kind``; ``transfer`` (its number), or ``person``, ``insurance`` and ``city`` with
    a letter; ``information`` with a release; ``note`` with a return. Raises Refused, with nothing
    written.
    """
    kind = Status(message["kind"])
    try:
        with transaction.atomic():
            if kind == Status.LETTER_SENT:
                transfer = _letter(agency, message, by=by, now=now)
            else:
                transfer = _step(agency, kind, message, by=by, now=now)
            Message.objects.create(
                agency=agency, transfer=transfer, way=Way.IN, kind=kind, body=dict(message), at=now
            )
            return transfer
    except steps.CannotStep as why:
        raise Refused(*(("", str(one)) for one in why.whys)) from why
    except information.Unfit as unfit:
        raise Refused(*((f"information.{field}", why) for field, why in unfit.mistakes)) from unfit


def _letter(agency: OutsideAgency, message: Mapping[str, Any], *, by: User, now: datetime) -> Transfer:
    """Records the agency's letter for the transfer that the person applied for here, or begins one
    where there is none."""
    insurance, city = Insurance(message["insurance"]), str(message["city"])
    person = persons.find(message["person"]["identity_number"])
    if person is None or not names.agree(person.name, message["person"]["name"]):
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
    agency_place = agency.place
    current_relation = relation.read(
        person, insurance=insurance, from_city=city, to_city="", to_place=agency_place.title, now=now
    )
    whys = [bar.why for bar in relation.barriers(current_relation)]
    if whys:
        raise Refused(*(("", why) for why in whys))
    return steps.apply(
        person=person,
        insurance=insurance,
        old=of_city(city),
        new=agency_place,
        direction=Direction.OUT,
        case=None,
        by=by,
        now=now,
    )


def _step(
    agency: OutsideAgency, kind: Status, message: Mapping[str, Any], *, by: User, now: datetime
) -> Transfer:
    transfer = (
        Transfer.objects.filter(number=message.get("transfer", ""), outside=agency)
        .select_related("person")
        .first()
    )
    if transfer is None:
        raise Refused(("transfer", _("没有这份转移。")))
    match kind:
        case Status.RELEASED:
            if transfer.status == Status.RETURNED:
                transfer = steps.put_right(transfer, by=by, now=now)
            form = information.checked(message["information"], transfer, on=today_in_china(now))
            return releasing.release(transfer, by=by, now=now, told=form)
        case Status.RECEIVED:
            return steps.receive(transfer, by=by, now=now)
        case Status.MERGED:
            return steps.merge(transfer, by=by, now=now)
        case Status.RETURNED:
            return steps.send_back(transfer, reason=str(message.get("note", "")), by=by, now=now)
    raise Refused(("kind", _("这一步不由对方机构办理。")))
