"""Messages to an outside agency's system: one for every move of a transfer with it, in the
transaction of the move, except for the agency's own moves. docs/transfer-messages.md describes
them.
"""

from typing import Any

from portal import locks
from transfers.machine import Status
from transfers.models import Message, OutsideAgency, Transfer, TransferEvent, Way

VERSION = 1


def tell(transfer: Transfer, event: TransferEvent) -> None:
    """Writes the message of a move, in its transaction. Writes nothing where the agency has no
    system, or that system made the move."""
    agency = transfer.outside
    if agency is None or agency.partner is None or event.by_id == agency.partner.user_id:
        return
    # The lock lets ids become readable in their order, so that a reader who goes on from the last
    # id misses none.
    locks.hold("messages", agency.pk)
    Message.objects.create(
        agency=agency,
        transfer=transfer,
        way=Way.OUT,
        kind=event.to_status,
        body=_body(transfer, event),
        at=event.at,
        event=event,
    )


def unread(agency: OutsideAgency, *, after: int, limit: int) -> list[Message]:
    """The agency's messages after an id, oldest first."""
    return list(
        Message.objects.filter(agency=agency, way=Way.OUT, pk__gt=after)
        .select_related("transfer")
        .order_by("pk")[:limit]
    )


def _body(transfer: Transfer, event: TransferEvent) -> dict[str, Any]:
    person = transfer.person
    released = event.to_status == Status.RELEASED
    return {
        "version": VERSION,
        "kind": event.to_status,
        "transfer": transfer.number,
        "insurance": transfer.insurance,
        "person": {"identity_number": person.identity_number, "name": person.name},
        "from": transfer.from_place,
        "to": transfer.to_place,
        "note": event.note,
        "due_on": event.due_on.isoformat() if event.due_on else None,
        "information": transfer.information if released else None,
        "documents": [
            {
                "title": one.certificate.title,
                "serial_number": one.certificate.serial_number,
                "code": one.certificate.code,
            }
            for one in transfer.documents.select_related("certificate").order_by("pk")
        ],
    }
