"""Activation codes: the window gives one to somebody whose identity card it has seen, and with it
they open their own account."""

from datetime import datetime, timedelta

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction

from portal.accounts.models import ActivationCode, User
from portal.people.models import Person
from portal.policy.book import book
from portal.policy.terms.people import account_proof_terms
from portal.shared import numbers
from portal.shared.characters import narrow
from portal.shared.months import today_in_china

# Without characters that are mistaken for another on paper; 10 of these 28 make 48 bits.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTWXY"
LENGTH = 10


def issue(*, person: Person, city: str, seen: str, by: User, now: datetime) -> tuple[ActivationCode, str]:
    """A new code for the person, and its row; codes that were issued before no longer count. Only
    its hash is kept."""
    code = numbers.random_text(LENGTH, ALPHABET)
    days = account_proof_terms(book(), city=city, on=today_in_china(now)).code_days
    row = ActivationCode.objects.create(
        person=person,
        city=city,
        code_hash=make_password(code),
        seen=seen,
        issued_by=by,
        issued_at=now,
        good_until=today_in_china(now) + timedelta(days=days),
    )
    return row, f"{code[:5]}-{code[5:]}"


def spend(*, person: Person, code: str, now: datetime) -> bool:
    """Whether this is the last code that was issued to the person; it counts once, and no longer
    than its ``good_until``."""
    typed = narrow(code).upper().replace("-", "")
    with transaction.atomic():
        last = (
            ActivationCode.objects.select_for_update()
            .filter(person=person)
            .order_by("-issued_at", "-pk")
            .first()
        )
        if last is None:
            # So that it takes as long where the person has no code.
            make_password(typed)
            return False
        if (
            not check_password(typed, last.code_hash)
            or last.spent_at
            or last.good_until < today_in_china(now)
        ):
            return False
        last.spent_at = now
        last.save(update_fields=["spent_at"])
    return True
