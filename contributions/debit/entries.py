"""How the ledger's entries of a debit are known: those of the bank's answer, and those of lines
that staff settled."""

from contributions.models import DebitBatch, SettlementStatus, SettlementWay

POSTED = "debit"
SETTLED = "settlement"


def posted_reference(batch: DebitBatch, chunk_number: int) -> str:
    return f"{batch.number}/{chunk_number}"


def settled_reference(batch: DebitBatch, settlement_id: int) -> str:
    return f"{batch.number}/{settlement_id}"


def posted_references(batch: DebitBatch) -> list[str]:
    """Of the entries of kind ``POSTED`` that the batch's answer books."""
    return [posted_reference(batch, number) for number in batch.chunks.values_list("number", flat=True)]


def settled_references(batch: DebitBatch) -> list[str]:
    """Of the entries of kind ``SETTLED`` that the batch's approved settlements booked."""
    booked = batch.settlements.filter(way=SettlementWay.PAID, status=SettlementStatus.APPROVED)
    return [settled_reference(batch, pk) for pk in booked.values_list("pk", flat=True)]
