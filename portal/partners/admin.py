"""Partners in the workbench: the technical staff (administrators of the hall) open them, and
register and revoke their keys."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminSplitDateTimeWidget, UnfoldAdminTextareaWidget

from portal.accounts.cells import number_cell
from portal.accounts.permissions import staff
from portal.accounts.staff_admin import StaffAdmin
from portal.partners import keys, registering
from portal.partners.models import SCOPE_LABELS, KeptAnswer, Partner, PartnerKey, Scope
from portal.policy.book import book


def _cities() -> list[tuple[str, str]]:
    return [(city.slug, city.title) for city in book().cities]


class PartnerForm(forms.ModelForm):
    cities = forms.MultipleChoiceField(
        label=gettext_lazy("开通城市"), choices=_cities, widget=forms.CheckboxSelectMultiple
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("开通范围"),
        choices=[(str(scope), SCOPE_LABELS[scope]) for scope in Scope],
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = Partner
        fields = ("code", "name", "cities", "scopes", "per_minute", "active")
        help_texts = {
            "code": gettext_lazy("小写字母、数字和连字符，至多 20 个；记入账目和对账文件，开通后不能更改。"),
            "active": gettext_lazy("停用后立即拒绝其全部请求；已受理的业务不受影响。"),
        }


class KeyForm(forms.ModelForm):
    """A key to register: the public half, as PEM."""

    class Meta:
        model = PartnerKey
        fields = ("partner", "public_key", "valid_from", "valid_until")
        field_classes = {"valid_from": forms.SplitDateTimeField, "valid_until": forms.SplitDateTimeField}
        widgets = {
            "public_key": UnfoldAdminTextareaWidget(attrs={"rows": 6, "spellcheck": "false"}),
            "valid_from": UnfoldAdminSplitDateTimeWidget,
            "valid_until": UnfoldAdminSplitDateTimeWidget,
        }
        help_texts = {
            "public_key": gettext_lazy(
                "Ed25519、ECDSA P-256 或 2048 位以上 RSA 的公钥。请当面或电话核对指纹。"
            ),
            "valid_until": gettext_lazy("不填即长期有效；更换密钥时给新旧两把留出重叠的时间。"),
        }

    def clean_public_key(self) -> str:
        try:
            key = keys.parse(self.cleaned_data["public_key"])
        except keys.InvalidKey as problem:
            raise ValidationError(str(problem)) from problem
        if PartnerKey.objects.filter(fingerprint=keys.fingerprint(key)).exists():
            raise ValidationError(_("这把公钥已经登记过。每个合作方、每次更换都须使用新的密钥。"))
        return keys.pem_of(key)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        since, until = cleaned.get("valid_from"), cleaned.get("valid_until")
        if since and until and until <= since:
            self.add_error("valid_until", _("失效时间应晚于生效时间。"))
        return cleaned


class _Technical(StaffAdmin):
    """For administrators of the hall; every other login finds nothing here. Nothing is deleted."""

    actions = None
    show_full_result_count = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class KeyInline(TabularInline):
    model = PartnerKey
    extra = 0
    can_delete = False
    hide_title = True
    show_change_link = True
    fields = readonly_fields = ("key_id", "valid_from", "valid_until", "state")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    @admin.display(description=gettext_lazy("状态"))
    def state(self, key: PartnerKey) -> str:
        return key_state(key)


def key_state(key: PartnerKey) -> str:
    """In words: good now, not yet, over or revoked."""
    now = timezone.now()
    if key.revoked_at:
        return _("已吊销")
    if now < key.valid_from:
        return _("尚未生效")
    return _("有效") if key.is_valid(now) else _("已失效")


@admin.register(Partner)
class PartnerAdmin(_Technical):
    form = PartnerForm
    list_display = ("name", "code", "places", "uses", "active")
    list_filter = ("active",)
    search_fields = ("name", "code")
    ordering = ("code",)
    inlines = (KeyInline,)

    def get_readonly_fields(self, request: HttpRequest, obj: Partner | None = None) -> Any:
        return ("code",) if obj else ()

    def get_inlines(self, request: HttpRequest, obj: Partner | None) -> Any:
        return self.inlines if obj else ()

    def save_model(self, request: HttpRequest, obj: Partner, form: Any, change: bool) -> None:
        if change:
            obj.save()
            return
        partner = registering.open_partner(
            code=obj.code,
            name=obj.name,
            cities=obj.cities,
            scopes=[Scope(scope) for scope in obj.scopes],
            per_minute=obj.per_minute,
            active=obj.active,
            now=timezone.now(),
        )
        obj.pk = partner.pk
        obj.refresh_from_db()

    @admin.display(description=gettext_lazy("开通城市"))
    def places(self, partner: Partner) -> str:
        return "、".join(book().city(city).title for city in partner.cities)

    @admin.display(description=gettext_lazy("开通范围"))
    def uses(self, partner: Partner) -> str:
        return "、".join(str(_(SCOPE_LABELS[Scope(scope)])) for scope in partner.scopes)


@admin.register(PartnerKey)
class PartnerKeyAdmin(_Technical):
    form = KeyForm
    list_display = ("key_id", "partner", "kind", "valid_from", "valid_until", "state")
    list_filter = ("partner",)
    list_select_related = ("partner",)
    ordering = ("-pk",)
    change_form_outer_after_template = "admin/partners/revoke_key.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.revoke)
        return [path("<int:pk>/revoke/", view, name="partners_partnerkey_revoke"), *super().get_urls()]

    def has_change_permission(self, request: HttpRequest, obj: PartnerKey | None = None) -> bool:
        # A key is not edited: it is revoked, and another registered.
        return False

    def get_fields(self, request: HttpRequest, obj: PartnerKey | None = None) -> Any:
        if obj is None:
            return ("partner", "public_key", "valid_from", "valid_until")
        return (
            "partner",
            "key_id",
            "kind",
            "fingerprint_grouped",
            "valid_from",
            "valid_until",
            "state",
            "revoked_at",
            "revoked_by",
            "added_at",
            "added_by",
        )

    def get_readonly_fields(self, request: HttpRequest, obj: PartnerKey | None = None) -> Any:
        return self.get_fields(request, obj) if obj else ()

    def save_model(self, request: HttpRequest, obj: PartnerKey, form: Any, change: bool) -> None:
        key = registering.add_key(
            obj.partner,
            public_key=obj.public_key,
            valid_from=obj.valid_from,
            valid_until=obj.valid_until,
            by=staff(request),
            now=timezone.now(),
        )
        obj.pk = key.pk
        obj.refresh_from_db()

    def revoke(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Revokes one key; a second press changes nothing."""
        key = PartnerKey.objects.filter(pk=pk).first()
        if key is None or request.method != "POST" or not request.user.is_superuser:
            raise Http404
        registering.revoke_key(key, by=staff(request), now=timezone.now())
        messages.success(request, _("密钥 {key} 已吊销，使用它的请求一律拒绝。").format(key=key.key_id))
        return HttpResponseRedirect(reverse("admin:partners_partnerkey_change", args=[key.pk]))

    @admin.display(description=gettext_lazy("状态"))
    def state(self, key: PartnerKey) -> str:
        return key_state(key)

    @admin.display(description=gettext_lazy("算法"))
    def kind(self, key: PartnerKey) -> str:
        return keys.algorithm(keys.parse(key.public_key)).algorithm_id

    @admin.display(description=gettext_lazy("指纹（SHA-256）"))
    def fingerprint_grouped(self, key: PartnerKey) -> str:
        groups = [key.fingerprint[at : at + 4] for at in range(0, 64, 4)]
        return number_cell(" ".join(groups))


@admin.register(KeptAnswer)
class KeptAnswerAdmin(_Technical):
    """The answers to partners, searched by their idempotency keys."""

    list_display = ("at", "partner", "operation", "status", "key")
    list_filter = ("partner", "status")
    list_select_related = ("partner",)
    search_fields = ("=key",)
    search_help_text = gettext_lazy("完整的幂等键")
    ordering = ("-pk",)
    fields = readonly_fields = ("at", "partner", "operation", "key", "status", "body")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
