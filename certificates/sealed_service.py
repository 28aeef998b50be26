"""What services whose outcome is a sealed document have in common: without a seal, or typefaces for all that the document says,
they take no application.
"""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from certificates import authority, drawable
from certificates.ways import PROOF
from enrollment import queries as enrollment
from portal.hall.service import Ask, Bar, Finding, Service
from portal.people.models import Person
from portal.policy.book import City, book


class SealedService(Service):
    """``outside`` is whether the city's seal is there; ``facts`` keep it as ``sealable``."""

    def outside(self, ask: Ask) -> bool:
        # A key is a file: it is looked for before the transaction opens.
        return authority.available(ask.offer.city, now=ask.filed_at)

    def rule(self, ask: Ask, facts: Any) -> Iterator[Finding]:
        if not facts.sealable:
            yield Bar("", _("电子印章暂不可用，请稍后再试。没有印章不出具证明。"))
        lacking = drawable.missing(self.said(ask, facts))
        if lacking:
            yield Bar("", drawable.why_not(lacking, city=ask.offer.city))

    def said(self, ask: Ask, facts: Any) -> Any:
        """What the document would say."""
        return facts.proof


def nothing_here(person: Person, city: City) -> Bar:
    """That the city's record has nothing to certify, and where the person is insured instead."""
    there = enrollment.city_of(person)
    if not there or there == city.slug:
        return Bar("", _("您在{city}没有参保缴费记录，没有内容可以证明。").format(city=city.title))
    proof = PROOF.at(there)
    why = _("您在{city}没有参保缴费记录，没有内容可以证明。您在{there}参保，请在{there}{proof}。").format(
        city=city.title, there=book().city(there).title, proof=proof
    )
    return Bar("", why, (proof,))
