"""两人复核 in the workbench: what colleagues propose, before and after, and the second hand."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextareaWidget

from portal.accounts import proposals
from portal.accounts.cells import state_cell
from portal.accounts.factor_views import ask_again
from portal.accounts.models import Proposal, ProposalStatus, User
from portal.accounts.permissions import staff
from portal.accounts.proposals import NotProposed
from portal.accounts.staff_admin import QueueFilter, RefuseForm, StaffAdmin


class ProposalFilter(QueueFilter):
    """Without a choice the queue: what waits for a second person."""

    unasked = gettext_lazy("待复核")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("approved", _("已生效")), ("refused", _("复核未通过")), ("all", _("全部"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Proposal]) -> QuerySet[Proposal]:
        if self.value() == "all":
            return queryset
        return queryset.filter(status=self.value() or ProposalStatus.PROPOSED)


@admin.register(Proposal)
class ProposalAdmin(StaffAdmin):
    """A list and one page for each; a proposal moves only by the two buttons of that page."""

    identity_numbers = ("identity_number",)
    list_display = ("what", "about", "place", "state", "proposed_by", "proposed_at", "decided_by")
    list_display_links = ("what",)
    list_filter = (ProposalFilter,)
    search_fields = ("=about",)
    search_help_text = gettext_lazy("完整的身份证号码")
    ordering = ("-pk",)
    actions = None
    list_fullwidth = True
    show_full_result_count = False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("", view(self.changelist_view), name="accounts_proposal_changelist"),
            path("<int:object_id>/change/", view(self.page), name="accounts_proposal_change"),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Proposal]:
        return proposals.seen_by(staff(request))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip().upper()
        return (queryset.filter(identity_number=term) if term else queryset), False

    def waiting(self, request: HttpRequest) -> QuerySet[Any]:
        """Those that wait for a second person."""
        return self.get_queryset(request).filter(status=ProposalStatus.PROPOSED)

    def page(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """One proposal; a POST approves or refuses it."""
        proposal = self.get_queryset(request).filter(pk=object_id).first()
        if proposal is None or not self.has_view_or_change_permission(request, proposal):
            raise Http404
        pressed = request.POST.get("step", "")
        form = RefuseForm(request.POST if pressed == "refuse" else None)
        if pressed == "approve" and (asked := ask_again(request, request.path)):
            return asked
        if pressed == "approve" or (pressed == "refuse" and form.is_valid()):
            self._take(request, proposal, pressed, form)
            return HttpResponseRedirect(request.path)
        kind = proposals.kind_of(proposal)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": str(kind.title),
            "proposal": proposal,
            "kind": kind.title,
            "place": proposals.place(proposal),
            "rows": kind.rows(proposal),
            "deciding": proposal.status == ProposalStatus.PROPOSED,
            "why_not": proposals.why_not_decide(proposal, staff(request)),
            "form": form,
        }
        return TemplateResponse(
            request, "admin/accounts/proposal.html", context, status=422 if form.errors else 200
        )

    def _take(self, request: HttpRequest, proposal: Proposal, pressed: str, form: RefuseForm) -> None:
        by, now = staff(request), timezone.now()
        try:
            if pressed == "approve":
                proposals.approve(proposal, by=by, now=now)
                messages.success(request, _("已复核，变更已生效。"))
            else:
                proposals.refuse(proposal, why=form.cleaned_data["why"], by=by, now=now)
                messages.success(request, _("已登记不同意，没有任何变更。"))
        except proposals.CannotDecide as why:
            messages.error(request, str(why))

    @admin.display(description=gettext_lazy("事项"))
    def what(self, proposal: Proposal) -> str:
        return str(proposals.kind_of(proposal).title)

    @admin.display(description=gettext_lazy("城市"), ordering="city")
    def place(self, proposal: Proposal) -> str:
        return proposals.place(proposal)

    @admin.display(description=gettext_lazy("状态"), ordering="status")
    def state(self, proposal: Proposal) -> str:
        return state_cell(proposal.status, proposal.get_status_display())


class ByTwo(StaffAdmin):
    """Forms whose saving only proposes: what is typed takes effect when a colleague approves it."""

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        # Whether it can be proposed at all is told in the form, where nothing typed is lost.
        return type(form.__name__, (form,), {"by": staff(request)})

    def proposed(self, request: HttpRequest, obj: Any, form: Any, *, change: bool) -> bool:
        """Propose what was typed; False where nothing was changed. Raises NotProposed."""
        raise NotImplementedError

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        try:
            if self.proposed(request, obj, form, change=change):
                messages.success(request, _("已提交，由另一名工作人员复核后生效。"))
            else:
                messages.info(request, _("没有需要变更的内容。"))
        except NotProposed as why:
            messages.error(request, str(why))

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing: there are no rows yet."""

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Nothing was added; the proposal is the record."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Nothing was changed; the proposal is the record."""

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:accounts_proposal_changelist"))

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:accounts_proposal_changelist"))


class ProposingForm(forms.ModelForm):
    """A form of a ByTwo admin, which says whose hands it is in."""

    by: User

    def ensure(self, cleaned: dict[str, Any]) -> None:
        """Raises NotProposed where it cannot be proposed."""
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                self.ensure(cleaned)
            except NotProposed as why:
                self.add_error(None, str(why))
        return cleaned


class ReasonField(forms.CharField):
    """Why, or by what paper."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", gettext_lazy("依据或事由"))
        super().__init__(max_length=200, widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}), **kwargs)
