"""The workbench's part of first cards: those in the making and to be collected, and one of them."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrollment.cards import making
from enrollment.cards.machine import CARD_LIFE_CYCLE, CardStatus
from enrollment.cards.models import FirstCard
from portal.accounts.cells import person_cell, state_cell
from portal.accounts.permissions import staff
from portal.accounts.staff_admin import OfTheCity, QueueFilter, person_number_in

ALL = "all"
_UNDER_WAY = (str(CardStatus.MAKING), str(CardStatus.READY))


class StateFilter(QueueFilter):
    """Without a choice those in the making and to be collected."""

    unasked = gettext_lazy("制卡中和可领取")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        states = [(str(status), _(CARD_LIFE_CYCLE.label(status))) for status in CardStatus]
        return [*states, (ALL, _("全部"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[FirstCard]) -> QuerySet[FirstCard]:
        state = self.value()
        if state == ALL:
            return queryset
        return queryset.filter(status__in=[state] if state else _UNDER_WAY)


@admin.register(FirstCard)
class FirstCardAdmin(OfTheCity):
    """First cards of the city; two buttons move one on, nothing is edited."""

    identity_numbers = ("person__identity_number",)
    list_display = ("whose", "bank", "delivery", "promised", "state")
    list_filter = (StateFilter,)
    list_fullwidth = True
    search_fields = ("pk",)
    search_help_text = gettext_lazy("完整的身份证号码、姓名，或办件编号")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("", view(self.changelist_view), name="enrollment_firstcard_changelist"),
            path("<int:object_id>/change/", view(self.card_view), name="enrollment_firstcard_change"),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[FirstCard]:
        return super().get_queryset(request).select_related("person", "case")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[FirstCard], search_term: str
    ) -> tuple[QuerySet[FirstCard], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if number := person_number_in(term):
            return queryset.filter(person__identity_number=number), False
        return queryset.filter(person__name=term) | queryset.filter(case__number=term.upper()), False

    def card_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """One card; a POST says that it has come from its maker, or that its owner has it."""
        card = self.get_queryset(request).filter(pk=object_id).first()
        if card is None or not self.has_view_permission(request, card):
            raise Http404
        may = self.has_change_permission(request, card)
        if request.method == "POST":
            if not may:
                raise PermissionDenied
            self._moved(request, card)
            return HttpResponseRedirect(request.path)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": card.person.name,
            "card": card,
            "state": making.label(card),
            "may": may,
            "making": card.status == CardStatus.MAKING,
            "ready": card.status == CardStatus.READY,
            "events": card.events.select_related("by"),
        }
        return TemplateResponse(request, "admin/enrollment/first_card.html", context)

    def _moved(self, request: HttpRequest, card: FirstCard) -> None:
        now, by = timezone.now(), staff(request)
        try:
            if request.POST.get("action") == "ready":
                making.mark_ready(card, by=by, now=now)
                messages.success(request, _("已登记到卡，并通知了本人。"))
            elif request.POST.get("action") == "collected":
                if not request.POST.get("identity"):
                    messages.error(request, _("请核对领卡人的身份证件后勾选。"))
                    return
                making.mark_collected(card, by=by, now=now)
                messages.success(request, _("已登记领取，办件已办结。"))
        except making.NotSo:
            messages.error(request, _("这张卡的状态刚刚已被他人改变，请按现在的状态办理。"))

    @admin.display(description=gettext_lazy("参保人"))
    def whose(self, card: FirstCard) -> str:
        return person_cell(card.person.name, card.person.identity_number)

    @admin.display(description=gettext_lazy("预计制好"), ordering="made_by")
    def promised(self, card: FirstCard) -> str:
        return card.made_by_words or "—"

    @admin.display(description=gettext_lazy("状态"))
    def state(self, card: FirstCard) -> str:
        return state_cell(card.status, making.label(card))
