"""Finding a person by their number, and opening the file of someone new."""

from portal.people.models import Person
from portal.people.papers import Paper, of_number
from portal.shared import names


class NamedOtherwise(Exception):
    """The person of this number has another name in the register than was stated."""


def find(identity_number: str) -> Person | None:
    """The person of this number, if the agency knows one."""
    return Person.objects.filter(identity_number=identity_number).first()


def record(
    *,
    identity_number: str = "",
    paper: Paper | None = None,
    name: str,
    phone: str = "",
    household_code: str = "",
) -> Person:
    """The person of this paper, made where there is none. An existing file stays as it is; only a
    missing phone is filled in.

    ``paper`` is needed where the number has not 18 digits; otherwise ``identity_number``, valid and
    in its normal form, says sex and birth date. Raises NamedOtherwise where the file has another
    name.
    """
    paper = paper or of_number(identity_number)
    person, _made = Person.objects.get_or_create(
        identity_number=paper.identity_number,
        defaults={**paper.columns, "name": name, "phone": phone, "household_code": household_code},
    )
    if not names.agree(person.name, name):
        raise NamedOtherwise
    if phone and not person.phone:
        person.phone = phone
        person.save(update_fields=["phone"])
    return person
