"""The addresses by which an outside agency's system exchanges letters and forms with the hall
(docs/transfer-messages.md)."""

import base64
from typing import Any

from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from certificates import drawable, issuing
from certificates.authority import SealUnavailable
from certificates.documents import DocumentDamaged
from certificates.fonts import FontMissing, NotDrawable
from portal.partners.authentication import caller, ensure_city
from portal.partners.fields import City, IdentityNumber, MonthText, Text, WholeNumber
from portal.partners.models import Scope
from portal.partners.once import once
from portal.partners.problems import Mistake, Problem
from portal.partners.schema import answers
from portal.partners.views import PartnerView
from portal.shared.characters import whole_number
from portal.shared.insurance import Insurance
from portal.shared.months import Month
from portal.shared.tables import Some
from transfers import incoming, outgoing
from transfers.machine import Status
from transfers.models import OutsideAgency, TransferDocument

AT_ONCE = 200


class InformationSerializer(serializers.Serializer[Any]):
    """信息表：缴费月份各段 [起, 止)，止月不含；各年缴费工资为元，金额为分。"""

    periods = serializers.ListField(
        child=serializers.ListField(child=MonthText(), min_length=2, max_length=2), max_length=600
    )
    wages = serializers.DictField(child=serializers.DecimalField(max_digits=14, decimal_places=2))
    account_fen = WholeNumber(min_value=0, max_value=10**14)
    pooled_fen = WholeNumber(min_value=0, max_value=10**14)

    def validate_periods(self, periods: list[list[Month]]) -> list[list[str]]:
        return [[str(month) for month in period] for period in periods]

    def validate_wages(self, wages: dict[str, Any]) -> dict[str, str]:
        wrong = [year for year in wages if not (len(year) == 4 and year.isascii() and year.isdigit())]
        if wrong:
            raise serializers.ValidationError(_("年份应为 4 位数字。"))
        return {year: str(wage) for year, wage in wages.items()}


class PersonSerializer(serializers.Serializer[Any]):
    identity_number = IdentityNumber(max_length=40)
    name = Text(max_length=60)


# What the agency may tell, and what each wants besides.
WANTED = Some(
    {
        Status.LETTER_SENT: ("person", "insurance", "city"),
        Status.RELEASED: ("transfer", "information"),
        Status.RECEIVED: ("transfer",),
        Status.MERGED: ("transfer",),
        Status.RETURNED: ("transfer", "note"),
    }
)


class ToldSerializer(serializers.Serializer[Any]):
    """对方经办机构发来的报文。"""

    version = serializers.ChoiceField(choices=[outgoing.VERSION])
    kind = serializers.ChoiceField(choices=[str(kind) for kind in WANTED])
    transfer = Text(max_length=24, required=False)
    person = PersonSerializer(required=False)
    insurance = serializers.ChoiceField(
        choices=[str(Insurance.PENSION), str(Insurance.MEDICAL)], required=False
    )
    city = City(max_length=30, required=False, help_text="转出城市，如 wuhan")
    information = InformationSerializer(required=False)
    note = Text(max_length=1000, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        missing = [name for name in WANTED[Status(attrs["kind"])] if name not in attrs]
        if missing:
            raise serializers.ValidationError({name: _("这种报文必须填写。") for name in missing})
        return attrs


class MessageSerializer(serializers.Serializer[Any]):
    """发给对方经办机构的报文。"""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    message = serializers.DictField()


class MessagesSerializer(serializers.Serializer[Any]):
    messages = MessageSerializer(many=True)
    next_after = serializers.IntegerField(help_text="下次读取时的 after")


class DoneSerializer(serializers.Serializer[Any]):
    transfer = serializers.CharField()
    status = serializers.ChoiceField(choices=[str(status) for status in Status])


class DocumentSerializer(serializers.Serializer[Any]):
    serial_number = serializers.CharField()
    pdf = serializers.CharField(help_text="盖章的 PDF，Base64")


class TransfersView(PartnerView):
    """For the system of an outside agency; what goes between the hall and another does not
    exist."""

    scope = Scope.TRANSFERS

    def _agency(self, request: Request) -> OutsideAgency:
        agency = OutsideAgency.objects.filter(partner=caller(request).partner).first()
        if agency is None:
            raise Http404
        return agency


class MessagesView(TransfersView):
    @extend_schema(
        summary="读取报文",
        operation_id="transfer_messages",
        parameters=[
            OpenApiParameter(
                "after",
                {"type": "integer", "minimum": 0, "maximum": 10**18 - 1},
                description="已读到的报文号，从 0 开始",
            )
        ],
        responses=answers(MessagesSerializer, 404, 422),
    )
    def get(self, request: Request) -> Response:
        """Messages behind ``after``, oldest first. Reading changes nothing: whoever lost one reads
        it again."""
        after = whole_number(request.query_params.get("after", "0"))
        if after is None:
            raise Problem("invalid", _("after 应为报文号。"), mistakes=[Mistake("after", _("应为数字。"))])
        unread = outgoing.unread(self._agency(request), after=after, limit=AT_ONCE)
        return Response(
            {
                "messages": [{"id": one.pk, "at": one.at, "message": one.body} for one in unread],
                "next_after": unread[-1].pk if unread else after,
            }
        )

    @extend_schema(
        summary="发送报文",
        operation_id="tell_transfer",
        request=ToldSerializer,
        responses=answers(DoneSerializer, 400, 404, 409, 422, status=201),
    )
    @once
    def post(self, request: Request) -> Response:
        """A letter, a form with the months and the money, their receipt, their merger, or what is
        returned."""
        agency = self._agency(request)
        serializer = ToldSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        message = dict(serializer.validated_data)
        if "city" in message:
            ensure_city(request, message["city"])
        try:
            transfer = incoming.follow(agency, message, by=caller(request).partner.user, now=timezone.now())
        except incoming.Refused as refusal:
            raise Problem(
                "not_accepted",
                _("这份报文不能受理，原因见 errors。"),
                mistakes=[Mistake(field, why) for field, why in refusal.mistakes],
            ) from refusal
        return Response({"transfer": transfer.number, "status": transfer.status}, status=201)


class DocumentView(TransfersView):
    @extend_schema(
        summary="读取盖章文件",
        operation_id="transfer_document",
        responses=answers(DocumentSerializer, 404, 503),
    )
    def get(self, request: Request, serial_number: str) -> Response:
        """The sealed letter, voucher or form of a transfer with this agency."""
        document = (
            TransferDocument.objects.filter(
                certificate__serial_number=serial_number, transfer__outside=self._agency(request)
            )
            .select_related("certificate")
            .first()
        )
        if document is None:
            raise Http404
        try:
            content = issuing.produce(document.certificate, now=timezone.now())
        except (SealUnavailable, issuing.Revoked, issuing.FactsDamaged, DocumentDamaged, FontMissing) as why:
            raise Problem("no_document", _("文件暂时无法提供，请稍后再试。"), status=503) from why
        except NotDrawable as lacking:
            reason = drawable.why_not(lacking.characters, city=document.certificate.city)
            raise Problem("no_document", reason, status=503) from lacking
        return Response({"serial_number": serial_number, "pdf": base64.b64encode(content).decode()})
