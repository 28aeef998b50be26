"""The demo's transfers."""

import datetime as dt
import uuid

from portal.accounts.roles import REVIEWER
from portal.hall import desk
from portal.hall.models import Case
from portal.hall.service import Applicant
from portal.policy.book import book
from portal.web.demo import cast
from portal.web.demo.chapters import Chapter, Say
from transfers import steps
from transfers.models import OutsideAgency


def _transfers(now: dt.datetime, say: Say) -> None:
    """Transfers that the person applied for and for which the new place has sent its letter."""
    for title, agency in cast.script()["outside_agencies"].items():
        OutsideAgency.objects.get_or_create(title=title, defaults={"agency": agency})
    for number, entry in enumerate(cast.script()["transfers"]):
        key = uuid.uuid5(uuid.NAMESPACE_URL, f"demo-transfer-{number}")
        if Case.objects.filter(key=key).exists():
            continue
        at = now - dt.timedelta(days=entry["days_ago"])
        offer = book().city(entry["from"]).offers[f"{entry['insurance']}-out"]
        applicant = Applicant.of(cast.person_login(entry["person"]))
        outside = OutsideAgency.objects.filter(title=entry.get("to_outside", "")).first()
        to = outside.place.key if outside else entry["to"]
        # What an outside agency does by paper, the staff of the city that lets go enter.
        by = cast.staff_of(entry["from"] if outside else to, REVIEWER)
        ask = desk.ask_for(offer=offer, applicant=applicant, typed={"to": to}, now=at)
        case = desk.submit(ask=ask, key=key, now=at)
        letter = at + dt.timedelta(days=2)
        transfer = steps.accept(case.transfer, by=by, now=letter)
        steps.send_letter(transfer, by=by, now=letter)


CHAPTERS = [Chapter(50, "关系转移", _transfers)]
