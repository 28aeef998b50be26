"""Opening a personal account, for whoever has proved to be that person (``proof``).

Before the proof the applicant learns nothing of what is on file. After it they learn all of it:
that there is an account already, or what prevents one.
"""

from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from portal.accounts import messages
from portal.accounts.identity_corrections import was_corrected
from portal.accounts.levels import FILES
from portal.accounts.models import Kind, User
from portal.accounts.proof import Stated
from portal.people.models import Guardianship, Person
from portal.people.persons import find
from portal.policy.book import book
from portal.policy.terms.people import account_proof_terms, working_age
from portal.registers.household import household_register
from portal.shared import names
from portal.shared.ages import has_reached
from portal.shared.months import today_in_china


class NotTheSamePerson(Exception):
    """The person is proved, but the name, or what the paper says, differs from the record: the
    window has to check."""


class PhoneTaken(Exception):
    """Another personal account logs in with this phone."""


class HasGuardian(Exception):
    """Somebody else acts for this person today."""


def lowest_age(city: str, now: datetime) -> int:
    """From which age in years on somebody opens an account alone in that city."""
    on = today_in_china(now)
    return account_proof_terms(book(), city=city, on=on).from_age or working_age(book(), on=on)


def is_old_enough(born: date, city: str, now: datetime) -> bool:
    return has_reached(born, lowest_age(city, now), on=today_in_china(now))


def check_phone(stated: Stated) -> None:
    """Raises PhoneTaken where the proved phone logs in somebody else."""
    others = User.objects.filter(kind=Kind.PERSON, phone=stated.phone)
    if stated.phone and others.exclude(person__identity_number=stated.identity_number).exists():
        raise PhoneTaken


def account_of(stated: Stated) -> User | None:
    """The account that the person has already, if there is one. Only for a proved person."""
    return User.objects.filter(kind=Kind.PERSON, person__identity_number=stated.identity_number).first()


def check_record(stated: Stated, *, now: datetime) -> None:
    """Raises HasGuardian or NotTheSamePerson where a proved person can have no account by what is
    on record."""
    person = find(stated.identity_number)
    today = today_in_china(now)
    if (
        person
        and Guardianship.objects.filter(ward=person, start__lte=today).exclude(ends_on__lte=today).exists()
    ):
        raise HasGuardian
    household = household_register().find(stated.identity_number)
    paper = stated.paper
    if person and (person.sex, person.birth_date) != (paper.sex, paper.birth_date):
        raise NotTheSamePerson
    for record in (person, household):
        if record and not names.agree(record.name, stated.name):
            raise NotTheSamePerson
    if person is None and was_corrected(stated.identity_number, stated.name):
        # The person has a file, under the right number: no second one is opened.
        raise NotTheSamePerson


def open_account(stated: Stated, *, password: str | None, now: datetime, level: int = FILES) -> User:
    """Opens the account of a proved person, at this ``level``, and a file where they have none.
    Gives the account that they have already, unchanged, where there is one.

    The phone goes into a file without one; where the file has another phone, that phone is told.
    Raises what ``check_record`` and ``check_phone`` raise.
    """
    check_record(stated, now=now)
    check_phone(stated)
    phone_on_file = ""
    try:
        with transaction.atomic():
            person, _made = Person.objects.select_for_update().get_or_create(
                identity_number=stated.identity_number,
                defaults={**stated.paper.columns, "name": stated.name, "phone": stated.phone},
            )
            account = User.objects.filter(kind=Kind.PERSON, person=person).first()
            if account:
                return account
            account = User.objects.create_person(
                person, password=password, phone=stated.phone, identity_level=level
            )
            if not person.phone:
                person.phone = stated.phone
                person.save(update_fields=["phone"])
            elif stated.phone and person.phone != stated.phone:
                phone_on_file = person.phone
    except IntegrityError as clash:
        # The same form sent twice at once: the first has opened the account. Otherwise another
        # account took the phone meanwhile.
        earlier = account_of(stated)
        if earlier is None:
            raise PhoneTaken from clash
        return earlier
    if phone_on_file:
        _tell(
            phone_on_file,
            _("有人经身份核验，用另一手机号码开通了您的个人账号。如非本人操作，请立即拨打 12333。"),
            now,
        )
    return account


def tell_owner(account: User, *, now: datetime) -> None:
    """Tells the account's phone that somebody who was proved to be its owner asked for an
    account."""
    if account.phone:
        text = _("有人用您的身份证号码申请注册。您已有账号，密码未改变。如非本人操作，请拨打 12333。")
        _tell(account.phone, text, now)


def _tell(phone: str, text: str, now: datetime) -> None:
    messages.send(phone=phone, text=_("【社保网上办事大厅】%(text)s") % {"text": text}, now=now)
