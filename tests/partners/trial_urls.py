"""A trial address of the API, so that what all share is tested without any subject's rules."""

from typing import Any

from django.urls import include, path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.accounts.models import Notice
from portal.partners.authentication import caller, ensure_city
from portal.partners.models import Scope
from portal.partners.once import domain_key, once
from portal.partners.problems import Problem
from portal.partners.schema import answers
from portal.partners.views import PartnerView
from tests.cast import NOW


class NoteSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=20)
    city = serializers.CharField(required=False)


class NotesView(PartnerView):
    """Writes a notice to the partner's own account: a row that can be counted."""

    scope = Scope.ORDERS

    @extend_schema(responses=answers(NoteSerializer(many=True)))
    def get(self, request: Request) -> Response:
        return Response([one.text for one in Notice.objects.order_by("pk")])

    @extend_schema(request=NoteSerializer, responses=answers(NoteSerializer, 409, 422))
    @once
    def post(self, request: Request) -> Response:
        read = NoteSerializer(data=request.data)
        read.is_valid(raise_exception=True)
        text = read.validated_data["text"]
        if city := read.validated_data.get("city"):
            ensure_city(request, city)
        Notice.objects.create(
            user=caller(request).partner.user,
            kind="trial",
            reference=str(Notice.objects.count()),
            title=str(domain_key(request)),
            text=text,
            at=NOW,
        )
        if text == "refuse":
            raise Problem("refused", "不行。", status=409)
        if text == "fault":
            raise RuntimeError("fault")
        return Response({"text": text, "said": "好"}, status=201)


urlpatterns = [
    path("api/v1/notes/", NotesView.as_view(), name="trial-notes"),
    path("", include("portal.urls")),
]
