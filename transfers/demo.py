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


def _transfers(now: dt.datetime, say: Say) -> None:
    """Transfers that the person applied for and for which the new place has sent its letter."""
    for number, entry in enumerate(cast.script()["transfers"]):
        key = uuid.uuid5(uuid.NAMESPACE_URL, f"demo-transfer-{number}")
        if Case.objects.filter(key=key).exists():
            continue
        at = now - dt.timedelta(days=entry["days_ago"])
        offer = book().city(entry["from"]).offers[f"{entry['insurance']}-out"]
        applicant = Applicant.of(cast.person_login(entry["person"]))
        ask = desk.ask_for(offer=offer, applicant=applicant, typed={"to": entry["to"]}, now=at)
        case = desk.submit(ask=ask, key=key, now=at)
        letter = at + dt.timedelta(days=2)
        transfer = steps.accept(case.transfer, by=cast.staff_of(entry["to"], REVIEWER), now=letter)
        steps.send_letter(transfer, by=cast.staff_of(entry["to"], REVIEWER), now=letter)


CHAPTERS = [Chapter(50, "关系转移", _transfers)]
