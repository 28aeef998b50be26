"""The bench walks the real road and leaves the database as it was; nothing here asserts a time."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from contributions.models import Assessment, Charge, DebitAgreement, DebitBatch
from portal.accounts.models import Kind, Notice, User
from portal.people.models import Employer, Person
from tests.cast import Cast

pytestmark = pytest.mark.django_db(transaction=True)


def exclusions() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'x' ORDER BY 1")
        return [row[0] for row in cursor.fetchall()]


def test_months_are_measured_one_after_the_other_and_nothing_is_left(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = exclusions()
    call_command("bench", "month", "--people", "30", "--rounds", "2", "--json")
    answer = json.loads(capsys.readouterr().out)
    assert answer["people"] == 30
    assert all(len(figures) in (1, 2) and min(figures) > 0 for figures in answer["measured"].values())
    assert [one["ours"].split(":")[0] for one in answer["compared"]] == [
        "charges",
        "results",
        "bank file",
        "whole month, people",
        "audit_ledger, everything, seconds",
        "audit_ledger --since-last, after 500 payments, seconds",
        "peak memory of the worker, MB",
    ]
    assert not Person.objects.exists()
    assert not Charge.objects.exists()
    assert not Notice.objects.exists()
    assert not User.objects.exclude(kind=Kind.SYSTEM).exists()
    assert exclusions() == before


def test_the_employers_month_is_measured_and_nothing_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    before = exclusions()
    call_command("bench", "employers", "--people", "30", "--employers", "4", "--rounds", "2", "--json")
    answer = json.loads(capsys.readouterr().out)
    measured = answer["measured"]
    assert (answer["people"], answer["employers"]) == (30, 4)
    assert all(len(figures) in (1, 2) and min(figures) > 0 for figures in measured.values())
    # The page asks the same whatever the staff.
    assert measured["large employer: queries of the page"] == measured["small employer: queries of the page"]
    assert [one["ours"].split(",")[0] for one in answer["compared"]] == [
        "charges: charging",
        "whole month",
        "large employer: assessment and statement",
        "peak memory of the worker",
    ]
    for one in (Person, Charge, Employer, Assessment, DebitAgreement, DebitBatch):
        assert not one.objects.exists()
    assert not User.objects.exclude(kind=Kind.SYSTEM).exists()
    assert exclusions() == before


@pytest.mark.parametrize("bench", ["month", "employers"])
def test_a_database_with_people_in_it_is_not_touched(cast: Cast, bench: str) -> None:
    known = cast.wang_fang
    with pytest.raises(CommandError, match="script/bench"):
        call_command("bench", bench, "--people", "30", "--rounds", "1")
    assert Person.objects.get() == known
