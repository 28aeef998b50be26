"""The description of the API (OpenAPI): how requests are signed, which carry a key of their own,
and how refusals look."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from portal.partners.problems import CONTENT_TYPE, TITLES, ProblemSerializer
from portal.policy.book import book

_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "pattern": "^[A-Za-z0-9_.:-]{8,64}$"},
    OpenApiParameter.HEADER,
    required=True,
    description="每笔业务一个，8 至 64 个字母、数字或 -_.:。同键同文得到同一应答，同键异文为 409。",
)
# What every signed request may be answered. Another method than those described is refused at once.
_ALWAYS = (401, 403, 405, 429)


def answers(ok: Any, *refusals: int, status: int = 200) -> dict[Any, Any]:
    """The answers of an operation for ``extend_schema``: what it gives, and with which status it
    may refuse."""
    # What is written (400) may be too large; what is read of it (422) may be of another type.
    of_a_body = {413} if 400 in refusals else set()
    of_a_body |= {415} if {400, 422} <= set(refusals) else set()
    codes = sorted({*_ALWAYS, *refusals, *of_a_body})
    return {status: ok, **{(code, CONTENT_TYPE): refusal(code) for code in codes}}


def refusal(status: int) -> OpenApiResponse:
    return OpenApiResponse(ProblemSerializer, description=TITLES[status])


class PartnerSchema(AutoSchema):
    """Adds the header Idempotency-Key, which the signature of every request but GET covers, whether
    its answer is kept or not."""

    def get_override_parameters(self) -> list[Any]:
        return [] if self.method == "GET" else [_KEY]


class CityField(OpenApiSerializerFieldExtension):
    """The cities that the hall serves, as they are when the description is asked for."""

    target_class = "portal.partners.fields.City"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Any) -> dict[str, Any]:
        return {"type": "string", "enum": [city.slug for city in book().cities]}


class DescribedField(OpenApiSerializerFieldExtension):
    target_class = "portal.partners.fields.Described"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Any) -> dict[str, Any]:
        return {"type": "string", "pattern": self.target.pattern}


class Signature(OpenApiAuthenticationExtension):
    target_class = "portal.partners.authentication.SignedRequest"
    name = "signature"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Signature",
            "description": "HTTP 消息签名（RFC 9421）：Signature-Input、Signature，写操作另有 Content-Digest。",
        }
