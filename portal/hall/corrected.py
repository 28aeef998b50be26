"""How drafts and cases follow when who somebody is was corrected: what is decided stays as it was filed, but is found by the new
number; what is still open is decided about the right person."""

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
    """Cases and drafts about the person."""
    _cases(correction)
    _drafts(correction)


def _cases(correction: Correction) -> None:
    old, new = correction.before.identity_number, correction.after.identity_number
    undecided = Case.objects.filter(status__in=[str(status) for status in OPEN])
    # An employer's case may name several people, of whom it is about none alone.
    naming = undecided.annotate(text=Cast("answers", TextField())).filter(
        Q(subject_identity_number=old) | Q(text__contains=f'"{old}"')
    )
    for case in naming.select_for_update():
        Case.objects.filter(pk=case.pk).update(answers=_answers(case.answers, correction))
    if old == new:
        return
    undecided.filter(subject=None, subject_identity_number=old).update(subject_identity_number=new)
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


def _drafts(correction: Correction) -> None:
    old = correction.before.identity_number
    known_as = {old, correction.before.paper_number} - {""}
    found = Draft.objects.annotate(text=Cast("typed", TextField())).filter(
        Q(subject=old) | Q(text__contains=f'"{old}"')
    )
    for draft in found.select_for_update():
        new = correction.after.identity_number
        typed = {
            name: [new if _is(one, known_as) else one for one in values]
            for name, values in draft.typed.items()
        }
        if typed != draft.typed and "document" in typed:
            # The number alone says the rest: it is on file.
            typed["document"] = [""]
        if names.agree("".join(typed.get("name", [])), correction.former_name):
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


def _is(typed: str, known_as: set[str]) -> bool:
    if foreigners.as_typed(typed) in known_as:
        return True
    try:
        return doors.identity_number(typed) in known_as
    except identity.InvalidIdentity:
        return False
