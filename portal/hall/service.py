"""What a service is: its form, its facts, its rule and its effect. One service is one file in an
app's ``services``."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.accounts.models import User
from portal.hall.models import Case
from portal.hall.routing import Status
from portal.hall.ways import Way
from portal.people.models import Employer, Person
from portal.policy.book import Offer, Paper
from portal.shared.months import Month, month_in_china, today_in_china


class Audience(StrEnum):
    PERSON = "person"
    EMPLOYER = "employer"


AUDIENCE_LABELS = {Audience.PERSON: _("个人与灵活就业人员"), Audience.EMPLOYER: _("用人单位")}


class Theme(StrEnum):
    ENROLLMENT = "enrollment"
    PAYMENT = "payment"
    PROOF = "proof"
    TRANSFER = "transfer"
    DETAILS = "details"
    VISIT = "visit"


THEME_LABELS = {
    Theme.ENROLLMENT: _("参保登记与变动"),
    Theme.PAYMENT: _("缴费与欠费"),
    Theme.PROOF: _("证明与凭证"),
    Theme.TRANSFER: _("关系转移接续"),
    Theme.DETAILS: _("信息变更"),
    Theme.VISIT: _("到窗口办理"),
}


@dataclass(frozen=True)
class Bar:
    """Why the application cannot be taken, beside the field it is about ("" for the whole form).

    ``why`` is plain text, for staff and programs too; ``ways`` are what it names, which the pages
    of the hall show as links.
    """

    field: str
    why: str
    ways: tuple[Way, ...] = ()


@dataclass(frozen=True)
class Mismatch:
    """What differs from a register outside; where the offer's mode allows, it leads to the counter.
    ``ways`` as of a bar."""

    field: str
    why: str
    ways: tuple[Way, ...] = ()


Finding = Bar | Mismatch


@dataclass(frozen=True)
class Applicant:
    """Who applies: the login, and the person or the employer that it acts for. Exactly one of the
    two is set.

    A guardian's login acts for the ward: then the person is the ward, and rules and effects are
    about the ward.
    """

    user: User
    person: Person | None
    employer: Employer | None

    @classmethod
    def of(cls, user: User, ward: Person | None = None) -> "Applicant":
        """Whom this login acts for: a clerk for the employer, a person for themselves, or for a
        ward of theirs."""
        if user.is_clerk:
            return cls(user=user, person=None, employer=user.employer)
        return cls(user=user, person=ward or user.person, employer=None)

    @property
    def ward(self) -> Person | None:
        """The person that the login acts for, where it is not its own."""
        return self.person if self.person and self.person.pk != self.user.person_id else None


@dataclass(frozen=True)
class Ask:
    """One application: which offer, by whom, with what answers, filed when.

    ``answers`` are JSON-able, as ``ServiceForm.answers`` gives them. ``filed_at`` stays the moment
    of submission when staff approve later, so that a month window is judged by when the applicant
    filed.
    """

    offer: Offer
    applicant: Applicant
    answers: Mapping[str, Any]
    filed_at: datetime

    @property
    def month(self) -> Month:
        return month_in_china(self.filed_at)

    @property
    def person(self) -> Person:
        if self.applicant.person is None:
            raise ValueError("this application is an employer's")
        return self.applicant.person

    @property
    def employer(self) -> Employer:
        if self.applicant.employer is None:
            raise ValueError("this application is a person's")
        return self.applicant.employer


# The key of ``known`` that names the fields to compare with the register, and not to fill in.
COMPARED = "compared"


class ServiceForm(forms.Form):
    """What a service asks. Built for one offer, applicant and moment, so that it offers only what
    is allowed.

    ``gate`` fields (a captcha) are asked once, before the draft is taken, and are no part of the
    answers. ``known`` are values read from the register: they are filled in, shown as read, and not
    taken from the browser. Where the applicant typed something else, that stays, with an error
    beside it: the register overwrites no entry. The applicant does not see the values of fields
    that ``known`` names under ``COMPARED``: entries are only compared with them.
    """

    gate: ClassVar[tuple[str, ...]] = ()
    # The field of a phone that is proved by a code sent to it, or "" (``portal.hall.phone_proof``).
    proves: ClassVar[str] = ""

    def __init__(
        self,
        *args: Any,
        offer: Offer,
        applicant: Applicant,
        now: datetime,
        known: Mapping[str, Any] | None = None,
        gated: bool = True,
        **kwargs: Any,
    ) -> None:
        self.offer, self.applicant, self.now = offer, applicant, now
        self.month = month_in_china(now)
        self.known = dict(known or {})
        super().__init__(*args, **kwargs)
        self.build()
        for name in self.gate:
            if not gated:
                self.fields.pop(name, None)
        self.contradicted = {name for name in self.known if name in self.fields and self._contradicts(name)}
        for name in self.known:
            if name in self.fields and name not in self.contradicted and not self.only_compared(name):
                self.initial[name] = self.known[name]
                self.fields[name].disabled = True
                self.fields[name].read_from_register = True  # type: ignore[attr-defined]

    def only_compared(self, name: str) -> bool:
        """Whether what the register knows of the field is kept from the applicant, who has to state
        it."""
        return name in self.known and name in self.known.get(COMPARED, ())

    def _contradicts(self, name: str) -> bool:
        """Whether something else was typed into the field than the register knows."""
        field = self.fields[name]
        if not self.is_bound or field.disabled:
            return False
        typed = field.widget.value_from_datadict(self.data, self.files, self.add_prefix(name))
        return bool(typed) and not self.agrees(name, typed)

    def agrees(self, name: str, typed: Any) -> bool:
        """Whether what was typed into a field says the same as the register."""
        try:
            return bool(self.fields[name].clean(typed) == self.known[name])
        except forms.ValidationError:
            return False

    def full_clean(self) -> None:
        super().full_clean()
        for name in self.contradicted:
            if name not in self.errors:
                self.add_error(name, self.contradiction(name))

    def contradiction(self, name: str) -> str:
        """The error beside a field whose entry differs from the register."""
        return str(_("与这个号码登记的不一致，请核对号码和填写的内容。"))

    def build(self) -> None:
        """Adds or narrows fields by the offer's options; called once, before data are read."""

    def answers(self) -> dict[str, Any]:
        """The cleaned data in JSON's types: months and dates as ISO text, amounts as strings; gates
        and files left out."""
        return {name: _plain(value) for name, value in self.cleaned_data.items() if name not in self.gate}


def _plain(value: Any) -> Any:
    if isinstance(value, Month | Decimal | StrEnum):
        return str(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    return value


def typed_again(answer: Any) -> list[str]:
    """An answer as a browser would send it again."""
    if answer is None or answer is False:
        return []
    if answer is True:
        return ["on"]
    return [str(item) for item in answer] if isinstance(answer, list) else [str(answer)]


def typed_into(names: Iterable[str], posted: Any) -> dict[str, list[str]]:
    """What was sent for these fields of a form, a field's several inputs (``NAME_0``) with it."""
    wanted = list(names)
    return {
        # PostgreSQL keeps no NUL in text, and nobody types one.
        key: [value.replace("\0", "") for value in values]
        for key, values in posted.lists()
        if any(key == name or key.startswith(f"{name}_") for name in wanted)
    }


class Service(ABC):
    """One thing that the hall can do for someone. Stateless: one instance serves all cities."""

    code: ClassVar[str]
    title: ClassVar[Any]
    audience: ClassVar[Audience]
    # Whose login files it, where that is not the audience's: who opens an employer's account has
    # no login of the employer yet.
    filed_by: ClassVar[Audience | None] = None
    theme: ClassVar[Theme]
    form: ClassVar[type[ServiceForm]]
    # Other names under which people look for it.
    also_known_as: ClassVar[Sequence[str]] = ()
    # The page on which something is chosen before the form is filled in, by the name of its
    # address; "" for none. It keeps what was chosen as a draft.
    chosen_first: ClassVar[str] = ""
    # The form field whose value is searched in the register (an identity number), or "".
    searches: ClassVar[str] = ""
    # What a search says that finds nobody.
    finds_nobody: ClassVar[Any] = _(
        "没有查到登记信息，请核对号码；确认无误的，请继续填写，办结后为其建立档案。"
    )
    # What the applicant is told when the database refuses the effect: constraint → (field, why).
    conflicts: ClassVar[Mapping[str, tuple[str, Any]]] = {}
    # The text of the button that files it; ``submit_words`` gives it for one application.
    submit_label: ClassVar[Any] = _("提交申报")
    # Whether it changes or gives up something for good: then the button looks dangerous.
    dangerous: ClassVar[bool] = False
    # Whether staff answer in words when they approve, too; the applicant sees the answer.
    answered: ClassVar[bool] = False
    # Whether money or years arise at the window: then a second reviewer confirms what the first
    # accepted.
    by_two: ClassVar[bool] = False
    # Whether a pre-application that nobody brings to the window ends by itself.
    lapses: ClassVar[bool] = True
    # The form's fields that cannot go back to the applicant of a case by themselves: what they hold
    # was chosen on a page of its own.
    not_amended: ClassVar[Sequence[str]] = ()
    # Whether a guardian may file it for a ward.
    for_wards: ClassVar[bool] = False
    # Files of figures that a city must have to offer it.
    needs: ClassVar[Sequence[str]] = ()
    # The app that the service lives in; set by the catalogue.
    app: str = ""

    @property
    def door(self) -> Audience:
        """The kind of login that files it."""
        return self.filed_by or self.audience

    def leads_to(self, *, offer: Offer, applicant: Applicant, now: datetime) -> str:
        """The code of the service whose form this applicant should get: another than its own where
        one entrance serves two."""
        return self.code

    def how_it_ends(self, offer: Offer) -> str:
        """How an application ends, in the applicant's words, where the offer's mode does not say it
        all; else ""."""
        return ""

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        """What bars this applicant whatever they would answer; ``ask`` has no answers yet.

        The page that describes the service shows them, before the form. ``rule`` must yield them
        too: only ``rule`` decides.
        """
        yield from ()

    def subject(self, ask: Ask) -> str:
        """The identity number of the person that it is about; "" where there is none. The desk
        locks it."""
        return ask.applicant.person.identity_number if ask.applicant.person else ""

    def ward(self, ask: Ask) -> Person | None:
        """The person in somebody else's care that it is about: their other guardian is told of it,
        and they are. None where there is none, or no file yet."""
        return ask.applicant.ward

    def sought(self, typed: Mapping[str, Any], *, now: datetime) -> str:
        """The part of what was typed that is searched in the register; "" for nothing."""
        return str(typed.get(self.searches, ""))

    def known(self, *, offer: Offer, applicant: Applicant, sought: str, now: datetime) -> dict[str, Any]:
        """What the register knows of the number sought, as form values; empty where it knows
        nothing."""
        return {}

    def papers(self, ask: Ask, facts: Any) -> list[Paper]:
        """The offer's papers that this application needs: those that are always wanted, and those
        that an established circumstance requires."""
        established = self.established(ask, facts)
        return [
            paper
            for paper in ask.offer.papers
            if not paper.required_when or paper.required_when in established
        ]

    def established(self, ask: Ask, facts: Any) -> set[str]:
        """Names of the circumstances that papers can depend on (``first-medical``) and that hold
        here."""
        return set()

    def outside(self, ask: Ask) -> Any:
        """Answers of outside registers; fetched before any transaction opens."""
        return None

    @abstractmethod
    def facts(self, ask: Ask, outside: Any) -> Any:
        """What the hall knows that the rule judges by; read inside the desk's transaction, under
        the subject's lock."""

    @abstractmethod
    def rule(self, ask: Ask, facts: Any) -> Iterator[Finding]:
        """Pure: what bars the application or does not match. Nothing yielded means clear."""

    def taken(self, case: Case, ask: Ask, facts: Any) -> None:  # noqa: B027  # most services keep nothing with the draft
        """The application has just become a case, in the desk's transaction: what was kept with the
        draft goes to the case here.

        May raise ``portal.hall.desk.NotAccepted``.
        """

    @abstractmethod
    def effect(self, case: Case, ask: Ask, facts: Any, *, by: User, now: datetime) -> dict[str, Any]:
        """Writes what the application asks for, inside the desk's transaction; returns a JSON-able
        outcome.

        The outcome may hold ``lines`` ([label, value] pairs to show) and ``links`` ([text, url]
        pairs to go on with).
        """

    def submit_words(self, ask: Ask, facts: Any) -> str:
        """The text of the last look's button: what happens when it is pressed."""
        return str(self.submit_label)

    def stands(self, outcome: Mapping[str, Any]) -> Status:
        """The status of a case after its effect: DONE, or one of PENDING until the money has come,
        or what was set going is at its end. The module that sees to it then ends the case."""
        return Status.DONE

    def goes_to(self, case: Case, *, now: datetime) -> str:
        """The address that the applicant is sent to after filing; "" for the case's receipt."""
        return ""

    def waits_until(self, case: Case, *, now: datetime) -> str:
        """What a pending case waits for and until when, in words; "" where the case is not
        pending."""
        return ""

    def links(self, case: Case, *, now: datetime) -> list[tuple[str, str]]:
        """Links for what follows a case, (text, url): those of its outcome, until its day
        ``links_until``."""
        until = case.outcome.get("links_until")
        if until and today_in_china(now) > date.fromisoformat(until):
            return []
        return [(text, url) for text, url in case.outcome.get("links", [])]

    def summary(self, ask: Ask, facts: Any) -> list[tuple[str, str]]:
        """What was asked and what will happen, in the applicant's words: (label, value), for the
        last look, receipt and staff."""
        return []

    def staff_facts(self, ask: Ask, facts: Any) -> list[tuple[str, list[tuple[str, str]]]]:
        """What staff see beside the decision, read anew at that moment: (heading, [(label,
        value)]), most telling first.

        Such as the subject's coverage by month, and what is still owed. By default, what the
        service would do now.
        """
        return [
            (
                str(_("按现在的登记办理，结果将是")),
                [(str(label), str(value)) for label, value in self.summary(ask, facts)],
            )
        ]

    def staff_links(self, ask: Ask, facts: Any) -> list[tuple[str, str]]:
        """Pages of the workbench that show more than fits beside the decision: (text, address)."""
        return []

    def preview(self, ask: Ask, facts: Any) -> dict[str, Any]:
        """Context for the service's own part of the last look; ``template`` names it. Empty: no
        such part."""
        return {}
