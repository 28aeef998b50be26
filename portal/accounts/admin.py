"""Accounts, their roles and the record of looks at people in the workbench: masked, by city, and
changed by few.

Persons, employers and registers stand beside this and not in their own rooms, because a look at
somebody is recorded in an account's name.
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.hashers import is_password_usable
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

# Imported so that their admins are registered: Django looks for this module alone.
from portal.accounts import (  # noqa: F401
    activation_admin,
    employers_admin,
    factor_reset,
    guardians_admin,
    invitations_admin,
    pensions_admin,
    people_admin,
    proposals_admin,
    registers_admin,
)
from portal.accounts.fields import PhoneField
from portal.accounts.models import KIND_LABELS, Kind, PersonLookup, User
from portal.accounts.permissions import staff, staff_cities
from portal.accounts.proposals import NotProposed
from portal.accounts.staff_admin import StaffAdmin, person_number_in
from portal.people.models import Employer
from portal.policy.book import book
from portal.shared import identity
from portal.shared.characters import narrow
from portal.shared.logs import mask_numbers

EVERYWHERE = "*"


def city_choices() -> list[tuple[str, str]]:
    """Nothing is chosen beforehand; all cities must be asked for."""
    return [
        ("", _("请选择")),
        *((city.slug, city.title) for city in book().cities),
        (EVERYWHERE, _("全部城市")),
    ]


class _CityField(forms.ChoiceField):
    """Whose agency a member of staff works for; as the account keeps it, empty for all cities."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", gettext_lazy("所属城市"))
        help_text = gettext_lazy("经办机构工作人员必须选择；选“全部城市”的可查看和办理所有城市的业务。")
        super().__init__(
            choices=city_choices,
            required=False,
            widget=UnfoldAdminSelectWidget,
            help_text=help_text,
            **kwargs,
        )

    def prepare_value(self, value: Any) -> Any:
        return value or ""


class _WithCity(forms.ModelForm):
    """A form that names a city, which staff must have and no other kind has."""

    def staff_city(self, cleaned: dict[str, Any], *, of_staff: bool) -> None:
        city = cleaned.get("city") or ""
        if of_staff and not city:
            self.add_error("city", _("请选择所属城市。"))
        cleaned["city"] = city if of_staff and city != EVERYWHERE else ""


class NewUserForm(_WithCity, UserCreationForm):
    """A clerk's or a staff account; persons register themselves. Its password is changed at the
    first login."""

    kind = forms.ChoiceField(
        label=gettext_lazy("类型"),
        choices=[(str(kind), KIND_LABELS[kind]) for kind in (Kind.STAFF, Kind.CLERK)],
        widget=UnfoldAdminSelectWidget,
    )
    phone = PhoneField(required=False, widget=UnfoldAdminTextInputWidget)
    city = _CityField()

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
        of_staff = cleaned.get("kind") == Kind.STAFF
        if cleaned.get("kind") == Kind.CLERK and not cleaned.get("employer"):
            self.add_error("employer", _("单位经办人须选择单位。"))
        if of_staff and cleaned.get("employer"):
            self.add_error("employer", _("经办机构工作人员不属于参保单位，请清空。"))
        self.staff_city(cleaned, of_staff=of_staff)
        self.instance.is_staff = of_staff
        return cleaned


class NoHash(forms.Widget):
    """Shows whether a password is set, and nothing of its hash."""

    read_only = True

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        set_ = bool(value) and is_password_usable(value)
        return format_html("<p>{}</p>", _("已设置") if set_ else _("未设置"))


class NewClerkForm(UserCreationForm):
    """A clerk of an employer of the own city, whom the city's supervisors register."""

    phone = PhoneField(widget=UnfoldAdminTextInputWidget)
    # The member of staff who fills in the form.
    by: User

    class Meta:
        model = User
        fields = ("name", "phone", "employer", "manages_clerks")

    def clean_employer(self) -> Employer:
        employer: Employer | None = self.cleaned_data["employer"]
        if employer is None or (self.by.city and employer.city != self.by.city):
            raise ValidationError(_("请选择本市的单位。"))
        return employer

    def clean(self) -> dict[str, Any]:
        self.instance.kind = Kind.CLERK
        return super().clean() or self.cleaned_data


class UserForm(_WithCity, UserChangeForm):
    phone = PhoneField(required=False, widget=UnfoldAdminTextInputWidget)
    city = _CityField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].widget = NoHash()
        if self.instance.is_staff and not self.instance.city:
            self.initial["city"] = EVERYWHERE

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        self.staff_city(cleaned, of_staff=self.instance.is_staff)
        if cleaned.get("manages_clerks") and self.instance.kind != Kind.CLERK:
            self.add_error("manages_clerks", _("只有单位经办人可以管理本单位的经办人。"))
        return cleaned


class ClerkForm(UserChangeForm):
    """What the city's supervisors change of a clerk."""

    phone = PhoneField(widget=UnfoldAdminTextInputWidget)


class PasswordByAnotherForm(AdminPasswordChangeForm):
    """A password that a colleague types and so knows: it is changed at the next login."""

    def save(self, commit: bool = True) -> User:
        self.user.must_change_password = True
        user: User = super().save(commit=commit)
        return user


@admin.register(User)
class UserAdmin(StaffAdmin, DjangoUserAdmin):
    """Staff see the accounts of their city. Its supervisors make, change and close those of its
    employers' clerks; all others only the superuser does. None is deleted: it is closed."""

    form = UserForm
    add_form = NewUserForm
    add_form_template = None
    identity_numbers = ("person__identity_number",)
    change_password_form = PasswordByAnotherForm
    change_form_outer_after_template = "admin/accounts/reset_factor.html"
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
        (gettext_lazy("权限"), {"fields": ("is_active", "manages_clerks", "is_superuser", "groups")}),
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
        return request.user.has_perm("accounts.add_user")

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        if request.user.is_superuser:
            return obj is None or obj.kind not in (Kind.SYSTEM, Kind.PARTNER)
        if not request.user.has_perm("accounts.change_user"):
            return False
        return obj is None or (
            obj.kind == Kind.CLERK and obj.employer is not None and self._is_own(request, obj.employer)
        )

    def _is_own(self, request: HttpRequest, employer: Employer) -> bool:
        return employer.city in staff_cities(request.user)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        users = super().get_queryset(request)
        city = staff(request).city
        if not city:
            return users
        return users.filter(Q(kind=Kind.STAFF, city=city) | Q(kind=Kind.CLERK, employer__city=city))

    def get_form(
        self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if not request.user.is_superuser and obj is None:
            kwargs["form"] = type("NewClerkForm", (NewClerkForm,), {"by": staff(request)})
        elif not request.user.is_superuser:
            kwargs["form"] = ClerkForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        if request.user.is_superuser:
            return super().get_fieldsets(request, obj)
        if obj is None:
            return (
                (None, {"fields": ("name", "phone", "employer", "manages_clerks", "password1", "password2")}),
            )
        # Not even a hash, nor the handle that persons and clerks never see.
        times = super().get_fieldsets(request, obj)[2:]
        if self.has_change_permission(request, obj):
            return (
                (None, {"fields": ("kind", "name", "phone", "stands_for", "is_active", "manages_clerks")}),
                *times,
            )
        rights = (gettext_lazy("权限"), {"fields": ("is_active", "manages_clerks", "groups")})
        shown = ("kind", "name", "phone_masked", "stands_for", "city")
        return ((None, {"fields": shown}), rights, *times)

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.reset_factor_view)
        return [path("<int:pk>/reset-factor/", view, name="accounts_user_reset_factor"), *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        user = self.get_object(request, object_id)
        may = user is not None and user.kind == Kind.STAFF and user.pk != request.user.pk
        may = may and request.user.has_perm(factor_reset.RESET.permission)
        return super().change_view(
            request, object_id, form_url, {"may_reset_factor": may, **(extra_context or {})}
        )

    def reset_factor_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Proposes that a colleague's lost authenticator be forgotten."""
        user = self.get_queryset(request).filter(pk=pk).first()
        reason = request.POST.get("reason", "").replace("\0", "").strip()[:200]
        if user is None or request.method != "POST":
            raise Http404
        try:
            if not reason:
                raise NotProposed(_("请写明重置的原因。"))
            factor_reset.propose(user, reason=reason, by=staff(request), now=timezone.now())
        except NotProposed as why:
            messages.error(request, str(why))
            return HttpResponseRedirect(reverse("admin:accounts_user_change", args=[user.pk]))
        messages.success(request, _("已提交，由另一名工作人员复核后生效。"))
        return HttpResponseRedirect(reverse("admin:accounts_proposal_changelist"))

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change:
            # The colleague who types the first password knows it.
            obj.must_change_password = True
        super().save_model(request, obj, form, change)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        return (*self.readonly_fields, "phone_masked") if obj else ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        matching = (
            Q(name=term)
            | Q(username=term)
            | Q(phone=narrow(term))
            | Q(employer__credit_code=narrow(term).upper())
        )
        if number := person_number_in(term):
            matching |= Q(person__identity_number=number)
        return queryset.filter(matching), False

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


# Authenticators are nobody's to see; what is lost is reset on the account's page.
for devices in (TOTPDevice, StaticDevice):
    admin.site.unregister(devices)

admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(StaffAdmin, DjangoGroupAdmin):
    """The roles, to read: what each may do is said in the rooms' ``roles`` and given with every
    migration."""

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
        if number := person_number_in(term):
            return queryset.filter(identity_number=number), False
        return queryset.filter(Q(user__name=term) | Q(user__username=term)), False

    @admin.display(description=gettext_lazy("用途"), ordering="purpose")
    def what_for(self, lookup: PersonLookup) -> str:
        """The service that asked, by the title of a city that offers it; the workbench's looks say
        it in words."""
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
