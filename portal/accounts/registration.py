"""Opening a personal account. Many people know a name and an identity number, so these are no
proof: the applicant proves to be that person in one of the ways that the city offers
(``account_proof``):

- ``phone``: a code to the phone that stands in the agency's file, or with the person's account;
- ``bank``: the whole number of an account or card on file;
- ``face``: a face check by the provider;
- ``window``: a code from the window, which has seen the identity card.

Before the proof the applicant learns nothing of what is on file. After it they learn all of it:
that there is an account already, or what prevents one.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from portal.accounts import activation, messages
from portal.accounts.codes import one_at_a_time
from portal.accounts.identity_corrections import was_corrected
from portal.accounts.models import Kind, ProofTry, User
from portal.people.models import BankAccount, Guardianship, Person
from portal.people.papers import Paper, of_number
from portal.people.persons import find
from portal.policy.book import book
from portal.policy.terms.people import working_age
from portal.registers.bank import bank_register
from portal.registers.household import household_register
from portal.shared import names
from portal.shared.ages import has_reached
from portal.shared.characters import narrow
from portal.shared.months import today_in_china

# Failed tries in a day: for one person in one way from one address; for one person in one way from
# all addresses; from one address for all people.
PER_DAY_AND_ASKER = 5
PER_DAY_AND_PERSON = 50
PER_DAY_AND_ADDRESS = 30


@dataclass(frozen=True)
class Stated:
    """Who asks for an account, as they say: the name, the number of 18, the phone that they have
    proved by a code; and the paper, where that number does not say sex and birth date."""

    name: str
    identity_number: str
    phone: str
    other_paper: Paper | None = None

    @property
    def paper(self) -> Paper:
        return self.other_paper or of_number(self.identity_number)


class NotTheSamePerson(Exception):
    """The person is proved, but the name, or what the paper says, differs from the record: the
    window has to check."""


class PhoneTaken(Exception):
    """Another personal account logs in with this phone."""


class HasGuardian(Exception):
    """Somebody else acts for this person today."""


class TooManyTries(Exception):
    """The tries of a day for this person, or from this address, are used up."""


def lowest_age(now: datetime) -> int:
    """From which age in years on somebody opens an account alone."""
    return working_age(book(), on=today_in_china(now))


def is_old_enough(born: date, now: datetime) -> bool:
    return has_reached(born, lowest_age(now), on=today_in_china(now))


def check_phone(stated: Stated) -> None:
    """Raises PhoneTaken where the proved phone logs in somebody else."""
    others = User.objects.filter(kind=Kind.PERSON, phone=stated.phone)
    if others.exclude(person__identity_number=stated.identity_number).exists():
        raise PhoneTaken


def proved_by_phone(stated: Stated) -> bool:
    """Whether the phone, proved by a code, is the one on file or with the person's account."""
    person = find(stated.identity_number)
    if person is None:
        return False
    account = User.objects.filter(kind=Kind.PERSON, person=person).first()
    return stated.phone in {person.phone, account.phone if account else ""}


def proved_by_bank(stated: Stated, *, number: str, address: str, now: datetime) -> bool:
    """Whether this is the whole number of the person's account or card on file, and the name
    theirs. Raises TooManyTries."""
    _count_try(stated, "bank", address, now)
    person = find(stated.identity_number)
    digits = narrow(number).replace("-", "")
    on_file = set(
        BankAccount.objects.filter(person__identity_number=stated.identity_number, until=None).values_list(
            "number", flat=True
        )
    )
    card = bank_register().card(stated.identity_number)
    if card:
        on_file.add(card.number)
    right = bool(person and digits in on_file and names.agree(person.name, stated.name))
    return _passed(stated, "bank", address, now) if right else False


def proved_by_window(stated: Stated, *, code: str, address: str, now: datetime) -> bool:
    """Whether this is the person's code from the window; then it is spent. Raises TooManyTries."""
    _count_try(stated, "window", address, now)
    person = find(stated.identity_number)
    if person is None or not activation.spend(person=person, code=code, now=now):
        return False
    return _passed(stated, "window", address, now)


def begin_face_check(stated: Stated, *, address: str, now: datetime) -> None:
    """Counts a face check that is about to begin. Raises TooManyTries."""
    _count_try(stated, "face", address, now)


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


def open_account(stated: Stated, *, password: str, now: datetime) -> User:
    """Opens the account of a proved person, and a file where they have none. Gives the account that
    they have already, unchanged, where there is one.

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
            account = User.objects.create_person(person, password=password, phone=stated.phone)
            if not person.phone:
                person.phone = stated.phone
                person.save(update_fields=["phone"])
            elif person.phone != stated.phone:
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


def _who(stated: Stated) -> str:
    return salted_hmac("portal.accounts.registration", stated.identity_number, algorithm="sha256").hexdigest()


def _count_try(stated: Stated, way: str, address: str, now: datetime) -> None:
    """Counts a try before it is judged, so that parallel tries are all counted. Raises
    TooManyTries."""
    who = _who(stated)
    with transaction.atomic():
        one_at_a_time(f"proof {who}")
        today = ProofTry.objects.filter(at__gt=now - timedelta(days=1), passed=False)
        of_person = today.filter(who=who, way=way)
        if (
            of_person.filter(address=address).count() >= PER_DAY_AND_ASKER
            or of_person.count() >= PER_DAY_AND_PERSON
            or today.filter(address=address).count() >= PER_DAY_AND_ADDRESS
        ):
            raise TooManyTries
        ProofTry.objects.create(who=who, way=way, address=address, passed=False, at=now)


def _passed(stated: Stated, way: str, address: str, now: datetime) -> bool:
    ProofTry.objects.create(who=_who(stated), way=way, address=address, passed=True, at=now)
    return True
