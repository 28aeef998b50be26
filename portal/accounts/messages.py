"""Text messages, through whichever class the setting TEXT_MESSAGE_BACKEND names."""

from datetime import datetime
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from portal.accounts.models import OutboxMessage


class MessageNotSent(Exception):
    """The provider did not take the message."""


class TextMessages(Protocol):
    def send(self, *, phone: str, text: str, now: datetime) -> None:
        """Hand the text over for delivery. Raises MessageNotSent. Called outside transactions: it
        may take time."""


class OutboxPage:
    """Shows messages on the demo's page of text messages instead of sending them."""

    def send(self, *, phone: str, text: str, now: datetime) -> None:
        OutboxMessage.objects.create(phone=phone, text=text, sent_at=now)


def send(*, phone: str, text: str, now: datetime) -> None:
    """Send a text message. Raises MessageNotSent."""
    backend: TextMessages = import_string(settings.TEXT_MESSAGE_BACKEND)()
    backend.send(phone=phone, text=text, now=now)
