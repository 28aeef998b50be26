"""What a form for the window says: the numbers that the clerk compares, in full, and the code by
which staff open the case.

Pages and receipts mask numbers; the form is given to the applicant and to staff alone, and the last
look shows in full what the applicant has just typed.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import segno
from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.hall import reviewing
from portal.hall.models import Case
from portal.shared import foreigners, identity

PAPER = "paper_number"
# Identity numbers, phones, accounts: what is compared digit by digit.
_NUMBER = re.compile(rf"[0-9]{{8,}}[0-9X]|{foreigners.NUMBER}")


def lines_in_full(case: Case) -> list[tuple[str, str]]:
    """What was filed, as at the last look, with its numbers in full; those that no line shows
    follow under the form's labels."""
    lines, unshown = in_full(case.facts.get("summary", []), _numbers(case))
    own_number = case.applicant_person.identity_number if case.applicant_person else ""
    return lines + [one for one in unshown if one[1] != own_number]


def typed_in_full(
    summary: Iterable[tuple[str, str]], answers: Mapping[str, Any], typed: Mapping[str, Sequence[str]]
) -> list[tuple[str, str]]:
    """A summary with the numbers in full that the applicant has just typed, and is to check digit
    by digit. The number of a paper that was read from the register stays masked."""
    typed_values = {foreigners.as_typed(value) for values in typed.values() for value in values}
    numbers = [
        (name, value)
        for name, value in answers.items()
        if isinstance(value, str) and (value in typed_values if name == PAPER else _NUMBER.fullmatch(value))
    ]
    return in_full(summary, numbers)[0]


def in_full(
    summary: Iterable[tuple[str, str]], numbers: Iterable[tuple[str, str]]
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The lines with these numbers, each (label, number), where a line shows them masked; and the
    numbers that no line shows."""
    lines = [(str(label), str(value)) for label, value in summary]
    values = [value for _label, value in lines]
    unshown = [one for one in numbers if not any(one[1] in value for value in values)]
    for place, (label, value) in enumerate(lines):
        fitting = [one for one in unshown if value in _masked(one[1])]
        # Two numbers may be masked alike: then neither is put in the other's place.
        if len(fitting) == 1 and values.count(value) == 1:
            lines[place] = (label, fitting[0][1])
            unshown.remove(fitting[0])
    return lines, unshown


def address(case: Case) -> str:
    """Where staff open the case."""
    return f"{settings.PUBLIC_URL}{reverse('admin:hall_case_by_number', args=[case.number])}"


def qr_code(number_address: str) -> str:
    """The address as a picture, in a data: address."""
    return str(segno.make(number_address, error="m").svg_data_uri(scale=3, border=0))


def _numbers(case: Case) -> Iterator[tuple[str, str]]:
    yielded = set()
    candidates = [
        *((label, value) for label, value in reviewing.labelled(case) if isinstance(value, str)),
        (str(_("证件号码")), case.subject_identity_number),
        (str(_("身份证号码")), case.applicant_person.identity_number if case.applicant_person else ""),
    ]
    paper = str(case.answers.get(PAPER, ""))
    for label, value in candidates:
        if (_NUMBER.fullmatch(value) or value == paper != "") and value not in yielded:
            yielded.add(value)
            yield label, value


def _masked(number: str) -> set[str]:
    return {
        identity.mask(number),
        identity.mask_phone(number),
        identity.mask_account(number),
        foreigners.mask(number),
    }
