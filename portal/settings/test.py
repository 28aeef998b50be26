"""Tests: like the demo, on a database of their own."""

import tempfile

from .base import *

DEMO = True
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
TEXT_MESSAGE_BACKEND = "portal.accounts.messages.OutboxPage"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}

_scratch = Path(tempfile.mkdtemp(prefix="hall-test-"))
BANK_EXCHANGE_DIR = _scratch / "exchange"
STORAGES["documents"]["OPTIONS"] = {"location": _scratch / "documents"}
STORAGES["default"]["OPTIONS"] = {"location": _scratch / "uploads"}

# The providers stand still in most tests; tests/gateway.py starts the gateway that stands in for those that pay.
CHANNEL_KEYS_DIR = _scratch / "channels"
PAYMENT_TIMEOUTS = (2.0, 2.0)
