"""托收批次: the monthly debit's batches, and what each waits for."""

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, QuerySet, Sum
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from kombu.exceptions import OperationalError

from contributions.bank_files.results import REASON_LABELS, Reason
from contributions.debit import closing, of_employers, open_lines, payers, releasing
from contributions.models import (
    LINE_LIFE_CYCLE,
    PAYER_LABELS,
    BatchStatus,
    DebitBatch,
    DebitLine,
    Direction,
    LineStatus,
    Payer,
    PostingChunk,
)
from contributions.tasks import debit
from contributions.workbench.base import yuan
from enrollment.admin import CityFilter
from portal.accounts import permissions
from portal.accounts.cells import number_cell, state_cell
from portal.accounts.factor_views import ask_again
from portal.accounts.staff_admin import StaffAdmin
from portal.columns import choices
from portal.hall.workbench import QueueFilter, staff_of
from portal.policy.book import PolicyMissing, book
from portal.policy.terms.debit import debit_terms
from portal.shared import money
from portal.shared.months import Month, month_in_china, today_in_china

# What waits for staff: an opened batch to be released, a held answer to be cleared with the bank, a
# posted batch to be closed.
FOR_STAFF = (BatchStatus.OPENED, BatchStatus.HELD, BatchStatus.POSTED)
RUNNING = (BatchStatus.RELEASED, BatchStatus.SENT, BatchStatus.ANSWERED)

WAITS_FOR = {
    BatchStatus.OPENED: gettext_lazy("经办人：第二人核对并放行"),
    BatchStatus.RELEASED: gettext_lazy("系统：生成文件送银行"),
    BatchStatus.SENT: gettext_lazy("银行：返回扣款结果"),
    BatchStatus.HELD: gettext_lazy("经办人：与银行核对结果文件"),
    BatchStatus.ANSWERED: gettext_lazy("系统：记账"),
    BatchStatus.POSTED: gettext_lazy("经办人：核对后关闭"),
    BatchStatus.CLOSED: gettext_lazy("无"),
}

# The chart's bars; the same as .progress__part--bad.
FAILED_COLOUR = "#b3261e"


class StatusFilter(QueueFilter):
    """Without a choice the queue: what is not closed."""

    unasked = gettext_lazy("未关闭")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("mine", _("待经办人处理")), ("closed", _("已关闭")), ("all", _("全部"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[DebitBatch]) -> QuerySet[DebitBatch]:
        if self.value() == "mine":
            return queryset.filter(status__in=FOR_STAFF)
        if self.value() == "closed":
            return queryset.filter(status=BatchStatus.CLOSED)
        return queryset if self.value() == "all" else queryset.exclude(status=BatchStatus.CLOSED)


# What staff can do with a batch in a state: the step, its button, and what the confirmation says.
STEPS = {
    BatchStatus.OPENED: [
        (
            "release",
            gettext_lazy("核对并放行"),
            gettext_lazy("请核对笔数、金额及与上月的差异。放行后系统生成托收文件并送银行，不能撤回。"),
        ),
    ],
    BatchStatus.RELEASED: [
        (
            "send",
            gettext_lazy("生成文件"),
            gettext_lazy("将生成托收文件并送银行。送出后批次内容不能再改变。"),
        ),
    ],
    BatchStatus.SENT: [
        ("read", gettext_lazy("读取结果"), gettext_lazy("将读取银行已返回的结果文件并逐笔核对。")),
    ],
    BatchStatus.HELD: [
        (
            "read",
            gettext_lazy("读取结果"),
            gettext_lazy("请先与银行核对，由银行重新返回完整的结果文件后再读取。"),
        ),
    ],
    BatchStatus.ANSWERED: [
        ("post", gettext_lazy("记账"), gettext_lazy("将按银行结果逐笔入账，并生成分录。")),
    ],
    BatchStatus.POSTED: [
        (
            "close",
            gettext_lazy("关闭批次"),
            gettext_lazy("关闭后批次不能再打开。关闭前系统会再次核对笔数和金额。"),
        ),
    ],
    BatchStatus.CLOSED: [],
}


@admin.register(DebitBatch)
class DebitBatchAdmin(StaffAdmin):
    """Batches are watched and moved on here; nothing is added, edited or deleted."""

    list_display = (
        "number",
        "place",
        "month_shown",
        "payer",
        "round",
        "state",
        "waits_for",
        "lines_shown",
        "amount",
        "opened_at",
    )
    list_display_links = ("number",)
    list_filter = (StatusFilter, CityFilter)
    list_fullwidth = True
    list_per_page = 50
    list_before_template = "admin/contributions/open_batch_link.html"
    show_full_result_count = False
    search_fields = ("number",)
    search_help_text = gettext_lazy("批次号")
    ordering = ("-opened_at", "-pk")
    actions = None

    def get_urls(self) -> list[URLPattern]:
        """Only the list, what can be opened, the batch and its progress: the admin's own pages to
        add and edit do not exist."""
        view = self.admin_site.admin_view
        return [
            path("", view(self.changelist_view), name="contributions_debitbatch_changelist"),
            path("open/", view(self.open_view), name="contributions_debitbatch_open"),
            path("<int:object_id>/change/", view(self.change_view), name="contributions_debitbatch_change"),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[DebitBatch]:
        return super().get_queryset(request).filter(city__in=permissions.staff_cities(request.user))

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        one_city = len(permissions.staff_cities(request.user)) < 2
        return [one for one in self.list_filter if not (one_city and one is CityFilter)]

    def waiting(self, request: HttpRequest) -> QuerySet[Any]:
        """The batches that wait for staff: to be cleared with the bank, or closed."""
        return self.get_queryset(request).filter(status__in=FOR_STAFF)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise Http404
        context = {
            "title": _("托收批次"),
            "opening": bool(_debit_cities(request)) and self.has_change_permission(request),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def open_view(self, request: HttpRequest) -> HttpResponse:
        """What a city's month would draw if it were opened now; a POST opens it in the
        background."""
        cities = _debit_cities(request)
        if not cities or not self.has_change_permission(request):
            raise Http404
        now = timezone.now()
        this = month_in_china(now)
        asked = request.POST if request.method == "POST" else request.GET
        form = OpenForm(asked if "city" in asked else None, cities=cities, months=[this, this - 1])
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("开批"),
            "form": form,
            "running": "running" in asked,
        }
        if form.is_valid():
            city, month = form.cleaned_data["city"], form.cleaned_data["month"]
            payer = payers.payers(form.cleaned_data["payer"])
            standing = payer.opened(city, month, now=now)
            if standing is not None:
                return _to_batch(request, standing)
            by = staff_of(request)
            why_not = payer.why_not_open(city, month, by=by, now=now)
            if request.method == "POST" and "confirmed" in request.POST and not why_not:
                return self._open(request, city, month, payer.code)
            rows = [] if "running" in asked else payer.preview(city, month, now=now)
            context |= {
                "city": book().city(city),
                "month": month,
                "why_not": why_not,
                "rows": rows,
                "count": sum(row.count for row in rows),
                "sum_fen": sum(row.fen for row in rows),
                "second_person": payer.second_person(city, month),
            }
        return TemplateResponse(
            request,
            "admin/contributions/open_batch.html",
            context,
            status=422 if form.is_bound and form.errors else 200,
        )

    def _open(self, request: HttpRequest, city: str, month: Month, payer: Payer) -> HttpResponse:
        address = f"{request.path}?city={city}&month={month}&payer={payer}"
        try:
            debit.open_batch.delay(city, str(month), payer, staff_of(request).pk)
        except OperationalError:
            messages.error(request, _("后台队列暂时不可用，没有开批，请稍后再试。"))
            return HttpResponseRedirect(address)
        return HttpResponseRedirect(f"{address}&running=1")

    def change_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The batch; a POST asks for a step, and takes it once it is confirmed."""
        batch = self.get_queryset(request).filter(pk=object_id).first()
        if batch is None or not self.has_view_permission(request, batch):
            raise Http404
        if request.method != "POST":
            return self._page(request, batch)
        if not self.has_change_permission(request, batch):
            raise Http404
        step = next(
            (one for one in STEPS[BatchStatus(batch.status)] if one[0] == request.POST.get("step")), None
        )
        if step is None:
            messages.error(request, _("批次状态已变化，请按页面当前状态操作。"))
            return HttpResponseRedirect(request.path)
        if "confirmed" not in request.POST:
            return self._page(request, batch, confirming=step)
        if step[0] == "release" and (asked := ask_again(request, request.path)):
            return asked
        self._take(request, batch, step[0])
        return HttpResponseRedirect(request.path)

    def _take(self, request: HttpRequest, batch: DebitBatch, step: str) -> None:
        if step == "release":
            try:
                releasing.release(batch, by=staff_of(request), now=timezone.now())
            except releasing.CannotRelease as why:
                messages.error(request, str(why))
            else:
                messages.success(request, _("批次 {number} 已放行。").format(number=batch.number))
            return
        if step == "close":
            try:
                closing.close(batch, by=staff_of(request), now=timezone.now())
            except closing.CannotClose as why:
                messages.error(request, str(why))
            else:
                messages.success(request, _("批次 {number} 已关闭。").format(number=batch.number))
            return
        try:
            debit.run_step.delay(step, batch.pk, staff_of(request).pk)
        except OperationalError:
            messages.warning(request, _("后台队列暂时不可用。系统恢复后会自动继续，不必重复操作。"))
        else:
            messages.success(request, _("已交后台处理，本页会自动更新。"))

    def _page(self, request: HttpRequest, batch: DebitBatch, *, confirming: Any = None) -> HttpResponse:
        tallies = closing.tally(batch)
        chunks = PostingChunk.objects.filter(batch=batch).aggregate(
            all=Count("id"), posted=Count("posted_at")
        )
        files = list(batch.files.all())
        reasons = _reasons(batch)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": batch.number,
            "original": batch,
            "batch": batch,
            "city": book().city(batch.city),
            "bank": bank_title(batch),
            "waits_for": WAITS_FOR[BatchStatus(batch.status)],
            "running": batch.status in RUNNING,
            "parts": [
                {
                    "label": _(LINE_LIFE_CYCLE.label(one.status)),
                    "count": one.count,
                    "fen": one.fen,
                    "tone": LINE_LIFE_CYCLE.tone(one.status),
                }
                for one in tallies
            ],
            "even": (sum(one.count for one in tallies), sum(one.fen for one in tallies))
            == (batch.line_count, batch.total_fen),
            "chunks": chunks,
            "reasons": reasons,
            "chart": _chart(reasons),
            "trial_balance": _trial_balance(request),
            "files": [
                (one, _("送银行") if one.direction == Direction.OUT else _("银行返回")) for one in files
            ],
            "conflicting": open_lines.open_files(batch),
            "missing": sum(one.count for one in tallies if one.status == LineStatus.MISSING)
            if batch.status in (BatchStatus.POSTED, BatchStatus.CLOSED)
            else 0,
            "events": batch.events.select_related("by"),
            "steps": self._steps(request, batch),
            "own": _opened_by(request, batch),
            "confirming": confirming,
            "comparison": _comparison(batch) if batch.status == BatchStatus.OPENED else None,
        }
        return TemplateResponse(request, "admin/contributions/batch.html", context)

    def _steps(self, request: HttpRequest, batch: DebitBatch) -> list[Any]:
        """What this member of staff can do with the batch now; whoever opened it does not release
        it."""
        if not self.has_change_permission(request, batch) or _opened_by(request, batch):
            return []
        return STEPS[BatchStatus(batch.status)]

    @admin.display(description=gettext_lazy("城市"), ordering="city")
    def place(self, batch: DebitBatch) -> str:
        return book().city(batch.city).title

    @admin.display(description=gettext_lazy("月份"), ordering="month")
    def month_shown(self, batch: DebitBatch) -> str:
        return batch.month.zh

    @admin.display(description=gettext_lazy("状态"), ordering="status")
    def state(self, batch: DebitBatch) -> str:
        return state_cell(batch.status, batch.get_status_display())

    @admin.display(description=gettext_lazy("等待"))
    def waits_for(self, batch: DebitBatch) -> str:
        return str(WAITS_FOR[BatchStatus(batch.status)])

    @admin.display(description=gettext_lazy("笔数"), ordering="line_count")
    def lines_shown(self, batch: DebitBatch) -> str:
        return number_cell(f"{batch.line_count:,}")

    @admin.display(description=gettext_lazy("金额（元）"), ordering="total_fen")
    def amount(self, batch: DebitBatch) -> str:
        return yuan(batch.total_fen)


class OpenForm(forms.Form):
    """Which city's month is opened, and whose: this one, or people's of the last where it was
    missed."""

    city = forms.ChoiceField(label=gettext_lazy("城市"))
    month = forms.ChoiceField(label=gettext_lazy("托收月份"))
    payer = forms.ChoiceField(
        label=gettext_lazy("托收对象"), choices=choices(PAYER_LABELS), required=False, initial=Payer.PEOPLE
    )

    def __init__(self, *args: Any, cities: list[str], months: list[Month], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["city"].choices = [(one, book().city(one).title) for one in cities]  # type: ignore[attr-defined]
        self.fields["month"].choices = [(str(one), one.zh) for one in months]  # type: ignore[attr-defined]

    def clean_month(self) -> Month:
        return Month.parse(self.cleaned_data["month"])

    def clean_payer(self) -> Payer:
        payer = Payer(self.cleaned_data["payer"] or Payer.PEOPLE)
        city, month = self.cleaned_data.get("city"), self.cleaned_data.get("month")
        if payer == Payer.EMPLOYERS and city and month:
            if of_employers.terms_of(city, month.first_day) is None:
                raise forms.ValidationError(_("本市不对用人单位托收。"))
            if month != month_in_china(timezone.now()):
                raise forms.ValidationError(_("用人单位只在当月托收；逾期的须另计滞纳金，由单位补缴。"))
        return payer


def _debit_cities(request: HttpRequest) -> list[str]:
    """The cities of this login that debit at all this month."""
    today = today_in_china(timezone.now())
    found = []
    for city in permissions.staff_cities(request.user):
        try:
            debit_terms(book(), city=city, on=today.replace(day=1))
        except PolicyMissing:
            continue
        found.append(city)
    return found


def _to_batch(request: HttpRequest, batch: DebitBatch) -> HttpResponse:
    """On to the batch that stands; a page that waits for it by htmx goes there whole."""
    address = reverse("admin:contributions_debitbatch_change", args=[batch.pk])
    if request.headers.get("HX-Request"):
        answer = HttpResponse()
        answer["HX-Redirect"] = address
        return answer
    return HttpResponseRedirect(address)


def bank_title(batch: DebitBatch) -> str:
    """The bank's name as the policy has it for the batch's month; its code where the policy no
    longer names it."""
    try:
        terms = payers.of(batch).terms(batch.city, batch.month)
    except PolicyMissing:
        return batch.bank
    return terms.bank_title if terms.bank == batch.bank else batch.bank


def _opened_by(request: HttpRequest, batch: DebitBatch) -> bool:
    """Whether the batch waits for somebody else, because whoever looks at it opened it."""
    return batch.status == BatchStatus.OPENED and batch.opened_by_id == request.user.pk


def _comparison(batch: DebitBatch) -> list[tuple[str, str, str, str]]:
    """Count and sum: of this batch, of last month's, and by how much they differ; last month's are
    empty where there was none."""
    before = releasing.month_before(batch)
    rows = [
        (_("笔数"), batch.line_count, before.line_count if before else None, "{:,}".format),
        (_("金额（元）"), batch.total_fen, before.total_fen if before else None, money.format_yuan),
    ]
    return [
        (
            label,
            shown(now),
            "" if then is None else shown(then),
            "" if then is None else ("−" if now < then else "+") + shown(abs(now - then)),
        )
        for label, now, then, shown in rows
    ]


def _reasons(batch: DebitBatch) -> list[tuple[str, int, int]]:
    counted = (
        DebitLine.objects.filter(batch=batch, status=LineStatus.FAILED)
        .values_list("reason_code")
        .annotate(count=Count("id"), fen=Sum("amount_fen"))
        .order_by("-count", "reason_code")
    )
    return [(_(REASON_LABELS[Reason(code)]), count, fen) for code, count, fen in counted]


def _chart(reasons: list[tuple[str, int, int]]) -> str:
    """The reasons as the theme's script draws them: bars of how many lines failed."""
    return json.dumps(
        {
            "labels": [text for text, _count, _fen in reasons],
            "datasets": [
                {
                    "label": _("笔数"),
                    "data": [count for _text, count, _fen in reasons],
                    "backgroundColor": FAILED_COLOUR,
                    "maxBarThickness": 40,
                }
            ],
        },
        ensure_ascii=False,
    )


def _trial_balance(request: HttpRequest) -> str:
    """Where the trial balance stands; empty for who may not see it."""
    seen = request.user.has_perm("contributions.view_ledgeraccount")
    return reverse("admin:contributions_ledgeraccount_changelist") if seen else ""
