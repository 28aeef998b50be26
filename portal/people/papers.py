"""The identity paper that somebody states, and the social-security number that belongs to it."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from portal.people.models import OTHER_PAPERS, Person
from portal.policy.book import book
from portal.policy.terms.people import foreign_layout, foreign_layout_reference
from portal.shared import foreigners, identity
from portal.shared.countries import country_name
from portal.shared.identity import DOCUMENT_LABELS, SEX_LABELS, Document, Sex

# The names of a paper's data in forms, answers and proposals; all values are text.
FIELDS = (
    "identity_number",
    "document",
    "paper_number",
    "nationality",
    "sex",
    "birth_date",
    "paper_expires_on",
)


@dataclass(frozen=True, slots=True)
class Paper:
    """An identity paper and its holder. ``identity_number`` is the social-security number; a paper
    with a number of 18 digits has the same number."""

    identity_number: str
    document: Document
    sex: Sex
    birth_date: dt.date
    paper_number: str = ""
    nationality: str = ""
    expires_on: dt.date | None = None

    @property
    def columns(self) -> dict[str, Any]:
        """The paper by the columns of a person's file, without the social-security number."""
        has_other_number = self.document in OTHER_PAPERS
        return {
            "sex": str(self.sex),
            "birth_date": self.birth_date,
            "paper_kind": str(self.document) if has_other_number else "",
            "paper_number": self.paper_number if has_other_number else "",
            "nationality": self.nationality if has_other_number else "",
            "paper_expires_on": self.expires_on,
        }

    def told(self) -> dict[str, str]:
        """The paper by FIELDS."""
        return {
            "identity_number": self.identity_number,
            "document": str(self.document),
            "paper_number": self.paper_number,
            "nationality": self.nationality,
            "sex": str(self.sex),
            "birth_date": self.birth_date.isoformat(),
            "paper_expires_on": self.expires_on.isoformat() if self.expires_on else "",
        }

    def lines(self) -> list[tuple[str, str]]:
        """Rows (label, value) of a last look: kind, country, number, and the other data; none for a
        resident identity card."""
        if self.document == Document.RESIDENT:
            return []
        kind = _(DOCUMENT_LABELS[self.document])
        if self.document not in OTHER_PAPERS:
            code = identity.nationality_of(self.identity_number)
            return [(_("证件类型"), kind + (_("，国籍代码 {code}").format(code=code) if code else ""))]
        return [
            (_("证件类型"), kind),
            (_("国籍"), country_name(self.nationality)),
            (_("证件号码"), foreigners.mask(self.paper_number)),
            (_("性别"), _(SEX_LABELS[self.sex])),
            (_("出生日期"), self.birth_date.isoformat()),
            *([(_("证件有效期至"), self.expires_on.isoformat())] if self.expires_on else []),
        ]


def of_person(person: Person) -> Paper:
    """The paper on file."""
    return Paper(
        person.identity_number,
        person.document,
        Sex(person.sex),
        person.birth_date,
        person.paper_number,
        person.nationality,
        person.paper_expires_on,
    )


def of_number(number: str) -> Paper:
    """The paper that a number of 18 digits stands for. Raises InvalidIdentity."""
    parsed = identity.parse(number)
    return Paper(parsed.number, identity.document_of(parsed.number), parsed.sex, parsed.birth_date)


def of_told(told: Mapping[str, Any]) -> Paper:
    """The paper by FIELDS. ``identity_number`` alone is enough where it has 18 digits, and where it
    is a foreigner's on file: then the paper on file. Raises InvalidIdentity."""
    number = str(told["identity_number"])
    expires_on = str(told.get("paper_expires_on") or "")
    ends = dt.date.fromisoformat(expires_on) if expires_on else None
    if told.get("document") in [str(kind) for kind in OTHER_PAPERS]:
        return Paper(
            number,
            Document(told["document"]),
            Sex(told["sex"]),
            dt.date.fromisoformat(str(told["birth_date"])),
            str(told["paper_number"]),
            str(told["nationality"]),
            ends,
        )
    if foreigners.is_made(number):
        person = Person.objects.filter(identity_number=number).first()
        if person is None:
            raise identity.InvalidIdentity("paper")
        return of_person(person)
    of_digits = of_number(number)
    return Paper(
        of_digits.identity_number, of_digits.document, of_digits.sex, of_digits.birth_date, expires_on=ends
    )


def details(person: Person) -> list[tuple[str, str]]:
    """Rows (label, value) of a person's paper for pages, its number masked."""
    masked = identity.mask(person.identity_number)
    if person.document == Document.RESIDENT:
        return [(_("身份证号码"), masked)]
    lines = [
        (_("证件类型"), _(DOCUMENT_LABELS[person.document])),
        *([(_("国籍"), person.country)] if person.country else []),
        (_("证件号码"), person.masked_paper),
    ]
    return lines + ([(_("社会保障号码"), masked)] if person.paper_kind else [])


def number_of(document: Document, paper_number: str, nationality: str, *, on: dt.date) -> str:
    """The social-security number of this paper's holder: the one on file, else one that is made
    from country and paper by the layout in force ``on`` that day."""
    on_file = Person.objects.filter(
        paper_kind=document, paper_number=paper_number, nationality=nationality
    ).values_list("identity_number", flat=True)
    return on_file.first() or foreign_layout(book(), on=on).number(nationality, paper_number)


def known_by(paper_number: str) -> str:
    """The social-security number of the one person on file with a paper of this number; "" where
    there is none, or more."""
    return known_among([paper_number]).get(foreigners.as_typed(paper_number), "")


def known_among(typed: Iterable[str]) -> dict[str, str]:
    """As ``known_by`` for many papers at once: paper's number → social-security number, for the
    numbers that exactly one person on file has."""
    paper_numbers = {foreigners.as_typed(one) for one in typed}
    holders: dict[str, list[str]] = {}
    on_file = Person.objects.exclude(paper_kind="").filter(paper_number__in=paper_numbers)
    for paper_number, number in on_file.values_list("paper_number", "identity_number"):
        holders.setdefault(paper_number, []).append(number)
    return {paper_number: numbers[0] for paper_number, numbers in holders.items() if len(numbers) == 1}


def made_as(on: dt.date) -> str:
    """The rule by which such a number is made, and the mark of how well it is known, to show beside
    the number."""
    reference = foreign_layout_reference(book(), on=on)
    return f"{reference.basis}（{reference.mark}）" if reference.mark else reference.basis
