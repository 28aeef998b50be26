"""Proofs of person (核验身份): that whoever asks is the person whom they name. Many people know a
name and an identity number, so these are no proof. The city says which ways it takes
(``account_proof``):

- ``phone``: a code to the phone that stands in the agency's file, or with the person's account;
- ``partner``: name, number, account and phone agree at one of the city's partner banks;
- ``card``: the same of the activated social-security card;
- ``face``: a face check by the provider;
- ``window``: a code from the window, which has seen the identity card.

A try that fails tells nothing of what is on file.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.crypto import salted_hmac

from portal.accounts import activation
from portal.accounts.codes import one_at_a_time
from portal.accounts.models import Kind, ProofTry, User
from portal.people.papers import Paper, of_number
from portal.people.persons import find
from portal.policy.book import City, book
from portal.policy.terms.people import AccountProofTerms, account_proof_terms
from portal.registers.bank import Factors, bank_register
from portal.shared.months import today_in_china

# Failed tries in a day: for one person in one way from all addresses; from one address for all
# people. How many a person has in one way from one address, the city says.
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


class TooManyTries(Exception):
    """The tries of this way for this person, or from this address, are used up until ``until``."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until


@dataclass(frozen=True)
class Asker:
    """Whence and when somebody tries to prove who they are, and by which city's rules."""

    city: City
    address: str
    now: datetime

    @property
    def terms(self) -> AccountProofTerms:
        return account_proof_terms(book(), city=self.city.slug, on=today_in_china(self.now))


def proved_by_phone(stated: Stated) -> bool:
    """Whether the phone, proved by a code, is the one on file or with the person's account."""
    person = find(stated.identity_number)
    if person is None:
        return False
    account = User.objects.filter(kind=Kind.PERSON, person=person).first()
    return stated.phone in {person.phone, account.phone if account else ""}


def proved_by_partner(stated: Stated, *, bank: str, number: str, asker: Asker) -> bool:
    """Whether the four agree at this bank of the city's, for an account that was opened in the
    city. Raises TooManyTries."""
    _count_try(stated, "partner", asker)
    agree = bank_register().account_agrees(bank, _factors(stated, number), place=asker.city.code[:4])
    return _passed(stated, "partner", asker) if agree else False


def proved_by_card(stated: Stated, *, number: str, asker: Asker) -> bool:
    """Whether the four agree for the person's activated social-security card. Raises
    TooManyTries."""
    _count_try(stated, "card", asker)
    agree = bank_register().card_agrees(_factors(stated, number))
    return _passed(stated, "card", asker) if agree else False


def proved_by_window(stated: Stated, *, code: str, asker: Asker) -> bool:
    """Whether this is the person's code from the window; then it is spent. Raises TooManyTries."""
    _count_try(stated, "window", asker)
    person = find(stated.identity_number)
    if person is None or not activation.spend(person=person, code=code, now=asker.now):
        return False
    return _passed(stated, "window", asker)


def begin_face_check(stated: Stated, *, asker: Asker) -> None:
    """Counts a face check that is about to begin. Raises TooManyTries."""
    _count_try(stated, "face", asker)


def passed_face_check(stated: Stated, *, asker: Asker) -> None:
    """Notes that the provider knew the face, so that the check does not count as a failure."""
    _passed(stated, "face", asker)


def _factors(stated: Stated, number: str) -> Factors:
    return Factors(
        name=stated.name, identity_number=stated.identity_number, number=number, phone=stated.phone
    )


def _who(stated: Stated) -> str:
    return salted_hmac("portal.accounts.registration", stated.identity_number, algorithm="sha256").hexdigest()


def _count_try(stated: Stated, way: str, asker: Asker) -> None:
    """Counts a try before it is judged, so that parallel tries are all counted. Raises
    TooManyTries."""
    who, now, terms = _who(stated), asker.now, asker.terms
    closed = timedelta(hours=terms.closed_hours)
    with transaction.atomic():
        one_at_a_time(f"proof {who}")
        of_person = ProofTry.objects.filter(who=who, way=way)
        here = of_person.filter(address=asker.address)
        last_pass = here.filter(passed=True).order_by("-at", "-pk").first()
        failed_here = here.filter(passed=False, at__gt=now - closed)
        if last_pass:
            failed_here = failed_here.filter(at__gt=last_pass.at)
        failures = list(failed_here.order_by("-at").values_list("at", flat=True)[: terms.tries])
        if len(failures) >= terms.tries:
            raise TooManyTries(failures[0] + closed)
        day = timedelta(days=1)
        today = ProofTry.objects.filter(at__gt=now - day, passed=False)
        for tries, most in (
            (today.filter(who=who, way=way), PER_DAY_AND_PERSON),
            (today.filter(address=asker.address), PER_DAY_AND_ADDRESS),
        ):
            oldest = tries.order_by("-at").values_list("at", flat=True)[most - 1 : most].first()
            if oldest:
                raise TooManyTries(oldest + day)
        ProofTry.objects.create(who=who, way=way, address=asker.address, passed=False, at=now)


def _passed(stated: Stated, way: str, asker: Asker) -> bool:
    ProofTry.objects.create(who=_who(stated), way=way, address=asker.address, passed=True, at=asker.now)
    return True
