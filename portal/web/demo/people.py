"""Who lives in the demo, and their cards."""

import datetime as dt
from decimal import Decimal

from portal.people import guardianship
from portal.people.models import Guardianship, Proof, Relation
from portal.registers.models import (
    BankAccountRecord,
    HouseholdRecord,
    MedicalAccountRecord,
    PensionRecord,
    SecurityCardRecord,
)
from portal.shared import money
from portal.shared.months import Month, month_in_china, today_in_china
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
    _pensions(month_in_china(now))
    _families(today_in_china(now))


def _pensions(month: Month) -> None:
    for entry in cast.script()["pensions"]:
        person, since = cast.person(entry["person"]), month - entry["since"]
        PensionRecord.objects.get_or_create(
            identity_number=person.identity_number,
            defaults={
                "name": person.name,
                "kind": entry["kind"],
                "place_code": entry["place"],
                "payer": entry["payer"],
                "retired_in": since - 1,
                "since": since,
                "monthly_fen": money.to_fen(Decimal(entry["monthly"])),
            },
        )


def _families(today: dt.date) -> None:
    """Household books with the parents, and the guardianships that these prove."""
    for family in cast.script()["families"]:
        father, mother = cast.person(family["father"]), cast.person(family["mother"])
        children = [cast.person(key) for key in family["children"]]
        book = HouseholdRecord.objects.filter(
            identity_number__in=[one.identity_number for one in (father, mother, *children)]
        )
        book.update(book_number=family["book"])
        book.filter(identity_number__in=[one.identity_number for one in children]).update(
            father_number=father.identity_number, mother_number=mother.identity_number
        )
        for child in children:
            for parent in (father, mother):
                if not Guardianship.objects.filter(guardian=parent, ward=child).exists():
                    guardianship.begin(
                        guardian=parent,
                        ward=child,
                        relation=Relation.PARENT,
                        proof_kind=Proof.HOUSEHOLD,
                        proof="同一户口簿登记的父母，登记比对一致",
                        start=today,
                        on=today,
                    )


def _cards() -> None:
    for card in cast.script()["cards"]:
        number = cast.account_number(card["number"][0], ending=card["number"][1])
        holder = cast.person(card["person"])
        SecurityCardRecord.objects.get_or_create(
            identity_number=holder.identity_number,
            defaults={
                "bank": card["bank"],
                "number": number,
                "activated": True,
                "holder": holder.name,
                "phone": holder.phone,
            },
        )
        MedicalAccountRecord.objects.get_or_create(
            identity_number=holder.identity_number, city=card["city"], defaults={"number": number}
        )
    for account in cast.script()["bank_accounts"]:
        holder = cast.person(account["person"])
        BankAccountRecord.objects.get_or_create(
            bank=account["bank"],
            number=cast.account_number(account["number"][0], ending=account["number"][1]),
            defaults={
                "holder": holder.name,
                "identity_number": holder.identity_number,
                "phone": holder.phone,
                "opened_in": account["place"],
            },
        )
