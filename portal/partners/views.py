"""What every address of the API shares, and the two that need no signature."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.http import Http404, HttpResponse
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.partners import answering
from portal.partners.authentication import HasScope, SignedRequest, message_of
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
    parser_classes: Sequence[type[BaseParser]] = (JSONParser,)
    content_negotiation_class = AlwaysJson
    schema = PartnerSchema()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Nothing is named by a NUL, and the database takes none."""
        super().initial(request, *args, **kwargs)
        if any("\0" in str(part) for part in kwargs.values()):
            raise Http404

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Every answer, a refusal too, is signed with the hall's key over the request that it answers."""
        final: HttpResponse = super().finalize_response(request, response, *args, **kwargs)
        asked = message_of(request)

        def sign(done: HttpResponse) -> None:
            answering.sign(done, asked)

        if isinstance(final, Response):
            final.add_post_render_callback(sign)
        else:
            sign(final)
        return final


class SchemaView(SpectacularAPIView):
    """The description of the API; anybody may read it."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


class KeysView(APIView):
    """The hall's own public key, by which its answers are verified; anybody may read it."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        """A list, so that an old and a new key can stand side by side; empty where answers are not signed."""
        key = answering.own_key()
        return Response([answering.published(key)] if key else [])
