"""Tests: like the demo, on a database of their own."""

import tempfile
from urllib.parse import urlsplit

from .base import *

DEMO = True
DATABASE_IS_THROWN_AWAY = True
# Tests make and empty databases; those of the app's role take it on themselves (tests/roles.py).
if DATABASE_OWNER:
    DATABASES["default"]["USER"] = DATABASE_OWNER["USER"]
    DATABASES["default"]["PASSWORD"] = DATABASE_OWNER["PASSWORD"]
# Tests stand at a time of their own.
CLOCK_LEAP = None
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
TEXT_MESSAGE_BACKEND = "portal.accounts.messages.OutboxPage"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}

# Processes that test at the same time (pytest-xdist's gw0, gw1 …) have a Redis database each, as
# they have a PostgreSQL one.
_process = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
if _process:
    REDIS_URL = urlsplit(REDIS_URL)._replace(path=f"/{1 + int(_process)}").geturl()
    CACHES["default"]["LOCATION"] = CELERY_BROKER_URL = REDIS_URL

_scratch = Path(tempfile.mkdtemp(prefix="hall-test-"))
BANK_EXCHANGE_DIR = _scratch / "exchange"
STORAGES["documents"]["OPTIONS"] = {"location": _scratch / "documents"}
STORAGES["default"]["OPTIONS"] = {"location": _scratch / "uploads"}
# Processes that test side by side do not wait for one another.
ROOM_FOR_FILES = Room(_scratch / "apart")

# The providers stand still in most tests; tests/gateway.py starts the gateway that stands in for
# those that pay.
CHANNEL_KEYS_DIR = _scratch / "channels"
PAYMENT_TIMEOUTS = (2.0, 2.0)
