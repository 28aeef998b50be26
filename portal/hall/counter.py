"""What a form for the window says: the numbers that the clerk compares, in full, and the code by which staff open the case.

Pages and receipts mask numbers; the form is given to the applicant and to staff alone.
"""

import re
from collections.abc import Iterator

import segno
from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.hall import reviewing
from portal.hall.models import Case
from portal.shared import foreigners, identity

# Identity numbers, phones, accounts: what is compared digit by digit.
_NUMBER = re.compile(r"[0-9]{8,}[0-9X]|[A-Z]{3}[0-9][0-9A-Z]{14}")


def lines_in_full(case: Case) -> list[tuple[str, str]]:
    """What was filed, as at the last look, with its numbers in full; those that no line shows follow under the form's labels."""
    lines = [(str(label), str(value)) for label, value in case.facts.get("summary", [])]
    values = [value for _label, value in lines]
    left = [one for one in _numbers(case) if not any(one[1] in value for value in values)]
    for place, (label, value) in enumerate(lines):
        fitting = [one for one in left if value in _masked(one[1])]
        # Two numbers may be masked alike: then neither is put in the other's place.
        if len(fitting) == 1 and values.count(value) == 1:
            lines[place] = (label, fitting[0][1])
            left.remove(fitting[0])
    own = case.applicant_person.identity_number if case.applicant_person else ""
    return lines + [one for one in left if one[1] != own]


def address(case: Case) -> str:
    """Where staff open the case."""
    return f"{settings.PUBLIC_URL}{reverse('admin:hall_case_by_number', args=[case.number])}"


def qr_code(number_address: str) -> str:
    """The address as a picture, in a data: address."""
    return str(segno.make(number_address, error="m").svg_data_uri(scale=3, border=0))


def _numbers(case: Case) -> Iterator[tuple[str, str]]:
    seen = set()
    candidates = [
        *((label, value) for label, value in reviewing.labelled(case) if isinstance(value, str)),
        (str(_("证件号码")), case.subject_identity_number),
        (str(_("身份证号码")), case.applicant_person.identity_number if case.applicant_person else ""),
    ]
    paper = str(case.answers.get("paper_number", ""))
    for label, value in candidates:
        if (_NUMBER.fullmatch(value) or value == paper != "") and value not in seen:
            seen.add(value)
            yield label, value


def _masked(number: str) -> set[str]:
    return {
        identity.mask(number),
        identity.mask_phone(number),
        identity.mask_account(number),
        foreigners.mask(number),
    }
