"""The journeys' ground: a real browser before the real hall, on its own database, Redis and
folders.

What a journey needs beside the pages (a worker, the bank) it starts itself. A journey that fails
leaves a picture and the source of every page that was open in ``<data folder>/journeys``, and says
so.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Playwright, ViewportSize, sync_playwright

from certificates import development_authority
from contributions.charges import charging
from portal.accounts.models import User
from portal.shared.months import Month, month_in_china, month_span
from tests.journeys.visitor import Visitor

# Playwright runs an event loop in this thread; the database is used beside it, never inside.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

BACKENDS = {
    "person": "portal.accounts.doors.PersonDoor",
    "clerk": "portal.accounts.doors.EmployerDoor",
    "staff": "portal.accounts.doors.StaffDoor",
}
DESK: ViewportSize = {"width": 1200, "height": 900}
PHONE: ViewportSize = {"width": 360, "height": 740}

# Makes a visitor: ``visitor()``, or ``visitor(user)`` for one who has come in already.
Visitors = Callable[..., Visitor]

# A page that has to be scrolled sideways says so, and the visitor hears it.
TOO_WIDE = """addEventListener("load", () => {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth > clientWidth) console.error(`${location.pathname} is ${scrollWidth} wide on a screen of ${clientWidth}`);
})"""

VISITORS = pytest.StashKey[list[Visitor]]()


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """One Chromium for all journeys. Its build without a window draws the same in two thirds of the
    time."""
    switches = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]
    program = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    started = playwright.chromium.launch(executable_path=program, args=switches)
    yield started
    started.close()


@pytest.fixture
def hall(live_server: Any, settings: Any) -> Iterator[str]:
    """The address of the hall, which runs on the test's own database and Redis, both empty."""
    settings.PUBLIC_URL = live_server.url
    cache.clear()
    yield live_server.url
    cache.clear()


@pytest.fixture(scope="session")
def seal_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("seals")


def charged(city: str, first: Month, until: Month) -> None:
    """What the city's months in [first, until) owe."""
    for month in month_span(first, until):
        charging.charge(city=city, month=month, by=User.objects.system(), now=timezone.now())


@pytest.fixture
def this() -> Month:
    """The month that the hall's processes have: theirs is the real clock."""
    return month_in_china(timezone.now())


@pytest.fixture
def seals(settings: Any, seal_folder: Path) -> None:
    """The agencies' development seals, made when first needed."""
    settings.SEAL_DIR = seal_folder
    development_authority.make_development_ca(
        cities=development_authority.development_cities(), now=timezone.now()
    )


@pytest.fixture
def visitor(request: pytest.FixtureRequest, browser: Browser, hall: str) -> Iterator[Callable[..., Visitor]]:
    """Makes visitors, each before a browser of their own; ``as_user`` has come in through the door
    already."""
    visitors = request.node.stash.setdefault(VISITORS, [])

    def make(as_user: User | None = None, *, size: ViewportSize = DESK, **more: Any) -> Visitor:
        context = browser.new_context(
            base_url=hall,
            viewport=size,
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            reduced_motion="reduce",
            **more,
        )
        context.set_default_timeout(10_000)
        context.add_init_script(TOO_WIDE)
        if as_user:
            door = Client()
            door.force_login(as_user, backend=BACKENDS[as_user.kind])
            [cookie] = [door.cookies["sessionid"]]
            context.add_cookies([{"name": "sessionid", "value": cookie.value, "url": hall}])
        visitors.append(Visitor(context.new_page()))
        return visitors[-1]

    yield make
    broken = [fault for one in visitors for fault in one.faults]
    for one in visitors:
        one.page.context.close()
    assert not broken, f"the browser complained: {broken}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Any:
    report = yield
    if call.when == "call" and report.failed:
        visitors: list[Visitor] = item.stash.get(VISITORS, [])
        for number, one in enumerate(visitors, 1):
            where = _keep(one, re.sub(r"\W+", "-", item.nodeid), number)
            report.sections.append((f"visitor {number} at {one.page.url}", where))
    return report


def _keep(visitor: Visitor, name: str, number: int) -> str:
    from django.conf import settings

    folder = Path(settings.DATA_DIR) / "journeys"
    folder.mkdir(parents=True, exist_ok=True)
    picture, source = folder / f"{name}-{number}.png", folder / f"{name}-{number}.html"
    try:
        visitor.page.screenshot(path=picture, full_page=True)
        source.write_text(visitor.page.content())
    except Exception as why:  # the browser may be what failed
        return f"no picture: {why}"
    return f"{picture}\n{source}"
