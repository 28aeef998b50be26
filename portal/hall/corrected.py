"""Drafts and cases follow a correction of a person's identity: decided cases keep what was filed
and are found by the new number; open cases are decided about the right person."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, TextField
from django.db.models.functions import Cast

from portal.accounts import doors
from portal.hall import drafts
from portal.hall.models import Case, Draft
from portal.hall.routing import OPEN
from portal.people.corrections import Correction
from portal.people.papers import FIELDS
from portal.shared import foreigners, identity, names


def follow(correction: Correction) -> None:
    """Changes the cases about the person, and the drafts of the person and their guardians."""
    _cases(correction)
    follow_drafts(correction, Q(user__person=correction.person) | Q(ward=correction.person))


def _cases(correction: Correction) -> None:
    old_number, new_number = correction.before.identity_number, correction.after.identity_number
    undecided = Case.objects.filter(status__in=[str(status) for status in OPEN])
    # An employer's case may name several people; then it has no single subject.
    naming = undecided.annotate(text=Cast("answers", TextField())).filter(
        Q(subject_identity_number=old_number) | Q(text__contains=f'"{old_number}"')
    )
    for case in naming.select_for_update():
        stated = str(case.answers.get("name") or "")
        if stated and case.subject_id is None and not names.agree(stated, correction.former_name):
            # The case is about the true owner of the number, whom the register does not know.
            continue
        changes: dict[str, Any] = {"answers": _answers(case.answers, correction)}
        if case.subject_id is None and case.subject_identity_number == old_number:
            changes["subject_identity_number"] = new_number
        Case.objects.filter(pk=case.pk).update(**changes)
    if old_number == new_number:
        return
    Case.objects.filter(subject=correction.person, subject_identity_number=old_number).update(
        subject_identity_number=new_number
    )


def _answers(answers: Mapping[str, Any], correction: Correction) -> dict[str, Any]:
    """The answers as filed, with the person's number, paper and name as they are now."""
    old_number, new_number = correction.before.identity_number, correction.after.identity_number
    corrected = {
        name: [new_number if one == old_number else one for one in value]
        if isinstance(value, list)
        else new_number
        if value == old_number
        else value
        for name, value in answers.items()
    }
    if answers.get("identity_number") != old_number:
        return corrected
    corrected = {name: value for name, value in corrected.items() if name not in FIELDS}
    if correction.after.nationality:
        corrected |= correction.after.told()
    corrected["identity_number"] = new_number
    if names.agree(str(corrected.get("name", "")), correction.former_name):
        corrected["name"] = correction.person.name
    return corrected


def follow_drafts(correction: Correction, of: Q) -> None:
    """Puts the new number into drafts that match ``of``, by which the caller selects logins that
    may learn it. Drafts that state another person's name stay."""
    number = correction.before.identity_number
    known_as = {number, correction.before.paper_number} - {""}
    about_person = Q(subject=number)
    for known_number in known_as:
        about_person |= Q(text__contains=known_number)
    affected = Draft.objects.annotate(text=Cast("typed", TextField())).filter(of).filter(about_person)
    for draft in affected.select_for_update(of=("self",)):
        # A draft with another name means the true owner of the number.
        if "name" not in draft.typed or names.agree("".join(draft.typed["name"]), correction.former_name):
            _follow(draft, correction, known_as)


def _follow(draft: Draft, correction: Correction, known_as: set[str]) -> None:
    old_number, new_number = correction.before.identity_number, correction.after.identity_number
    typed = {
        name: [_renumbered(one, known_as, new_number) for one in values]
        for name, values in draft.typed.items()
    }
    if typed != draft.typed and "document" in typed:
        # The paper's other data are on file under the new number.
        typed["document"] = [""]
    if "name" in typed:
        typed["name"] = [correction.person.name]
    try:
        with transaction.atomic():
            Draft.objects.filter(pk=draft.pk).update(
                subject=new_number if draft.subject == old_number else draft.subject,
                typed=typed,
                checked=False,
                updated_at=correction.at,
            )
    except IntegrityError:
        # The same login already has a draft under the right number.
        drafts.forget(draft)


def _renumbered(typed: str, known_as: set[str], new_number: str) -> str:
    """What was typed into one field, with each line that is the person's number replaced."""
    lines = typed.splitlines()
    if not any(_is(line, known_as) for line in lines):
        return typed
    return "\n".join(new_number if _is(line, known_as) else line for line in lines)


def _is(typed: str, known_as: set[str]) -> bool:
    if foreigners.as_typed(typed) in known_as:
        return True
    try:
        return doors.identity_number(typed) in known_as
    except identity.InvalidIdentity:
        return False
