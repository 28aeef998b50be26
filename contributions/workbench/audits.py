"""The audits in the workbench."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contributions.audit import runs
from contributions.models import AuditRun
from contributions.tasks import books
from contributions.workbench.starting import may_close, ring
from enrollment.admin import LookUpAdmin
from portal.hall.workbench import staff_of


@admin.register(AuditRun)
class AuditRunAdmin(LookUpAdmin):
    """What the audits found. All cities are audited at once: every collector sees whether the books
    are sound, and the rows that are not whoever serves all cities."""

    list_before_template = "admin/contributions/audit_now.html"
    list_display = ("started_at", "extent", "verdict", "finished_at")
    list_display_links = ("started_at",)
    list_select_related = ("since",)
    ordering = ("-pk",)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("", view(self.changelist_view), name="contributions_auditrun_changelist"),
            path("<int:object_id>/change/", view(self.change_view), name="contributions_auditrun_change"),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditRun]:
        return super(LookUpAdmin, self).get_queryset(request)

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return queryset, False

    def waiting(self, request: HttpRequest) -> int:
        """How many invariants are broken; 1 where the last audit failed or is overdue."""
        return runs.troubles(timezone.now())

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method == "POST":
            return self._start(request)
        if runs.under_way():
            messages.info(request, _("正在核对，完成后列在下面，请稍后刷新本页。"))
        elif not AuditRun.objects.exists():
            messages.info(request, _("还没有核对过。系统每天清晨自动核对，也可以现在核对。"))
        if runs.troubles(timezone.now()):
            messages.warning(
                request, _("最近一次账目核对有不符、没有完成，或已超过一天没有核对。请告知系统管理员。")
            )
        return super().changelist_view(request, {"may": may_close(request), **(extra_context or {})})

    def _start(self, request: HttpRequest) -> HttpResponse:
        """现在核对: what has changed since the last audit, or everything where that cannot be
        told."""
        if not may_close(request):
            raise Http404
        if runs.under_way():
            messages.info(request, _("已有一次核对正在进行。"))
        elif ring(request, books.audit_now):
            messages.success(request, _("已开始核对，通常一两分钟内完成，请稍后刷新本页查看结果。"))
        return HttpResponseRedirect(reverse("admin:contributions_auditrun_changelist"))

    def change_view(
        self,
        request: HttpRequest,
        object_id: int | str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        run = self.get_queryset(request).filter(pk=object_id).select_related("since").first()
        if run is None or not self.has_view_permission(request, run):
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("账目核对"),
            "run": run,
            "everywhere": not staff_of(request).city,
        }
        return TemplateResponse(request, "admin/contributions/audit.html", context)

    @admin.display(description=gettext_lazy("范围"))
    def extent(self, run: AuditRun) -> str:
        if run.since is None:
            return _("全面核对")
        return _("{moment} 以来的变动").format(
            moment=f"{timezone.localtime(run.since.started_at):%Y-%m-%d %H:%M}"
        )

    @admin.display(description=gettext_lazy("结果"))
    def verdict(self, run: AuditRun) -> str:
        if run.failure:
            return _("没有完成")
        return _("{count} 项不符").format(count=run.broken) if run.broken else _("全部通过")
