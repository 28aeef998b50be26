"""Finding a person by their number, and opening the file of someone new."""

from portal.people.models import Person
from portal.shared import identity, names


class NamedOtherwise(Exception):
    """The person of this number has another name in the register than was stated."""


def find(identity_number: str) -> Person | None:
    """The person of this number, if the agency knows one."""
    return Person.objects.filter(identity_number=identity_number).first()


def record(*, identity_number: str, name: str, phone: str = "", household_code: str = "") -> Person:
    """The person of this number, made where there is none; what is already known stays as it is, what is not is filled in.

    ``identity_number`` is valid and in its normal form; sex and birth date are read from it. Raises NamedOtherwise: nobody's
    file is opened or used under another name.
    """
    number = identity.parse(identity_number)
    person, _made = Person.objects.get_or_create(
        identity_number=number.number,
        defaults={
            "name": name,
            "sex": number.sex,
            "birth_date": number.birth_date,
            "phone": phone,
            "household_code": household_code,
        },
    )
    if not names.agree(person.name, name):
        raise NamedOtherwise
    if phone and not person.phone:
        person.phone = phone
        person.save(update_fields=["phone"])
    return person
