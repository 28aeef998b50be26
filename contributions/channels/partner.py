"""A partner as a channel: it tells by signed requests what it took, and fetches what it is to give
back; nobody calls it."""

from collections.abc import Mapping

from contributions.channels.protocol import Answer, Forged, Outcome, Refused, Started, Wanted
from portal.partners.models import Partner

PREFIX = "partner-"


class PartnerChannel:
    """What is asked of it waits until the partner tells: PENDING. Refunds wait in the list that it
    fetches."""

    def __init__(self, partner: Partner) -> None:
        self.code = partner.channel
        self.title = partner.name

    def start(self, wanted: Wanted) -> Started:
        raise Refused("请在合作方的应用中缴费。")

    def confirm(self, number: str, code: str) -> Answer:
        return Answer(number, Outcome.PENDING)

    def ask(self, number: str) -> Answer:
        return Answer(number, Outcome.PENDING)

    def close(self, number: str) -> Answer:
        return Answer(number, Outcome.PENDING)

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> Answer:
        raise Forged("partners tell by the signed API")

    def callback_reply(self, ok: bool) -> tuple[int, str, bytes]:
        return 404, "text/plain", b""

    def refund(self, *, number: str, refund_number: str, amount_fen: int, total_fen: int, why: str) -> Answer:
        return Answer(refund_number, Outcome.PENDING)

    def ask_refund(self, *, number: str, refund_number: str) -> Answer:
        return Answer(refund_number, Outcome.PENDING)
