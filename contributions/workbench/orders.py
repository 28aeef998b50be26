"""Orders and payments in the workbench: read, found by number or person; what the automation cannot
settle stands first."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import TabularInline

from contributions import channels
from contributions.models import (
    Order,
    OrderEvent,
    OrderLine,
    Payment,
    PaymentEvent,
    PaymentNotice,
    PaymentStatus,
)
from enrollment.admin import CityFilter, LookUpAdmin
from portal.accounts import permissions
from portal.accounts.cells import person_cell
from portal.accounts.staff_admin import StaffAdmin
from portal.hall.workbench import OfferedFilter
from portal.partners.models import Partner
from portal.policy.book import book
from portal.shared import money

# After so many questions a payment whose end is not known is somebody's to look at.
ASKED_IN_VAIN = 6


class _Rows(TabularInline):
    extra = 0
    can_delete = False
    hide_title = True
    # An employer's order has a line for each insurance of each employee.
    per_page = 50
    ordering = ("pk",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class LineInline(_Rows):
    model = OrderLine
    fields = readonly_fields = ("whom", "charge", "amount", "made")

    def get_queryset(self, request: HttpRequest) -> QuerySet[OrderLine]:
        return super().get_queryset(request).select_related("charge__person")

    @admin.display(description=gettext_lazy("参保人"))
    def whom(self, line: OrderLine) -> str:
        return person_cell(line.charge.person.name, line.charge.person.identity_number)

    @admin.display(description=gettext_lazy("金额（元）"))
    def amount(self, line: OrderLine) -> str:
        return money.format_yuan(line.amount_fen)


class PaymentInline(_Rows):
    model = Payment
    fields = readonly_fields = ("number", "way", "status", "credited", "provider_number", "why")
    show_change_link = True

    @admin.display(description=gettext_lazy("支付方式"))
    def way(self, payment: Payment) -> str:
        return channels.title_of(payment)


class OrderEventInline(_Rows):
    model = OrderEvent
    fields = readonly_fields = ("at", "by", "status", "note")


class PaymentEventInline(_Rows):
    model = PaymentEvent
    fields = readonly_fields = ("at", "by", "status", "note")


class NoticeInline(_Rows):
    model = PaymentNotice
    fields = readonly_fields = ("received_at", "verdict", "said", "digest")


def _who(order: Order) -> str:
    if order.person:
        return person_cell(order.person.name, order.person.identity_number)
    return order.employer.name if order.employer else ""


@admin.register(Order)
class OrderAdmin(LookUpAdmin):
    identity_numbers = ("person__identity_number",)
    list_display = ("number", "whom", "place", "total", "status", "placed_at", "expires_at")
    list_display_links = ("number",)
    list_select_related = ("person", "employer")
    list_filter = ("status", CityFilter)
    search_help_text = gettext_lazy("完整的订单号、身份证号码、姓名、单位名称或统一社会信用代码")
    ordering = ("-pk",)
    change_form_outer_after_template = ""
    fields = readonly_fields = (
        "number",
        "whom",
        "place",
        "total",
        "line_count",
        "status",
        "placed_at",
        "placed_by",
        "expires_at",
        "ended_at",
    )
    inlines = (LineInline, PaymentInline, OrderEventInline)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **more: Any) -> Any:
        return StaffAdmin.change_view(self, request, object_id, *args, **more)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        by_number = queryset.filter(number=search_term.strip())
        return (by_number, False) if by_number else super().get_search_results(request, queryset, search_term)

    @admin.display(description=gettext_lazy("缴费人"))
    def whom(self, order: Order) -> str:
        return _who(order)

    @admin.display(description=gettext_lazy("城市"))
    def place(self, order: Order) -> str:
        return book().city(order.city).title

    @admin.display(description=gettext_lazy("金额（元）"))
    def total(self, order: Order) -> str:
        return money.format_yuan(order.sum_fen)


class ForStaffFilter(OfferedFilter):
    """Without a choice everything; the first choice is what waits for staff."""

    title = gettext_lazy("待核实")
    parameter_name = "waits"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("待核实的")), ("back", _("有待退回款项的"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Payment]) -> QuerySet[Payment]:
        if self.value() == "1":
            return queryset.filter(waits_for_staff())
        if self.value() == "back":
            return queryset.filter(entry__receipts__applied=False).distinct()
        return queryset


def waits_for_staff() -> Q:
    """Money of another sum than was asked for, and payments that were asked about again and again
    in vain."""
    return Q(status=PaymentStatus.HELD) | Q(status=PaymentStatus.UNKNOWN, asked__gte=ASKED_IN_VAIN)


class ChannelFilter(OfferedFilter):
    """By what people call the channel; a partner is one, too."""

    title = gettext_lazy("支付方式")
    parameter_name = "channel"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        partners = [partner.channel for partner in Partner.objects.order_by("pk")]
        named = channels.titles([*channels.TITLES, *partners])
        return [(code, named[code]) for code in (*channels.TITLES, *partners)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Payment]) -> QuerySet[Payment]:
        return queryset.filter(channel=self.value()) if self.value() else queryset


@admin.register(Payment)
class PaymentAdmin(LookUpAdmin):
    identity_numbers = ("order__person__identity_number",)
    city_column = "order__city"
    person_column = "order__person"
    employer_column = "order__employer"
    list_display = ("number", "whom", "way", "amount", "received", "status", "credited", "begun_at", "why")
    list_display_links = ("number",)
    list_select_related = ("order__person", "order__employer")
    list_filter = (ForStaffFilter, "status", ChannelFilter)
    search_help_text = gettext_lazy("完整的支付号、渠道流水号、订单号、身份证号码、姓名或单位名称")
    ordering = ("-pk",)
    change_form_outer_after_template = ""
    fields = readonly_fields = (
        "number",
        "order",
        "whom",
        "way",
        "payer_account",
        "amount",
        "received",
        "status",
        "credited",
        "provider_number",
        "entry",
        "begun_at",
        "begun_by",
        "start_at",
        "ask_at",
        "asked",
        "ended_at",
        "why",
    )
    inlines = (PaymentEventInline, NoticeInline)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Payment]:
        return channels.with_partner_names(super().get_queryset(request))

    def waiting(self, request: HttpRequest) -> QuerySet[Any]:
        """Those that wait for staff of this login's cities."""
        cities = permissions.staff_cities(request.user)
        return Payment.objects.filter(waits_for_staff(), order__city__in=cities)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **more: Any) -> Any:
        return StaffAdmin.change_view(self, request, object_id, *args, **more)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        by_number = queryset.filter(Q(number=term) | Q(provider_number=term) | Q(order__number=term))
        if term and by_number:
            return by_number, False
        return super().get_search_results(request, queryset, search_term)

    @admin.display(description=gettext_lazy("缴费人"))
    def whom(self, payment: Payment) -> str:
        return _who(payment.order)

    @admin.display(description=gettext_lazy("支付方式"))
    def way(self, payment: Payment) -> str:
        return channels.title_of(payment)

    @admin.display(description=gettext_lazy("应付（元）"))
    def amount(self, payment: Payment) -> str:
        return money.format_yuan(payment.amount_fen)

    @admin.display(description=gettext_lazy("到账（元）"))
    def received(self, payment: Payment) -> str:
        return "" if payment.received_fen is None else money.format_yuan(payment.received_fen)
