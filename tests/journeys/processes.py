"""The processes beside the pages: a Celery worker and the bank's stand-in, on the test's own
database, Redis and folder."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.db import connection

from tests import roles

ROOT = Path(__file__).resolve().parents[2]


def environment(scratch: Path) -> dict[str, str]:
    """What the demo's settings read, pointing at the test's own services; they work as the app's
    role, where there is one."""
    to = {**connection.settings_dict, **(roles.login() if settings.DATABASE_APP_ROLE else {})}
    login = quote(str(to["USER"])) + (f":{quote(str(to['PASSWORD']))}" if to["PASSWORD"] else "")
    place = f"{login}@{to['HOST'] or 'localhost'}:{to['PORT'] or 5432}/{to['NAME']}"
    return {
        **{name: value for name, value in os.environ.items() if name != "DATABASE_OWNER_URL"},
        "DATABASE_URL": f"postgres://{place}",
        "REDIS_URL": settings.REDIS_URL,
        "DJANGO_SETTINGS_MODULE": "portal.settings.dev",
        "HALL_DATA_DIR": str(scratch),
        "BANK_EXCHANGE_DIR": str(settings.BANK_EXCHANGE_DIR),
        "SECRET_KEY": settings.SECRET_KEY,
    }


@contextmanager
def running(*command: str, env: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Keeps a process of the project running; it is ended with the block. Where the block fails,
    what it said is told."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=ROOT, env=env, stdout=out, stderr=subprocess.STDOUT
        )
        try:
            yield process
        except BaseException:
            sys.stdout.write(f"{' '.join(command)} said:\n{log.read_text()[-4000:]}")
            raise
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def until(true: Callable[[], object], what: str, *, seconds: float = 40) -> None:
    """Waits for something that another process does."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"{what}: not within {seconds} seconds"
        time.sleep(0.2)
