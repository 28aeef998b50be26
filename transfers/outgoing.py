"""What an outside agency's system is told: every move of a transfer with it, once, in the
transaction of the move, unless it made the move itself. The messages are written down in
docs/transfer-messages.md.
"""

from typing import Any

from portal import locks
from transfers.machine import Status
from transfers.models import Message, OutsideAgency, Transfer, TransferEvent, Way

VERSION = 1


def tell(transfer: Transfer, event: TransferEvent) -> None:
    """Write the message of a move, in its transaction. Nothing where no system is on the other
    side, or it moved itself."""
    agency = transfer.outside
    if agency is None or agency.partner is None or event.by_id == agency.partner.user_id:
        return
    # Ids become readable in their order: whoever reads on from one misses none.
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
    """The agency's messages behind an id, oldest first."""
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
