"""Invitations of clerks in the workbench: looked at, not made."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts.models import ClerkInvitation
from portal.accounts.permissions import staff, staff_cities
from portal.accounts.staff_admin import StaffAdmin
from portal.shared import identity


@admin.register(ClerkInvitation)
class ClerkInvitationAdmin(StaffAdmin):
    """Whom the employers of the city have invited, and what became of it."""

    list_display = ("invited_at", "employer", "phone_masked", "invited_by", "good_until", "state")
    list_select_related = ("employer", "invited_by", "taken_by")
    list_fullwidth = True
    search_fields = ("=employer__credit_code", "employer__name")
    search_help_text = gettext_lazy("单位名称或统一社会信用代码")
    show_full_result_count = False
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ClerkInvitation | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ClerkInvitation | None = None) -> bool:
        return False

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> None:
        return None

    def get_queryset(self, request: HttpRequest) -> QuerySet[ClerkInvitation]:
        return super().get_queryset(request).filter(employer__city__in=staff_cities(staff(request)))

    @admin.display(description=gettext_lazy("手机号码"))
    def phone_masked(self, row: ClerkInvitation) -> str:
        return identity.mask_phone(row.phone)

    @admin.display(description=gettext_lazy("状态"))
    def state(self, row: ClerkInvitation) -> str:
        if row.taken_by:
            return _("{name}已开通").format(name=row.taken_by.name)
        if row.withdrawn_at:
            return _("已撤回")
        return _("已过期") if row.good_until <= timezone.now() else _("等待开通")
