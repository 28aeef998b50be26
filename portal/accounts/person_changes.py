"""Changes of a person's file by two members of staff: details, and guardianships. The people
concerned are told.

A new phone number gives access to the account, so the text message about it goes to the old number.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import models, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts import notices, proposals
from portal.accounts.models import Proposal, User
from portal.accounts.proposals import CannotDecide, Kind, NotProposed, Row
from portal.people import belonging, guardianship, papers
from portal.people.models import PROOF_LABELS, RELATION_LABELS, Guardianship, Person, Proof, Relation
from portal.people.persons import record as open_file
from portal.shared import identity
from portal.shared.months import today_in_china

NOTICE_KIND = "file-change"

# The columns of a person's file that staff may change.
DETAILS = ("name", "phone", "archive_birth_date", "household_code")


def as_text(value: Any) -> str:
    """A detail as it is kept in a proposal: a day as 2026-11-30, nothing as ""."""
    return value.isoformat() if isinstance(value, dt.date) else str(value or "")


def _column(name: str) -> "models.Field[Any, Any]":
    column = Person._meta.get_field(name)
    assert isinstance(column, models.Field)  # noqa: S101  # DETAILS name columns of the person's own
    return column


def _shown(name: str, text: str) -> str:
    return (identity.mask_phone(text) if name == "phone" else text) or "—"


def named(person: Person) -> str:
    return f"{person.name} {identity.mask(person.identity_number)}"


def must_be_own(person: Person, by: User) -> None:
    if by.city and not belonging.belongs(person, [by.city]):
        raise NotProposed(_("这名人员不属于本市，请由其参保地或户籍地的经办机构办理。"))


class PersonDetails(Kind):
    code = "person-details"
    title = gettext_lazy("人员信息变更")
    permission = "people.change_person"

    def rows(self, proposal: Proposal) -> list[Row]:
        return [
            (str(_column(name).verbose_name), _shown(name, before), _shown(name, after))
            for name, (before, after) in proposal.payload["changes"].items()
        ]

    @transaction.atomic
    def apply(self, proposal: Proposal, *, by: User, now: dt.datetime) -> None:
        person = Person.objects.select_for_update().get(pk=proposal.payload["person"])
        changes: Mapping[str, list[str]] = proposal.payload["changes"]
        old_phone = person.phone
        for name, (before, after) in changes.items():
            if as_text(getattr(person, name)) != before:
                raise CannotDecide(_("提出之后档案已有变动，请不予通过，核对后重新提出。"))
            column = _column(name)
            setattr(person, name, column.to_python(after) if after or not column.null else None)
        person.save(update_fields=list(changes))
        changed = "、".join(str(_column(name).verbose_name) for name in changes)
        tell(
            person,
            proposal,
            now=now,
            title=_("您的登记信息已变更"),
            text=_(
                "您在社保登记的%(changed)s已由经办机构变更。不是您本人要求的，请立即拨打 12333 或到窗口核实。"
            )
            % {"changed": changed}
            + (to_renew(person) if "name" in changes else ""),
            phone=old_phone,
        )


class NewGuardianship(Kind):
    code = "guardianship"
    title = gettext_lazy("新增监护关系")
    permission = "people.add_guardianship"

    def rows(self, proposal: Proposal) -> list[Row]:
        payload = proposal.payload
        guardian = Person.objects.get(pk=payload["guardian"])
        return [
            (_("监护人"), "—", named(guardian)),
            (_("被监护人"), "—", f"{payload['ward_name']} {identity.mask(payload['ward_number'])}"),
            (_("监护关系"), "—", _(RELATION_LABELS[Relation(payload["relation"])])),
            (_("依据种类"), "—", _(PROOF_LABELS[_proof_kind(payload)])),
            (_("依据"), "—", payload["proof"]),
            (_("开始日期"), "—", payload["start"]),
            (_("终止日期"), "—", payload["ends_on"] or "—"),
        ]

    def apply(self, proposal: Proposal, *, by: User, now: dt.datetime) -> None:
        payload = proposal.payload
        guardian = Person.objects.get(pk=payload["guardian"])
        ward = open_file(
            paper=papers.of_told({"identity_number": payload["ward_number"]}), name=payload["ward_name"]
        )
        try:
            guardianship.begin(
                guardian=guardian,
                ward=ward,
                relation=Relation(payload["relation"]),
                proof_kind=_proof_kind(payload),
                proof=payload["proof"],
                start=dt.date.fromisoformat(payload["start"]),
                ends_on=dt.date.fromisoformat(payload["ends_on"]) if payload["ends_on"] else None,
                on=today_in_china(now),
            )
        except guardianship.IsGuardian as error:
            raise CannotDecide(_("这一监护关系已经登记。")) from error
        except guardianship.NoPlace as error:
            raise CannotDecide(_("已登记两名监护人，请先变更其中一名。")) from error
        _tell_both(guardian, ward, proposal, now=now, started=True)


def _proof_kind(payload: Mapping[str, Any]) -> Proof:
    """Proposals of before kinds were kept name none."""
    return Proof(payload.get("proof_kind", Proof.APPOINTED))


class GuardianshipEnd(Kind):
    code = "guardianship-end"
    title = gettext_lazy("监护关系终止日期变更")
    permission = "people.change_guardianship"

    def rows(self, proposal: Proposal) -> list[Row]:
        return [(_("终止日期"), proposal.payload["before"] or "—", proposal.payload["ends_on"] or "—")]

    def apply(self, proposal: Proposal, *, by: User, now: dt.datetime) -> None:
        payload = proposal.payload
        row = Guardianship.objects.select_for_update().get(pk=payload["guardianship"])
        if as_text(row.ends_on) != payload["before"]:
            raise CannotDecide(_("提出之后监护关系已有变动，请不予通过，核对后重新提出。"))
        row.ends_on = dt.date.fromisoformat(payload["ends_on"]) if payload["ends_on"] else None
        row.save(update_fields=["ends_on"])
        _tell_both(row.guardian, row.ward, proposal, now=now, started=False)


DETAILS_KIND, NEW_GUARDIANSHIP, GUARDIANSHIP_END = PersonDetails(), NewGuardianship(), GuardianshipEnd()


def ensure_details(person: Person, *, by: User) -> None:
    """Raises NotProposed where this login cannot propose other details of the person."""
    must_be_own(person, by)
    proposals.ensure_may_propose(
        DETAILS_KIND,
        city=by.city,
        target=_of_details(person),
        identity_number=person.identity_number,
        by=by,
    )


def propose_details(
    person: Person, *, changes: Mapping[str, tuple[str, str]], reason: str, by: User, now: dt.datetime
) -> Proposal:
    """Proposes other details: ``changes`` by name as (now, then) in the text of ``as_text``. Raises
    NotProposed."""
    ensure_details(person, by=by)
    return proposals.propose(
        DETAILS_KIND,
        city=by.city,
        target=_of_details(person),
        about=named(person),
        identity_number=person.identity_number,
        payload={"person": person.pk, "changes": {name: list(pair) for name, pair in changes.items()}},
        reason=reason,
        by=by,
        now=now,
    )


def _of_details(person: Person) -> str:
    return f"person {person.pk}"


def ensure_guardianship(guardian: Person, ward_number: str, *, by: User) -> None:
    """Raises NotProposed where this login cannot propose it; a ward who is on file must belong to
    the login's city."""
    ward = Person.objects.filter(identity_number=ward_number).first()
    if ward is not None:
        must_be_own(ward, by)
    if by.person and by.person.pk == guardian.pk:
        raise NotProposed(_("这一事项与您本人有关，请由其他工作人员提出。"))
    proposals.ensure_may_propose(
        NEW_GUARDIANSHIP,
        city=by.city,
        target=f"guardianship {guardian.pk} {ward_number}",
        identity_number=ward_number,
        by=by,
    )


def propose_guardianship(
    guardian: Person,
    *,
    ward_number: str,
    ward_name: str,
    relation: str,
    proof_kind: str,
    proof: str,
    start: dt.date,
    ends_on: dt.date | None,
    by: User,
    now: dt.datetime,
) -> Proposal:
    """Proposes that the guardian files for the ward, whose number is valid. Raises NotProposed."""
    ensure_guardianship(guardian, ward_number, by=by)
    return proposals.propose(
        NEW_GUARDIANSHIP,
        city=by.city,
        target=f"guardianship {guardian.pk} {ward_number}",
        about=f"{ward_name} {identity.mask(ward_number)}",
        identity_number=ward_number,
        payload={
            "guardian": guardian.pk,
            "ward_number": ward_number,
            "ward_name": ward_name,
            "relation": relation,
            "proof_kind": proof_kind,
            "proof": proof,
            "start": as_text(start),
            "ends_on": as_text(ends_on),
        },
        reason=proof,
        by=by,
        now=now,
    )


def ensure_end(row: Guardianship, *, by: User) -> None:
    """Raises NotProposed where this login cannot propose another end; the ward must belong to the
    login's city."""
    must_be_own(row.ward, by)
    proposals.ensure_may_propose(
        GUARDIANSHIP_END,
        city=by.city,
        target=f"guardianship {row.pk}",
        identity_number=row.ward.identity_number,
        by=by,
    )


def propose_end(
    row: Guardianship, *, ends_on: dt.date | None, reason: str, by: User, now: dt.datetime
) -> Proposal:
    """Proposes another last day of a guardianship (None: without end). Raises NotProposed."""
    ensure_end(row, by=by)
    before = Guardianship.objects.values_list("ends_on", flat=True).get(pk=row.pk)
    return proposals.propose(
        GUARDIANSHIP_END,
        city=by.city,
        target=f"guardianship {row.pk}",
        about=named(row.ward),
        identity_number=row.ward.identity_number,
        payload={"guardianship": row.pk, "before": as_text(before), "ends_on": as_text(ends_on)},
        reason=reason,
        by=by,
        now=now,
    )


def to_renew(person: Person) -> str:
    """The sentence about bank accounts under the former name, which the person must file anew; ""
    where there are none."""
    if not person.bank_accounts.filter(until__isnull=True).exclude(holder=person.name).exists():
        return ""
    return _(
        "您的缴费账户户名仍是原姓名：请先到开户银行更名，再办理缴费账户登记，重新提交这个账户，以免扣款失败。"
    )


def tell(
    person: Person, proposal: Proposal, *, title: str, text: str, now: dt.datetime, phone: str = ""
) -> None:
    """A notice and a text message, once for a person and proposal; to ``phone`` where that is
    given."""
    notices.tell(
        person,
        kind=NOTICE_KIND,
        reference=f"{proposal.pk} {person.pk}",
        title=title,
        text=text,
        now=now,
        phone=phone,
    )


def _tell_both(
    guardian: Person, ward: Person, proposal: Proposal, *, now: dt.datetime, started: bool
) -> None:
    names = {"guardian": guardian.name, "ward": ward.name}
    if started:
        title = _("监护关系已登记")
        text = _(
            "%(guardian)s已登记为%(ward)s的监护人，可代为办理社保业务。有异议的，请立即拨打 12333 或到窗口核实。"
        )
    else:
        title = _("监护关系已变更")
        text = _("%(guardian)s与%(ward)s的监护关系终止日期已变更。有异议的，请拨打 12333 或到窗口核实。")
    for person in (guardian, ward):
        tell(person, proposal, title=title, text=text % names, now=now)


def register() -> None:
    """Makes the kinds known; called once, when the app is ready."""
    for kind in (DETAILS_KIND, NEW_GUARDIANSHIP, GUARDIANSHIP_END):
        proposals.register(kind)
