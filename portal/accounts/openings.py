"""单位开户 and 建档: two of the agency's staff open an employer's account or a person's file.

This fills an empty installation: staff open employers, whose first clerk sets a password by the
phone that was entered, and files of people who have none yet.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts import notices, proposals
from portal.accounts.identity_corrections import was_corrected
from portal.accounts.models import Proposal, User
from portal.accounts.proposals import CannotDecide, Kind, NotProposed, Row
from portal.people import papers, persons
from portal.people.models import Employer, Person
from portal.policy.book import book
from portal.shared import identity
from portal.shared.months import today_in_china

# What is entered of an employer, in the order in which it is shown; all of it text but the grade.
EMPLOYER_FIELDS = (
    "credit_code",
    "name",
    "city",
    "insurance_number",
    "industry_grade",
    "contact_name",
    "contact_phone",
)
PERSON_FIELDS = ("identity_number", "name", "phone", "household_code")
# The fields of the form for a person, in its order.
PERSON_ASKED = (
    *("document", "identity_number", "name", "nationality", "sex", "birth_date", "paper_expires_on"),
    *("phone", "household_code"),
)


class EmployerOpening(Kind):
    code = "employer-opening"
    title = gettext_lazy("单位开户")
    permission = "people.add_employer"

    def rows(self, proposal: Proposal) -> list[Row]:
        payload = proposal.payload
        shown = {
            **payload,
            "city": book().city(payload["city"]).title,
            "contact_phone": identity.mask_phone(payload["contact_phone"]),
        }
        return [
            (str(Employer._meta.get_field(name).verbose_name), "—", str(shown[name]))  # type: ignore[union-attr]
            for name in EMPLOYER_FIELDS
        ]

    def apply(self, proposal: Proposal, *, by: User, now: dt.datetime) -> None:
        payload = proposal.payload
        try:
            with transaction.atomic():
                employer = Employer.objects.create(**{name: payload[name] for name in EMPLOYER_FIELDS})
                clerk = User.objects.create_clerk(
                    employer, name=employer.contact_name, phone=employer.contact_phone, password=None
                )
        except IntegrityError as error:
            raise CannotDecide(
                _("统一社会信用代码或单位社保编号已经登记，请不予通过，核对后重新提出。")
            ) from error
        tell_clerk(clerk, employer, reference=str(proposal.pk), now=now)


class PersonOpening(Kind):
    code = "person-opening"
    title = gettext_lazy("人员建档")
    permission = "people.add_person"

    def rows(self, proposal: Proposal) -> list[Row]:
        payload = proposal.payload
        shown = {
            **payload,
            "identity_number": identity.mask(payload["identity_number"]),
            "phone": identity.mask_phone(payload["phone"]) or "—",
        }
        rows = [
            (str(Person._meta.get_field(name).verbose_name), "—", str(shown[name] or "—"))  # type: ignore[union-attr]
            for name in PERSON_FIELDS
        ]
        paper = papers.of_told(payload)
        if paper.nationality:
            rule = papers.made_as(today_in_china(proposal.proposed_at))
            rows[0] = (rows[0][0], "—", _("{number}（按{rule}编制）").format(number=rows[0][2], rule=rule))
        return [rows[0], *((label, "—", value) for label, value in paper.lines()), *rows[1:]]

    def apply(self, proposal: Proposal, *, by: User, now: dt.datetime) -> None:
        payload = proposal.payload
        opened_meanwhile = _("提出之后这个号码已经建档，请不予通过。")
        if persons.find(payload["identity_number"]):
            raise CannotDecide(opened_meanwhile)
        try:
            with transaction.atomic():
                persons.record(
                    paper=papers.of_told(payload),
                    name=payload["name"],
                    phone=payload["phone"],
                    household_code=payload["household_code"],
                )
        except IntegrityError as error:
            raise CannotDecide(opened_meanwhile) from error


EMPLOYER_OPENING, PERSON_OPENING = EmployerOpening(), PersonOpening()


def ensure_employer(told: Mapping[str, Any], *, by: User) -> None:
    """Raises NotProposed where this login cannot propose to open this employer."""
    if Employer.objects.filter(credit_code=told["credit_code"]).exists():
        raise NotProposed(_("这个统一社会信用代码已经开户。"))
    if Employer.objects.filter(insurance_number=told["insurance_number"]).exists():
        raise NotProposed(_("这个单位社保编号已由其他单位使用。"))
    proposals.ensure_may_propose(
        EMPLOYER_OPENING, city=told["city"], target=f"employer {told['credit_code']}", by=by
    )


def propose_employer(told: Mapping[str, Any], *, reason: str, by: User, now: dt.datetime) -> Proposal:
    """Proposes to open an employer: ``told`` by EMPLOYER_FIELDS. Raises NotProposed."""
    ensure_employer(told, by=by)
    return proposals.propose(
        EMPLOYER_OPENING,
        city=told["city"],
        target=f"employer {told['credit_code']}",
        about=told["name"],
        payload={name: told[name] for name in EMPLOYER_FIELDS},
        reason=reason,
        by=by,
        now=now,
    )


def ensure_person(told: Mapping[str, Any], *, city: str, by: User) -> None:
    """Raises NotProposed where this login cannot propose to open this file."""
    if persons.find(told["identity_number"]):
        raise NotProposed(_("这个号码已经建档，请在人员中查询。"))
    if was_corrected(told["identity_number"], str(told.get("name", ""))):
        raise NotProposed(_("这个号码登记有误，已经更正。请按本人现在的证件核对，在人员中用正确的号码查询。"))
    proposals.ensure_may_propose(
        PERSON_OPENING,
        city=city,
        target=f"person {told['identity_number']}",
        identity_number=told["identity_number"],
        by=by,
    )


def propose_person(
    told: Mapping[str, Any], *, city: str, reason: str, by: User, now: dt.datetime
) -> Proposal:
    """Proposes to open a person's file: ``told`` by PERSON_FIELDS, and by those of papers where the
    number says too little, all valid. Raises NotProposed."""
    ensure_person(told, city=city, by=by)
    return proposals.propose(
        PERSON_OPENING,
        city=city,
        target=f"person {told['identity_number']}",
        about=f"{told['name']} {identity.mask(told['identity_number'])}",
        identity_number=told["identity_number"],
        payload={**papers.of_told(told).told(), **{name: told[name] for name in PERSON_FIELDS}},
        reason=reason,
        by=by,
        now=now,
    )


def tell_clerk(clerk: User, employer: Employer, *, reference: str, now: dt.datetime) -> None:
    """Tells a clerk of a new account how to set a password: nobody else types one for them. Once
    for each ``reference``."""
    notices.tell(
        clerk,
        kind="employer-opening",
        reference=reference,
        title=_("单位账号已开通"),
        text=_(
            "%(employer)s的社保单位账号已开通。请在网上办事大厅的单位登录页选择“忘记密码”，"
            "用统一社会信用代码和本手机号设置密码后登录。"
        )
        % {"employer": employer.name},
        now=now,
        phone=clerk.phone,
    )


def register() -> None:
    """Makes the kinds known; called once, when the app is ready."""
    for kind in (EMPLOYER_OPENING, PERSON_OPENING):
        proposals.register(kind)
