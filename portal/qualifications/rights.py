"""What a person may do online in a city where the desks open it: look up, or file as well."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from portal import rooms
from portal.accounts.models import Kind, User
from portal.people.models import Person
from portal.policy.book import book
from portal.policy.terms.desks import DeskTerms, desk_terms
from portal.qualifications.models import Letter, Qualification, Right
from portal.shared.months import month_in_china, today_in_china


class Standing(StrEnum):
    """How somebody stands: ``FREE`` where the city asks for nothing, or from before it did;
    ``NONE`` without a qualification, ``ENDED`` after it; ``QUERY`` may look up only, ``EMPLOYED``
    too, because an employer insures them; ``LETTER`` has to sign the letter of today; ``FILE``."""

    FREE = "free"
    NONE = "none"
    ENDED = "ended"
    QUERY = "query"
    EMPLOYED = "employed"
    LETTER = "letter"
    FILE = "file"


@dataclass(frozen=True)
class Rights:
    standing: Standing
    qualification: Qualification | None = None
    terms: DeskTerms | None = None

    @property
    def may_file(self) -> bool:
        return self.standing in (Standing.FREE, Standing.FILE)


def terms_of(city: str, now: datetime) -> DeskTerms | None:
    return desk_terms(book(), city=city, on=today_in_china(now))


def relation(person: Person, city: str, now: datetime) -> str:
    """How the person is insured in the city this month, as the rooms above say: "employee",
    "other", "past" or ""."""
    month = month_in_china(now)
    asked = [module for module in rooms.bring("insured") if hasattr(module, "relation_in")]
    return next((told for module in asked if (told := module.relation_in(person, city, month))), "")


def of(person: Person, city: str, now: datetime) -> Rights:
    """How the person stands in the city. The right follows the insurance: who is insured by an
    employer there looks up only, whatever they have signed."""
    terms = terms_of(city, now)
    if terms is None:
        return Rights(Standing.FREE)
    of_person = Qualification.objects.filter(person=person, city=city)
    found = max(of_person, key=lambda one: (one.ended_at is None, one.opened_at), default=None)
    if found is None:
        return Rights(Standing.FREE if _is_from_before(person, terms) else Standing.NONE, None, terms)
    if found.ended_at is not None:
        return Rights(Standing.ENDED, found, terms)
    if _is_from_before(person, terms) and not Letter.objects.filter(qualification__in=of_person).exists():
        return Rights(Standing.FREE, found, terms)
    if relation(person, city, now) == "employee":
        return Rights(Standing.EMPLOYED, found, terms)
    if found.right == Right.QUERY:
        return Rights(Standing.QUERY, found, terms)
    signed = Letter.objects.filter(qualification=found, version=terms.letter.version).exists()
    return Rights(Standing.FILE if signed else Standing.LETTER, found, terms)


def qualified_in(person: Person) -> list[Qualification]:
    """The person's qualifications that count."""
    return list(Qualification.objects.filter(person=person, ended_at=None))


def _is_from_before(person: Person, terms: DeskTerms) -> bool:
    """Whether the account is from before the city asked for a qualification; also where there is no
    account, as for a ward whom a guardian files for."""
    joined = (
        User.objects.filter(kind=Kind.PERSON, person=person).values_list("date_joined", flat=True).first()
    )
    return joined is None or today_in_china(joined) < terms.accounts_before
