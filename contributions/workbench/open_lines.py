"""Settling what a bank left open, in the workbench: lines without an answer, answers that
contradict, and what two hands make of them; and the coverages that are suspended."""

from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contributions.charges.suspending import what_to_do
from contributions.debit import open_lines, settling
from contributions.models import (
    OF_LINES,
    SETTLEMENT_WAY_LABELS,
    BankFile,
    DebitBatch,
    Settlement,
    SettlementStatus,
    SettlementWay,
    Suspension,
)
from contributions.workbench.base import yuan
from enrollment.admin import CityFilter, LookUpAdmin
from enrollment.spreadsheets import text_number, write_csv
from portal.accounts import permissions
from portal.accounts.cells import number_cell, person_cell, state_cell
from portal.accounts.staff_admin import RefuseForm
from portal.hall.workbench import QueueFilter, staff_of
from portal.policy.book import book
from portal.shared import identity, money
from portal.shared.keys import KeyReused

# So many open lines stand on one page; the others come when these are settled.
SHOWN = 200

# Settling moves batches: whoever may do the one may do the other.
MAY_STEP = "contributions.change_debitbatch"


class EvidenceForm(forms.Form):
    """How it is settled, and how the bank said so; the key makes pressing twice one settlement."""

    way = forms.ChoiceField(
        label=gettext_lazy("处理方式"),
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("请选择处理方式。")},
    )
    evidence = forms.CharField(
        label=gettext_lazy("银行答复依据"),
        max_length=200,
        help_text=gettext_lazy("写明回函编号、答复人和日期。"),
        error_messages={"required": gettext_lazy("请写明银行答复的依据。")},
    )
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, data: Any, *, ways: list[SettlementWay]) -> None:
        super().__init__(data, initial={"key": uuid4()})
        choices = [(str(way), _(SETTLEMENT_WAY_LABELS[way])) for way in ways]
        self.fields["way"].choices = choices  # type: ignore[attr-defined]


class InquiryForm(forms.Form):
    """How the bank was asked again."""

    prefix = "ask"

    note = forms.CharField(
        label=gettext_lazy("再次询问银行的方式"),
        max_length=200,
        help_text=gettext_lazy("如“致电清算部某某，已传未返回明细”。登记后批次不变，等待银行答复。"),
        error_messages={"required": gettext_lazy("请填写向银行询问的方式。")},
    )


class SettlementStateFilter(QueueFilter):
    """Without a choice the queue: what waits for a second person."""

    unasked = gettext_lazy("待复核")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("approved", _("已生效")), ("refused", _("复核未通过")), ("all", _("全部"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Settlement]) -> QuerySet[Settlement]:
        if self.value() == "all":
            return queryset
        return queryset.filter(status=self.value() or SettlementStatus.DRAFTED)


class SettlementCityFilter(CityFilter):
    column = "batch__city"


@admin.register(Settlement)
class SettlementAdmin(LookUpAdmin):
    """What is proposed for a batch's open lines and held answers, and who decides it."""

    identity_numbers = ("lines__line__charge__person__identity_number",)
    city_column = "batch__city"
    list_display = ("what", "batch", "way", "count", "amount", "state", "drafted_by", "drafted_at")
    list_display_links = ("what",)
    list_select_related = ("batch", "drafted_by")
    list_filter = (SettlementStateFilter, SettlementCityFilter)
    search_help_text = gettext_lazy("完整的批次号")
    ordering = ("-pk",)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("", view(self.changelist_view), name="contributions_settlement_changelist"),
            path("<int:object_id>/change/", view(self.page), name="contributions_settlement_change"),
            path("batch/<int:object_id>/", view(self.lines_page), name="contributions_settle_lines"),
            path("batch/<int:object_id>/missing.csv", view(self.as_csv), name="contributions_settle_csv"),
            path("file/<int:object_id>/", view(self.file_page), name="contributions_settle_file"),
        ]

    def waiting(self, request: HttpRequest) -> QuerySet[Any]:
        """Those that wait for a second person."""
        return self.get_queryset(request).filter(status=SettlementStatus.DRAFTED)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        return (queryset.filter(batch__number=term) if term else queryset), False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise Http404
        return super().changelist_view(request, {"title": _("托收疑点处理"), **(extra_context or {})})

    # Deciding

    def page(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """One settlement; a POST approves or refuses it."""
        found = self.get_queryset(request).filter(pk=object_id).select_related("batch", "file").first()
        if found is None or not self.has_view_permission(request, found):
            raise Http404
        pressed = request.POST.get("step", "")
        refusal = RefuseForm(request.POST if pressed == "refuse" else None)
        if request.method == "POST":
            self._may_step(request)
            if pressed == "approve" or (pressed == "refuse" and refusal.is_valid()):
                self._take(request, found, pressed, refusal)
                return HttpResponseRedirect(request.path)
        context = {
            **self._context(request, found.batch, f"{found.batch.number} {found.get_way_display()}"),
            "settlement": found,
            "lines": [
                (one, identity.mask_account(one.line.account_number))
                for one in found.lines.select_related("line__charge__person", "line__assessment").order_by(
                    "line__sequence"
                )[:SHOWN]
            ],
            "shown": SHOWN,
            "deciding": found.status == SettlementStatus.DRAFTED and request.user.has_perm(MAY_STEP),
            "why_not": open_lines.why_not_decide(found, staff_of(request)),
            "form": refusal,
        }
        wrong = refusal.is_bound and bool(refusal.errors)
        return TemplateResponse(
            request, "admin/contributions/settlement.html", context, status=422 if wrong else 200
        )

    def _take(self, request: HttpRequest, found: Settlement, pressed: str, refusal: RefuseForm) -> None:
        by, now = staff_of(request), timezone.now()
        try:
            if pressed == "approve":
                open_lines.approve(found, by=by, now=now)
                messages.success(request, _("已复核，处理已生效。"))
            else:
                open_lines.refuse(found, why=refusal.cleaned_data["why"], by=by, now=now)
                messages.success(request, _("已退回经办人，明细可以重新处理。"))
        except settling.CannotSettle as why:
            messages.error(request, str(why))

    # Proposing

    def lines_page(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """A batch's open lines; a POST proposes what became of some of them, or records that the
        bank was asked again."""
        batch = self._batch(request, object_id)
        asking = request.method == "POST" and "ask" in request.POST
        proposing = request.method == "POST" and not asking
        form = EvidenceForm(request.POST if proposing else None, ways=list(OF_LINES))
        inquiry = InquiryForm(request.POST if asking else None)
        if request.method == "POST":
            self._may_step(request)
        if asking and inquiry.is_valid():
            try:
                open_lines.ask_again(
                    batch, note=inquiry.cleaned_data["note"], by=staff_of(request), now=timezone.now()
                )
            except settling.CannotSettle as why:
                inquiry.add_error(None, str(why))
            else:
                messages.success(request, _("已登记。银行答复后在本页处理。"))
                return HttpResponseRedirect(request.path)
        lines = open_lines.open_lines(batch)
        if proposing and form.is_valid():
            chosen = set(request.POST.getlist("line"))
            everything = "all" in request.POST
            numbers = {
                line.pk: request.POST.get(f"number-{line.pk}", "")
                for line in lines
                if everything or str(line.pk) in chosen
            }
            if settlement := self._propose(request, batch, form, numbers):
                return self._proposed(request, settlement)
        context = {
            **self._context(request, batch, _("{number} 未返回明细").format(number=batch.number)),
            "lines": [
                {
                    "line": line,
                    "account": identity.mask_account(line.account_number),
                    "chosen": str(line.pk) in request.POST.getlist("line"),
                    "number": request.POST.get(f"number-{line.pk}", ""),
                }
                for line in lines[:SHOWN]
            ],
            "count": len(lines),
            "shown": SHOWN,
            "sum_fen": sum(line.amount_fen for line in lines),
            "form": form,
            "inquiry": inquiry,
            "may_step": request.user.has_perm(MAY_STEP),
            "inquiries": batch.inquiries.select_related("by"),
            "settlements": batch.settlements.select_related("drafted_by").order_by("-pk"),
        }
        wrong = (form.is_bound and form.errors) or (inquiry.is_bound and inquiry.errors)
        return TemplateResponse(
            request, "admin/contributions/open_lines.html", context, status=422 if wrong else 200
        )

    def _propose(
        self, request: HttpRequest, batch: DebitBatch, form: EvidenceForm, numbers: dict[int, str]
    ) -> Settlement | None:
        key: UUID = form.cleaned_data["key"]
        try:
            return open_lines.draft_lines(
                batch,
                way=SettlementWay(form.cleaned_data["way"]),
                numbers=numbers,
                evidence=form.cleaned_data["evidence"],
                key=key,
                by=staff_of(request),
                now=timezone.now(),
            )
        except settling.CannotSettle as why:
            form.add_error(None, str(why))
        except KeyReused:
            form.add_error(None, _("这份处理意见已经提交过，请刷新页面后再填写。"))
        return None

    def file_page(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """A held answer; a POST proposes what becomes of it."""
        file = BankFile.objects.filter(pk=object_id, batch__isnull=False).select_related("batch").first()
        if file is None or file.batch is None:
            raise Http404
        batch = self._batch(request, file.batch.pk)
        if file not in open_lines.open_files(batch):
            return HttpResponseRedirect(reverse("admin:contributions_debitbatch_change", args=[batch.pk]))
        form = EvidenceForm(request.POST if request.method == "POST" else None, ways=open_lines.ways_of(file))
        if request.method == "POST":
            self._may_step(request)
            if form.is_valid():
                try:
                    settlement = open_lines.draft_file(
                        file,
                        way=SettlementWay(form.cleaned_data["way"]),
                        evidence=form.cleaned_data["evidence"],
                        key=form.cleaned_data["key"],
                        by=staff_of(request),
                        now=timezone.now(),
                    )
                except settling.CannotSettle as why:
                    form.add_error(None, str(why))
                except KeyReused:
                    form.add_error(None, _("这份处理意见已经提交过，请刷新页面后再填写。"))
                else:
                    return self._proposed(request, settlement)
        context = {
            **self._context(request, batch, file.name),
            "file": file,
            "form": form,
            "may_step": request.user.has_perm(MAY_STEP),
        }
        return TemplateResponse(
            request,
            "admin/contributions/held_file.html",
            context,
            status=422 if form.is_bound and form.errors else 200,
        )

    def as_csv(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The open lines, to send to the bank with the question what became of them."""
        batch = self._batch(request, object_id)
        rows = (
            [
                batch.number,
                line.sequence,
                text_number(line.account_number),
                line.holder,
                str(money.yuan(line.amount_fen)),
            ]
            for line in open_lines.open_lines(batch)
        )
        heads = [_("批次号"), _("序号"), _("账号"), _("户名"), _("金额（元）")]
        answer = HttpResponse(write_csv(heads, rows), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="{batch.number}-missing.csv"'
        return answer

    def _proposed(self, request: HttpRequest, settlement: Settlement) -> HttpResponse:
        messages.success(request, _("处理意见已提交，等待另一名征缴人员复核。"))
        return HttpResponseRedirect(reverse("admin:contributions_settlement_change", args=[settlement.pk]))

    def _batch(self, request: HttpRequest, batch_id: int) -> DebitBatch:
        cities = permissions.staff_cities(request.user)
        batch = DebitBatch.objects.filter(pk=batch_id, city__in=cities).first()
        if batch is None or not self.has_view_permission(request):
            raise Http404
        return batch

    def _may_step(self, request: HttpRequest) -> None:
        if not request.user.has_perm(MAY_STEP):
            raise Http404

    def _context(self, request: HttpRequest, batch: DebitBatch, title: str) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "batch": batch,
            "city": book().city(batch.city),
        }

    @admin.display(description=gettext_lazy("序号"), ordering="pk")
    def what(self, settlement: Settlement) -> str:
        return f"#{settlement.pk}"

    @admin.display(description=gettext_lazy("笔数"))
    def count(self, settlement: Settlement) -> str:
        return number_cell(f"{settlement.line_count:,}")

    @admin.display(description=gettext_lazy("金额（元）"))
    def amount(self, settlement: Settlement) -> str:
        return yuan(settlement.sum_fen)

    @admin.display(description=gettext_lazy("状态"), ordering="status")
    def state(self, settlement: Settlement) -> str:
        return state_cell(settlement.status, settlement.get_status_display())


class StandingFilter(QueueFilter):
    """Without a choice the suspensions that stand."""

    unasked = gettext_lazy("暂停中")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("ended", _("已恢复")), ("all", _("全部"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Suspension]) -> QuerySet[Suspension]:
        if self.value() == "all":
            return queryset
        return queryset.filter(until__isnull=self.value() != "ended")


class SuspensionCityFilter(CityFilter):
    column = "coverage__city"


@admin.register(Suspension)
class SuspensionAdmin(LookUpAdmin):
    """Who is charged no more, since when, why, and what they are to do; it ends by itself once what
    is owed is settled."""

    city_column = "coverage__city"
    person_column = "coverage__person"
    identity_numbers = ("coverage__person__identity_number",)
    employer_column = "coverage__employer"
    change_form_outer_after_template = ""
    list_display = ("whom", "insurance", "place", "start_shown", "until_shown", "why", "batch")
    list_display_links = ("whom",)
    list_select_related = ("coverage__person", "batch")
    list_filter = (StandingFilter, SuspensionCityFilter)
    search_help_text = gettext_lazy("完整的身份证号码或姓名")
    ordering = ("-pk",)
    fields = readonly_fields = (
        "whom",
        "insurance",
        "place",
        "start_shown",
        "until_shown",
        "why",
        "to_do",
        "batch",
        "suspended_at",
        "resumed_at",
    )

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **more: Any) -> HttpResponse:
        if not self.has_view_permission(request) or self.get_object(request, object_id) is None:
            raise Http404
        return super(LookUpAdmin, self).change_view(request, object_id, *args, **more)

    @admin.display(description=gettext_lazy("参保人"))
    def whom(self, one: Suspension) -> str:
        person = one.coverage.person
        return person_cell(person.name, person.identity_number)

    @admin.display(description=gettext_lazy("险种"))
    def insurance(self, one: Suspension) -> str:
        return str(one.coverage.get_insurance_display())

    @admin.display(description=gettext_lazy("参保地"))
    def place(self, one: Suspension) -> str:
        return book().city(one.coverage.city).title

    @admin.display(description=gettext_lazy("暂停月份"), ordering="start")
    def start_shown(self, one: Suspension) -> str:
        return one.start.zh

    @admin.display(description=gettext_lazy("恢复月份"))
    def until_shown(self, one: Suspension) -> str:
        return one.until.zh if one.until else _("暂停中")

    @admin.display(description=gettext_lazy("怎样恢复"))
    def to_do(self, one: Suspension) -> str:
        return _("已恢复，不需要办理。") if one.until else what_to_do(one.coverage.city)
