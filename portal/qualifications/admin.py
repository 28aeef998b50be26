"""Community desks in the workbench: the agency keeps the list of desks and their clerks' accounts,
and ends qualifications."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from portal.accounts import sliding
from portal.accounts.fields import NameField
from portal.accounts.models import User
from portal.accounts.permissions import city_choices, staff, staff_cities
from portal.accounts.staff_admin import OfTheCity, StaffAdmin
from portal.qualifications import opening
from portal.qualifications.models import Desk, DeskClerk, Qualification
from portal.shared import identity


class DeskForm(forms.ModelForm):
    """A desk of one of the cities that the login works for."""

    city = forms.ChoiceField(label=gettext_lazy("城市"), widget=UnfoldAdminSelectWidget)
    by: User

    class Meta:
        model = Desk
        fields = ("city", "district", "title", "address", "hours", "phone", "open")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "city" in self.fields:
            self.fields["city"].choices = city_choices(self.by)  # type: ignore[attr-defined]


@admin.register(Desk)
class DeskAdmin(StaffAdmin):
    """社区网点 of the city. None is deleted: it is closed, and its clerks can do nothing more."""

    form = DeskForm
    list_display = ("title", "district", "address", "hours", "open")
    list_filter = ("open",)
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Desk]:
        return super().get_queryset(request).filter(city__in=staff_cities(staff(request)))

    def get_form(self, request: HttpRequest, obj: Desk | None = None, change: bool = False, **kw: Any) -> Any:
        kw["form"] = type("DeskForm", (DeskForm,), {"by": staff(request)})
        return super().get_form(request, obj, change=change, **kw)

    def get_readonly_fields(self, request: HttpRequest, obj: Desk | None = None) -> Any:
        return ("city",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Desk | None = None) -> bool:
        return False


class ClerkForm(forms.ModelForm):
    """A clerk of a desk: a new one, with a first password that is changed at the first login; or
    one whose password is set anew, or whose account is closed."""

    username = forms.RegexField(
        r"^[a-z0-9][a-z0-9._-]{2,58}$",
        label=gettext_lazy("用户名"),
        help_text=gettext_lazy("小写字母、数字、点、横线，3 位以上；社区登录时使用。"),
        widget=UnfoldAdminTextInputWidget,
    )
    name = NameField(widget=UnfoldAdminTextInputWidget)
    password = forms.CharField(
        label=gettext_lazy("初始密码"),
        strip=False,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    is_active = forms.BooleanField(label=gettext_lazy("可登录"), required=False, initial=True)
    by: User

    class Meta:
        model = DeskClerk
        fields = ("desk",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "desk" in self.fields:
            of_city = Desk.objects.filter(city__in=staff_cities(self.by), open=True)
            self.fields["desk"].queryset = of_city  # type: ignore[attr-defined]
        if self.instance.pk:
            user = self.instance.user
            del self.fields["username"]
            self.initial.update({"name": user.name, "is_active": user.is_active})
            self.fields["password"].help_text = _("只在重置时填写；首次登录须修改。")
        else:
            self.fields["password"].required = True

    def clean_username(self) -> str:
        username = str(self.cleaned_data["username"])
        if User.objects.filter(username=username).exists():
            raise ValidationError(_("这个用户名已有人使用，请换一个。"))
        return username

    def clean_password(self) -> str:
        password = str(self.cleaned_data["password"])
        if password:
            password_validation.validate_password(password)
        return password


@admin.register(DeskClerk)
class DeskClerkAdmin(StaffAdmin):
    """社区经办人 of the city's desks. None is deleted: the account is closed."""

    form = ClerkForm
    list_display = ("name", "username", "desk", "active", "last_login")
    list_select_related = ("user", "desk")
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[DeskClerk]:
        return super().get_queryset(request).filter(desk__city__in=staff_cities(staff(request)))

    def get_form(
        self, request: HttpRequest, obj: DeskClerk | None = None, change: bool = False, **kw: Any
    ) -> Any:
        kw["form"] = type("ClerkForm", (ClerkForm,), {"by": staff(request)})
        return super().get_form(request, obj, change=change, **kw)

    def get_fields(self, request: HttpRequest, obj: DeskClerk | None = None) -> Any:
        if not self.has_change_permission(request, obj):
            return ("desk",)
        return ("desk", "name", "password", "is_active") if obj else ("desk", "username", "name", "password")

    def has_delete_permission(self, request: HttpRequest, obj: DeskClerk | None = None) -> bool:
        return False

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: DeskClerk, form: Any, change: bool) -> None:
        typed = form.cleaned_data
        if not change:
            obj.user = User.objects.create_desk_clerk(
                typed["username"], name=typed["name"], password=typed["password"], must_change_password=True
            )
        else:
            user = obj.user
            user.name, user.is_active = typed["name"], typed["is_active"]
            if typed["password"]:
                user.set_password(typed["password"])
                user.must_change_password = True
            user.save(update_fields=["name", "is_active", "password", "must_change_password"])
            if typed["password"] or not user.is_active:
                sliding.end_all(user)
        super().save_model(request, obj, form, change)

    @admin.display(description=gettext_lazy("姓名"))
    def name(self, row: DeskClerk) -> str:
        return row.user.name

    @admin.display(description=gettext_lazy("用户名"))
    def username(self, row: DeskClerk) -> str:
        return row.user.username

    @admin.display(description=gettext_lazy("可登录"), boolean=True)
    def active(self, row: DeskClerk) -> bool:
        return row.user.is_active

    @admin.display(description=gettext_lazy("最近登录"))
    def last_login(self, row: DeskClerk) -> Any:
        return row.user.last_login


class EndForm(forms.ModelForm):
    why = forms.CharField(
        label=gettext_lazy("终止原因"),
        max_length=200,
        help_text=gettext_lazy("本人会看到。终止后不能恢复，须到社区重新开通。"),
        widget=UnfoldAdminTextInputWidget,
        error_messages={"required": gettext_lazy("请写明终止的原因。")},
    )

    class Meta:
        model = Qualification
        fields = ("why",)


@admin.register(Qualification)
class QualificationAdmin(OfTheCity):
    """网上办事资格 of the city: who opened it, and its end. Staff end one for misuse, a death or at
    the person's wish."""

    form = EndForm
    identity_numbers = ("person__identity_number",)
    list_display = ("who", "number_masked", "right", "desk", "opened_at", "state")
    list_select_related = ("person", "desk")
    list_filter = ("right",)
    fields = ("who", "number_masked", "right", "desk", "seen", "opened_by", "opened_at", "why")
    readonly_fields = ("who", "number_masked", "right", "desk", "seen", "opened_by", "opened_at")

    def has_change_permission(self, request: HttpRequest, obj: Qualification | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.ended_at is None)

    def save_model(self, request: HttpRequest, obj: Qualification, form: Any, change: bool) -> None:
        opening.end(obj, why=form.cleaned_data["why"], by=staff(request), now=timezone.now())

    @admin.display(description=gettext_lazy("姓名"))
    def who(self, row: Qualification) -> str:
        return row.person.name

    @admin.display(description=gettext_lazy("身份证号码"))
    def number_masked(self, row: Qualification) -> str:
        return identity.mask(row.person.identity_number)

    @admin.display(description=gettext_lazy("状态"))
    def state(self, row: Qualification) -> str:
        return _("有效") if row.ended_at is None else _("已终止")
