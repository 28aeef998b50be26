"""A ward has two places for guardians, each held by one at a time; a minor's guardianship ends when
they come of age; and the registers say who is whose parent."""

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from portal.columns import broken_constraint
from portal.people import guardianship
from portal.people.models import Guardianship, Person, Proof, Relation, wards_of
from portal.registers.models import BirthRecord, HouseholdRecord
from portal.registers.parentage import Source, parentage
from tests.cast import NANSHAN, NOW, WUCHANG, Cast, person

pytestmark = pytest.mark.django_db

TODAY = NOW.date()
CERTIFICATE = "Q440000123"


@pytest.fixture
def child(cast: Cast) -> Person:
    return person("陈小雨", NANSHAN, "2015-03-08", 22)


def begun(guardian: Person, ward: Person, **more: Any) -> Guardianship:
    values = {"relation": Relation.PARENT, "proof_kind": Proof.HOUSEHOLD, "proof": "户口簿", "start": TODAY}
    return guardianship.begin(guardian=guardian, ward=ward, on=TODAY, **{**values, **more})


def row(guardian: Person, ward: Person, **more: Any) -> None:
    values = {"relation": "parent", "proof_kind": "household", "proof": "户口簿", "start": TODAY, "place": 1}
    with transaction.atomic():
        Guardianship.objects.create(
            guardian=guardian, ward=ward, **{"ends_on": dt.date(2033, 3, 8), **values, **more}
        )


def test_two_places_and_no_third(cast: Cast, child: Person) -> None:
    first, second = begun(cast.chen_jing, child), begun(cast.liu_yang, child)
    assert (first.place, second.place) == (1, 2)
    assert first.ends_on == second.ends_on == dt.date(2033, 3, 8)
    with pytest.raises(guardianship.NoPlace):
        begun(cast.zhang_min, child)
    with pytest.raises(guardianship.IsGuardian):
        begun(cast.chen_jing, child)


def test_a_place_is_free_from_the_day_on_which_it_ends(cast: Cast, child: Person) -> None:
    first = begun(cast.chen_jing, child)
    begun(cast.liu_yang, child)
    Guardianship.objects.filter(pk=first.pk).update(ends_on=dt.date(2026, 12, 1))
    with pytest.raises(guardianship.NoPlace):
        begun(cast.zhang_min, child, start=dt.date(2026, 11, 30))
    assert begun(cast.zhang_min, child, start=dt.date(2026, 12, 1)).place == 1


@pytest.mark.parametrize(
    ("wrong", "constraint"),
    [
        ({"place": 1}, "one_guardian_in_a_place"),
        ({"place": 3}, "guardianship_place_known"),
        ({"place": 2, "ends_on": None}, "guardianship_of_a_minor_ends"),
        ({"place": 2, "proof_kind": "told"}, "guardianship_proof_known"),
    ],
)
def test_the_database_keeps_it(cast: Cast, child: Person, wrong: dict[str, Any], constraint: str) -> None:
    row(cast.chen_jing, child)
    with pytest.raises(IntegrityError) as refused:
        row(cast.liu_yang, child, **wrong)
    assert broken_constraint(refused.value) == constraint


def test_nobody_holds_both_places(cast: Cast, child: Person) -> None:
    row(cast.chen_jing, child)
    with pytest.raises(IntegrityError) as refused:
        row(cast.chen_jing, child, place=2, start=TODAY + dt.timedelta(days=1))
    assert broken_constraint(refused.value) == "a_guardian_has_one_place"


def test_it_ends_on_the_eighteenth_birthday(cast: Cast) -> None:
    grown = person("陈大山", NANSHAN, "2008-12-01", 31)
    assert begun(cast.chen_jing, grown, ends_on=dt.date(2040, 1, 1)).ends_on == dt.date(2026, 12, 1)
    assert grown in wards_of(cast.chen_jing, on=dt.date(2026, 11, 30))
    assert grown not in wards_of(cast.chen_jing, on=dt.date(2026, 12, 1))


def test_of_an_adult_without_capacity_it_goes_on(cast: Cast) -> None:
    one = begun(cast.chen_jing, cast.li_qiang, proof_kind=Proof.INCAPACITY, relation=Relation.SPOUSE)
    assert one.ends_on is None


# Who is whose parent


def entered(child: Person, *, book: str = "4403050017", **parents: str) -> None:
    HouseholdRecord.objects.create(
        identity_number=child.identity_number,
        name=child.name,
        place_code=NANSHAN,
        book_number=book,
        **parents,
    )


def test_the_same_household_book_shows_the_mother(cast: Cast, child: Person) -> None:
    entered(child, mother_number=cast.chen_jing.identity_number)
    entered(cast.chen_jing)
    asked = {"child": child.identity_number, "adult": cast.chen_jing.identity_number}
    assert parentage(**asked).source == Source.HOUSEHOLD
    assert parentage(child=child.identity_number, adult=cast.liu_yang.identity_number).source is None
    HouseholdRecord.objects.filter(name=cast.chen_jing.name).update(book_number="4403050099")
    assert parentage(**asked).source is None, "named as the mother, but in another book"


def test_a_member_of_the_book_who_is_no_parent_is_not_one(cast: Cast, child: Person) -> None:
    entered(child)
    entered(cast.zhang_min)
    assert parentage(child=child.identity_number, adult=cast.zhang_min.identity_number).source is None


def test_the_birth_certificate_shows_the_father_in_another_book(cast: Cast, child: Person) -> None:
    entered(child, mother_number=cast.chen_jing.identity_number)
    entered(cast.liu_yang, book="4301020001")
    BirthRecord.objects.create(
        certificate_number=CERTIFICATE,
        identity_number=child.identity_number,
        name=child.name,
        father_number=cast.liu_yang.identity_number,
    )
    father = {"child": child.identity_number, "adult": cast.liu_yang.identity_number}
    assert parentage(**father, certificate=CERTIFICATE).source == Source.BIRTH
    assert parentage(**father, certificate="Q440000124").source is None
    other = person("周小满", WUCHANG, "2016-01-02", 44)
    assert (
        parentage(
            child=other.identity_number, adult=cast.liu_yang.identity_number, certificate=CERTIFICATE
        ).source
        is None
    ), "of another child"
