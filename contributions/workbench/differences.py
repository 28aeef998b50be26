"""Where a partner's day and ours differ, in the workbench: a queue that staff settle, two of them
where money moves."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contributions.models import MOVES_MONEY, WAY_LABELS, DayFile, Difference, DifferenceStatus, Payment, Way
from contributions.partners import differences
from contributions.workbench.base import yuan
from enrollment.admin import CityFilter
from portal.accounts import permissions
from portal.accounts.cells import person_cell, state_cell
from portal.accounts.staff_admin import RefuseForm, StaffAdmin
from portal.hall.workbench import QueueFilter, staff_of
from portal.policy.book import book


class ProposeForm(forms.Form):
    """How a difference is settled, and on what ground."""

    prefix = "propose"

    way = forms.ChoiceField(
        label=gettext_lazy("处理方式"),
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("请选择处理方式。")},
    )
    reason = forms.CharField(
        label=gettext_lazy("核实的依据"),
        max_length=200,
        help_text=gettext_lazy("写明向谁核实、何时、凭什么，如合作方某日来函、缴费人回单号。"),
        error_messages={
            "required": gettext_lazy("请写明核实的依据。"),
            "max_length": gettext_lazy("核实的依据最多 200 个字。"),
        },
    )

    def __init__(self, *args: Any, ways: list[Way], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["way"]
        field.choices = [(str(way), _(WAY_LABELS[way])) for way in ways]  # type: ignore[attr-defined]


class StateFilter(QueueFilter):
    """Without a choice the queue: what is not settled."""

    unasked = gettext_lazy("未处理")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("decide", _("待复核")), ("settled", _("已处理")), ("all", _("全部"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Difference]) -> QuerySet[Difference]:
        match self.value():
            case "decide":
                return queryset.filter(status=DifferenceStatus.PROPOSED)
            case "settled":
                return queryset.filter(status=DifferenceStatus.SETTLED)
            case "all":
                return queryset
        return queryset.exclude(status=DifferenceStatus.SETTLED)


class _ReadOnly(StaffAdmin):
    actions = None
    list_fullwidth = True
    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Difference)
class DifferenceAdmin(_ReadOnly):
    list_display = ("day", "partner", "provider_number", "deed", "kind", "ours", "theirs", "place", "state")
    list_display_links = ("provider_number",)
    list_filter = (StateFilter, "partner", CityFilter)
    search_fields = ("=provider_number", "=order_number")
    search_help_text = gettext_lazy("完整的渠道流水号或订单号")
    ordering = ("day", "pk")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("", view(self.changelist_view), name="contributions_difference_changelist"),
            path("<int:object_id>/change/", view(self.page), name="contributions_difference_change"),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise Http404
        title = str(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def get_queryset(self, request: HttpRequest) -> QuerySet[Difference]:
        return differences.differences_for(staff_of(request))

    def waiting(self, request: HttpRequest) -> QuerySet[Any]:
        """Those that are not settled."""
        return self.get_queryset(request).exclude(status=DifferenceStatus.SETTLED)

    def may_step(self, request: HttpRequest) -> bool:
        return request.user.has_perm("contributions.change_difference")

    def page(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """One difference; a POST takes the step whose button was pressed."""
        difference = self.get_queryset(request).filter(pk=object_id).first()
        if difference is None or not self.has_view_permission(request):
            raise Http404
        if request.method == "POST" and not self.may_step(request):
            raise Http404
        pressed = request.POST.get("step", "")
        ways = differences.ways(difference)
        propose = ProposeForm(request.POST if pressed == "propose" else None, ways=ways)
        refuse = RefuseForm(request.POST if pressed == "refuse" else None)
        form: forms.Form | None = {"propose": propose, "refuse": refuse}.get(pressed)
        if request.method == "POST" and (form is None or form.is_valid()):
            try:
                self._take(request, difference, pressed, form.cleaned_data if form else {})
            except differences.CannotSettle as why:
                messages.error(request, str(why))
            return HttpResponseRedirect(request.path)
        wrong = form is not None and bool(form.errors)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": difference.provider_number,
            "difference": difference,
            "city": book().city(difference.city) if difference.city else None,
            "order": difference.order,
            "whom": _whom(difference),
            "payment": Payment.objects.filter(
                channel=difference.partner.channel, provider_number=difference.provider_number
            ).first(),
            "propose": propose,
            "refuse": refuse,
            "proposing": difference.status == DifferenceStatus.OPEN and self.may_step(request),
            "deciding": difference.status == DifferenceStatus.PROPOSED and self.may_step(request),
            "why_not": differences.why_not_decide(difference, staff_of(request)),
            "moves_money": [str(_(WAY_LABELS[way])) for way in ways if way in MOVES_MONEY],
        }
        return TemplateResponse(
            request, "admin/contributions/difference.html", context, status=422 if wrong else 200
        )

    def _take(self, request: HttpRequest, difference: Difference, step: str, typed: dict[str, Any]) -> None:
        by, now = staff_of(request), timezone.now()
        if step == "propose":
            done = differences.propose(
                difference, way=Way(typed["way"]), reason=typed["reason"], by=by, now=now
            )
            settled = done.status == DifferenceStatus.SETTLED
            messages.success(
                request, _("已注明，差异已处理。") if settled else _("已提出，请另一名征缴人员复核。")
            )
        elif step == "approve":
            differences.approve(difference, by=by, now=now)
            messages.success(request, _("已复核，账目已更正。"))
        elif step == "refuse":
            differences.refuse(difference, why=typed["why"], by=by, now=now)
            messages.success(request, _("已退回经办人。"))
        else:
            messages.error(request, _("请按页面上的按钮操作。"))

    @admin.display(description=gettext_lazy("大厅（元）"))
    def ours(self, difference: Difference) -> str:
        return _yuan(difference.ours_fen)

    @admin.display(description=gettext_lazy("合作方（元）"))
    def theirs(self, difference: Difference) -> str:
        return _yuan(difference.theirs_fen)

    @admin.display(description=gettext_lazy("城市"))
    def place(self, difference: Difference) -> str:
        return book().city(difference.city).title if difference.city else "—"

    @admin.display(description=gettext_lazy("状态"), ordering="status")
    def state(self, difference: Difference) -> str:
        return state_cell(difference.status, difference.get_status_display())


@admin.register(DayFile)
class DayFileAdmin(_ReadOnly):
    """The files of both sides, to look up. Their rows are the partner's business with all its
    cities: no person is named."""

    list_display = ("day", "partner", "side", "line_count", "total", "at", "compared_at")
    list_display_links = None
    list_filter = ("side", "partner")
    list_select_related = ("partner",)
    ordering = ("-day", "partner", "side")

    def get_queryset(self, request: HttpRequest) -> QuerySet[DayFile]:
        cities = permissions.staff_cities(request.user)
        return DayFile.objects.defer("content").filter(partner__cities__overlap=cities)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.changelist_view)
        return [path("", view, name="contributions_dayfile_changelist")]

    @admin.display(description=gettext_lazy("净额（元）"))
    def total(self, file: DayFile) -> str:
        return _yuan(file.sum_fen)


def _yuan(fen: int | None) -> str:
    return "—" if fen is None else yuan(fen)


def _whom(difference: Difference) -> str:
    if difference.order is None or difference.order.person is None:
        return "—"
    person = difference.order.person
    return person_cell(person.name, person.identity_number)
