"""Opening a personal account, real-name: number, name and phone must agree with what the agency and the registers know."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from portal.accounts import messages
from portal.accounts.models import Kind, User
from portal.people.models import Person
from portal.registers.household import household_register
from portal.shared import identity, names


class NotTheSamePerson(Exception):
    """Number, name and phone do not belong together by what is on record."""


class PhoneTaken(Exception):
    """Another personal account logs in with this phone."""


def register_person(*, identity_number: str, name: str, phone: str, password: str, now: datetime) -> None:
    """Open an account for the person, whose phone has been proved by a code; a new person gets their file.

    Where the person has an account nothing changes and nothing is raised; its owner is told by text message. The name must
    agree with the agency's file and the household register where they have one, the phone with the file's. Raises
    NotTheSamePerson, PhoneTaken.
    """
    household = household_register().find(identity_number)
    if household and not names.agree(household.name, name):
        raise NotTheSamePerson
    try:
        with transaction.atomic():
            existing = _open_account(identity_number, name, phone, password)
    except IntegrityError as clash:
        # The same form twice at once: the first has opened the account. Else the phone went to someone else meanwhile.
        existing = User.objects.filter(kind=Kind.PERSON, person__identity_number=identity_number).first()
        if existing is None:
            raise PhoneTaken from clash
    if existing and existing.phone:
        text = _(
            "【社保网上办事大厅】有人用您的身份证号码申请注册。您已有账号，密码未改变。如非本人操作，请拨打 12333。"
        )
        messages.send(phone=existing.phone, text=text, now=now)


def _open_account(identity_number: str, name: str, phone: str, password: str) -> User | None:
    """Open the account; or the one that the person has, unchanged."""
    stated = identity.parse(identity_number)
    person, _made = Person.objects.select_for_update().get_or_create(
        identity_number=stated.number,
        defaults={"name": name, "sex": str(stated.sex), "birth_date": stated.birth_date, "phone": phone},
    )
    if not names.agree(person.name, name) or (person.phone and person.phone != phone):
        raise NotTheSamePerson
    if User.objects.filter(kind=Kind.PERSON, phone=phone).exclude(person=person).exists():
        raise PhoneTaken
    existing = User.objects.filter(kind=Kind.PERSON, person=person).first()
    if existing:
        # As long as for a new account, so that the delay does not tell.
        User().set_password(password)
        return existing
    User.objects.create_person(person, password=password, phone=phone)
    if not person.phone:
        person.phone = phone
        person.save(update_fields=["phone"])
    return None
