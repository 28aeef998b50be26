"""Cases in hand: filed by employers' clerks in the last days."""

import datetime as dt
import uuid
from typing import Any

from portal.accounts.roles import REVIEWER
from portal.hall import amending, desk
from portal.hall.models import Case
from portal.hall.routing import Status
from portal.hall.service import Applicant
from portal.policy.book import book
from portal.policy.terms.offers import start_months
from portal.shared.insurance import Insurance
from portal.shared.months import month_in_china
from portal.web.demo import cast
from portal.web.demo.chapters import Say


def tell(now: dt.datetime, say: Say) -> None:
    for number, entry in enumerate(cast.script()["open_cases"]):
        key = uuid.uuid5(uuid.NAMESPACE_URL, f"demo-case-{number}")
        case = Case.objects.filter(key=key).first() or _file(entry, key, now)
        if entry.get("sent_back") and case.status == Status.IN_REVIEW and not case.amendments.exists():
            amending.send_back(
                case,
                fields=entry["sent_back"],
                papers={},
                by=cast.staff_of(case.city, REVIEWER),
                now=case.submitted_at + dt.timedelta(days=1),
            )
        if entry.get("refused") and case.is_open:
            reviewer = cast.staff_of(case.city, REVIEWER)
            desk.decide(
                case,
                approve=False,
                by=reviewer,
                now=case.submitted_at + dt.timedelta(days=1),
                reason=entry["refused"],
            )


def _file(entry: dict[str, Any], key: uuid.UUID, now: dt.datetime) -> Case:
    clerk = cast.clerk(entry["employer"])
    employer = cast.employer(entry["employer"])
    offer = book().city(employer.city).offers[entry["service"]]
    filed_at = now - dt.timedelta(days=entry["days_ago"])
    newcomer = entry["newcomer"]
    typed = {
        "identity_number": cast.identity_number(newcomer["place"], newcomer["born"], newcomer["order"]),
        "name": newcomer["name"],
        "hired_on": (filed_at.date() - dt.timedelta(days=5)).isoformat(),
        "wage": "6200",
    }
    for insurance in Insurance:
        months = start_months(offer, insurance, filed_in=month_in_china(filed_at))
        if months:
            typed[f"start_{insurance}"] = str(months[-1])
    ask = desk.ask_for(offer=offer, applicant=Applicant.of(clerk), typed=typed, now=filed_at)
    return desk.submit(ask=ask, key=key, now=filed_at)
