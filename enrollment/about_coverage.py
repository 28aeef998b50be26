"""The base of services about one person's coverage, for the staff who decide on their cases."""

from typing import Any

from django.utils.translation import gettext as _

from enrollment import queries
from portal.hall.service import Ask, Service


class AboutCoverage(Service):
    """Shows staff first the coverages that the subject has and had."""

    def staff_facts(self, ask: Ask, facts: Any) -> list[tuple[str, list[tuple[str, str]]]]:
        held = (_("这名人员现有和曾有的参保关系"), queries.as_lines(queries.held(self.subject(ask))))
        return [held, *super().staff_facts(ask, facts)]
