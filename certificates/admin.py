"""The workbench pages of certificates: the register, the content of each, and revoking one."""

from contextlib import suppress
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from certificates import correcting_admin, issuing, presenting, queries
from certificates import resealing_admin as resealing_admin
from certificates.codes import InvalidCode, parse_code
from certificates.forms import RevokeForm
from certificates.models import Certificate, Status
from portal.accounts.models import User
from portal.accounts.staff_admin import StaffAdmin, person_number_in
from portal.policy.book import book
from portal.shared.characters import narrow

# The state of a case whose colour in the workbench stands for the certificate's status.
_STATE_LIKE = {
    Status.FROZEN: "pre_applied",
    Status.ISSUED: "done",
    Status.REVOKED: "refused",
    Status.SUPERSEDED: "withdrawn",
}


@admin.register(Certificate)
class CertificateAdmin(StaffAdmin):
    """Certificates are read here and revoked; nothing is added, edited or deleted."""

    identity_numbers = ("person__identity_number",)
    list_display = ("serial_number", "kind", "city_title", "whose", "frozen_at", "status")
    list_display_links = ("serial_number",)
    list_filter = ("status", "kind")
    list_fullwidth = True
    search_fields = ("serial_number",)
    search_help_text = gettext_lazy("证明编号、验证码、姓名、单位名称，或完整的身份证号码、统一社会信用代码")
    list_per_page = 50
    show_full_result_count = False
    actions = None

    def get_urls(self) -> list[URLPattern]:
        """Only the register and the certificate: the admin's own pages to add, edit and delete do
        not exist."""
        view = self.admin_site.admin_view
        return [
            path("", view(self.changelist_view), name="certificates_certificate_changelist"),
            path("<int:object_id>/change/", view(self.change_view), name="certificates_certificate_change"),
            path(
                "<int:object_id>/correct/",
                view(self.correct_view),
                name="certificates_certificate_correct",
            ),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Certificate | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Certificate]:
        return queries.for_staff(request.user)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Certificate], search_term: str
    ) -> tuple[QuerySet[Certificate], bool]:
        """Searches by parts of names, but only by whole numbers and codes, so that guessed digits
        find nobody."""
        term = search_term.strip()
        if not term:
            return queryset, False
        number = narrow(term).upper()
        condition = (
            Q(serial_number=number)
            | Q(employer__credit_code=number)
            | Q(employer__name__contains=term)
            | Q(person__name__contains=term)
        )
        with suppress(InvalidCode):
            condition |= Q(code=parse_code(term))
        if person := person_number_in(term):
            condition |= Q(person__identity_number=person)
        return queryset.filter(condition), False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise Http404
        return super().changelist_view(request, {"title": _("证明"), **(extra_context or {})})

    def change_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The certificate; a POST revokes it after the reason was shown again and confirmed."""
        certificate = self.get_queryset(request).filter(pk=object_id).first()
        if certificate is None or not self.has_view_permission(request, certificate):
            raise Http404
        if request.method != "POST":
            return self._page(request, certificate)
        user = request.user
        if not isinstance(user, User) or not queries.may_revoke(user, certificate):
            raise Http404
        form = RevokeForm(request.POST)
        if not form.is_valid() or "confirmed" not in request.POST:
            return self._page(request, certificate, form=form, confirming=form.is_valid())
        try:
            issuing.revoke(certificate, by=user, reason=form.cleaned_data["reason"], now=timezone.now())
        except issuing.NotIssued as why:
            messages.error(request, str(why))
        else:
            messages.success(request, _("{number} 已撤销。").format(number=certificate.serial_number))
        return HttpResponseRedirect(request.path)

    def correct_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Replaces a wrong certificate by a new one from the present facts."""
        return correcting_admin.correct_view(self.admin_site, request, object_id)

    def _page(
        self,
        request: HttpRequest,
        certificate: Certificate,
        *,
        form: RevokeForm | None = None,
        confirming: bool = False,
    ) -> HttpResponse:
        why_not = ""
        if certificate.status == Status.FROZEN:
            why_not = _("尚未出具，不需要撤销。")
        elif certificate.is_superseded:
            why_not = _("已由新的证明替换，不再有效，不需要撤销。")
        elif not (isinstance(request.user, User) and queries.may_revoke(request.user, certificate)):
            why_not = _("您没有撤销这份证明的权限。")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": certificate.serial_number,
            "original": certificate,
            "certificate": certificate,
            "city": book().city(certificate.city),
            "state": _STATE_LIKE[Status(certificate.status)],
            "shown": _shown(certificate),
            "verifications": certificate.verifications.count(),
            "why_not": why_not,
            "form": None if why_not else form or RevokeForm(),
            "confirming": confirming,
            **presenting.contents(certificate.facts),
        }
        status = 422 if form is not None and form.errors else 200
        return TemplateResponse(request, "admin/certificates/certificate.html", context, status=status)

    @admin.display(description=gettext_lazy("城市"), ordering="city")
    def city_title(self, certificate: Certificate) -> str:
        return book().city(certificate.city).title

    @admin.display(description=gettext_lazy("参保人或单位"))
    def whose(self, certificate: Certificate) -> str:
        return str(certificate.person or certificate.employer)


def _shown(certificate: Certificate) -> list[tuple[str, str]]:
    facts = certificate.facts
    if "person" in facts:
        whose = [
            (_("姓名"), facts["person"]["name"]),
            *presenting.whose_paper(facts["person"]),
        ]
    else:
        whose = [
            (_("单位名称"), facts["employer"]["name"]),
            (_("统一社会信用代码"), facts["employer"]["credit_code"]),
        ]
    return [
        *whose,
        *presenting.described(facts),
        (_("验证码"), certificate.grouped_code),
    ]
