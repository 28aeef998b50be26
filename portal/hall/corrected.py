"""How drafts and cases follow when who somebody is was corrected: what is decided stays as it was
filed, but is found by the new number; what is still open is decided about the right person."""

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
    """Cases about the person, and the drafts that they or their guardians have begun."""
    _cases(correction)
    follow_drafts(correction, Q(user__person=correction.person) | Q(ward=correction.person))


def _cases(correction: Correction) -> None:
    old, new = correction.before.identity_number, correction.after.identity_number
    undecided = Case.objects.filter(status__in=[str(status) for status in OPEN])
    # An employer's case may name several people, of whom it is about none alone.
    naming = undecided.annotate(text=Cast("answers", TextField())).filter(
        Q(subject_identity_number=old) | Q(text__contains=f'"{old}"')
    )
    for case in naming.select_for_update():
        stated = str(case.answers.get("name") or "")
        if stated and case.subject_id is None and not names.agree(stated, correction.former_name):
            # About the one whose number it really is, whom the register does not know.
            continue
        changes: dict[str, Any] = {"answers": _answers(case.answers, correction)}
        if case.subject_id is None and case.subject_identity_number == old:
            changes["subject_identity_number"] = new
        Case.objects.filter(pk=case.pk).update(**changes)
    if old == new:
        return
    Case.objects.filter(subject=correction.person, subject_identity_number=old).update(
        subject_identity_number=new
    )


def _answers(answers: Mapping[str, Any], correction: Correction) -> dict[str, Any]:
    """What was filed, about the person as they are now."""
    old, new = correction.before.identity_number, correction.after.identity_number
    told = {
        name: [new if one == old else one for one in value]
        if isinstance(value, list)
        else new
        if value == old
        else value
        for name, value in answers.items()
    }
    if answers.get("identity_number") != old:
        return told
    told = {name: value for name, value in told.items() if name not in FIELDS}
    if correction.after.nationality:
        told |= correction.after.told()
    told["identity_number"] = new
    if names.agree(str(told.get("name", "")), correction.former_name):
        told["name"] = correction.person.name
    return told


def follow_drafts(correction: Correction, of: Q) -> None:
    """Drafts ``of`` logins to whom it is told how the number is now; not those that state another's
    name."""
    number = correction.before.identity_number
    known_as = {number, correction.before.paper_number} - {""}
    named = Q(subject=number)
    for one in known_as:
        named |= Q(text__contains=one)
    found = Draft.objects.annotate(text=Cast("typed", TextField())).filter(of).filter(named)
    for draft in found.select_for_update(of=("self",)):
        # Whoever states another name means the one whose number it really is.
        if "name" not in draft.typed or names.agree("".join(draft.typed["name"]), correction.former_name):
            _follow(draft, correction, known_as)


def _follow(draft: Draft, correction: Correction, known_as: set[str]) -> None:
    old, new = correction.before.identity_number, correction.after.identity_number
    typed = {
        name: [_renumbered(one, known_as, new) for one in values] for name, values in draft.typed.items()
    }
    if typed != draft.typed and "document" in typed:
        # The number alone says the rest: it is on file.
        typed["document"] = [""]
    if "name" in typed:
        typed["name"] = [correction.person.name]
    try:
        with transaction.atomic():
            Draft.objects.filter(pk=draft.pk).update(
                subject=new if draft.subject == old else draft.subject,
                typed=typed,
                checked=False,
                updated_at=correction.at,
            )
    except IntegrityError:
        # The same login had begun one under the right number.
        drafts.forget(draft)


def _renumbered(typed: str, known_as: set[str], new: str) -> str:
    """What was typed into one field, of which each line may be a number."""
    lines = typed.splitlines()
    if not any(_is(line, known_as) for line in lines):
        return typed
    return "\n".join(new if _is(line, known_as) else line for line in lines)


def _is(typed: str, known_as: set[str]) -> bool:
    if foreigners.as_typed(typed) in known_as:
        return True
    try:
        return doors.identity_number(typed) in known_as
    except identity.InvalidIdentity:
        return False
