"""Who asks a program of `script/` how it is used is told, and nothing is begun."""

import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "script"


def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPTS / name, *arguments], capture_output=True, text=True, timeout=20, check=False
    )


@pytest.mark.parametrize("asked", ["--help", "-h"])
@pytest.mark.parametrize(
    ("name", "word"), [("server", "PORT"), ("test", "only pytest"), ("bootstrap", "--test")]
)
def test_how_it_is_used_is_told(name: str, word: str, asked: str) -> None:
    told = run(name, asked)
    assert told.returncode == 0
    assert word in told.stdout
    assert not told.stderr


def test_an_argument_that_means_nothing_is_refused() -> None:
    told = run("server", "8080")
    assert told.returncode == 1
    assert "script/server --help" in told.stderr


def test_what_is_to_be_made_is_asked_for() -> None:
    told = run("new")
    assert told.returncode == 2
    assert "script/new service CODE" in told.stderr
