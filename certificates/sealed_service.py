"""The base of services whose outcome is a sealed document. They accept no application without a
seal, or without typefaces for all characters of the document.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from certificates import drawable, seal_evidence
from certificates.ways import PROOF
from enrollment import queries as enrollment
from portal.hall.models import Case
from portal.hall.service import Ask, Bar, Finding, Service
from portal.people.models import Person
from portal.policy.book import City, Offer, book


class SealedService(Service):
    """``outside`` tells whether the city's seal is available; ``facts`` hold it as ``sealable``.

    After filing, the applicant is sent to the document itself, not to the receipt of the case.
    """

    submit_label = gettext_lazy("开具证明")

    def how_it_ends(self, offer: Offer) -> str:
        return _("核对无误后当场开具，盖有电子印章，可以立即下载。")

    def goes_to(self, case: Case, *, now: datetime) -> str:
        serial_number = case.outcome.get("certificate")
        return reverse("certificate", args=[serial_number]) if serial_number else ""

    def outside(self, ask: Ask) -> bool:
        # A key is read from a file, so this happens before the transaction begins.
        return seal_evidence.available(ask.offer.city, now=ask.filed_at)

    def rule(self, ask: Ask, facts: Any) -> Iterator[Finding]:
        if not facts.sealable:
            yield Bar("", _("电子印章暂不可用，请稍后再试。没有印章不出具证明。"))
        lacking = drawable.missing(self.said(ask, facts))
        if lacking:
            yield Bar("", drawable.why_not(lacking, city=ask.offer.city))

    def said(self, ask: Ask, facts: Any) -> Any:
        """The facts of the document, for the check of their characters."""
        return facts.proof


def nothing_here(person: Person, city: City) -> Bar:
    """The bar where the city's record has nothing to certify; names the city where the person is
    insured instead."""
    other_city = enrollment.city_of(person)
    if not other_city or other_city == city.slug:
        return Bar("", _("您在{city}没有参保缴费记录，没有内容可以证明。").format(city=city.title))
    proof = PROOF.at(other_city)
    why = _("您在{city}没有参保缴费记录，没有内容可以证明。您在{there}参保，请在{there}{proof}。").format(
        city=city.title, there=book().city(other_city).title, proof=proof
    )
    return Bar("", why, (proof,))
