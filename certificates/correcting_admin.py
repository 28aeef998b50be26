"""The workbench page for correcting a proof: its old and new content, and the replacement."""

import logging

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from certificates import correcting, issuing, queries
from certificates.authority import SealUnavailable
from certificates.fonts import FontMissing
from certificates.forms import CorrectForm
from certificates.models import Certificate
from portal.accounts.models import User

log = logging.getLogger(__name__)


def correct_view(site: AdminSite, request: HttpRequest, object_id: int) -> HttpResponse:
    """Old and new content side by side; a POST corrects after the reason was shown again and
    confirmed."""
    certificate = queries.for_staff(request.user).filter(pk=object_id).first()
    user = request.user
    if certificate is None or not isinstance(user, User) or not queries.may_revoke(user, certificate):
        raise Http404
    try:
        correction = correcting.preview(certificate, now=timezone.now())
    except correcting.NotCorrectable as why:
        messages.error(request, str(why))
        return _to(certificate)
    form = CorrectForm(request.POST or None)
    sure = form.is_valid()
    if not sure or "confirmed" not in request.POST:
        context = {
            **site.each_context(request),
            "opts": Certificate._meta,
            "title": certificate.serial_number,
            "certificate": certificate,
            "correction": correction,
            "form": form,
            "confirming": sure,
        }
        status = 422 if form.errors else 200
        return TemplateResponse(request, "admin/certificates/correct.html", context, status=status)
    try:
        replacement = correcting.correct(
            certificate, by=user, reason=form.cleaned_data["reason"], now=timezone.now()
        )
    except correcting.NotCorrectable as why:
        messages.error(request, str(why))
        return _to(certificate)
    try:
        issuing.produce(replacement, now=timezone.now())
    except (SealUnavailable, FontMissing, OSError):
        log.exception("%s could not be produced", replacement.serial_number)
        messages.warning(request, _("新的证明已登记，文件暂时无法生成；持有人打开时会再次生成。"))
    messages.success(
        request,
        _("{old} 已由 {new} 替换。").format(old=certificate.serial_number, new=replacement.serial_number),
    )
    return _to(replacement)


def _to(certificate: Certificate) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:certificates_certificate_change", args=[certificate.pk]))
