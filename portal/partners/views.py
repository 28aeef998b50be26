"""The base of every address of the API, and the addresses that need no signature."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.parsers import BaseParser
from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from portal.partners import answering
from portal.partners.authentication import HasScope, SignedRequest, message_of
from portal.partners.models import Scope
from portal.partners.negotiation import AlwaysJson
from portal.partners.parsing import Json
from portal.partners.problems import Problem
from portal.partners.schema import PartnerSchema
from portal.partners.throttling import PartnerThrottle


class PartnerView(APIView):
    """An address for partners that were given ``scope``. ``request.auth`` is the Caller,
    ``request.user`` its account.

    A handler that writes is decorated with ``once``.
    """

    scope: ClassVar[Scope]

    authentication_classes: Sequence[type[BaseAuthentication]] = (SignedRequest,)
    permission_classes: Sequence[type[BasePermission]] = (HasScope,)
    throttle_classes: Sequence[type[BaseThrottle]] = (PartnerThrottle,)
    parser_classes: Sequence[type[BaseParser]] = (Json,)
    content_negotiation_class = AlwaysJson
    schema = PartnerSchema()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuses a NUL in the address: no record is named by one, and the database takes none."""
        super().initial(request, *args, **kwargs)
        if any("\0" in str(part) for part in kwargs.values()):
            raise Http404

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Every answer, a refusal too, is signed with the hall's key over the request that it
        answers."""
        final: HttpResponse = super().finalize_response(request, response, *args, **kwargs)
        message = message_of(request)

        def sign(answer: HttpResponse) -> None:
            answering.sign(answer, message)

        if isinstance(final, Response):
            final.add_post_render_callback(sign)
        else:
            sign(final)
        return final


class NowhereView(PartnerView):
    """Any unknown address under the API's prefix: a signed refusal, to any caller."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise Problem(
            "no_such_address",
            _("没有这个接口地址。请核对接口说明：地址以 /api/v1/ 开头，以 / 结尾。"),
            status=404,
        )


class SchemaView(SpectacularAPIView):
    """The description of the API; anybody may read it."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        summary="接口说明",
        operation_id="description",
        auth=[],
        responses={(200, "application/vnd.oai.openapi"): OpenApiTypes.STR},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """This description."""
        return super().get(request, *args, **kwargs)

    def _get_filename(self, request: Request, version: str) -> str:
        """In plain letters: a header carries no others."""
        return f"insurance-hall-api-v{version}.yaml"


class PublishedKeySerializer(serializers.Serializer[Any]):
    key_id = serializers.CharField()
    algorithm = serializers.CharField()
    public_key = serializers.CharField(help_text="PEM")


class KeysView(APIView):
    """The hall's own public key, by which its answers are verified; anybody may read it."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        summary="大厅的公钥", operation_id="keys", auth=[], responses=PublishedKeySerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        """The public keys by which answers are verified: a list, so that an old and a new key can
        stand side by side; empty where answers are not signed."""
        key = answering.own_key()
        return Response([answering.published(key)] if key else [])
