"""The authentication backends: for persons, for employers' clerks, for community desks, for staff.
A login of one kind never passes another kind's backend.

Neither answer nor delay tells whether an account exists: for an unknown one the password is hashed
too. How a number is typed (width, case, spaces, 15 digits) makes no difference.
"""

from typing import Any

from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from portal.accounts import phones
from portal.accounts.models import Kind, User
from portal.people import papers
from portal.prepared import Prepared
from portal.shared import credit_code as credit_codes
from portal.shared import foreigners, identity, names
from portal.shared.characters import narrow
from portal.shared.identity import Document
from portal.shared.months import today_in_china


def identity_number(text: str) -> str:
    """The social-security number (18 characters) that belongs to an identity number as typed: also
    to an old one of 15 digits, and to that of an older permanent residence card. Raises
    InvalidIdentity; its code ``paper`` means a passport's number, which alone names nobody."""
    typed = foreigners.as_typed(text)
    if foreigners.is_made(typed):
        return typed
    try:
        country, card = foreigners.parse_card(typed)
    except foreigners.InvalidPaper:
        return identity.upgrade(text) if len(narrow(text)) == 15 else identity.parse(text).number
    today = today_in_china(timezone.now())
    return papers.number_of(Document.FOREIGN_RESIDENT_BEFORE, card, country, on=today)


def known_number(text: str) -> str:
    """The same, also of a passport that one person on file has. Raises InvalidIdentity."""
    try:
        return identity_number(text)
    except identity.InvalidIdentity:
        number = papers.known_by(text) if foreigners.may_be_passport(text) else ""
        if not number:
            raise
        return number


def person_login(text: str) -> str:
    """The one spelling of what a person logs in with: a number of 18, a phone of 11, else the text
    made narrow, which may be a passport's number."""
    try:
        return identity_number(text)
    except identity.InvalidIdentity:
        pass
    try:
        return phones.parse(text)
    except phones.InvalidPhone:
        return foreigners.as_typed(text)


def clerk_login(credit_code: str, clerk: str) -> tuple[str, str]:
    """The one spelling of an employer's code and of the clerk's name or phone."""
    try:
        code = credit_codes.parse(credit_code)
    except credit_codes.InvalidCreditCode:
        code = narrow(credit_code).upper()
    try:
        return code, phones.parse(clerk)
    except phones.InvalidPhone:
        return code, names.canonical(clerk)


def find_person(login: str) -> User | None:
    """The personal account with that identity number, phone or passport, active or not; none where
    two have a passport of that number."""
    typed = person_login(login)
    of_persons = User.objects.filter(kind=Kind.PERSON)
    account = of_persons.filter(Q(person__identity_number=typed) | (Q(phone=typed) & ~Q(phone=""))).first()
    if account or not foreigners.may_be_passport(typed):
        return account
    return of_persons.filter(person__identity_number=papers.known_by(typed)).first()


def find_clerk(credit_code: str, clerk: str) -> User | None:
    """The clerk of the employer with that code, by name or phone, active or not."""
    code, who = clerk_login(credit_code, clerk)
    return User.objects.filter(
        Q(name=who) | (Q(phone=who) & ~Q(phone="")), kind=Kind.CLERK, employer__credit_code=code
    ).first()


class _Door(BaseBackend):
    """Reads the users of sessions. has_perm is for staff only: persons and clerks hold no
    permissions."""

    # An active login by its id, with the person or employer that it acts for: nearly every page
    # needs both.
    login: Prepared[User]

    def get_user(self, user_id: Any) -> User | None:
        return self.login.first(user_id)


def _login_with(acts_for: str) -> Prepared[User]:
    return Prepared(lambda: User.objects.select_related(acts_for).filter(pk=0, is_active=True))


def _admit(user: User | None, password: str) -> User | None:
    """The user where the password is right and the account active; else None, after the same time
    also where there is no user."""
    if user is None:
        User().set_password(password)
        return None
    return user if user.check_password(password) and user.is_active else None


class PersonDoor(_Door):
    """个人登录: identity number or phone, and password."""

    login = _login_with("person")

    def authenticate(self, request: HttpRequest | None, person_login: str, password: str) -> User | None:  # type: ignore[override]
        return _admit(find_person(person_login), password)


class EmployerDoor(_Door):
    """法人登录: unified social credit code, the clerk's name or phone, and password."""

    login = _login_with("employer")

    def authenticate(  # type: ignore[override]
        self, request: HttpRequest | None, credit_code: str, clerk: str, password: str
    ) -> User | None:
        return _admit(find_clerk(credit_code, clerk), password)


class DeskDoor(BaseBackend):
    """社区登录: the clerks of community desks; user name and password."""

    def authenticate(self, request: HttpRequest | None, desk_login: str, password: str) -> User | None:  # type: ignore[override]
        return _admit(User.objects.filter(username=desk_login, kind=Kind.DESK).first(), password)

    def get_user(self, user_id: Any) -> User | None:
        return User.objects.filter(pk=user_id, is_active=True).first()


class StaffDoor(ModelBackend):
    """The agency's own: user name and password. Groups and permissions count."""

    def authenticate(  # type: ignore[override]
        self, request: HttpRequest | None, username: str, password: str
    ) -> User | None:
        return _admit(User.objects.filter(username=username, kind=Kind.STAFF).first(), password)

    def get_user(self, user_id: Any) -> User | None:
        return User.objects.filter(pk=user_id, is_active=True).first()
