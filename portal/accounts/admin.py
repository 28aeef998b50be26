"""Accounts, their roles and the record of looks at people in the workbench: masked, by city, and changed by few.

Persons, employers and registers stand beside this and not in their own rooms, because a look at somebody is recorded in an
account's name.
"""

from contextlib import suppress
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import ReadOnlyPasswordHashField
from django.contrib.auth.hashers import is_password_usable
from django.contrib.auth.models import Group
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from portal.accounts.doors import identity_number
from portal.accounts.fields import PhoneField
from portal.accounts.models import KIND_LABELS, Kind, PersonLookup, User
from portal.accounts.permissions import staff
from portal.accounts.staff_admin import StaffAdmin, number_in
from portal.policy.book import book
from portal.shared import identity
from portal.shared.characters import narrow
from portal.shared.logs import mask_numbers


def city_choices() -> list[tuple[str, str]]:
    return [("", _("全部城市")), *((city.slug, city.title) for city in book().cities)]


class NewUserForm(UserCreationForm):
    """A clerk's or a staff account; persons register themselves."""

    kind = forms.ChoiceField(
        label=gettext_lazy("类型"),
        choices=[(str(kind), KIND_LABELS[kind]) for kind in (Kind.STAFF, Kind.CLERK)],
        widget=UnfoldAdminSelectWidget,
    )
    phone = PhoneField(required=False, widget=UnfoldAdminTextInputWidget)
    city = forms.ChoiceField(
        label=gettext_lazy("所属城市"),
        choices=city_choices,
        required=False,
        widget=UnfoldAdminSelectWidget,
    )

    class Meta:
        model = User
        fields = ("kind", "username", "name", "phone", "employer", "city", "person")
        help_texts = {
            "username": gettext_lazy(
                "工作人员填登录用的用户名；单位经办人用单位代码登录，保留系统给出的即可。"
            )
        }

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("kind") == Kind.CLERK and not cleaned.get("employer"):
            self.add_error("employer", _("单位经办人须选择单位。"))
        if cleaned.get("kind") == Kind.STAFF and cleaned.get("employer"):
            self.add_error("employer", _("经办机构工作人员不属于参保单位，请清空。"))
        self.instance.is_staff = cleaned.get("kind") == Kind.STAFF
        return cleaned


class NoHash(forms.Widget):
    """In place of a password: that it is set, or not; nothing of how it is kept."""

    read_only = True

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        set_ = bool(value) and is_password_usable(value)
        return format_html("<p>{}</p>", _("已设置") if set_ else _("未设置"))


class UserForm(UserChangeForm):
    password = ReadOnlyPasswordHashField(label=gettext_lazy("密码"), widget=NoHash)
    phone = PhoneField(required=False, widget=UnfoldAdminTextInputWidget)
    city = forms.ChoiceField(
        label=gettext_lazy("所属城市"),
        choices=city_choices,
        required=False,
        widget=UnfoldAdminSelectWidget,
    )


@admin.register(User)
class UserAdmin(StaffAdmin, DjangoUserAdmin):
    """Staff see the accounts of their city; only the superuser changes any, and none is deleted: it is closed."""

    form = UserForm
    add_form = NewUserForm
    add_form_template = None
    identity_numbers = ("person__identity_number",)
    change_password_form = AdminPasswordChangeForm
    list_display = ("name", "kind", "stands_for", "phone_masked", "is_active", "last_login")
    list_filter = ("kind", "is_active", "city")
    list_select_related = ("person", "employer")
    search_fields = ("pk",)
    search_help_text = gettext_lazy("完整的姓名、用户名、手机号码、身份证号码或统一社会信用代码")
    ordering = ("-date_joined", "-pk")
    show_full_result_count = False
    actions = None
    filter_horizontal = ("groups",)
    readonly_fields = ("kind", "stands_for", "last_login", "date_joined")
    raw_id_fields = ("employer", "person")
    fieldsets = (
        (None, {"fields": ("kind", "name", "username", "password", "phone", "stands_for", "city")}),
        (gettext_lazy("权限"), {"fields": ("is_active", "is_superuser", "groups")}),
        (gettext_lazy("时间"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "fields": (
                    "kind",
                    "username",
                    "name",
                    "phone",
                    "employer",
                    "city",
                    "person",
                    "password1",
                    "password2",
                )
            },
        ),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return request.user.is_superuser and (obj is None or obj.kind not in (Kind.SYSTEM, Kind.PARTNER))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        users = super().get_queryset(request)
        city = staff(request).city
        if not city:
            return users
        return users.filter(Q(kind=Kind.STAFF, city=city) | Q(kind=Kind.CLERK, employer__city=city))

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or request.user.is_superuser:
            return fieldsets
        # Not even a hash, nor the handle that persons and clerks never see.
        shown = ("kind", "name", "phone_masked", "stands_for", "city")
        return ((None, {"fields": shown}), *fieldsets[1:])

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        return (*self.readonly_fields, "phone_masked") if obj else ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        found = (
            Q(name=term)
            | Q(username=term)
            | Q(phone=narrow(term))
            | Q(employer__credit_code=narrow(term).upper())
        )
        with suppress(identity.InvalidIdentity):
            found |= Q(person__identity_number=identity_number(term))
        return queryset.filter(found), False

    @admin.display(description=gettext_lazy("本人或单位"))
    def stands_for(self, user: User) -> str:
        if user.employer:
            return user.employer.name
        if user.person:
            return f"{user.person.name} {identity.mask(user.person.identity_number)}"
        return book().city(user.city).title if user.city else "—"

    @admin.display(description=gettext_lazy("手机号码"))
    def phone_masked(self, user: User) -> str:
        return identity.mask_phone(user.phone) or "—"


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(StaffAdmin, DjangoGroupAdmin):
    """The roles, to read: what each may do is said in ``permissions.ROLES`` and given with every migration."""

    fields = readonly_fields = ("name", "members")
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("成员"))
    def members(self, group: Group) -> str:
        users = User.objects.filter(groups=group, is_active=True).order_by("city", "name")
        return "、".join(user.name for user in users) or "—"


@admin.register(PersonLookup)
class PersonLookupAdmin(StaffAdmin):
    """Who looked at whom, for the supervisors of the city: to read, never to change."""

    list_display = (
        "at",
        "who",
        "number_masked",
        "what_for",
        "page_shown",
        "sought_masked",
        "reason",
        "found",
    )
    list_filter = ("found", "counted")
    list_select_related = ("user__employer",)
    list_fullwidth = True
    fields = readonly_fields = (
        "at",
        "who",
        "number_masked",
        "what_for",
        "page_shown",
        "sought_masked",
        "reason",
        "found",
    )
    search_fields = ("pk",)
    search_help_text = gettext_lazy("查询人姓名、用户名，或被查询人完整的身份证号码")
    ordering = ("-at", "-pk")
    show_full_result_count = False
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: PersonLookup | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: PersonLookup | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[PersonLookup]:
        lookups = super().get_queryset(request)
        city = staff(request).city
        return lookups.filter(Q(user__city=city) | Q(user__employer__city=city)) if city else lookups

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[PersonLookup], search_term: str
    ) -> tuple[QuerySet[PersonLookup], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if number := number_in(term):
            return queryset.filter(identity_number=number), False
        return queryset.filter(Q(user__name=term) | Q(user__username=term)), False

    @admin.display(description=gettext_lazy("用途"), ordering="purpose")
    def what_for(self, lookup: PersonLookup) -> str:
        """The service that asked, by the title of a city that offers it; the workbench's looks say it in words."""
        offers = (city.offers.get(lookup.purpose) for city in book().cities)
        return next((offer.title for offer in offers if offer), lookup.purpose)

    @admin.display(description=gettext_lazy("查询人"))
    def who(self, lookup: PersonLookup) -> str:
        employer = lookup.user.employer
        return f"{lookup.user.name} ({employer.name})" if employer else lookup.user.name

    @admin.display(description=gettext_lazy("被查询人身份证号码"))
    def number_masked(self, lookup: PersonLookup) -> str:
        return identity.mask(lookup.identity_number) if lookup.identity_number else "—"

    @admin.display(description=gettext_lazy("页面"))
    def page_shown(self, lookup: PersonLookup) -> str:
        return f"{lookup.page} {lookup.row or ''}".strip() or "—"

    @admin.display(description=gettext_lazy("查询内容"))
    def sought_masked(self, lookup: PersonLookup) -> str:
        return mask_numbers(lookup.sought) or "—"


# Registered by being imported: the admin looks for this module alone.
from portal.accounts import activation_admin, people_admin, proposals_admin, registers_admin  # noqa: E402, F401
