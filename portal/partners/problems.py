"""Refusals of the API for machines and people: problem details (RFC 9457) with a stable code, in
Chinese."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions, serializers
from rest_framework.response import Response

CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with one field of the request; "" for the whole."""

    field: str
    message: str


class Problem(exceptions.APIException):
    """An answer that refuses: ``code`` stays the same for ever, ``detail`` tells people why and
    what to do."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        status: int = 422,
        mistakes: Sequence[Mistake] = (),
        more: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        super().__init__(detail, code)
        self.code = code
        self.status_code = status
        self.mistakes = list(mistakes)
        # Further members of the answer for machines, such as when to ask again.
        self.more = more


class NotSigned(exceptions.AuthenticationFailed):
    """A request whose signature is missing or not good."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail, code)
        self.code = code


class MistakeSerializer(serializers.Serializer[Any]):
    field = serializers.CharField()
    message = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """Problem details, as the description of the API shows them."""

    type = serializers.CharField(help_text="urn:problem: 加上 code")
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="稳定的错误代码，见接口说明")
    detail = serializers.CharField()
    errors = MistakeSerializer(many=True, required=False)  # type: ignore[assignment]  # DRF names its own so


TITLES = {
    400: "请求不合格式",
    401: "签名不能验证",
    403: "未开通",
    404: "没有找到",
    405: "不支持这种请求方法",
    409: "与已有的记录冲突",
    413: "请求过大",
    415: "不支持这种内容类型",
    422: "请求的内容不能受理",
    429: "请求过于频繁",
    503: "暂时不能受理",
}


def answer(error: Exception, _context: Any = None) -> Response | None:
    """The answer for an exception that is a refusal; None for any other, which is a fault and is
    logged and answered as such."""
    match error:
        case Problem() | NotSigned():
            status, code, detail = error.status_code, error.code, str(error.detail)
        case Http404() | exceptions.NotFound():
            status, code, detail = 404, "not_found", _("没有这条记录。")
        case PermissionDenied() | exceptions.PermissionDenied():
            status, code, detail = 403, "scope_missing", _("没有开通这一范围的接口。")
        case exceptions.ValidationError():
            status, code, detail = 422, "invalid", _("请按 errors 逐项更正。")
        case exceptions.Throttled():
            status, code, detail = 429, "throttled", _("本分钟的请求已达上限，请稍后再试。")
        case exceptions.ParseError():
            status, code, detail = 400, "malformed", _("正文不是有效的 JSON。")
        case RequestDataTooBig():
            status, code, detail = 413, "too_large", _("正文过大。")
        case exceptions.MethodNotAllowed():
            status, code, detail = 405, "method_not_allowed", _("这个地址不支持这种请求方法。")
        case exceptions.UnsupportedMediaType():
            status, code, detail = 415, "unsupported_media_type", _("请按接口说明填写 Content-Type。")
        case _:
            return None
    body: dict[str, Any] = {
        "type": f"urn:problem:{code}",
        "title": _(TITLES.get(status, "不能受理")),
        "status": status,
        "code": code,
        "detail": detail,
    }
    if isinstance(error, Problem):
        body |= error.more
    mistakes = _mistakes(error)
    if mistakes:
        body["errors"] = [asdict(one) for one in mistakes]
    headers = {}
    if isinstance(error, exceptions.APIException):
        if challenge := getattr(error, "auth_header", ""):
            headers["WWW-Authenticate"] = challenge
        if wait := getattr(error, "wait", None):
            headers["Retry-After"] = str(int(wait) + 1)
    return Response(body, status=status, headers=headers, content_type=CONTENT_TYPE)


def _mistakes(error: Exception) -> list[Mistake]:
    if isinstance(error, Problem):
        return error.mistakes
    if isinstance(error, exceptions.ValidationError):
        return list(_flat(error.detail, ""))
    return []


def _flat(detail: Any, path: str) -> Any:
    """A serializer's errors as one list, each under its field's path: months.0."""
    if isinstance(detail, dict):
        for name, part in detail.items():
            step = "" if name == "non_field_errors" else str(name)
            yield from _flat(part, ".".join(filter(None, [path, step])))
    elif isinstance(detail, list):
        for index, part in enumerate(detail):
            nested = isinstance(part, dict | list)
            yield from _flat(part, f"{path}.{index}" if nested else path)
    else:
        yield Mistake(path, str(detail))
