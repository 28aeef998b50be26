"""The workbench pages of transfers: the queue of each agency, and the next step of a transfer."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from certificates import drawable, issuing
from certificates.authority import SealUnavailable
from certificates.documents import DocumentDamaged
from certificates.fonts import FontMissing, NotDrawable
from enrollment.admin import LookUpAdmin
from portal.accounts.cells import due_cell, person_cell, state_cell
from portal.accounts.staff_admin import StaffAdmin
from portal.hall import attachments
from portal.hall.workbench import QueueFilter, staff_of
from portal.shared import identity, money
from portal.shared.characters import whole_number
from portal.shared.months import periods_zh, today_in_china
from portal.shared.tables import Some
from transfers import information, papers, queries, relation, releasing, steps
from transfers.amounts import periods_of
from transfers.applying import shown
from transfers.machine import FINAL, OPEN, TRANSFER_LIFE_CYCLE, Side, Status
from transfers.models import OutsideAgency, Transfer, TransferDocument, TransferPaper

# The button for the next step: its name, its label, the function that takes the step.
STEPS = Some(
    {
        Status.APPLIED: ("accept", gettext_lazy("受理"), steps.accept),
        Status.ACCEPTED: ("send_letter", gettext_lazy("发出联系函"), steps.send_letter),
        Status.LETTER_SENT: ("release", gettext_lazy("转出关系和资金"), releasing.release),
        Status.RELEASED: ("receive", gettext_lazy("确认资金到账"), steps.receive),
        Status.RECEIVED: ("merge", gettext_lazy("合并缴费记录"), steps.merge),
        Status.RETURNED: ("put_right", gettext_lazy("已更正，重新办理"), steps.put_right),
    }
)


class SendBackForm(forms.Form):
    prefix = "back"

    reason = forms.CharField(
        label=gettext_lazy("退回的原因"),
        help_text=gettext_lazy("写明哪里不对、怎样更正。本人和对方经办机构会看到。"),
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": gettext_lazy("请写明退回的原因，对方会看到。")},
    )


class DeclineForm(forms.Form):
    """The reason for declining a proposed release."""

    why = forms.CharField(max_length=200, error_messages={"required": gettext_lazy("请写明不转出的原因。")})


class PaperForm(forms.Form):
    prefix = "paper"

    file = forms.FileField(
        label=gettext_lazy("来函、来表的扫描件"),
        help_text=gettext_lazy("JPG、PNG 图片或 PDF 文件，不超过 5 MB。"),
        error_messages={
            "required": gettext_lazy("请选择文件。"),
            "empty": gettext_lazy("这是空文件，请重新选择。"),
        },
    )


class ToldForm(forms.Form):
    """The information form of an outside agency, typed by staff from the paper."""

    prefix = "told"

    lines = forms.CharField(
        label=gettext_lazy("缴费月份和缴费工资"),
        help_text=gettext_lazy(
            "每行写一年中连续的月份：年份 起月-止月 这些月份的缴费工资合计（元），例如 2019 3-12 45000.00。"
        ),
        widget=forms.Textarea(attrs={"rows": 6}),
        error_messages={"required": gettext_lazy("请填写缴费月份和缴费工资。")},
    )
    account = forms.DecimalField(
        label=gettext_lazy("个人账户（元）"), min_value=0, max_digits=14, decimal_places=2
    )
    pooled = forms.DecimalField(
        label=gettext_lazy("统筹基金（元）"), min_value=0, max_digits=14, decimal_places=2
    )

    def told(self, transfer: Transfer) -> dict[str, Any] | None:
        """The form as data (``information.checked``); None where it is invalid, with each error on
        its field."""
        if not self.is_valid():
            return None
        try:
            periods, wages = information.from_lines(self.cleaned_data["lines"])
            return information.checked(
                {
                    "periods": periods,
                    "wages": wages,
                    "account_fen": int(self.cleaned_data["account"] * 100),
                    "pooled_fen": int(self.cleaned_data["pooled"] * 100),
                },
                transfer,
                on=today_in_china(timezone.now()),
            )
        except information.Unfit as unfit:
            for field, why in unfit.mistakes:
                self.add_error(_TOLD_FIELDS[field], why)
            return None


_TOLD_FIELDS = {
    "lines": "lines",
    "periods": "lines",
    "wages": "lines",
    "account_fen": "account",
    "pooled_fen": "pooled",
}


class StandFilter(QueueFilter):
    """Filters by progress; without a choice it shows the transfers that wait for this login."""

    title = gettext_lazy("办理情况")
    unasked = gettext_lazy("待本机构办理")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("late", _("已超期")),
            ("open", _("全部在办")),
            ("done", _("已办结或撤销")),
            ("all", _("全部")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Transfer]) -> QuerySet[Transfer]:
        still_open = Q(status__in=[str(status) for status in OPEN])
        match self.value():
            case "late":
                return queryset.filter(still_open, due_on__lt=today_in_china(timezone.now()))
            case "open":
                return queryset.filter(still_open)
            case "done":
                return queryset.filter(status__in=[str(status) for status in FINAL])
            case "all":
                return queryset
        return queryset.filter(pk__in=queries.queue(staff_of(request)).order_by().values("pk"))


@admin.register(Transfer)
class TransferAdmin(LookUpAdmin):
    """The list of transfers and one page for each; only the steps on that page move a transfer."""

    identity_numbers = ("person__identity_number",)
    list_display = ("due", "number", "whom", "what", "way", "state", "turn", "applied_at")
    list_display_links = ("number",)
    list_filter = (StandFilter, "insurance")
    list_select_related = ("person",)
    search_help_text = gettext_lazy("完整的转移编号、身份证号码或姓名")
    ordering = ("due_on", "applied_at", "pk")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("", view(self.changelist_view), name="transfers_transfer_changelist"),
            path("<int:object_id>/change/", view(self.page), name="transfers_transfer_change"),
            path(
                "<int:object_id>/documents/<int:document_id>/",
                view(self.document),
                name="transfers_transfer_document",
            ),
            path(
                "<int:object_id>/papers/<int:paper_id>/",
                view(self.paper),
                name="transfers_transfer_paper",
            ),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Transfer]:
        return queries.seen_by(staff_of(request))

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        return list(self.list_filter)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip().upper()
        if not term:
            return queryset, False
        condition = Q(number=term) | Q(person__name=search_term.strip()) | Q(person__identity_number=term)
        return queryset.filter(condition), False

    def waiting(self, request: HttpRequest) -> QuerySet[Any]:
        """The transfers that wait for this login's agency."""
        return queries.queue(staff_of(request))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise Http404
        return super().changelist_view(request, {"title": _("关系转移接续"), **(extra_context or {})})

    def page(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """One transfer; a POST takes the step of the pressed button, or sends the transfer back."""
        transfer = self._found(request, object_id)
        pressed = request.POST.get("step")
        form = SendBackForm(request.POST if pressed == "back" else None)
        asks = _asks_for_form(transfer)
        told_form = ToldForm(request.POST if asks and pressed == "release" else None)
        form_data = told_form.told(transfer) if told_form.is_bound else None
        paper_form = PaperForm(*((request.POST, request.FILES) if pressed == "paper" else ()))
        if paper_form.is_bound and transfer.outside and self._kept(request, transfer, paper_form):
            return HttpResponseRedirect(request.path)
        if request.method == "POST" and pressed == "release" and not asks:
            return self._release_look(request, transfer)
        ready = form.is_valid() if pressed == "back" else form_data is not None or not told_form.is_bound
        whys: list[str] = []
        if request.method == "POST" and ready and not paper_form.is_bound:
            try:
                self._take(request, transfer, form, form_data)
            except steps.CannotStep as refusal:
                whys = refusal.whys
                transfer = self._found(request, object_id)
            else:
                return HttpResponseRedirect(request.path)
        wrong = bool(whys) or form.errors or told_form.errors or paper_form.errors
        return TemplateResponse(
            request,
            "admin/transfers/transfer.html",
            {
                **self._context(request, transfer, form, whys),
                "told_form": told_form if asks else None,
                "paper_form": paper_form if transfer.outside and transfer.is_open else None,
            },
            status=422 if wrong else 200,
        )

    def document(self, request: HttpRequest, object_id: int, document_id: int) -> HttpResponseBase:
        """A sealed document of the transfer, produced now if it was not before."""
        transfer = self._found(request, object_id)
        document = (
            TransferDocument.objects.filter(transfer=transfer, pk=document_id)
            .select_related("certificate")
            .first()
        )
        if document is None:
            raise Http404
        try:
            content = issuing.produce(document.certificate, now=timezone.now())
        except (
            SealUnavailable,
            issuing.Revoked,
            issuing.FactsDamaged,
            DocumentDamaged,
            FontMissing,
            OSError,
        ):
            messages.error(request, _("文件暂时无法提供：电子印章不可用，或存档有问题。没有印章不出具文件。"))
            return HttpResponseRedirect(reverse("admin:transfers_transfer_change", args=[transfer.pk]))
        except NotDrawable as lacking:
            messages.error(request, drawable.why_not(lacking.characters, city=document.certificate.city))
            return HttpResponseRedirect(reverse("admin:transfers_transfer_change", args=[transfer.pk]))
        response = HttpResponse(content, content_type="application/pdf")
        name = f"{document.certificate.title}-{document.certificate.serial_number}.pdf"
        response.headers["Content-Disposition"] = str(content_disposition_header(False, name))
        response.headers["Cache-Control"] = "no-store, private"
        return response

    def paper(self, request: HttpRequest, object_id: int, paper_id: int) -> HttpResponseBase:
        """A scan that staff stored with the transfer."""
        scan = TransferPaper.objects.filter(transfer=self._found(request, object_id), pk=paper_id).first()
        if scan is None:
            raise Http404
        return attachments.served(scan)

    def _kept(self, request: HttpRequest, transfer: Transfer, form: PaperForm) -> bool:
        if not form.is_valid():
            return False
        try:
            paper = papers.keep(transfer, form.cleaned_data["file"], by=staff_of(request), now=timezone.now())
        except attachments.UploadRefused as refusal:
            form.add_error("file", str(refusal))
            return False
        messages.success(request, _("已保存“{name}”。").format(name=paper.name))
        return True

    def _found(self, request: HttpRequest, object_id: int) -> Transfer:
        transfer = self.get_queryset(request).filter(pk=object_id).first()
        if transfer is None or not self.has_view_permission(request, transfer):
            raise Http404
        if request.method == "POST" and not request.user.has_perm("transfers.change_transfer"):
            raise Http404
        return transfer

    def _release_look(self, request: HttpRequest, transfer: Transfer) -> HttpResponse:
        """Shows the sums that a release would move now, to check and propose them."""
        user = staff_of(request)
        try:
            seen = releasing.look_at_release(transfer, by=user, now=timezone.now())
        except steps.CannotStep as refusal:
            context = self._context(request, transfer, SendBackForm(), refusal.whys)
            return TemplateResponse(request, "admin/transfers/transfer.html", context, status=422)
        return TemplateResponse(
            request,
            "admin/transfers/transfer.html",
            {**self._context(request, transfer, SendBackForm(), []), "seen": seen},
        )

    def _release_step(self, request: HttpRequest, transfer: Transfer, pressed: str) -> None:
        """Proposes, approves or declines a release."""
        by, now = staff_of(request), timezone.now()
        if pressed == "propose":
            releasing.propose_release(transfer, seen=_seen(request), by=by, now=now)
            messages.success(request, _("已提出转出，等待另一名工作人员复核。"))
            return
        proposed = releasing.standing_release(transfer)
        if proposed is None or str(proposed.pk) != request.POST.get("of"):
            raise steps.AlreadyMoved
        if pressed == "decline":
            form = DeclineForm(request.POST)
            if not form.is_valid():
                raise steps.CannotStep(*(str(error) for error in form.errors["why"]))
            releasing.decline_release(proposed, why=form.cleaned_data["why"], by=by, now=now)
            messages.success(request, _("已记录，没有转出。"))
            return
        moved = releasing.release(transfer, by=by, now=now)
        messages.success(
            request,
            _("{number}：已转出 {yuan} 元。").format(
                number=moved.number, yuan=money.format_yuan(proposed.sum_fen)
            ),
        )

    def _take(
        self, request: HttpRequest, transfer: Transfer, form: SendBackForm, form_data: dict[str, Any] | None
    ) -> None:
        by, now, pressed = staff_of(request), timezone.now(), request.POST.get("step", "")
        if pressed in RELEASE_STEPS:
            self._release_step(request, transfer, pressed)
            return
        if pressed == "back":
            moved = steps.send_back(transfer, reason=form.cleaned_data["reason"], by=by, now=now)
        else:
            name, _label, does = STEPS.get(Status(transfer.status), ("", "", steps.accept))
            if pressed != name:
                raise steps.AlreadyMoved
            moved = (
                releasing.release(transfer, by=by, now=now, told=form_data)
                if form_data
                else does(transfer, by=by, now=now)
            )
        messages.success(
            request,
            _("{number}：{status}。").format(
                number=moved.number, status=_(TRANSFER_LIFE_CYCLE.label(moved.status))
            ),
        )

    def _context(
        self, request: HttpRequest, transfer: Transfer, form: SendBackForm, whys: list[str]
    ) -> dict[str, Any]:
        user, now = staff_of(request), timezone.now()
        status = Status(transfer.status)
        step = STEPS.get(status)
        why_not = "" if transfer.side is None else steps.why_not(transfer, user)
        if transfer.side == Side.PERSON:
            why_not = _("已退回本人，等本人处理后重新提交。")
        current = relation.of(transfer, now=now) if transfer.is_open and not transfer.information else None
        due_words, pressing = _due_words(transfer)
        proposed = releasing.standing_release(transfer) if transfer.status == Status.LETTER_SENT else None
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": transfer.number,
            "transfer": transfer,
            "insurance": transfer.get_insurance_display(),
            "masked_number": identity.mask(transfer.person.identity_number),
            "steps": queries.stations(transfer),
            "turn": queries.turn_words(transfer),
            "due_words": due_words,
            "pressing": pressing,
            "step": step[:2] if step and not why_not else None,
            "recorded": transfer.outside if transfer.is_outsides_turn else None,
            "proposed": proposed,
            "why_not_approve": releasing.why_not_approve(proposed, user) if proposed else "",
            "release_proposals": transfer.release_proposals.select_related("proposed_by", "ended_by"),
            "why_not": why_not,
            "may_send_back": Status.RETURNED in TRANSFER_LIFE_CYCLE.moves_from(status) and not why_not,
            "form": form,
            "whys": whys,
            "barriers": [bar.why for bar in relation.barriers(current)] if current else [],
            "information": transfer.information,
            "periods": _periods(transfer),
            "sum_fen": sum(transfer.information.get(part, 0) for part in ("account_fen", "pooled_fen")),
            "documents": transfer.documents.select_related("certificate").order_by("pk"),
            "papers": transfer.papers.all(),
            "events": transfer.events.select_related("by"),
            **(shown(current, transfer.old, transfer.new) if current else {}),
        }

    @admin.display(description=gettext_lazy("时限"), ordering="due_on")
    def due(self, transfer: Transfer) -> str:
        words, pressing = _due_words(transfer)
        return due_cell(words, pressing)

    @admin.display(description=gettext_lazy("参保人"))
    def whom(self, transfer: Transfer) -> str:
        return person_cell(transfer.person.name, transfer.person.identity_number)

    @admin.display(description=gettext_lazy("险种"), ordering="insurance")
    def what(self, transfer: Transfer) -> str:
        return transfer.get_insurance_display()

    @admin.display(description=gettext_lazy("从哪里到哪里"))
    def way(self, transfer: Transfer) -> str:
        return _("{old}到{new}").format(old=transfer.from_place, new=transfer.to_place)

    @admin.display(description=gettext_lazy("状态"), ordering="status")
    def state(self, transfer: Transfer) -> str:
        return state_cell(transfer.status, transfer.get_status_display())

    @admin.display(description=gettext_lazy("在谁那里"))
    def turn(self, transfer: Transfer) -> str:
        return transfer.holder or "—"


# The steps by which two members of staff release from a city of the hall.
RELEASE_STEPS = ("propose", "approve", "decline")


def _seen(request: HttpRequest) -> releasing.Seen:
    """The sums that the page showed when the release was proposed. Raises AlreadyMoved where they
    are no numbers."""
    values = [
        whole_number(request.POST.get(name, ""))
        for name in ("months", "account_fen", "pooled_fen", "interest_fen")
    ]
    numbers = [one for one in values if one is not None]
    if len(numbers) != len(values):
        raise steps.AlreadyMoved
    return releasing.Seen(*numbers)


def _asks_for_form(transfer: Transfer) -> bool:
    """Whether the next step is to enter the form of an outside agency."""
    return transfer.status == Status.LETTER_SENT and not transfer.from_city


def _due_words(transfer: Transfer) -> tuple[str, str]:
    if not transfer.is_open or transfer.due_on is None:
        return "", ""
    days = (transfer.due_on - today_in_china(timezone.now())).days
    if days < 0:
        return _("已超期 {days} 天").format(days=-days), "late"
    if days == 0:
        return _("今天到期"), "today"
    return _("还剩 {days} 天").format(days=days), ""


def _periods(transfer: Transfer) -> str:
    return periods_zh(periods_of(transfer.information)) if transfer.information else ""


@admin.register(OutsideAgency)
class OutsideAgencyAdmin(StaffAdmin):
    """The agencies outside the hall that relations come from and go to. They are closed instead of
    deleted."""

    list_display = ("title", "agency", "partner", "active")
    list_select_related = ("partner",)
    search_fields = ("title", "agency")
    ordering = ("title",)
    actions = None
    show_full_result_count = False
    fields = ("title", "agency", "partner", "active")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
