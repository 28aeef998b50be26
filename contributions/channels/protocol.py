"""What a payment channel is. The hall asks; the channel signs, verifies and speaks the provider's
language."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Outcome(StrEnum):
    """What a provider says of a payment or a refund. UNKNOWN is not a failure: nothing is paid
    again before it is known."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    PENDING = "pending"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A payment that is asked for: our number, the sum in fen, what it is for, until when it may be
    paid.

    The number is unique for ever: 6 to 32 letters and digits, which every provider takes.
    """

    number: str
    amount_fen: int
    subject: str
    expires_at: dt.datetime
    # Where the provider sends its callback, and where the payer's browser comes back to.
    notify_url: str
    return_url: str
    # What the channel asks of the payer (a bank card: card_number, holder, identity_number, phone).
    payer: Mapping[str, str] = field(default_factory=dict)
    # Whether the payer is on a phone, where the provider's own app takes over, and from which
    # address they come.
    on_phone: bool = False
    payer_ip: str = ""


@dataclass(frozen=True, slots=True)
class Started:
    """How the payer goes on: to a page of the provider, by a QR code, or with a code from a text
    message.

    A page is offered as a link: a redirect in answer to a form is stopped by the hall's own content
    security policy.
    """

    redirect_url: str = ""
    qr_text: str = ""
    needs_code: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider says of a payment or refund: the sum in fen and its own number where it
    succeeded.

    ``why`` tells the payer in Chinese why it failed, or what is still to be done (a code that was
    wrong may be typed again).
    """

    number: str
    outcome: Outcome
    amount_fen: int | None = None
    provider_number: str = ""
    at: dt.datetime | None = None
    why: str = ""


class Forged(Exception):
    """A callback whose signature is missing or does not verify, or whose time lies too far away."""


class Refused(Exception):
    """The provider, or the channel on its behalf, does not take this payment: no money moves. The
    message is for the payer.

    ``field`` names the entry of ``Wanted.payer`` that is wrong, where it is one.
    """

    def __init__(self, why: str, field: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.field = field


class Unreachable(Exception):
    """The provider did not answer, or not understandably: the outcome is unknown and must be
    asked."""


class Channel(Protocol):
    """One provider. Every call may be made twice; ``number`` makes it the same payment."""

    code: str
    title: str

    def start(self, wanted: Wanted) -> Started:
        """Announces the payment. Raises Refused, Unreachable."""

    def confirm(self, number: str, code: str) -> Answer:
        """Completes a payment that needs a code from a text message; PENDING where the code was
        wrong and may be typed again.

        Raises Unreachable.
        """

    def ask(self, number: str) -> Answer:
        """What became of a payment. FAILED only where no money came and none can come any more: the
        provider has closed it, or has never heard of it though it was announced there. Raises
        Unreachable."""

    def close(self, number: str) -> Answer:
        """Ends a payment that was not made; the answer tells if it was made after all. Raises
        Unreachable."""

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer in a callback whose signature verifies. Raises Forged."""

    def callback_reply(self, ok: bool) -> tuple[int, str, bytes]:
        """Status, content type and body that the provider takes for received, or for not."""

    def refund(self, *, number: str, refund_number: str, amount_fen: int, total_fen: int, why: str) -> Answer:
        """Gives money back to the account that paid. With the same ``refund_number`` it is the same
        refund, so that one whose outcome is PENDING or UNKNOWN may be sent again. Raises
        Unreachable."""

    def ask_refund(self, *, number: str, refund_number: str) -> Answer:
        """What became of a refund; FAILED where the provider does not know it. Raises
        Unreachable."""
