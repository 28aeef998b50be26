"""身份信息更正: a wrong number, paper or name in the register, or a renewed passport, by two hands.

Everything refers to a person by the number, so what is still open about the person is changed with
it; what is sealed stays, and its verification says that the register was corrected since. Two files
of one person are not merged here.
"""

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts import proposals
from portal.accounts.models import Proposal, ProposalStatus, User
from portal.accounts.person_changes import must_be_own, named, tell, to_renew
from portal.accounts.proposals import CannotDecide, Kind, NotProposed, Row
from portal.people import belonging, corrections, papers
from portal.people.locks import lock_subject
from portal.people.models import Person
from portal.people.papers import Paper
from portal.policy.book import book
from portal.shared import names
from portal.shared.countries import country_name
from portal.shared.identity import DOCUMENT_LABELS, SEX_LABELS, Document, Sex

CODE = "identity-correction"

TAKEN = gettext_lazy(
    "这个号码已有另一份档案，不能更正成它。两份档案是同一个人的，需要合并档案：网上大厅还不能合并，"
    "请保留材料，按经办机构的线下流程办理。"
)
_LABELS = {
    "name": gettext_lazy("姓名"),
    "identity_number": gettext_lazy("社会保障号码"),
    "document": gettext_lazy("证件类型"),
    "paper_number": gettext_lazy("证件号码"),
    "nationality": gettext_lazy("国籍"),
    "sex": gettext_lazy("性别"),
    "birth_date": gettext_lazy("出生日期"),
    "paper_expires_on": gettext_lazy("证件有效期至"),
}


class IdentityCorrection(Kind):
    code = CODE
    title = gettext_lazy("身份信息更正")
    permission = "people.change_person"

    def rows(self, proposal: Proposal) -> list[Row]:
        """The rows with numbers in full: the correction may be about one digit."""
        before, after = proposal.payload["before"], proposal.payload["after"]
        changed = [name for name in _LABELS if before[name] != after[name]]
        return [
            *(
                (str(_LABELS[name]), _shown(name, before[name]), _shown(name, after[name]))
                for name in changed
            ),
            (_("核对的材料"), "—", proposal.payload["evidence"]),
        ]

    @transaction.atomic
    def apply(self, proposal: Proposal, *, by: User, now: dt.datetime) -> None:
        payload = proposal.payload
        old_number, new_number = payload["before"]["identity_number"], payload["after"]["identity_number"]
        for number in sorted({old_number, new_number}):
            lock_subject(number)
        person = Person.objects.select_for_update().get(pk=payload["person"])
        if told_of(person) != payload["before"]:
            raise CannotDecide(_("提出之后档案已有变动，请不予通过，核对后重新提出。"))
        waiting = Proposal.objects.filter(status=ProposalStatus.PROPOSED, identity_number=old_number)
        if waiting.exclude(pk=proposal.pk).exists():
            raise CannotDecide(_("这名人员另有一项待复核，请先办完那一项。"))
        former_name = person.name
        after = papers.of_told(payload["after"])
        if _others_with(after, person).exists():
            raise CannotDecide(str(TAKEN))
        try:
            with transaction.atomic():
                corrections.correct(
                    person,
                    after=after,
                    name=payload["after"]["name"],
                    reference=str(proposal.pk),
                    at=now,
                )
        except IntegrityError as error:
            raise CannotDecide(_("新号码在同一事项已有在办的办件，请先办完那一件，再复核。")) from error
        changed = "、".join(
            str(_LABELS[name]) for name in _LABELS if payload["before"][name] != payload["after"][name]
        )
        tell(
            person,
            proposal,
            now=now,
            title=_("您的身份信息已更正"),
            text=_(
                "您在社保登记的%(changed)s已由经办机构更正，登记的证件号码现为%(number)s，今后用它登录和办理。"
                "不是您本人要求的，请立即拨打 12333 或到窗口核实。"
            )
            % {"changed": changed, "number": person.masked_paper}
            + (to_renew(person) if former_name != person.name else ""),
        )


KIND = IdentityCorrection()


def told_of(person: Person) -> dict[str, str]:
    """Who somebody is, as a correction compares it."""
    return {**papers.of_person(person).told(), "name": person.name}


def ensure(person: Person, *, paper: Paper, by: User) -> None:
    """Raises NotProposed where this login cannot propose that the person has this paper."""
    must_be_own(person, by)
    if by.person_id == person.pk:
        raise NotProposed(_("这一事项与您本人有关，请由其他工作人员提出。"))
    if _others_with(paper, person).exists():
        raise NotProposed(str(TAKEN))
    proposals.ensure_may_propose(
        KIND,
        city=_city(person, by),
        target=_target(person),
        identity_number=paper.identity_number,
        by=by,
    )


def propose(
    person: Person,
    *,
    paper: Paper,
    name: str,
    reason: str,
    evidence: str,
    by: User,
    now: dt.datetime,
) -> Proposal:
    """Proposes that this is the person's paper and name. Raises NotProposed."""
    ensure(person, paper=paper, by=by)
    return proposals.propose(
        KIND,
        city=_city(person, by),
        target=_target(person),
        about=named(person),
        # The new one: the city goes on seeing its person by it.
        identity_number=paper.identity_number,
        payload={
            "person": person.pk,
            "before": told_of(person),
            "after": {**paper.told(), "name": name},
            "evidence": evidence,
        },
        reason=reason,
        by=by,
        now=now,
    )


def was_corrected(number: str, name: str) -> bool:
    """Whether this number stood wrongly in the file of somebody of this name: both together name
    that person."""
    corrections_done = Proposal.objects.filter(
        kind=CODE, status=ProposalStatus.APPROVED, payload__before__identity_number=number
    )
    return any(
        names.agree(before["name"], name) and before["identity_number"] != after["identity_number"]
        for before, after in corrections_done.values_list("payload__before", "payload__after")
    )


def corrected_among(numbers: Collection[str]) -> set[str]:
    """Those of the numbers that stood wrongly in somebody's file; ``was_corrected`` says whether in
    that of a person of some name."""
    found = Proposal.objects.filter(
        kind=CODE, status=ProposalStatus.APPROVED, payload__before__identity_number__in=list(numbers)
    )
    return set(found.values_list("payload__before__identity_number", flat=True))


def looks_at(person: Person) -> Q:
    """A condition on PersonLookup: the look was at this person, under each number for as long as it
    was theirs."""
    approved = Proposal.objects.filter(kind=CODE, status=ProposalStatus.APPROVED)
    condition, since, numbers = Q(pk__in=[]), Q(), {person.identity_number}
    of_person = approved.filter(payload__person=person.pk).order_by("decided_at", "pk")
    for payload, at in of_person.values_list("payload", "decided_at"):
        number = payload["before"]["identity_number"]
        numbers.add(number)
        condition |= since & Q(identity_number=number, at__lte=at)
        since = Q(at__gt=at)
    condition |= since & Q(identity_number=person.identity_number)
    # While the number stood wrongly in another's file, a look by it was at that other person.
    of_others = approved.filter(payload__before__identity_number__in=numbers).exclude(
        payload__person=person.pk
    )
    for payload, at in of_others.values_list("payload", "decided_at"):
        if payload["after"]["identity_number"] != (number := payload["before"]["identity_number"]):
            condition &= ~Q(identity_number=number, at__lte=at)
    return condition


def _others_with(paper: Paper, person: Person) -> QuerySet[Person]:
    """Who else has this number, or this paper."""
    same = Q(identity_number=paper.identity_number)
    if paper.nationality:
        same |= Q(paper_kind=paper.document, paper_number=paper.paper_number, nationality=paper.nationality)
    return Person.objects.filter(same).exclude(pk=person.pk)


def _city(person: Person, by: User) -> str:
    """The city whose agency decides: the login's; for a login of all cities, one that the person
    belongs to."""
    if by.city:
        return by.city
    return next((city.slug for city in book().cities if belonging.belongs(person, [city.slug])), "")


def _target(person: Person) -> str:
    return f"person {person.pk}"


def _shown(name: str, value: Any) -> str:
    text = str(value)
    if not text:
        return "—"
    if name == "document":
        return _(DOCUMENT_LABELS[Document(text)])
    if name == "sex":
        return _(SEX_LABELS[Sex(text)])
    return f"{text} {country_name(text)}" if name == "nationality" else text
