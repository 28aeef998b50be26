"""The addresses of the daily reconciliation: fetch our file of a day, send one's own, see where
they differ."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from http_message_signatures import ContentDigest
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from contributions.models import (
    DEED_LABELS,
    DIFFERENCE_KIND_LABELS,
    DIFFERENCE_LIFE_CYCLE,
    FILED,
    DayFile,
    DifferenceKind,
    Side,
)
from contributions.partners import day_files
from contributions.partners.differences import differences_of
from portal.columns import choices
from portal.partners.authentication import caller
from portal.partners.models import Scope
from portal.partners.negotiation import RawText
from portal.partners.once import once
from portal.partners.problems import Problem
from portal.partners.schema import answers
from portal.partners.views import PartnerView
from portal.shared.months import parse_day


class TakenFileSerializer(serializers.Serializer[Any]):
    day = serializers.DateField()
    line_count = serializers.IntegerField()
    sum_fen = serializers.IntegerField()
    differences = serializers.IntegerField(help_text="与大厅记账不符的笔数")


class DifferenceSerializer(serializers.Serializer[Any]):
    deed = serializers.ChoiceField(choices=[(str(one), DEED_LABELS[one]) for one in FILED])
    kind = serializers.ChoiceField(
        choices=[
            (str(one), DIFFERENCE_KIND_LABELS[one]) for one in DifferenceKind if one != DifferenceKind.LATE
        ]
    )
    provider_number = serializers.CharField()
    order_number = serializers.CharField(allow_blank=True)
    ours_fen = serializers.IntegerField(allow_null=True)
    theirs_fen = serializers.IntegerField(allow_null=True)
    status = serializers.ChoiceField(choices=choices(DIFFERENCE_LIFE_CYCLE.labels))
    way = serializers.CharField(allow_blank=True)


DAY = OpenApiParameter(
    "day",
    {"type": "string", "format": "date", "pattern": "^(19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}$"},
    OpenApiParameter.PATH,
    description="对账日，如 2026-11-17",
)


def _day(text: str) -> dt.date:
    """The day of the address; what is none has no file."""
    try:
        return parse_day(text)
    except ValueError as problem:
        raise Http404 from problem


class DayView(PartnerView):
    scope = Scope.ORDERS
    parser_classes: Sequence[type[BaseParser]] = (RawText,)

    @extend_schema(
        summary="取对账文件",
        operation_id="day_file",
        parameters=[DAY],
        responses=answers(OpenApiTypes.STR, 404) | {(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, day: str) -> HttpResponse:
        """What the hall booked of the day, once the day is over and the file is made; the same
        bytes ever after."""
        file = get_object_or_404(DayFile, partner=caller(request).partner, day=_day(day), side=Side.OURS)
        content = bytes(file.content)
        return HttpResponse(
            content,
            content_type="text/csv; charset=utf-8",
            headers={"Content-Digest": ContentDigest.create(content)},
        )

    @extend_schema(
        summary="上传对账文件",
        operation_id="send_day_file",
        parameters=[DAY],
        request={"text/csv": OpenApiTypes.STR},
        responses=answers(TakenFileSerializer, 400, 404, 409, 413, 415, 422),
    )
    @once
    def post(self, request: Request, day: str) -> Response:
        """The partner's own file of the day, in the same layout; it is compared at once."""
        partner, of = caller(request).partner, _day(day)
        try:
            file = day_files.take_file(partner, of, request._request.body, now=timezone.now())
        except day_files.FileRefused as why:
            status = 409 if why.code in ("too_early", "file_differs") else 422
            raise Problem(why.code, str(why), status=status) from why
        found = differences_of(partner, of)
        return Response(
            {
                "day": file.day,
                "line_count": file.line_count,
                "sum_fen": file.sum_fen,
                "differences": found.count(),
            }
        )


class DifferencesView(PartnerView):
    scope = Scope.ORDERS

    @extend_schema(
        summary="查询对账差异",
        operation_id="day_differences",
        parameters=[DAY],
        responses=answers(DifferenceSerializer(many=True), 404),
    )
    def get(self, request: Request, day: str) -> Response:
        """Where both sides' files of the day differ, and how far the agency has settled it. 404
        before the day was compared."""
        partner, of = caller(request).partner, _day(day)
        if not DayFile.objects.filter(partner=partner, day=of, side=Side.THEIRS).exists():
            raise Http404
        found = differences_of(partner, of).order_by("pk")
        names = tuple(DifferenceSerializer().fields)
        return Response([{name: getattr(one, name) for name in names} for one in found])
