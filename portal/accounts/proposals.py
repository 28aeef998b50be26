"""Two hands: what one member of staff proposes takes effect when another approves it, and stays on
record either way.

The rooms register what can be proposed; this module knows none of them. The database ensures that
the two are different people, that a proposal is decided once, and that it is not changed.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any, ClassVar, TypeAlias

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts.models import Proposal, ProposalStatus, User
from portal.accounts.permissions import staff_cities
from portal.people.persons import NamedOtherwise
from portal.policy.book import book

# A label, the value now, the value after approval.
Row: TypeAlias = tuple[str, str, str]


class NotProposed(Exception):
    """It cannot be proposed; the message tells the proposer why."""


class CannotDecide(Exception):
    """It cannot be decided; the message tells the member of staff why."""


class Kind:
    """One kind of proposal."""

    code: ClassVar[str]
    title: ClassVar[Any]
    # The permission to propose; to decide, ``DECIDE`` is needed.
    permission: ClassVar[str]

    def rows(self, proposal: Proposal) -> list[Row]:
        """What would change, in words."""
        raise NotImplementedError

    def apply(self, proposal: Proposal, *, by: User, now: dt.datetime) -> None:
        """Makes the change, inside the transaction that decides. Raises CannotDecide where it no
        longer fits."""
        raise NotImplementedError


_ALREADY = gettext_lazy("同一对象已有一项待复核，请先办完。")

DECIDE = "accounts.change_proposal"

_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    """Adds a kind; called once, when its app is ready."""
    _kinds[kind.code] = kind


def kind_of(proposal: Proposal) -> Kind:
    return _kinds[proposal.kind]


def seen_by(user: User) -> QuerySet[Proposal]:
    """The proposals of the cities whose agency the user works for; those for all cities only for a
    user of all cities."""
    rows = Proposal.objects.select_related("proposed_by", "decided_by")
    return rows.filter(city__in=[*staff_cities(user), *([] if user.city else [""])])


def ensure_may_propose(kind: Kind, *, city: str, target: str, by: User, identity_number: str = "") -> None:
    """Raises NotProposed where this login may not, or where the same is proposed already."""
    if not by.has_perm(kind.permission) or (city or "*") not in _reach(by):
        raise NotProposed(_("您没有提出这一事项的权限。"))
    if _concerns(by, identity_number):
        raise NotProposed(_("这一事项与您本人有关，请由其他工作人员提出。"))
    if Proposal.objects.filter(kind=kind.code, target=target, status=ProposalStatus.PROPOSED).exists():
        raise NotProposed(_ALREADY)


def registered_in(cities: Sequence[str]) -> Q:
    """A condition on persons: two of these cities' staff have entered or changed them. Staff of
    these cities may see their data."""
    approved = Proposal.objects.filter(city__in=cities, status=ProposalStatus.APPROVED)
    return Q(Exists(approved.filter(identity_number=OuterRef("identity_number"))))


def propose(
    kind: Kind,
    *,
    city: str,
    target: str,
    about: str,
    payload: dict[str, Any],
    reason: str,
    by: User,
    now: dt.datetime,
    identity_number: str = "",
) -> Proposal:
    """Keeps what is proposed; nothing else changes yet. Raises NotProposed."""
    ensure_may_propose(kind, city=city, target=target, by=by, identity_number=identity_number)
    try:
        with transaction.atomic():
            return Proposal.objects.create(
                kind=kind.code,
                city=city,
                target=target,
                about=about,
                identity_number=identity_number,
                payload=payload,
                reason=reason,
                proposed_by=by,
                proposed_at=now,
            )
    except IntegrityError as error:
        raise NotProposed(_ALREADY) from error


def why_not_decide(proposal: Proposal, by: User) -> str:
    """Why this member of staff may not decide it; "" where they may."""
    if proposal.status != ProposalStatus.PROPOSED:
        return _("这一事项已经复核。")
    if not by.has_perm(DECIDE) or (proposal.city or "*") not in _reach(by):
        return _("您没有复核这一事项的权限。")
    if by.pk == proposal.proposed_by_id:
        return _("这一事项由您本人提出，请由另一名工作人员复核。")
    # The proposal of a correction has the new number, so the person is also compared by id.
    payload = proposal.payload
    is_about_them = payload.get("person") == (by.person_id or 0) or payload.get("user") == by.pk
    if is_about_them or _concerns(by, proposal.identity_number):
        return _("这一事项与您本人有关，请由其他工作人员复核。")
    return ""


def approve(proposal: Proposal, *, by: User, now: dt.datetime) -> Proposal:
    """Approves a proposal and makes its change. Raises CannotDecide, also where it is decided
    already."""
    return _decide(proposal, status=ProposalStatus.APPROVED, why="", by=by, now=now)


def refuse(proposal: Proposal, *, why: str, by: User, now: dt.datetime) -> Proposal:
    """Refuses a proposal and keeps the reason; nothing else changes. Raises CannotDecide."""
    return _decide(proposal, status=ProposalStatus.REFUSED, why=why, by=by, now=now)


@transaction.atomic
def _decide(proposal: Proposal, *, status: ProposalStatus, why: str, by: User, now: dt.datetime) -> Proposal:
    locked = Proposal.objects.select_for_update().get(pk=proposal.pk)
    if refusal := why_not_decide(locked, by):
        raise CannotDecide(refusal)
    locked.status, locked.decided_by, locked.decided_at, locked.why = status, by, now, why
    locked.save(update_fields=["status", "decided_by", "decided_at", "why"])
    if status == ProposalStatus.APPROVED:
        try:
            kind_of(locked).apply(locked, by=by, now=now)
        except NamedOtherwise as error:
            raise CannotDecide(
                _("提出之后这个号码已用另一个姓名建档，请不予通过，核对后重新提出。")
            ) from error
    return locked


def _reach(user: User) -> list[str]:
    """The cities whose proposals this login deals with; "*" stands for those of all cities at
    once."""
    return [*staff_cities(user), *([] if user.city else ["*"])]


def _concerns(user: User, identity_number: str) -> bool:
    return bool(identity_number and user.person and user.person.identity_number == identity_number)


def place(proposal: Proposal) -> str:
    """The title of the city whose agency decides, or 全部城市."""
    return book().city(proposal.city).title if proposal.city else _("全部城市")
