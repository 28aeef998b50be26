"""The trial service, offered by two cities."""

import datetime as dt
import shutil
from collections.abc import Iterator

import pytest
import yaml

# Before the catalogue is replaced: a page that is first imported by then would keep the trial
# services for good.
import portal.urls  # noqa: F401
from portal.hall import catalogue
from portal.policy import book as policy
from portal.policy.book import DATA, Book, Mode, book, load_book
from tests.cast import Cast
from tests.hall.trial import Desk, Trial


@pytest.fixture(scope="session")
def trial_book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """The policy, but for its offers: Ningbo and Wuhan have the trial service in every mode, and
    nobody has another."""
    data = tmp_path_factory.mktemp("trial") / "policy"
    shutil.copytree(DATA, data)
    reference = {"title": "试办", "standing": "ours"}
    paper = {"code": "card", "title": "身份证", "kind": "scan", "upload": True, "required_when": "card"}
    original = {"code": "book", "title": "户口簿原件", "kind": "scan", "upload": False}
    offers = {
        f"trial-{mode}": {
            "title": f"试办{mode}",
            "mode": str(mode),
            "since": "2020-01-01",
            "reference": reference,
            "papers": [paper, original],
            **({} if mode == Mode.DIRECT else {"days": 5}),
        }
        for mode in Mode
    }
    for city in ("ningbo", "wuhan", "wuxi", "shenzhen"):
        offered = offers if city in ("ningbo", "wuhan") else {}
        (data / city / "offers.yaml").write_text(
            yaml.safe_dump(offered, allow_unicode=True), encoding="utf-8"
        )
        # They name services of the real city.
        for name in ("elsewhere", "questions", "everyday"):
            (data / city / f"{name}.yaml").unlink(missing_ok=True)
    (data / "national/questions.yaml").unlink()
    return load_book(data)


@pytest.fixture
def hall(cast: Cast, now: dt.datetime, trial_book: Book, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """The trial service, registered and offered in every mode by Ningbo and Wuhan, in place of all
    others."""
    kinds = {mode: type(f"Trial{mode.title()}", (Trial,), {"code": f"trial-{mode}"})() for mode in Mode}
    monkeypatch.setattr(policy, "load_book", lambda: trial_book)
    monkeypatch.setattr(catalogue, "services", lambda: {service.code: service for service in kinds.values()})
    book.cache_clear()
    yield Desk(cast, kinds, now)
    book.cache_clear()
