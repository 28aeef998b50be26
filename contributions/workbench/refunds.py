"""Giving money back in the workbench: the money in suspense, and the refunds that two members of
staff approve."""

from typing import Any, ClassVar
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Count, F, OuterRef, Prefetch, Q, QuerySet, Subquery, Sum
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contributions import channels
from contributions.models import (
    IN_VAIN,
    REFUND_LIFE_CYCLE,
    REFUND_WAY_LABELS,
    HeldReceipt,
    Receipt,
    Refund,
    RefundPart,
    RefundStatus,
    RefundWay,
)
from contributions.refunds import drafting, held_money, refund_lifecycle, transferring
from contributions.workbench.base import yuan
from enrollment.admin import CityFilter, LookUpAdmin
from portal.accounts import permissions
from portal.accounts.cells import person_cell, state_cell
from portal.accounts.factor_views import ask_again
from portal.accounts.staff_admin import StaffAdmin, person_number_in
from portal.hall.workbench import QueueFilter, staff_of
from portal.policy.book import book
from portal.shared import money
from portal.shared.keys import KeyReused

# The name of the button that drafts one refund of all money that came together with a receipt.
TOGETHER = "together"
PARTS_SHOWN = 50


class DraftForm(forms.Form):
    """The amount of a held receipt that goes back, and the reason. With the key, pressing the
    button twice makes one refund."""

    prefix = "draft"

    amount = forms.CharField(
        label=gettext_lazy("退回金额（元）"),
        error_messages={"required": gettext_lazy("请填写退回金额。")},
    )
    reason = forms.CharField(
        label=gettext_lazy("退回原因"),
        max_length=80,
        help_text=gettext_lazy("写明为什么退回，如重复缴费；渠道和缴费人会看到。"),
        error_messages={
            "required": gettext_lazy("请填写退回原因。"),
            "max_length": gettext_lazy("退回原因最多 80 个字。"),
        },
    )
    key = forms.UUIDField(widget=forms.HiddenInput)

    def clean_amount(self) -> int:
        """In fen."""
        try:
            return money.parse_yuan(self.cleaned_data["amount"])
        except money.InvalidAmount as error:
            raise ValidationError(_("请填写金额，如 100 或 100.50。")) from error


class RefuseForm(forms.Form):
    prefix = "refuse"

    why = forms.CharField(
        label=gettext_lazy("不同意退回的原因"),
        max_length=200,
        error_messages={"required": gettext_lazy("请填写不同意退回的原因。")},
    )


class TransferForm(forms.Form):
    prefix = "transfer"

    bank_number = forms.CharField(
        label=gettext_lazy("银行回单流水号"),
        max_length=64,
        error_messages={"required": gettext_lazy("请填写银行回单上的流水号。")},
    )


class ReturnedForm(forms.Form):
    prefix = "returned"

    why = forms.CharField(
        label=gettext_lazy("银行退票的原因"),
        max_length=200,
        error_messages={"required": gettext_lazy("请填写银行退票的原因。")},
    )


class _QueueAdmin(LookUpAdmin):
    """A list and one page for each row; only the steps of that page change anything."""

    def get_urls(self) -> list[URLPattern]:
        view, name = self.admin_site.admin_view, self.opts.model_name
        return [
            path("", view(self.changelist_view), name=f"contributions_{name}_changelist"),
            path("<int:object_id>/change/", view(self.page), name=f"contributions_{name}_change"),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise Http404
        title = str(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def may_step(self, request: HttpRequest) -> bool:
        """Whether this login takes steps of refunds, or only looks at them."""
        return request.user.has_perm("contributions.change_refund")

    def page(self, request: HttpRequest, object_id: int) -> HttpResponse:
        raise NotImplementedError

    def _found(self, request: HttpRequest, object_id: int) -> Any:
        row = self.get_queryset(request).filter(pk=object_id).first()
        if row is None or not self.has_view_permission(request, row):
            raise Http404
        if request.method == "POST" and not self.may_step(request):
            raise Http404
        return row


def person_of(receipt: Receipt) -> str:
    """The person whose month or account the money was for, with the identity number masked."""
    person = receipt.person
    return person_cell(person.name, person.identity_number)


def what_of(receipt: Receipt) -> str:
    """What the money was for: 2026年10月 基本养老保险; 个人账户充值; 一次性缴费."""
    if receipt.charge is None:
        return _("个人账户充值") if hasattr(receipt.order, "top_up") else _("一次性缴费")
    return f"{receipt.charge.month.zh} {receipt.charge.get_insurance_display()}"


def _state_of(receipt: Receipt) -> str:
    """The present status of the charge or order that the money was for."""
    if receipt.order is not None:
        return str(receipt.order.get_status_display())
    return receipt.of_charge.get_status_display()


class ReceiptsAdmin:
    """Lists of receipts, or of rows that have receipts: city and person are those of the charge or
    the order. ``to_receipt`` is the prefix of the search fields that leads to a receipt."""

    to_receipt = ""
    identity_numbers: ClassVar[tuple[str, ...]] = (
        "charge__person__identity_number",
        "order__person__identity_number",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        cities = permissions.staff_cities(request.user)
        rows = StaffAdmin.get_queryset(self, request)
        return rows.filter(held_money.of_cities(cities))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search by a full number or a full name: of the charge's person or employer, or of the
        order's person."""
        rows, distinct = super().get_search_results(request, queryset, search_term)  # type: ignore[misc]
        term = search_term.strip()
        if not term:
            return rows, distinct
        buyer = f"{self.to_receipt}order__person"
        bought = Q(**{f"{buyer}__name": term})
        if number := person_number_in(term):
            bought |= Q(**{f"{buyer}__identity_number": number})
        return rows | queryset.filter(bought), distinct


class LeftFilter(QueueFilter):
    """Without a choice it shows the queue: receipts for which no refund is under way."""

    title = gettext_lazy("退款")
    parameter_name = "left"
    unasked = gettext_lazy("待经办退款")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("all", _("全部未入账款项"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[HeldReceipt]) -> QuerySet[HeldReceipt]:
        if self.value() == "all":
            return queryset
        return queryset.filter(pk__in=held_money.to_draft().order_by().values("pk"))


class ReceiptCityFilter(CityFilter):
    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        city = self.value()
        return queryset.filter(held_money.of_cities([city])) if city else queryset


@admin.register(HeldReceipt)
class HeldReceiptAdmin(ReceiptsAdmin, _QueueAdmin):
    person_column = "charge__person"
    employer_column = "charge__employer"
    list_display = ("provider_number", "way", "whom", "what", "amount", "left", "received_at")
    list_display_links = ("provider_number",)
    list_select_related = ("charge__person", "order__person", "order__top_up")
    list_filter = (LeftFilter, ReceiptCityFilter)
    search_help_text = gettext_lazy("完整的身份证号码、姓名、单位名称或统一社会信用代码")
    ordering = ("received_at", "pk")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        held = held_money.held(permissions.staff_cities(request.user))
        return channels.with_partner_names(
            held.select_related("charge__person", "order__person", "order__top_up")
        )

    def waiting(self, request: HttpRequest) -> QuerySet[Any]:
        """The receipts that wait for their refund to be drafted."""
        return held_money.to_draft(permissions.staff_cities(request.user))

    def page(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The money and its refunds; a POST drafts one."""
        receipt = self._found(request, object_id)
        left_fen = receipt.left_fen
        together, whole = held_money.came_together(receipt), TOGETHER in request.POST
        form = DraftForm(
            {**request.POST.dict(), "draft-amount": money.format_yuan(left_fen)}
            if whole
            else request.POST
            if request.method == "POST"
            else None,
            initial={"amount": money.format_yuan(left_fen), "reason": _("重复缴费"), "key": uuid4()},
        )
        if request.method == "POST" and form.is_valid():
            try:
                refund = self._draft(request, receipt, list(together) if whole else [], form.cleaned_data)
            except refund_lifecycle.CannotRefund as why:
                form.add_error(None, str(why))
            except KeyReused:
                form.add_error(None, _("这份退款已经提交过，请刷新页面后再填写。"))
            else:
                messages.success(
                    request, _("退款 {number} 已提交，等待另一名征缴人员复核。").format(number=refund.number)
                )
                return HttpResponseRedirect(reverse("admin:contributions_refund_change", args=[refund.pk]))
        try:
            road, no_road = held_money.road(receipt), ""
        except refund_lifecycle.CannotRefund as why:
            road, no_road = None, str(why)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": receipt.provider_number,
            "receipt": receipt,
            "city": book().city(receipt.city),
            "whom": person_of(receipt),
            "what": what_of(receipt),
            "channel": channels.title_of(receipt),
            "left_fen": left_fen,
            "state": _state_of(receipt),
            "taken_back": receipt.applied,
            "undone": receipt.applied and receipt.taken_back.request_id is not None,
            "road": road,
            "way": _(REFUND_WAY_LABELS[road.way]) if road else "",
            "no_road": no_road,
            "refunds": [
                (one.refund, one.amount_fen, REFUND_LIFE_CYCLE.tone(one.refund.status))
                for one in receipt.refund_parts.select_related("refund").order_by("pk")
            ],
            "form": form if left_fen and road and self.may_step(request) else None,
            **together.aggregate(
                together=Count("pk"), together_fen=Sum(F("back_fen") - F("given_fen"), default=0)
            ),
        }
        return TemplateResponse(
            request, "admin/contributions/held_receipt.html", context, status=422 if form.errors else 200
        )

    def _draft(
        self, request: HttpRequest, receipt: Receipt, together: list[HeldReceipt], typed: dict[str, Any]
    ) -> Refund:
        how = {"reason": typed["reason"], "key": typed["key"], "by": staff_of(request), "now": timezone.now()}
        if together:
            return drafting.draft_together(together, **how)
        return drafting.draft(receipt, amount_fen=typed["amount"], **how)

    @admin.display(description=gettext_lazy("渠道"))
    def way(self, receipt: HeldReceipt) -> str:
        return channels.title_of(receipt)

    @admin.display(description=gettext_lazy("参保人"))
    def whom(self, receipt: HeldReceipt) -> str:
        return person_of(receipt)

    @admin.display(description=gettext_lazy("应缴"))
    def what(self, receipt: HeldReceipt) -> str:
        return what_of(receipt)

    @admin.display(description=gettext_lazy("到账（元）"))
    def amount(self, receipt: HeldReceipt) -> str:
        return yuan(receipt.amount_fen)

    @admin.display(description=gettext_lazy("还可退（元）"))
    def left(self, receipt: HeldReceipt) -> str:
        return yuan(receipt.left_fen)


def _parts() -> QuerySet[RefundPart]:
    """Parts of refunds, with the rows that a page shows of them."""
    return RefundPart.objects.select_related(
        "receipt__charge__person", "receipt__order__person", "receipt__order__top_up"
    )


def waits_for_staff() -> Q:
    """Drafts to be checked, and approved transfers that staff make with the bank."""
    return Q(status=RefundStatus.DRAFTED) | Q(status=RefundStatus.APPROVED, way=RefundWay.BANK)


class RefundStateFilter(QueueFilter):
    """Without a choice it shows the queue: refunds that have not ended."""

    unasked = gettext_lazy("未完结")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("mine", _("待征缴人员处理")),
            ("done", _("已退回")),
            ("vain", _("未退成")),
            ("all", _("全部")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Refund]) -> QuerySet[Refund]:
        match self.value():
            case "mine":
                return queryset.filter(waits_for_staff())
            case "done":
                return queryset.filter(status=RefundStatus.SUCCEEDED)
            case "vain":
                return queryset.filter(status__in=IN_VAIN)
            case "all":
                return queryset
        return queryset.filter(ended_at__isnull=True)


@admin.register(Refund)
class RefundAdmin(ReceiptsAdmin, _QueueAdmin):
    to_receipt = "parts__receipt__"
    identity_numbers = (
        "parts__receipt__charge__person__identity_number",
        "parts__receipt__order__person__identity_number",
    )
    person_column = "parts__receipt__charge__person"
    employer_column = "parts__receipt__charge__employer"
    list_display = (
        "number",
        "whom",
        "amount",
        "way",
        "state",
        "drafted_by",
        "decided_by",
        "drafted_at",
        "why",
    )
    list_display_links = ("number",)
    list_select_related = ("drafted_by", "decided_by")
    list_filter = (RefundStateFilter, CityFilter)
    search_help_text = gettext_lazy("完整的退款号、身份证号码、姓名、单位名称或统一社会信用代码")
    ordering = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        counted = RefundPart.objects.filter(refund=OuterRef("pk")).order_by().values("refund")
        first = _parts().order_by("refund_id", "pk").distinct("refund_id")
        return (
            LookUpAdmin.get_queryset(self, request)
            .annotate(part_count=Subquery(counted.annotate(count=Count("pk")).values("count")))
            .prefetch_related(Prefetch("parts", queryset=first, to_attr="leading"))
        )

    def waiting(self, request: HttpRequest) -> QuerySet[Any]:
        """The refunds that wait for staff: to be checked, or to be transferred."""
        return self.get_queryset(request).filter(waits_for_staff())

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        by_number = queryset.filter(number=search_term.strip())
        if by_number:
            return by_number, False
        rows, _distinct = super().get_search_results(request, queryset, search_term)
        return rows, True

    def page(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """One refund; a POST takes the step whose button was pressed."""
        refund = self._found(request, object_id)
        pressed = request.POST.get("step", "")
        typed = {
            step: form(request.POST if step == pressed else None)
            for step, form in (("refuse", RefuseForm), ("confirm", TransferForm), ("fail", ReturnedForm))
        }
        form = typed.get(pressed)
        if pressed == "approve" and (confirmation := ask_again(request, request.path)):
            return confirmation
        if request.method == "POST" and (form is None or form.is_valid()):
            try:
                self._take(request, refund, pressed, form.cleaned_data if form else {})
            except refund_lifecycle.CannotRefund as why:
                messages.error(request, str(why))
            return HttpResponseRedirect(request.path)
        parts = list(_parts().filter(refund=refund).order_by("pk")[:PARTS_SHOWN])
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": refund.number,
            "refund": refund,
            "city": book().city(refund.city),
            "parts": [
                (one, person_of(one.receipt), what_of(one.receipt), _state_of(one.receipt)) for one in parts
            ],
            "more": refund.part_count - len(parts),
            "channel": channels.title(refund.channel),
            "forms": typed,
            "deciding": refund.status == RefundStatus.DRAFTED and self.may_step(request),
            "why_not": drafting.why_not_decide(refund, staff_of(request)),
            "why_not_fail": transferring.why_not_fail(refund, staff_of(request)),
            "transferring": refund.status == RefundStatus.APPROVED
            and refund.way == RefundWay.BANK
            and self.may_step(request),
            "events": refund.events.select_related("by"),
        }
        wrong = form is not None and bool(form.errors)
        return TemplateResponse(
            request, "admin/contributions/refund.html", context, status=422 if wrong else 200
        )

    def _take(self, request: HttpRequest, refund: Refund, step: str, typed: dict[str, Any]) -> None:
        by, now = staff_of(request), timezone.now()
        if step == "approve":
            drafting.approve(refund, by=by, now=now)
            messages.success(request, _("退款 {number} 已复核。").format(number=refund.number))
        elif step == "refuse":
            drafting.refuse(refund, why=typed["why"], by=by, now=now)
            messages.success(request, _("退款 {number} 已退回经办人。").format(number=refund.number))
        elif step == "confirm":
            transferring.confirm_transfer(refund, bank_number=typed["bank_number"], by=by, now=now)
            messages.success(request, _("退款 {number} 已登记为已退回。").format(number=refund.number))
        elif step == "fail":
            transferring.report_bounce(refund, why=typed["why"], by=by, now=now)
            messages.success(
                request,
                _("退款 {number} 的退票已登记，等待另一名征缴人员确认。").format(number=refund.number),
            )
        elif step == "failed":
            transferring.fail_transfer(refund, by=by, now=now)
            messages.success(request, _("退款 {number} 已登记为退回失败。").format(number=refund.number))
        else:
            messages.error(request, _("请按页面上的按钮操作。"))

    @admin.display(description=gettext_lazy("参保人"))
    def whom(self, refund: Any) -> str:
        who = person_of(refund.leading[0].receipt)
        more = "" if refund.part_count == 1 else _("等 %(count)s 项") % {"count": refund.part_count}
        return format_html("<span>{} {}</span>", who, more)

    @admin.display(description=gettext_lazy("金额（元）"))
    def amount(self, refund: Refund) -> str:
        return yuan(refund.amount_fen)

    @admin.display(description=gettext_lazy("状态"), ordering="status")
    def state(self, refund: Refund) -> str:
        return state_cell(refund.status, refund.get_status_display())
