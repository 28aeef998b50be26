"""Verification for banks and schools, over the signed API: by code and last four characters, by
digest, by file.

Every request is answered anew, without a cache. The holder sees the name of the institution.
"""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from certificates import limits, verifying, verifying_files
from certificates.codes import InvalidCode, parse_code
from certificates.models import Result, Way
from portal.partners.authentication import caller
from portal.partners.fields import Described
from portal.partners.models import Scope
from portal.partners.problems import Problem
from portal.partners.schema import answers
from portal.partners.views import PartnerView
from portal.shared.apart import Busy


class PdfParser(BaseParser):
    """The file as the body of the request, as it is."""

    media_type = "application/pdf"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        return {"file": stream.read()}


class CodeSerializer(serializers.Serializer[Any]):
    """A proof's code, and how the number of its subject ends."""

    code = Described(
        pattern=r"^[0-9A-Za-z]{4}(-?[0-9A-Za-z]{4}){6}$",
        max_length=60,
        help_text="证明页脚的 28 位验证码，大小写和短横线不影响",
    )
    last_four = Described(
        pattern=r"^[0-9A-Za-z]{4}$",
        max_length=8,
        help_text="身份证号码的后四位；单位证明为统一社会信用代码的后四位",
    )


class DigestSerializer(serializers.Serializer[Any]):
    """A file, by what it comes to."""

    digest = Described(pattern=r"^[0-9A-Fa-f]{64}$", max_length=64, help_text="文件的 SHA-256，64 位十六进制")


class CheckSerializer(serializers.Serializer[Any]):
    label = serializers.CharField()  # type: ignore[assignment]
    passed = serializers.BooleanField(allow_null=True, help_text="null：没有检查")
    text = serializers.CharField()


class ShownSerializer(serializers.Serializer[Any]):
    label = serializers.CharField()  # type: ignore[assignment]
    value = serializers.CharField()


class VerdictSerializer(serializers.Serializer[Any]):
    """Whether the proof counts, why, and what was checked."""

    result = serializers.ChoiceField(choices=[str(result) for result in Result])
    resealed = serializers.BooleanField(help_text="内容仍然有效，只是已有重新盖章的文件")
    why = serializers.CharField()
    serial_number = serializers.CharField(allow_null=True)
    superseded_by = serializers.CharField(allow_null=True, help_text="替换它的证明的编号")
    valid_until = serializers.DateField(allow_null=True)
    checks = CheckSerializer(many=True)
    shown = ShownSerializer(many=True, help_text="登记的内容，个人信息已隐去一部分")
    facts = serializers.DictField(
        allow_null=True,
        help_text="证明载明的全部内容（月份、基数、金额，金额单位为分），姓名和证件号码已隐去一部分；请与手中的证明逐项核对。"
        "证明不再有效，或者只凭编号认出时为 null",
    )


class ProofsView(PartnerView):
    scope = Scope.PROOFS

    def _read(self, serializer: Any, request: Request) -> dict[str, Any]:
        bound = serializer(data=request.data)
        bound.is_valid(raise_exception=True)
        return dict(bound.validated_data)

    def _asked(self, request: Request) -> dict[str, Any]:
        return {"way": Way.API, "asker": caller(request).partner.name, "now": timezone.now()}


class CodeView(ProofsView):
    @extend_schema(
        summary="按验证码和号码后四位核验证明",
        operation_id="verify_proof_by_code",
        request=CodeSerializer,
        responses=answers(VerdictSerializer, 400, 422),
    )
    def post(self, request: Request) -> Response:
        """A wrong code and a wrong ending have the same answer. Tries at one code are counted, over
        all who ask."""
        data = self._read(CodeSerializer, request)
        try:
            code = parse_code(data["code"])
        except InvalidCode as error:
            raise Problem("not_verifiable", _("验证码应为 28 位字母和数字。")) from error
        if not limits.may_try(code):
            raise Problem("too_many_tries", _("这个验证码的核验次数过多，请十分钟后再试。"), status=429)
        verdict = _judged(verifying.verify_code, code, data["last_four"], **self._asked(request))
        if verdict.certificate:
            limits.was_right(code)
        return _told(verdict)


class DigestView(ProofsView):
    @extend_schema(
        summary="按文件摘要核验证明",
        operation_id="verify_proof_by_digest",
        request=DigestSerializer,
        responses=answers(VerdictSerializer, 400, 422),
    )
    def post(self, request: Request) -> Response:
        """Says whether a file with this SHA-256 was issued and counts; the seal in the file is not
        looked at."""
        data = self._read(DigestSerializer, request)
        return _told(_judged(verifying.verify_digest, data["digest"], **self._asked(request)))


class FileView(ProofsView):
    parser_classes = (PdfParser,)

    @extend_schema(
        summary="上传文件核验证明",
        operation_id="verify_proof_by_file",
        request={"application/pdf": OpenApiTypes.BINARY},
        responses=answers(VerdictSerializer, 400, 413, 415, 422, 503),
    )
    def post(self, request: Request) -> Response:
        """Looks at the file as the public page does. The file is not kept."""
        document = dict(request.data).get("file", b"")
        return _told(_judged(verifying_files.verify_pdf, document, **self._asked(request)))


def _judged(judge: Any, *what: Any, **asked: Any) -> verifying.Verdict:
    try:
        verdict: verifying.Verdict = judge(*what, **asked)
    except verifying.NotVerifiable as why:
        raise Problem("not_verifiable", str(why)) from why
    except Busy as busy:
        raise Problem("busy", _("核验的文件较多，请过几秒再试。"), status=503) from busy
    return verdict


def _told(verdict: verifying.Verdict) -> Response:
    certificate = verdict.certificate
    answer = {
        "result": str(verdict.result),
        "resealed": verdict.resealed,
        "why": verdict.why,
        "serial_number": certificate.serial_number if certificate else None,
        "superseded_by": certificate.superseded_by.serial_number
        if certificate and certificate.superseded_by
        else None,
        "valid_until": certificate.valid_until if certificate else None,
        "checks": verdict.checks,
        "facts": verdict.told,
        "shown": [{"label": label, "value": value} for label, value in verdict.shown],
    }
    return Response(VerdictSerializer(answer).data)
