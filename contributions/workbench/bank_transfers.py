"""The collectors' pages for money that employers transfer: entered by one, approved by another,
matched, reversed, sent back."""

import datetime as dt
import hashlib
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contributions.assessments import bank_transfers, transfer_effects
from contributions.assessments.transfer_notes import (
    Candidate,
    Payable,
    candidates,
    code_of,
    named_in,
    why_not,
)
from contributions.models import Arrival, ArrivalStatus, ArrivalStep, ArrivalWay, Assessment, StepStatus
from contributions.workbench.base import MoneyAdmin, yuan
from enrollment.admin import CityFilter
from portal.accounts import permissions
from portal.accounts.cells import state_cell
from portal.accounts.staff_admin import RefuseForm
from portal.hall.fields import YuanField
from portal.hall.workbench import QueueFilter, staff_of
from portal.policy.book import book
from portal.shared import money
from portal.shared.characters import whole_number
from portal.shared.keys import KeyReused
from portal.shared.months import today_in_china

MAY_STEP = "contributions.change_arrival"
NONE_OF_THEM = "none"


class EntryForm(forms.Form):
    """One line of the bank's statement."""

    city = forms.ChoiceField(label=gettext_lazy("参保地"))
    note = forms.CharField(
        label=gettext_lazy("汇款附言"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("照银行流水原样填写，系统从中识别编号；没有附言的留空。"),
    )
    payer = forms.CharField(
        label=gettext_lazy("付款人户名"),
        max_length=100,
        required=False,
        help_text=gettext_lazy("附言认不出编号时，按户名和金额查找。"),
    )
    amount = YuanField(label=gettext_lazy("到账金额（元）"))
    bank_number = forms.CharField(label=gettext_lazy("银行流水号"), max_length=40)
    arrived_on = forms.DateField(
        label=gettext_lazy("到账日期"), widget=forms.DateInput(attrs={"type": "date"})
    )
    code = forms.CharField(
        label=gettext_lazy("编号（查明后填写）"),
        max_length=40,
        required=False,
        help_text=gettext_lazy("附言中没有编号或有误，而已与单位核实的，填写 HD 或 BJ 开头的编号。"),
    )
    # With the key, pressing the button twice makes one entry. ``shown`` is the digest of the page
    # on which the choice was made: if the content has changed, it is shown again first.
    key = forms.UUIDField(widget=forms.HiddenInput)
    shown = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, cities: list[tuple[str, str]], now: dt.datetime, **kwargs: Any) -> None:
        self.now = now
        super().__init__(*args, **kwargs)
        field = self.fields["city"]
        field.choices = cities  # type: ignore[attr-defined]
        if len(cities) == 1:
            field.initial, field.widget = cities[0][0], forms.HiddenInput()

    def clean_arrived_on(self) -> dt.date:
        day: dt.date = self.cleaned_data["arrived_on"]
        if day > today_in_china(self.now):
            raise forms.ValidationError(_("到账日期在今天之后。请核对银行流水。"))
        return day

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        if code and not named_in(code):
            raise forms.ValidationError(
                _("没有这个编号，请核对：HD 或 BJ 开头，后面至少 10 位数字，最后两位是校验位。")
            )
        return code

    @property
    def amount_fen(self) -> int:
        return money.to_fen(self.cleaned_data["amount"])

    def found(self) -> list[Candidate]:
        """The assessments and bills that the line may pay."""
        entry = self.cleaned_data
        return candidates(
            notes=[entry["note"], entry["code"]],
            payer=entry["payer"],
            amount_fen=self.amount_fen,
            cities=[entry["city"]],
        )


class ReverseForm(forms.Form):
    prefix = "reverse"

    reason = forms.CharField(
        label=gettext_lazy("冲正的原因"),
        max_length=200,
        help_text=gettext_lazy("写明错在哪里、依据什么。"),
        error_messages={"required": gettext_lazy("请写明冲正的原因。")},
    )
    key = forms.UUIDField(widget=forms.HiddenInput)


class ReturnForm(forms.Form):
    prefix = "return"

    returned_number = forms.CharField(
        label=gettext_lazy("退汇流水号"),
        max_length=40,
        help_text=gettext_lazy("先在银行办理退汇，再照回单登记。"),
        error_messages={"required": gettext_lazy("请填写银行退汇的流水号。")},
    )
    reason = forms.CharField(
        label=gettext_lazy("退回的原因"),
        max_length=200,
        error_messages={"required": gettext_lazy("请写明退回的原因。")},
    )
    key = forms.UUIDField(widget=forms.HiddenInput)


class MatchForm(forms.Form):
    prefix = "match"

    code = forms.CharField(
        label=gettext_lazy("入账的编号"),
        max_length=40,
        error_messages={"required": gettext_lazy("请填写或选择编号。")},
    )
    key = forms.UUIDField(widget=forms.HiddenInput)


class ArrivalFilter(QueueFilter):
    """Without a choice it shows the queue: arrivals to be approved or identified."""

    unasked = gettext_lazy("待办理")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("held", _("暂收待查")),
            ("booked", _("已入账")),
            ("returned", _("已退回汇款方")),
            ("struck", _("已作废")),
            ("all", _("全部")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Arrival]) -> QuerySet[Arrival]:
        chosen = self.value()
        if chosen == "all" or (not chosen and request.GET.get("q")):
            return queryset
        return queryset.filter(status=chosen) if chosen else queryset.filter(_to_see_to())


def _to_see_to() -> Q:
    proposed = ArrivalStep.objects.filter(status=StepStatus.PROPOSED)
    return Q(status=ArrivalStatus.HELD) | Q(pk__in=proposed.values("arrival"))


@admin.register(Arrival)
class ArrivalAdmin(MoneyAdmin):
    city_column = "city"
    list_display = ("bank_number", "payer", "note", "amount", "arrived_on", "place", "state", "entered_by")
    list_display_links = ("bank_number",)
    list_select_related = ("entered_by",)
    list_filter = (ArrivalFilter, CityFilter)
    list_before_template = "admin/contributions/transfer_link.html"
    search_help_text = gettext_lazy("银行流水号、付款人户名，或附言中的编号")
    ordering = ("-pk",)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("", view(self.changelist_view), name="contributions_arrival_changelist"),
            path("enter/", view(self.enter), name="contributions_transfer"),
            path("<int:object_id>/change/", view(self.page), name="contributions_arrival_change"),
        ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        wanted = Q(bank_number=term) | Q(payer=term)
        for payable in named_in(term):
            column = "assessment" if isinstance(payable, Assessment) else "bill"
            steps = ArrivalStep.objects.filter(**{column: payable})
            wanted |= Q(pk__in=steps.values("arrival"))
        return queryset.filter(wanted), False

    def waiting(self, request: HttpRequest) -> QuerySet[Any]:
        """The arrivals that wait to be approved or identified."""
        return self.get_queryset(request).filter(_to_see_to())

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        title = {"title": _("单位汇款到账"), "may_book": request.user.has_perm(MAY_STEP)}
        return super().changelist_view(request, {**title, **(extra_context or {})})

    # Entering

    def enter(self, request: HttpRequest) -> HttpResponse:
        """登记到账: a line of the statement. The page shows what the line may pay, the collector
        chooses, and the entry waits for a second collector."""
        if not request.user.has_perm(MAY_STEP):
            raise Http404
        now = timezone.now()
        form = EntryForm(
            request.POST or None,
            cities=permissions.city_choices(request.user),
            now=now,
            initial={"key": uuid4()},
        )
        payables: list[Candidate] = []
        digest, chosen, changed = "", "", False
        if request.method == "POST" and form.is_valid():
            payables = form.found()
            digest = _digest(form, payables)
            chosen = request.POST.get("chosen", "")
            changed = bool(form.cleaned_data["shown"]) and form.cleaned_data["shown"] != digest
            if form.cleaned_data["shown"] == digest:
                entered = self._enter(request, form, payables, chosen, now)
                if entered is not None:
                    messages.success(request, _("已登记，等待另一名征缴人员复核。"))
                    return HttpResponseRedirect(
                        reverse("admin:contributions_arrival_change", args=[entered.pk])
                    )
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("登记到账"),
            "form": form,
            "shown": digest,
            "again": changed,
            "found": [(one, self._why_not(form, one), _what(one.payable)) for one in payables],
            "none": NONE_OF_THEM,
            "chosen": chosen or (self._likely(form, payables) if digest else ""),
            "listing": reverse("admin:contributions_arrival_changelist"),
        }
        return TemplateResponse(
            request, "admin/contributions/transfer.html", context, status=422 if form.errors else 200
        )

    def _why_not(self, form: EntryForm, candidate: Candidate) -> str:
        return why_not(
            candidate.payable, amount_fen=form.amount_fen, arrived_on=form.cleaned_data["arrived_on"]
        )

    def _likely(self, form: EntryForm, payables: list[Candidate]) -> str:
        """The code that the page chooses in advance: the only candidate that this sum pays and that
        the code or the payer matches. ``NONE_OF_THEM`` without candidates; else ""."""
        fit = [one for one in payables if (one.by_code or one.by_payer) and not self._why_not(form, one)]
        if len(fit) == 1:
            return fit[0].code
        return "" if payables else NONE_OF_THEM

    def _enter(
        self, request: HttpRequest, form: EntryForm, payables: list[Candidate], chosen: str, now: dt.datetime
    ) -> Arrival | None:
        entry = form.cleaned_data
        payable = next((one.payable for one in payables if one.code == chosen), None)
        if payable is None and chosen != NONE_OF_THEM:
            form.add_error(None, _("请选择这笔款项属于哪份单据；都不是的，选“都不是”。"))
            return None
        try:
            return bank_transfers.enter(
                city=entry["city"],
                note=entry["note"],
                payer=entry["payer"],
                amount_fen=form.amount_fen,
                bank_number=entry["bank_number"],
                arrived_on=entry["arrived_on"],
                payable=payable,
                key=entry["key"],
                by=staff_of(request),
                now=now,
            )
        except transfer_effects.CannotStep as why:
            form.add_error(None, str(why))
        except KeyReused:
            form.add_error(None, _("这一页已经登记过一笔，请重新打开“登记到账”再填写。"))
        return None

    # One arrival

    def page(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """One arrival; a POST takes the step whose button was pressed."""
        arrival = self.get_queryset(request).filter(pk=object_id).first()
        if arrival is None or not self.has_view_permission(request, arrival):
            raise Http404
        may_step = request.user.has_perm(MAY_STEP)
        if request.method == "POST" and not may_step:
            raise Http404
        pressed = request.POST.get("step", "")
        fresh = {"key": uuid4()}
        typed = {
            step: form(request.POST if step == pressed else None, initial=fresh)
            for step, form in (
                ("refuse", RefuseForm),
                ("reverse", ReverseForm),
                ("return", ReturnForm),
                ("match", MatchForm),
            )
        }
        form = typed.get(pressed)
        if request.method == "POST" and (form is None or form.is_valid()):
            try:
                self._take(request, arrival, pressed, form.cleaned_data if form else {})
            except transfer_effects.CannotStep as why:
                if form is None:
                    messages.error(request, str(why))
                    return HttpResponseRedirect(request.path)
                form.add_error(None, str(why))
            except KeyReused:
                messages.error(request, _("这份处理意见已经提交过，请核对页面当前状态。"))
                return HttpResponseRedirect(request.path)
            else:
                return HttpResponseRedirect(request.path)
        wrong = form is not None and bool(form.errors)
        return TemplateResponse(
            request,
            "admin/contributions/arrival.html",
            {**self._context(request, arrival), "forms": typed, "may_step": may_step},
            status=422 if wrong else 200,
        )

    def _take(self, request: HttpRequest, arrival: Arrival, step: str, typed: dict[str, Any]) -> None:
        by, now = staff_of(request), timezone.now()
        if step in ("approve", "refuse"):
            proposed = arrival.steps.filter(pk=whole_number(request.POST.get("of", "")) or 0).first()
            if proposed is None:
                raise transfer_effects.CannotStep(_("没有待复核的处理，请刷新页面。"))
            if step == "approve":
                bank_transfers.approve(proposed, by=by, now=now)
                messages.success(request, _("已复核，处理已生效。"))
            else:
                bank_transfers.refuse(proposed, why=typed["why"], by=by, now=now)
                messages.success(request, _("已退回经办人。"))
        elif step == "match":
            named = [one for one in named_in(typed["code"]) if one.city == arrival.city]
            if not named:
                raise transfer_effects.CannotStep(
                    _("没有这个编号，请核对：HD 或 BJ 开头，最后两位是校验位。")
                )
            bank_transfers.propose_booking(arrival, named[0], key=typed["key"], by=by, now=now)
            messages.success(request, _("已提交，等待另一名征缴人员复核。"))
        elif step == "reverse":
            bank_transfers.propose_reversal(arrival, reason=typed["reason"], key=typed["key"], by=by, now=now)
            messages.success(request, _("冲正已提交，等待另一名征缴人员复核。"))
        elif step == "return":
            bank_transfers.propose_return(arrival, **typed, by=by, now=now)
            messages.success(request, _("已提交，等待另一名征缴人员复核。"))
        else:
            raise transfer_effects.CannotStep(_("请按页面上的按钮操作。"))

    def _context(self, request: HttpRequest, arrival: Arrival) -> dict[str, Any]:
        steps = list(
            arrival.steps.select_related(
                "proposed_by", "decided_by", "assessment__employer", "bill__employer"
            )
        )
        proposed = next((one for one in steps if one.status == StepStatus.PROPOSED), None)
        booking = transfer_effects.booking_of(arrival)
        payable = proposed.payable if proposed else None
        if proposed is None or proposed.way == ArrivalWay.REVERSE:
            payable = booking.payable if booking else payable

        def misfit(payable: Payable) -> str:
            return why_not(payable, amount_fen=arrival.amount_fen, arrived_on=arrival.arrived_on)

        others, others_fen = bank_transfers.open_of(payable) if payable else (0, 0)
        may_match = arrival.status == ArrivalStatus.HELD and proposed is None
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": arrival.bank_number,
            "arrival": arrival,
            "city": book().city(arrival.city),
            "steps": [(one, _what(one.payable)) for one in steps],
            "proposed": proposed,
            "why_not": bank_transfers.why_not_decide(proposed, staff_of(request)) if proposed else "",
            "payable": payable,
            "what": _what(payable),
            "misfit": misfit(payable) if payable and proposed and proposed.way != ArrivalWay.REVERSE else "",
            "others": others,
            "others_fen": others_fen,
            "found": [
                (one, misfit(one.payable), _what(one.payable))
                for one in candidates(
                    notes=[arrival.note],
                    payer=arrival.payer,
                    amount_fen=arrival.amount_fen,
                    cities=[arrival.city],
                )
            ]
            if may_match
            else [],
            "held": may_match,
            "booked": arrival.status == ArrivalStatus.BOOKED and proposed is None,
        }

    @admin.display(description=gettext_lazy("到账（元）"), ordering="amount_fen")
    def amount(self, arrival: Arrival) -> str:
        return yuan(arrival.amount_fen)

    @admin.display(description=gettext_lazy("参保地"))
    def place(self, arrival: Arrival) -> str:
        return book().city(arrival.city).title

    @admin.display(description=gettext_lazy("状态"), ordering="status")
    def state(self, arrival: Arrival) -> str:
        return state_cell(arrival.status, arrival.get_status_display())


def _what(payable: Payable | None) -> str:
    """HD0000010872 2026年11月单位应缴."""
    if payable is None:
        return ""
    if isinstance(payable, Assessment):
        supplement = _("（补充）") if payable.after else ""
        return _("%(code)s %(month)s单位应缴%(more)s") % {
            "code": code_of(payable),
            "month": payable.month.zh,
            "more": supplement,
        }
    return _("%(code)s 单位补缴单") % {"code": code_of(payable)}


def _digest(form: EntryForm, payables: list[Candidate]) -> str:
    """The digest of what the page shows at the choice: the line, and the candidates with their
    sums."""
    entry = form.cleaned_data
    parts = [
        str(entry[name]) for name in ("city", "note", "payer", "amount", "bank_number", "arrived_on", "code")
    ]
    parts += [
        f"{one.code}:{one.expected.amount_fen}:{one.expected.by}:{one.payable.status}" for one in payables
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
