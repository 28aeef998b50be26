"""Pages of a login's own certificates, and of public verification."""

import logging
from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from certificates import (
    case_papers,
    drawable,
    issuing,
    limits,
    offline,
    presenting,
    queries,
    verifying,
    verifying_files,
)
from certificates.authority import SealUnavailable
from certificates.codes import InvalidCode, parse_code
from certificates.documents import DocumentDamaged
from certificates.fonts import FontMissing, NotDrawable
from certificates.forms import CodeForm, FileForm
from certificates.kinds import CertificateKind
from certificates.models import Certificate, Way
from portal.accounts.models import User
from portal.accounts.permissions import login_required_any
from portal.hall import permissions
from portal.hall.models import Case, WindowCheck
from portal.shared.apart import Busy
from portal.shared.months import today_in_china

log = logging.getLogger(__name__)

PER_PAGE = 20
# Retry-After where too many files are inspected at the moment.
BUSY_SECONDS = 10
LATEST_BATCHES = 10
# The holder's page lists the latest verifications, below the number of all.
MOST_VERIFICATIONS = 50


class NotReady(Exception):
    """The document is not available now; the message tells the holder why."""


@require_safe
@login_required_any
def proofs(request: HttpRequest) -> HttpResponse:
    """The login's certificates, newest first."""
    if request.user.is_staff:
        raise Http404
    asked = queries.own(request.user).annotate(asked=Count("verifications")).order_by("-frozen_at", "-pk")
    page = Paginator(asked.select_related("person", "issued_to"), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page_obj": page,
        "today": today_in_china(timezone.now()),
        "batches": queries.own_batches(request.user)[:LATEST_BATCHES],
    }
    return render(request, "certificates/proofs.html", context)


@never_cache
@require_safe
@login_required_any
def certificate(request: HttpRequest, serial_number: str) -> HttpResponse:
    """One certificate of the login: its content, its verifications, and the document."""
    certificate = _mine(request, serial_number)
    problem = ""
    if not certificate.is_revoked:
        try:
            _document(certificate)
        except NotReady as why:
            problem = str(why)
    certificate.refresh_from_db()
    context = {
        "certificate": certificate,
        "problem": problem,
        "ended": certificate.valid_until is not None
        and certificate.valid_until < today_in_china(timezone.now()),
        "may_take_back": queries.may_take_back(request.user, certificate),
        "verifications": certificate.verifications.all()[:MOST_VERIFICATIONS],
        "verified": certificate.verifications.count(),
        "receipt_url": reverse("receipt", args=[certificate.case.number])
        if certificate.case and permissions.may_see(cast(User, request.user), certificate.case)
        else "",
        **presenting.contents(certificate.facts),
    }
    return render(request, "certificates/certificate.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required_any
def take_back(request: HttpRequest, serial_number: str) -> HttpResponse:
    """The holder revokes a proof of theirs, after confirmation."""
    certificate = _mine(request, serial_number)
    url = reverse("certificate", args=[certificate.serial_number])
    if not queries.may_take_back(request.user, certificate):
        messages.info(request, _("这份证明不能自行撤销。"))
        return redirect(url)
    if request.method == "POST":
        try:
            issuing.revoke(
                certificate, by=cast(User, request.user), reason=_("持有人自行撤销"), now=timezone.now()
            )
        except issuing.NotIssued as why:
            messages.warning(request, str(why))
        else:
            messages.success(request, _("已撤销。从现在起，任何人核验这份证明都会看到已撤销。"))
        return redirect(url)
    return render(
        request,
        "certificates/take_back.html",
        {"certificate": certificate, "back_url": url, "use": presenting.use_lines(certificate.facts)},
    )


@never_cache
@require_safe
@login_required_any
def document(request: HttpRequest, serial_number: str) -> HttpResponseBase:
    """The sealed PDF as a download; with ``?open`` shown in the browser."""
    certificate = _mine(request, serial_number)
    try:
        content = _document(certificate)
    except NotReady:
        return redirect("certificate", certificate.serial_number)
    return _served(certificate, content, open_it="open" in request.GET)


def _served(certificate: Certificate, content: bytes, *, open_it: bool) -> HttpResponse:
    response = HttpResponse(content, content_type="application/pdf")
    name = f"{certificate.title}-{certificate.serial_number}.pdf"
    response.headers["Content-Disposition"] = str(content_disposition_header(not open_it, name))
    response.headers["Cache-Control"] = "no-store, private"
    return response


_PAPERS = {"receipt": CertificateKind.CASE_RECEIPT, "form": CertificateKind.APPLICATION_FORM}


@require_POST
@login_required_any
def case_paper(request: HttpRequest, number: str, kind: str) -> HttpResponse:
    """The sealed receipt or application form of the login's own case: frozen at the first request,
    the same ever after."""
    user = cast(User, request.user)
    cases = Case.objects.select_related("applicant_person", "applicant_employer", "subject")
    case = cases.filter(number=number).first()
    if kind not in _PAPERS or case is None or not permissions.is_applicant(user, case):
        raise Http404
    try:
        paper = case_papers.paper_of(case, kind=_PAPERS[kind], by=user, now=timezone.now())
    except case_papers.NoSuchPaper:
        raise Http404 from None
    except NotDrawable as lacking:
        messages.error(request, drawable.why_not(lacking.characters, city=case.city))
        return redirect("case", case.number)
    return redirect("certificate", paper.serial_number)


@require_POST
@login_required_any
def window_paper(request: HttpRequest, number: str, pk: int) -> HttpResponseBase:
    """The sealed paper about a visit to the window: the applicant goes on to its page, staff of the
    city get the document."""
    user = cast(User, request.user)
    visits = WindowCheck.objects.select_related(
        "by", "case__filed_by", "case__applicant_person", "case__applicant_employer", "case__subject"
    )
    visit = visits.filter(pk=pk, case__number=number).first()
    if visit is None or not permissions.may_see(user, visit.case):
        raise Http404
    case_page = (
        reverse("admin:hall_case_change", args=[visit.case.pk])
        if user.is_staff
        else reverse("case", args=[number])
    )
    try:
        paper = case_papers.window_paper_of(visit, now=timezone.now())
        if not user.is_staff:
            return redirect("certificate", paper.serial_number)
        return _served(paper, _document(paper), open_it=True)
    except NotDrawable as lacking:
        messages.error(request, drawable.why_not(lacking.characters, city=visit.case.city))
    except NotReady as why:
        messages.error(request, str(why))
    return redirect(case_page)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponseBase:
    """Public verification: by a code with the last four characters of a number, or by the file."""
    if request.method == "POST":
        return _verify_code(request) if "code" in request.POST else _verify_file(request)
    if "code" not in request.GET:
        return _verify_page(request)
    return _ask_last_four(request, request.GET["code"])


@never_cache
@require_safe
def verify_by_code(request: HttpRequest, code: str) -> HttpResponse:
    """The page to which a document's QR code leads; it asks for the last four characters.

    The signed summary stands after the # of the address. Browsers do not send it; the page's script
    reads the four characters from it.
    """
    return _ask_last_four(request, code)


@require_safe
def verify_offline(request: HttpRequest) -> HttpResponse:
    """A page to save that checks QR codes without any network."""
    response = HttpResponse(offline.page(), content_type="text/html; charset=utf-8")
    response.headers["Content-Disposition"] = str(content_disposition_header(True, _("离线核验证明.html")))
    return response


def _ask_last_four(request: HttpRequest, code: str) -> HttpResponse:
    try:
        parse_code(code)
    except InvalidCode:
        form = CodeForm({"code": code})
        form.is_valid()
        return _verify_page(request, code_form=form)
    return _verify_page(request, code_form=CodeForm(initial={"code": code}), asking=True)


def _verify_code(request: HttpRequest) -> HttpResponse:
    form = CodeForm(request.POST)
    if not limits.within(request, Way.CODE):
        return _too_often(request)
    if not form.is_valid():
        return _verify_page(request, code_form=form)
    code, ending, way = (form.cleaned_data[name] for name in ("code", "last_four", "way"))
    if not limits.may_try(code):
        return _too_often(request)
    verdict = verifying.verify_code(code, ending, way=way, now=timezone.now())
    if verdict.certificate:
        limits.was_right(code)
    # A user who mistyped one of the two values can check both again.
    return _verify_page(request, verdict=verdict, code_form=None if verdict.certificate else form)


def _verify_file(request: HttpRequest) -> HttpResponse:
    if not limits.within(request, Way.FILE):
        return _too_often(request)
    form = FileForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            verdict = verifying_files.verify_pdf(form.cleaned_data["file"].read(), now=timezone.now())
        except verifying.NotVerifiable as why:
            form.add_error("file", str(why))
        except Busy:
            return _too_busy(request)
        else:
            return _verify_page(request, verdict=verdict, file_name=form.cleaned_data["file"].name)
    return _verify_page(request, file_form=form)


def _verify_page(
    request: HttpRequest,
    *,
    code_form: CodeForm | None = None,
    file_form: FileForm | None = None,
    **context: Any,
) -> HttpResponse:
    verdict: verifying.Verdict | None = context.get("verdict")
    if verdict is not None and verdict.told is not None:
        # The page shows the use above already.
        context |= presenting.contents(verdict.told) | {"use": []}
    context |= {"code_form": code_form or CodeForm(), "file_form": file_form or FileForm()}
    response = render(request, "certificates/verify.html", context)
    # Results are for people with the document, not for search engines.
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Cache-Control"] = "no-store"
    return response


def _too_often(request: HttpRequest) -> HttpResponse:
    response = render(request, "certificates/too_often.html", status=429)
    response.headers["Retry-After"] = str(limits.WINDOW_SECONDS)
    return response


def _too_busy(request: HttpRequest) -> HttpResponse:
    response = render(request, "certificates/too_busy.html", status=503)
    response.headers["Retry-After"] = str(BUSY_SECONDS)
    return response


def _mine(request: HttpRequest, serial_number: str) -> Certificate:
    asked = queries.own(request.user).filter(serial_number=serial_number)
    certificate = asked.select_related("case", "person", "issued_to", "revoked_by").first()
    if certificate is None:
        raise Http404
    return certificate


def _document(certificate: Certificate) -> bytes:
    """The certificate's document, produced now if it was not before. Raises NotReady with a message
    for the holder."""
    try:
        return issuing.produce(certificate, now=timezone.now())
    except SealUnavailable:
        log.exception("no seal for %s", certificate.serial_number)
        raise NotReady(_("电子印章暂不可用，请稍后再试。没有印章不出具证明。")) from None
    except issuing.Revoked:
        raise NotReady(_("这份证明已被撤销，不再提供文件。")) from None
    except (issuing.FactsDamaged, DocumentDamaged):
        log.exception("the register and %s differ", certificate.serial_number)
        raise NotReady(_("这份证明的存档未通过完整性检查，暂不提供文件，请联系经办机构。")) from None
    except NotDrawable as lacking:
        raise NotReady(drawable.why_not(lacking.characters, city=certificate.city)) from None
    except (FontMissing, OSError):
        log.exception("%s could not be produced", certificate.serial_number)
        raise NotReady(_("证明文件暂时无法生成，请稍后再试。")) from None
