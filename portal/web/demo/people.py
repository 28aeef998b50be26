"""Who lives in the demo, and their cards."""

import datetime as dt

from portal.registers.models import MedicalAccountRecord, SecurityCardRecord
from portal.web.demo import cast
from portal.web.demo.chapters import Say


def tell(now: dt.datetime, say: Say) -> None:
    for key in cast.script()["employers"]:
        cast.clerk(key)
    for key, entry in cast.script()["persons"].items():
        if entry.get("login"):
            cast.person_login(key)
    for username in cast.script()["staff"]:
        cast.staff(username)
    _cards()


def _cards() -> None:
    for card in cast.script()["cards"]:
        number = cast.account_number(card["number"][0], ending=card["number"][1])
        holder = cast.person(card["person"]).identity_number
        SecurityCardRecord.objects.get_or_create(
            identity_number=holder, defaults={"bank": card["bank"], "number": number, "activated": True}
        )
        MedicalAccountRecord.objects.get_or_create(
            identity_number=holder, city=card["city"], defaults={"number": number}
        )
