"""The workbench page of resealing: the number of outdated documents, and the runs with their
progress."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from certificates import resealing
from certificates.authority import SealUnavailable
from certificates.models import ResealingRun
from portal.accounts.models import User
from portal.accounts.permissions import staff_cities
from portal.accounts.staff_admin import StaffAdmin
from portal.policy.book import book

_RUNS_SHOWN = 10
_FAILURES_SHOWN = 20


class ResealForm(forms.Form):
    city = forms.ChoiceField(
        label=gettext_lazy("城市"),
        error_messages={
            "required": gettext_lazy("请选择城市。"),
            "invalid_choice": gettext_lazy("请选择本人所属机构的城市。"),
        },
    )
    reason = forms.CharField(
        label=gettext_lazy("重新盖章的原因"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("例如：印章证书到期更换。"),
        error_messages={"required": gettext_lazy("请写明重新盖章的原因。")},
    )
    everything = forms.BooleanField(
        label=gettext_lazy("同一印章盖过的也重新盖章（更换签名算法，或者文件需要重新绘制时）"), required=False
    )

    def __init__(self, *args: Any, cities: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        titles = {city.slug: city.title for city in book().cities}
        self.fields["city"].choices = [(slug, titles[slug]) for slug in cities]  # type: ignore[attr-defined]

    def clean_reason(self) -> str:
        reason: str = self.cleaned_data["reason"].strip()
        if not reason:
            raise ValidationError(_("请写明重新盖章的原因。"))
        return reason


@admin.register(ResealingRun)
class ResealingRunAdmin(StaffAdmin):
    """One page: the outdated documents by city, the form to order a run, and the latest runs."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [path("", view(self.changelist_view), name="certificates_resealingrun_changelist")]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ResealingRun | None = None) -> bool:
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page; a POST orders a run after the form was shown again and confirmed."""
        user = request.user
        if not isinstance(user, User) or not self.has_view_permission(request):
            raise Http404
        cities = staff_cities(user)
        if request.method != "POST":
            return self._page(request, cities, ResealForm(cities=cities))
        if not user.has_perm("certificates.change_certificate"):
            raise Http404
        form = ResealForm(request.POST, cities=cities)
        if not form.is_valid() or "confirmed" not in request.POST:
            return self._page(request, cities, form, confirming=form.is_valid())
        try:
            run = resealing.start(**form.cleaned_data, by=user, now=timezone.now())
        except resealing.NotStarted as why:
            form.add_error(None, str(why))
            return self._page(request, cities, form)
        # The schedule starts the task within a minute.
        messages.success(request, _("已登记重新盖章，共 {count} 份，一分钟内开始。").format(count=run.total))
        return HttpResponseRedirect(request.path)

    def _page(
        self, request: HttpRequest, cities: list[str], form: ResealForm, *, confirming: bool = False
    ) -> HttpResponse:
        now = timezone.now()
        titles = {city.slug: city.title for city in book().cities}
        runs: list[dict[str, Any]] = [
            {
                "run": run,
                "city": titles[run.city],
                "far": resealing.progress(run, now=now),
                "failures": run.failures.select_related("certificate")[:_FAILURES_SHOWN],
            }
            for run in ResealingRun.objects.filter(city__in=cities).select_related("started_by")[:_RUNS_SHOWN]
        ]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("重新盖章"),
            "waiting": [(titles[slug], _outdated(slug, now)) for slug in cities],
            "runs": runs,
            "running": any(not one["run"].finished_at for one in runs),
            "may_start": request.user.has_perm("certificates.change_certificate"),
            "form": form,
            "confirming": confirming,
            "count": _count(form, now) if confirming else None,
            "city": titles[form.cleaned_data["city"]] if confirming else "",
        }
        status = 422 if form.errors else 200
        return TemplateResponse(request, "admin/certificates/resealing.html", context, status=status)


def _outdated(city: str, now: Any) -> int | None:
    """The number of documents with an earlier seal; None where the city has no seal now."""
    try:
        return resealing.outdated(city, now=now).count()
    except SealUnavailable:
        return None


def _count(form: ResealForm, now: Any) -> int | None:
    try:
        chosen = form.cleaned_data
        return resealing.outdated(chosen["city"], everything=chosen["everything"], now=now).count()
    except SealUnavailable:
        return None
