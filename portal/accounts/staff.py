"""The login of staff: the admin's, after a failure with a captcha; a login that is not staff gets
404 there."""

from typing import Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from unfold.sites import UnfoldAdminSite

from portal.accounts import lockout
from portal.accounts.captcha import PictureCaptchaField
from portal.accounts.halfway import next_step
from portal.accounts.staff_admin import StaffAdmin, once


class StaffAuthenticationForm(AdminAuthenticationForm):
    """User name and password, and after a failure a captcha; the password is only tried where the
    captcha was right."""

    captcha = PictureCaptchaField()

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        typed = {"username": request.POST.get("username", "")} if request.method == "POST" else None
        if not lockout.has_failed(request, typed):
            del self.fields["captcha"]

    def clean(self) -> dict[str, Any]:
        if self.errors:
            return self.cleaned_data
        try:
            return super().clean()
        except ValidationError:
            self.fields.setdefault("captcha", PictureCaptchaField())
            raise


class Workbench(UnfoldAdminSite):
    """经办工作台. Persons and clerks get the same 404 as for any page that is not theirs; each look
    at a person's row is recorded before its page is made."""

    login_form = StaffAuthenticationForm

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        guarded = super().admin_view(view, cacheable)

        page_of = getattr(view, "__self__", None)

        def for_staff(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            self._refuse_others(request)
            if isinstance(page_of, StaffAdmin) and self.has_permission(request):
                refused = page_of.look(request, kwargs)
                if refused is not None:
                    return refused
            return guarded(request, *args, **kwargs)

        return for_staff

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        self._refuse_others(request)
        return super().login(request, extra_context)

    def has_permission(self, request: HttpRequest) -> bool:
        """Staff, with both factors and a password of their own."""
        return super().has_permission(request) and not next_step(request)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict[str, Any]]:
        """What this login may look at, by app."""
        if app_label is not None:
            return super().get_app_list(request, app_label)
        return self._all_apps(request)

    @once
    def _all_apps(self, request: HttpRequest) -> list[dict[str, Any]]:
        return super().get_app_list(request)

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        """Nothing: it would find people by parts of their names, without a record."""
        raise Http404

    def _refuse_others(self, request: HttpRequest) -> None:
        leaving = request.path == reverse("admin:logout", current_app=self.name)
        if request.user.is_authenticated and not self.has_permission(request) and not leaving:
            raise Http404
