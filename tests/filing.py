"""Filing at the desk as a user would, without the pages: typed values in, a case or the reasons out."""

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from portal.accounts.models import User
from portal.hall import desk
from portal.hall.models import Case
from portal.hall.service import Applicant, Ask
from portal.policy.book import book


def ask(user: User, city: str, code: str, typed: Mapping[str, Any], now: dt.datetime) -> Ask:
    """The application that was typed. Raises desk.NotAccepted where the form refuses it."""
    return desk.ask_for(
        offer=book().city(city).offers[code], applicant=Applicant.of(user), typed=typed, now=now
    )


def file(
    user: User,
    city: str,
    code: str,
    typed: Mapping[str, Any],
    now: dt.datetime,
    *,
    key: UUID | None = None,
    **more: Any,
) -> Case:
    """The case that comes of it. Raises desk.NotAccepted where the form, the rule or the database refuses it."""
    return desk.submit(ask=ask(user, city, code, typed, now), key=key or uuid4(), now=now, **more)


def reasons(user: User, city: str, code: str, typed: Mapping[str, Any], now: dt.datetime) -> dict[str, str]:
    """Why it is refused, by field; {} where it is not."""
    try:
        findings = desk.examine(ask(user, city, code, typed, now))[1]
    except desk.NotAccepted as refusal:
        findings = refusal.findings
    return {finding.field: str(finding.why) for finding in findings}
