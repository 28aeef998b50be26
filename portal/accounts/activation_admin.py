"""Activation codes in the workbench: issued to a person whose identity card was seen, and shown
once, on a page to print."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from portal.accounts import activation
from portal.accounts.fields import IdentityNumberField, NameField
from portal.accounts.lookups import TooManyLookups, look_up
from portal.accounts.models import ActivationCode
from portal.accounts.permissions import city_choices, staff, staff_cities
from portal.accounts.staff_admin import StaffAdmin
from portal.people import papers
from portal.policy.book import book
from portal.shared import identity, names
from portal.shared.months import today_in_china

PURPOSE = "签发网上账号激活码"
# What the window looks at before it issues a code.
SEEN = ("居民身份证", "临时居民身份证", "港澳台居民居住证", "外国人永久居留身份证", "护照")


class IssueForm(forms.Form):
    """The form to issue a code: the person, and which card was seen."""

    identity_number = IdentityNumberField(label=gettext_lazy("身份证号码"))
    name = NameField()
    city = forms.ChoiceField(label=gettext_lazy("签发城市"))
    seen = forms.ChoiceField(
        label=gettext_lazy("核验的证件"),
        choices=[("", gettext_lazy("请选择")), *((one, one) for one in SEEN)],
        error_messages={"required": gettext_lazy("请选择核验的证件。")},
    )
    confirmed = forms.BooleanField(
        label=gettext_lazy("已当面核对证件原件，与来人一致"),
        error_messages={"required": gettext_lazy("须当面核对证件原件后才能签发。")},
    )

    def __init__(self, *args: Any, cities: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["city"].choices = cities  # type: ignore[attr-defined]


@admin.register(ActivationCode)
class ActivationCodeAdmin(StaffAdmin):
    """Codes of the city: who issued them to whom, until when; the code itself is nowhere."""

    identity_numbers = ("person__identity_number",)

    list_display = (
        "issued_at",
        "who",
        "number_masked",
        "city_title",
        "seen",
        "issued_by",
        "good_until",
        "state",
    )
    list_select_related = ("person", "issued_by")
    list_fullwidth = True
    show_full_result_count = False
    actions = None

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("", view(self.changelist_view), name="accounts_activationcode_changelist"),
            path("add/", view(self.issue_view), name="accounts_activationcode_add"),
        ]

    def has_change_permission(self, request: HttpRequest, obj: ActivationCode | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ActivationCode | None = None) -> bool:
        return False

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> None:
        return None

    def get_queryset(self, request: HttpRequest) -> QuerySet[ActivationCode]:
        return super().get_queryset(request).filter(city__in=staff_cities(staff(request)))

    @method_decorator(never_cache)
    def issue_view(self, request: HttpRequest) -> HttpResponse:
        """The form; a POST issues a code and shows it on a page to print, the only time that it can
        be read."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        cities = city_choices(staff(request))
        form = IssueForm(request.POST or None, cities=cities, initial={"city": cities[0][0]})
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("签发网上账号激活码"),
        }
        issued = self._issued(request, form) if form.is_valid() else None
        if issued:
            row, code = issued
            context |= {"row": row, "code": code, "city": book().city(row.city)}
            context["paper"] = papers.details(row.person)
        context["form"] = form
        status = 422 if form.is_bound and form.errors else 200
        return TemplateResponse(request, "admin/accounts/issue_code.html", context, status=status)

    def _issued(self, request: HttpRequest, form: IssueForm) -> tuple[ActivationCode, str] | None:
        by, typed, now = staff(request), form.cleaned_data, timezone.now()
        try:
            person = look_up(user=by, identity_number=typed["identity_number"], purpose=PURPOSE, now=now)
        except TooManyLookups:
            form.add_error("identity_number", _("本小时查询人数已达上限，请稍后再查。"))
            return None
        if person is None:
            form.add_error("identity_number", _("没有这名人员的档案，请先建档。"))
            return None
        if not names.agree(person.name, typed["name"]):
            form.add_error("name", _("与登记的姓名不一致，请核对证件；姓名已变更的，请先更新登记。"))
            return None
        if by.person_id == person.pk:
            form.add_error(None, _("不能为本人签发激活码，请由其他工作人员办理。"))
            return None
        return activation.issue(person=person, city=typed["city"], seen=typed["seen"], by=by, now=now)

    @admin.display(description=gettext_lazy("姓名"))
    def who(self, row: ActivationCode) -> str:
        return row.person.name

    @admin.display(description=gettext_lazy("身份证号码"))
    def number_masked(self, row: ActivationCode) -> str:
        return identity.mask(row.person.identity_number)

    @admin.display(description=gettext_lazy("签发城市"))
    def city_title(self, row: ActivationCode) -> str:
        return book().city(row.city).title

    @admin.display(description=gettext_lazy("状态"))
    def state(self, row: ActivationCode) -> str:
        if row.spent_at:
            return _("已使用")
        return _("已过期") if row.good_until < today_in_china(timezone.now()) else _("未使用")
