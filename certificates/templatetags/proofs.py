"""Links from the pages of proofs to the services that issue them."""

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from certificates.ways import EMPLOYER_PROOF, PROOF
from portal.hall.catalogue import offers
from portal.hall.service import Audience, Theme
from portal.hall.ways import linked, to_offer
from portal.policy.book import City

register = template.Library()


@register.simple_tag
def way_to_proofs(city: City, clerk: bool) -> SafeString:
    """The sentence with links to the city's services for new proofs, for people or for employers;
    where the city offers none, to the place where they are issued."""
    audience = Audience.EMPLOYER if clerk else Audience.PERSON
    offered = [
        to_offer(city, offer.code)
        for offer, service in offers(city.slug)
        if service.audience == audience and service.theme == Theme.PROOF
    ]
    ways = offered or [(EMPLOYER_PROOF if clerk else PROOF).at(city.slug)]
    return linked(_("需要新的证明，请{ways}。").format(ways=_("，或者").join(map(str, ways))), ways)
