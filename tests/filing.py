"""Filing at the desk as a user would, without the pages: typed values in, a case or the reasons
out."""

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from portal.accounts.models import User
from portal.hall import desk
from portal.hall.models import Attachment, Case, Draft
from portal.hall.routing import Status
from portal.hall.service import Applicant, Ask, Finding
from portal.people.models import Employer, Person
from portal.policy.book import book
from tests.cast import NOW


def ask(
    user: User, city: str, code: str, typed: Mapping[str, Any], now: dt.datetime, ward: Person | None = None
) -> Ask:
    """The application that was typed, for a ward where one is named. Raises desk.NotAccepted where
    the form refuses it."""
    return desk.ask_for(
        offer=book().city(city).offers[code], applicant=Applicant.of(user, ward), typed=typed, now=now
    )


def file(
    user: User,
    city: str,
    code: str,
    typed: Mapping[str, Any],
    now: dt.datetime,
    *,
    key: UUID | None = None,
    ward: Person | None = None,
    **more: Any,
) -> Case:
    """The case that comes of it. Raises desk.NotAccepted where the form, the rule or the database
    refuses it."""
    return desk.submit(ask=ask(user, city, code, typed, now, ward), key=key or uuid4(), now=now, **more)


def reasons(
    user: User, city: str, code: str, typed: Mapping[str, Any], now: dt.datetime, ward: Person | None = None
) -> dict[str, str]:
    """Why it is refused, by field; {} where it is not."""
    return {finding.field: str(finding.why) for finding in findings_of(user, city, code, typed, now, ward)}


def ways(user: User, city: str, code: str, typed: Mapping[str, Any], now: dt.datetime) -> set[str]:
    """The addresses of what the refusal names."""
    return {way.url for finding in findings_of(user, city, code, typed, now) for way in finding.ways}


def findings_of(
    user: User, city: str, code: str, typed: Mapping[str, Any], now: dt.datetime, ward: Person | None = None
) -> list[Finding]:
    """What is found against it."""
    try:
        return desk.look(ask(user, city, code, typed, now, ward)).findings
    except desk.NotAccepted as refusal:
        return refusal.findings


def standing_case(
    user: User, *, status: Status = Status.IN_REVIEW, subject: Person | None = None, **more: Any
) -> Case:
    """A case as it would stand in the register, without the way to it."""
    employer: Employer | None = user.employer
    values: dict[str, Any] = {
        "number": f"330200-20261117-{uuid4().hex[:8].upper()}",
        "city": "ningbo",
        "service": "employer-add-staff" if employer else "flexible-enroll",
        "mode": "review",
        "status": status,
        "filed_by": user,
        "applicant_employer": employer,
        "applicant_person": None if employer else user.person,
        "subject": subject,
        "subject_identity_number": subject.identity_number if subject else "",
        "answers": {},
        "key": uuid4(),
        "digest": "0" * 64,
        "submitted_at": NOW,
        "reason": "材料不全" if status == Status.REFUSED else "",
        **more,
    }
    return Case.objects.create(**values)


def photo(user: User, city: str, code: str, now: dt.datetime) -> Attachment:
    """A photo that was handed in with the user's draft for this offer."""
    draft, _made = Draft.objects.get_or_create(
        user=user, city=city, service=code, defaults={"updated_at": now}
    )
    return Attachment.objects.create(
        draft=draft,
        paper="photo",
        name="a.jpg",
        content_type="image/jpeg",
        size=1,
        digest="0" * 64,
        file="x",
        uploaded_at=now,
    )
