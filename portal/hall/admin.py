"""The agency's workbench for cases: the queue, the case with its facts beside the decision, and the
working days."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldBooleanSwitchWidget

from portal.accounts import permissions
from portal.accounts.cells import due_cell, person_cell, state_cell
from portal.accounts.proposals_admin import ByTwo, ProposingForm
from portal.accounts.staff_admin import StaffAdmin, StaffCityFilter, person_number_in
from portal.hall import (
    amending,
    attachments,
    catalogue,
    desk,
    lifecycle,
    queries,
    reviewing,
    window,
    working_days,
)
from portal.hall.amending_admin import SendsBack
from portal.hall.decision_forms import ApproveForm, DeclineForm, RefuseForm
from portal.hall.models import Attachment, Case, Conclusion, Overruling, WorkdayOverride
from portal.hall.numbers import ending_in, number_in
from portal.hall.routing import CASE_LIFE_CYCLE, Status
from portal.hall.service import Bar
from portal.hall.workbench import OfferedFilter, QueueFilter, staff_of
from portal.policy.book import book
from portal.shared import identity
from portal.shared.characters import narrow
from portal.shared.months import today_in_china

ALL = "all"
_CHANGED = gettext_lazy("这份办件的情况在您查看之后有变化，请按现在显示的内容重新核对后再通过。")


def state_asked(request: HttpRequest) -> str:
    """The state that the list is to show; "" for the queue. A list of one's own decisions shows all
    states: decided cases have left the queue."""
    return request.GET.get(StateFilter.parameter_name) or (
        ALL if request.GET.get(MineFilter.parameter_name) == "done" else ""
    )


class StateFilter(QueueFilter):
    """Without a choice the queue: what waits for a decision."""

    unasked = gettext_lazy("待办理")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        states = [
            (str(status), _(CASE_LIFE_CYCLE.label(status))) for status in Status if status != Status.SUBMITTED
        ]
        return [*states, (ALL, _("全部"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Case]) -> QuerySet[Case]:
        state = state_asked(request)
        if state == ALL:
            return queryset
        return queryset.filter(status__in=[state] if state else queries.WAITING)


class ServiceFilter(OfferedFilter):
    title = gettext_lazy("事项")
    parameter_name = "service"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        cities = permissions.staff_cities(request.user)
        offered = {offer.code: service.title for city in cities for offer, service in catalogue.offers(city)}
        return list(offered.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Case]) -> QuerySet[Case]:
        return queryset.filter(service=self.value()) if self.value() else queryset


class DueFilter(OfferedFilter):
    title = gettext_lazy("承诺期限")
    parameter_name = "due"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("late", _("已超期")), ("today", _("今天到期"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Case]) -> QuerySet[Case]:
        today = today_in_china(timezone.now())
        if self.value() == "late":
            return queryset.filter(status__in=queries.WAITING, due_on__lt=today)
        if self.value() == "today":
            return queryset.filter(status__in=queries.WAITING, due_on=today)
        return queryset


class MineFilter(OfferedFilter):
    title = gettext_lazy("与我有关")
    parameter_name = "mine"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("todo", _("我可以办理的")), ("done", _("我办结的"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Case]) -> QuerySet[Case]:
        if self.value() == "todo":
            return queryset.filter(pk__in=queries.decidable(staff_of(request)).order_by().values("pk"))
        if self.value() == "done":
            return queryset.filter(decided_by=staff_of(request))
        return queryset


@admin.register(Case)
class CaseAdmin(SendsBack, StaffAdmin):
    """Cases are read here and decided at the desk; nothing is added, edited or deleted."""

    identity_numbers = ("subject_identity_number", "applicant_person__identity_number")
    list_display = (
        "due",
        "number",
        "offer_title",
        "applicant_name",
        "subject_shown",
        "submitted",
        "mode",
        "state",
    )
    list_display_links = ("number",)
    list_filter = (StateFilter, DueFilter, ServiceFilter, StaffCityFilter, MineFilter)
    list_fullwidth = True
    search_fields = ("number",)
    search_help_text = gettext_lazy(
        "办件编号（也可以只输末 8 位）、姓名、单位名称，或完整的身份证号码、统一社会信用代码"
    )
    list_per_page = 50
    show_full_result_count = False
    actions = None

    def get_urls(self) -> list[URLPattern]:
        """Only the queue, the case and its papers: the admin's own pages to add, edit and delete do
        not exist."""
        view = self.admin_site.admin_view
        return [
            path("", view(self.changelist_view), name="hall_case_changelist"),
            path("<int:object_id>/change/", view(self.change_view), name="hall_case_change"),
            path("by-number/<slug:number>/", view(self.by_number_view), name="hall_case_by_number"),
            path("<int:object_id>/papers/<int:paper_id>/", view(self.paper_view), name="hall_case_paper"),
            *self.sending_back_urls(),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Case | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Case]:
        return queries.cases_for_staff(staff_of(request))

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return (
            ("-submitted_at", "-pk") if request.GET.get(StateFilter.parameter_name) else queries.QUEUE_ORDER
        )

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        one_city = len(permissions.staff_cities(request.user)) < 2
        return [one for one in self.list_filter if not (one is StaffCityFilter and one_city)]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Case], search_term: str
    ) -> tuple[QuerySet[Case], bool]:
        """By names in part; by people's numbers only in full, so that nobody is found by guessing
        digits; by a case's number as it is typed, scanned, or told over the telephone: its last
        eight characters.
        """
        term = search_term.strip()
        if not term:
            return queryset, False
        number = narrow(term).upper()
        matching = (
            Q(number=number_in(term) or number)
            | Q(applicant_employer__credit_code=number)
            | Q(applicant_employer__name__contains=term)
            | Q(applicant_person__name__contains=term)
            | Q(subject__name__contains=term)
        )
        if ending_in(term):
            matching |= Q(number__endswith=f"-{ending_in(term)}")
        if person := person_number_in(term):
            matching |= Q(subject_identity_number=person) | Q(applicant_person__identity_number=person)
        return queryset.filter(matching), False

    def waiting(self, request: HttpRequest) -> QuerySet[Any]:
        return queries.waiting_for(staff_of(request))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise Http404
        return super().changelist_view(request, {"title": _("办件"), **(extra_context or {})})

    def change_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The case; a POST decides it and goes on to the next one."""
        case = self._case(request, object_id)
        now = timezone.now()
        if request.method != "POST":
            return self._page(request, case)
        try:
            return self._decide(request, case, now=now)
        except lifecycle.AlreadyMoved as moved:
            messages.error(request, moved.message)
        except desk.NotAllowed as refused:
            messages.error(request, str(refused))
        return HttpResponseRedirect(request.path)

    def by_number_view(self, request: HttpRequest, number: str) -> HttpResponse:
        """Where the code on a form for the window leads."""
        case = self.get_queryset(request).filter(number=number).first()
        if case is None or not self.has_view_permission(request, case):
            raise Http404
        return HttpResponseRedirect(reverse("admin:hall_case_change", args=[case.pk]))

    def paper_view(self, request: HttpRequest, object_id: int, paper_id: int) -> FileResponse:
        """A paper that was handed in with the case."""
        paper = Attachment.objects.filter(case=self._case(request, object_id), pk=paper_id).first()
        if paper is None:
            raise Http404
        return attachments.served(paper)

    def _case(self, request: HttpRequest, object_id: int) -> Case:
        case = self.get_queryset(request).filter(pk=object_id).first()
        if case is None or not self.has_view_permission(request, case):
            raise Http404
        return case

    def _decide(self, request: HttpRequest, case: Case, *, now: Any) -> HttpResponse:
        if not case.is_open:
            raise lifecycle.AlreadyMoved
        sheet = reviewing.sheet(case, by=staff_of(request))
        if sheet.why_not:
            raise desk.NotAllowed(sheet.why_not)
        if "confirm" in request.POST or "decline" in request.POST:
            proposal = sheet.overruling
            if proposal is None or request.POST.get("of", str(proposal.pk)) != str(proposal.pk):
                messages.error(request, _("提出的意见在您查看之后有变化，请按现在显示的内容重新核对。"))
                return HttpResponseRedirect(request.path)
            return self._end_overruling(request, case, sheet, proposal, now=now)
        if "lack" in request.POST and sheet.at_window:
            return self._note_missing(request, case, sheet, now=now)
        if "approve" in request.POST:
            approve = sheet.approval(request.POST)
            if not approve.is_valid():
                return self._page(request, case, sheet=sheet, approve=approve)
            if request.POST.get("shown", sheet.digest) != sheet.digest:
                approve.add_error(None, _CHANGED)
                return self._page(request, case, sheet=sheet, approve=approve)
            by = staff_of(request)
            visit = (
                approve.check(case, Conclusion.ACCEPTED, by=by, now=now)
                if isinstance(approve, window.WindowForm)
                else None
            )
            try:
                if sheet.by_two:
                    reason = approve.note or _("已核对到场人身份。")
                    desk.propose_overruling(case, reason=reason, by=by, now=now, window=visit)
                    words = (
                        _("{number}：已提出与登记不一致仍予办理，等待另一名审核人员确认。")
                        if sheet.mismatches
                        else _("{number}：已受理，等待另一名审核人员确认。")
                    )
                    return self._go_on(request, case, words)
                case = desk.decide(case, approve=True, by=by, now=now, reason=approve.note, window=visit)
            except desk.NotAccepted as refusal:
                # What the rule found just now, or the database: shown with what was typed.
                sheet = reviewing.sheet(case, by=staff_of(request))
                approve = sheet.approval(request.POST)
                for finding in refusal.findings:
                    approve.add_error(None, finding.why)
                return self._page(request, case, sheet=sheet, approve=approve)
        else:
            refuse = RefuseForm(request.POST)
            if not refuse.is_valid():
                return self._page(request, case, sheet=sheet, refuse=refuse)
            if not refuse.cleaned_data["confirmed"]:
                return self._page(
                    request, case, sheet=sheet, refuse=refuse, confirming="revise" not in request.POST
                )
            by, why = staff_of(request), refuse.cleaned_data["reason"]
            visit = window.declined(case, why, by=by, now=now) if sheet.at_window else None
            case = desk.decide(case, approve=False, by=by, now=now, reason=why, window=visit)
        return self._go_on(request, case)

    def _note_missing(
        self, request: HttpRequest, case: Case, sheet: reviewing.Sheet, *, now: Any
    ) -> HttpResponse:
        """材料不全: the case stays as it is, and the applicant is told what to bring."""
        form = sheet.approval(request.POST, lacking=True)
        if not isinstance(form, window.WindowForm) or not form.is_valid():
            return self._page(request, case, sheet=sheet, approve=form)
        try:
            desk.note_missing(form.check(case, Conclusion.LACKING, by=staff_of(request), now=now))
        except desk.NotAccepted as refusal:
            for finding in refusal.findings:
                form.add_error(None, finding.why)
            return self._page(request, case, sheet=sheet, approve=form)
        messages.success(request, _("已告知申请人还缺什么，办件仍是已预申请；可以打印《业务指引告知书》。"))
        return HttpResponseRedirect(request.path)

    def _end_overruling(
        self,
        request: HttpRequest,
        case: Case,
        sheet: reviewing.Sheet,
        overruling: Overruling,
        *,
        now: Any,
    ) -> HttpResponse:
        """A second reviewer confirms the proposal, and the case is done; or declines it."""
        by = staff_of(request)
        try:
            if "confirm" in request.POST:
                if request.POST.get("shown", sheet.digest) != sheet.digest:
                    raise desk.NotAccepted([Bar("", str(_CHANGED))])
                decided = desk.decide(case, approve=True, by=by, now=now, overrule=True)
                return self._go_on(request, decided)
            decline = DeclineForm(request.POST)
            if not decline.is_valid():
                return self._page(request, case, sheet=sheet, decline=decline)
            desk.decline_overruling(overruling, why=decline.cleaned_data["why"], by=by, now=now)
            messages.success(request, _("已记录不同意，办件可以重新核实。"))
        except desk.NotAccepted as refusal:
            for finding in refusal.findings:
                messages.error(request, str(finding.why))
        return HttpResponseRedirect(request.path)

    def _go_on(self, request: HttpRequest, case: Case, words: str = "") -> HttpResponse:
        """Says what was done, and opens the next case of the queue."""
        message = (words or _("{number} {title}：{state}。")).format(
            number=case.number, title=case.offer.title, state=_(CASE_LIFE_CYCLE.label(case.status))
        )
        following = queries.next_after(staff_of(request), case)
        if following is None:
            messages.success(request, message + _("待办理的办件都办完了。"))
            return HttpResponseRedirect(reverse("admin:hall_case_changelist"))
        messages.success(request, message + _("下面是下一件。"))
        return HttpResponseRedirect(reverse("admin:hall_case_change", args=[following.pk]))

    def _page(
        self,
        request: HttpRequest,
        case: Case,
        *,
        sheet: reviewing.Sheet | None = None,
        approve: ApproveForm | None = None,
        refuse: RefuseForm | None = None,
        decline: DeclineForm | None = None,
        confirming: bool = False,
    ) -> HttpResponse:
        if sheet is None and case.is_open:
            sheet = reviewing.sheet(case, by=staff_of(request))
        if sheet and not sheet.why_not:
            approve = approve or sheet.approval()
            refuse = refuse or RefuseForm()
        words, pressing = reviewing.due_words(case, today_in_china(timezone.now()))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": case.number,
            "original": case,
            "case": case,
            "masked_number": identity.mask(case.subject_identity_number),
            "city": book().city(case.city),
            "due_words": words,
            "pressing": pressing,
            "summary": case.facts.get("summary", []),
            "answers": reviewing.answers_of(case),
            "papers": reviewing.attachments_of(case),
            "events": case.events.select_related("actor"),
            "sheet": sheet,
            "approve": approve,
            "refuse": refuse,
            "decline": decline or DeclineForm(),
            "visits": case.window_checks.select_related("by"),
            "overrulings": case.overrulings.select_related("proposed_by", "ended_by"),
            "confirming": confirming,
            "at_counter": case.status == Status.PRE_APPLIED,
            "closed": not case.is_open,
            "amendments": case.amendments.select_related("asked_by", "ended_by"),
            "may_send_back": sheet is not None and not sheet.why_not and bool(amending.amendable(case)),
            "returned": case.status == Status.RETURNED,
            "outcome": case.outcome.get("lines", []),
        }
        bound = [
            form for form in (approve, refuse, decline) if form is not None and form.is_bound and form.errors
        ]
        return TemplateResponse(request, "admin/hall/case.html", context, status=422 if bound else 200)

    @admin.display(description=gettext_lazy("期限"), ordering="due_on")
    def due(self, case: Case) -> str:
        words, pressing = reviewing.due_words(case, today_in_china(timezone.now()))
        return due_cell(words, pressing)

    @admin.display(description=gettext_lazy("事项"))
    def offer_title(self, case: Case) -> str:
        return case.offer.title

    @admin.display(description=gettext_lazy("申请人"))
    def applicant_name(self, case: Case) -> str:
        return case.applicant.name

    @admin.display(description=gettext_lazy("办理对象"))
    def subject_shown(self, case: Case) -> str:
        if not case.subject_identity_number:
            return "—"
        name = case.subject.name if case.subject else _("新建档人员")
        return person_cell(name, case.subject_identity_number)

    @admin.display(description=gettext_lazy("提交时间"), ordering="submitted_at")
    def submitted(self, case: Case) -> str:
        return f"{timezone.localtime(case.submitted_at):%Y-%m-%d %H:%M}"

    @admin.display(description=gettext_lazy("状态"))
    def state(self, case: Case) -> str:
        return state_cell(case.status, case.get_status_display())


class WorkdayForm(ProposingForm):
    remove = forms.BooleanField(
        label=gettext_lazy("撤销这一调整，恢复按公布的工作日"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
    )

    class Meta:
        model = WorkdayOverride
        fields = ("city", "day", "is_workday", "reason")
        help_texts = {"reason": gettext_lazy("写明文件名称和文号。由另一名工作人员复核后生效。")}

    def ensure(self, cleaned: dict[str, Any]) -> None:
        working_days.ensure_may_set(*self.of_day(), by=self.by)

    def of_day(self) -> tuple[str, Any]:
        """Which city's day it is: as typed, or of the row that is changed."""
        cleaned, row = self.cleaned_data, self.instance
        return (row.city, row.day) if row.pk else (cleaned["city"], cleaned["day"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        day = cleaned.get("day")
        if (
            day
            and not self.instance.pk
            and WorkdayOverride.objects.filter(city=cleaned.get("city") or "", day=day).exists()
        ):
            self.add_error("day", _("这一天已有调整，请打开那一项修改。"))
        return cleaned


@admin.register(WorkdayOverride)
class WorkdayOverrideAdmin(ByTwo):
    """Working days of a city against the published calendar, and beyond the last year that is
    published. For reviewers, by two hands; those of the whole country for administrators of the
    hall."""

    form = WorkdayForm
    list_display = ("day", "place", "is_workday", "reason")
    date_hierarchy = "day"
    list_fullwidth = True
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_change_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: WorkdayOverride | None = None) -> bool:
        mine = obj is None or obj.city in _own_cities(request)
        return mine and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: WorkdayOverride | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[WorkdayOverride]:
        cities = permissions.staff_cities(request.user)
        return super().get_queryset(request).filter(city__in=["", *cities])

    def get_fields(self, request: HttpRequest, obj: WorkdayOverride | None = None) -> Any:
        if obj is None:
            return ("city", "day", "is_workday", "reason")
        changing = ("remove",) if self.has_change_permission(request, obj) else ()
        return ("place", "day", "is_workday", "reason", *changing)

    def get_readonly_fields(self, request: HttpRequest, obj: WorkdayOverride | None = None) -> Any:
        return ("place", "day") if obj else ()

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "city":
            names = [(city, book().city(city).title if city else _("全国")) for city in _own_cities(request)]
            first = [] if len(names) == 1 else [("-", _("请选择"))]
            return forms.TypedChoiceField(
                label=db_field.verbose_name,
                choices=[*first, *names],
                required=False,
                empty_value="",
                widget=UnfoldAdminSelectWidget,
                validators=[_chosen],
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def proposed(self, request: HttpRequest, obj: Any, form: Any, *, change: bool) -> bool:
        cleaned, (city, day) = form.cleaned_data, form.of_day()
        if change and not form.changed_data:
            return False
        working_days.propose(
            city=city,
            day=day,
            is_workday=cleaned["is_workday"],
            remove=bool(cleaned.get("remove")),
            reason=cleaned["reason"],
            by=staff_of(request),
            now=timezone.now(),
        )
        return True

    @admin.display(description=gettext_lazy("城市"), ordering="city")
    def place(self, row: WorkdayOverride) -> str:
        return book().city(row.city).title if row.city else _("全国")


def _own_cities(request: HttpRequest) -> list[str]:
    """Whose days this login may set: "" is the whole country."""
    return [*permissions.staff_cities(request.user), *([""] if request.user.is_superuser else [])]


def _chosen(city: str) -> None:
    if city == "-":
        raise ValidationError(_("请选择城市。"))


# Imported so that its admin is registered: Django looks for this module alone.
from portal.hall import operations  # noqa: E402, F401
