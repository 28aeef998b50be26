"""What every address of the API shares, and the two that need no signature."""

from typing import ClassVar

from drf_spectacular.views import SpectacularAPIView
from rest_framework.parsers import JSONParser
from rest_framework.permissions import AllowAny
from rest_framework.views import APIView

from portal.partners.authentication import HasScope, SignedRequest
from portal.partners.models import Scope
from portal.partners.negotiation import AlwaysJson
from portal.partners.schema import PartnerSchema
from portal.partners.throttling import PartnerThrottle


class PartnerView(APIView):
    """An address for partners that were given ``scope``. ``request.auth`` is the Caller, ``request.user`` its account.

    A handler that writes is decorated with ``once``.
    """

    scope: ClassVar[Scope]

    authentication_classes = (SignedRequest,)
    permission_classes = (HasScope,)
    throttle_classes = (PartnerThrottle,)
    parser_classes = (JSONParser,)
    content_negotiation_class = AlwaysJson
    schema = PartnerSchema()


class SchemaView(SpectacularAPIView):
    """The description of the API; anybody may read it."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
