"""Who lives in the demo, and their cards."""

import datetime as dt

from portal.registers.models import MedicalAccountRecord, SecurityCardRecord
from portal.web.demo import cast
from portal.web.demo.chapters import Say


def tell(now: dt.datetime, say: Say) -> None:
    for key in cast.script()["employers"]:
        cast.clerk(key)
    for key, told in cast.script()["persons"].items():
        if told.get("login"):
            cast.person_login(key)
    for username in cast.script()["staff"]:
        cast.staff(username)
    _cards()


def _cards() -> None:
    for told in cast.script()["cards"]:
        number = cast.account_number(told["number"][0], ending=told["number"][1])
        holder = cast.person(told["person"]).identity_number
        SecurityCardRecord.objects.get_or_create(
            identity_number=holder, defaults={"bank": told["bank"], "number": number, "activated": True}
        )
        MedicalAccountRecord.objects.get_or_create(
            identity_number=holder, city=told["city"], defaults={"number": number}
        )
