"""What a payment channel is. The hall asks; the channel signs, verifies and speaks the provider's language."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Outcome(StrEnum):
    """What a provider says of a payment or a refund. UNKNOWN is not a failure: nothing is paid again before it is known."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    PENDING = "pending"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A payment that is asked for: our number (unique for ever), the sum in fen, what it is for, until when it may be paid."""

    number: str
    amount_fen: int
    subject: str
    expires_at: dt.datetime
    # Where the provider sends its callback, and where the payer's browser comes back to.
    notify_url: str
    return_url: str
    # What the channel asks of the payer (a bank card: account, holder, identity number, phone).
    payer: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Started:
    """How the payer goes on: to a page of the provider, by a QR code, or with a code from a text message."""

    redirect_url: str = ""
    qr_text: str = ""
    needs_code: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider says of a payment or refund: the sum in fen and its own number where it succeeded, why where it failed."""

    number: str
    outcome: Outcome
    amount_fen: int | None = None
    provider_number: str = ""
    at: dt.datetime | None = None
    why: str = ""


class Forged(Exception):
    """A callback whose signature is missing or does not verify, or whose time lies too far away."""


class Unreachable(Exception):
    """The provider did not answer, or not understandably: the outcome is unknown and must be asked."""


class Channel(Protocol):
    """One provider. Every call may be made twice; ``number`` makes it the same payment."""

    code: str
    title: str

    def start(self, wanted: Wanted) -> Started:
        """Announces the payment. Raises Unreachable."""

    def confirm(self, number: str, code: str) -> Answer:
        """Completes a payment that needs a code from a text message. Raises Unreachable."""

    def ask(self, number: str) -> Answer:
        """What became of a payment; FAILED where the provider does not know it. Raises Unreachable."""

    def close(self, number: str) -> Answer:
        """Ends a payment that was not made; the answer tells if it was made after all. Raises Unreachable."""

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer in a callback whose signature verifies. Raises Forged."""

    def callback_reply(self, ok: bool) -> tuple[int, str, bytes]:
        """Status, content type and body that the provider takes for received, or for not."""

    def refund(self, *, number: str, refund_number: str, amount_fen: int, total_fen: int, why: str) -> Answer:
        """Gives money back to the account that paid. Raises Unreachable."""

    def ask_refund(self, *, number: str, refund_number: str) -> Answer:
        """What became of a refund. Raises Unreachable."""
