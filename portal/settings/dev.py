"""A developer's machine and the demo: everything real, on loopback, with demo data and messages on
a page."""

from .base import *

DEMO = True
ALLOWED_HOSTS = ALLOWED_HOSTS or ["127.0.0.1", "localhost", "[::1]"]
TEXT_MESSAGE_BACKEND = TEXT_MESSAGE_BACKEND or "portal.accounts.messages.OutboxPage"

# script/server starts the gateway that stands in for the providers, and says where.
STAND_IN_GATEWAY_URL = os.environ.get("STAND_IN_GATEWAY_URL", "").rstrip("/")
if STAND_IN_GATEWAY_URL:
    PAYMENT_CHANNELS = payment.of_stand_in(STAND_IN_GATEWAY_URL, CHANNEL_KEYS_DIR)

# So it does with the provider of face checks that stands in.
FACE_CHECK = FACE_CHECK or ("portal.accounts.faces.RemoteCheck" if FACE_CHECK_URL else "")
