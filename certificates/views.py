"""My certificates, and public verification."""

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
from portal.hall.models import Case
from portal.shared.apart import Busy
from portal.shared.months import today_in_china

log = logging.getLogger(__name__)

PER_PAGE = 20
# When to ask again where too many files are looked at.
BUSY_SECONDS = 10
LATEST_BATCHES = 10
# The holder's page tells the latest; how many there were in all stands above them.
MOST_VERIFICATIONS = 50


class NotReady(Exception):
    """There is no document to hand out now; the message says why, to the holder."""


@require_safe
@login_required_any
def proofs(request: HttpRequest) -> HttpResponse:
    """My certificates, newest first."""
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
    """One of my certificates: what it says, how it is verified, and the document."""
    found = _mine(request, serial_number)
    problem = ""
    if not found.is_revoked:
        try:
            _document(found)
        except NotReady as why:
            problem = str(why)
    found.refresh_from_db()
    context = {
        "certificate": found,
        "problem": problem,
        "ended": found.valid_until is not None and found.valid_until < today_in_china(timezone.now()),
        "may_take_back": queries.may_take_back(request.user, found),
        "verifications": found.verifications.all()[:MOST_VERIFICATIONS],
        "verified": found.verifications.count(),
        "receipt_url": reverse("receipt", args=[found.case.number])
        if found.case and permissions.may_see(cast(User, request.user), found.case)
        else "",
        **presenting.contents(found.facts),
    }
    return render(request, "certificates/certificate.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required_any
def take_back(request: HttpRequest, serial_number: str) -> HttpResponse:
    """The holder revokes a proof of theirs: asks, then does it."""
    found = _mine(request, serial_number)
    url = reverse("certificate", args=[found.serial_number])
    if not queries.may_take_back(request.user, found):
        messages.info(request, _("这份证明不能自行撤销。"))
        return redirect(url)
    if request.method == "POST":
        try:
            issuing.revoke(found, by=cast(User, request.user), reason=_("持有人自行撤销"), now=timezone.now())
        except issuing.NotIssued as why:
            messages.warning(request, str(why))
        else:
            messages.success(request, _("已撤销。从现在起，任何人核验这份证明都会看到已撤销。"))
        return redirect(url)
    return render(
        request,
        "certificates/take_back.html",
        {"certificate": found, "back_url": url, "use": presenting.use_lines(found.facts)},
    )


@never_cache
@require_safe
@login_required_any
def document(request: HttpRequest, serial_number: str) -> HttpResponseBase:
    """The sealed PDF, to save; with ``?open`` to look at and print."""
    found = _mine(request, serial_number)
    try:
        content = _document(found)
    except NotReady:
        return redirect("certificate", found.serial_number)
    response = HttpResponse(content, content_type="application/pdf")
    name = f"{found.title}-{found.serial_number}.pdf"
    response.headers["Content-Disposition"] = str(content_disposition_header("open" not in request.GET, name))
    response.headers["Cache-Control"] = "no-store, private"
    return response


_PAPERS = {"receipt": CertificateKind.CASE_RECEIPT, "form": CertificateKind.APPLICATION_FORM}


@require_POST
@login_required_any
def case_paper(request: HttpRequest, number: str, kind: str) -> HttpResponse:
    """The sealed receipt or application form of one's own case: made at the first asking, then the
    same ever after."""
    user = cast(User, request.user)
    case = Case.objects.select_related("applicant_person", "applicant_employer", "subject")
    found = case.filter(number=number).first()
    if kind not in _PAPERS or found is None or not permissions.is_applicant(user, found):
        raise Http404
    try:
        paper = case_papers.paper_of(found, kind=_PAPERS[kind], by=user, now=timezone.now())
    except case_papers.NoSuchPaper:
        raise Http404 from None
    except NotDrawable as lacking:
        messages.error(request, drawable.why_not(lacking.characters, city=found.city))
        return redirect("case", found.number)
    return redirect("certificate", paper.serial_number)


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
    """Where a document's QR code leads: asks for the last four characters.

    What stands after the # of the address, the signed summary, never gets here: the page's script
    reads them from it.
    """
    return _ask_last_four(request, code)


@require_safe
def verify_offline(request: HttpRequest) -> HttpResponse:
    """A page to keep that checks QR codes without any network."""
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
    # Whoever mistyped one of the two looks at both again.
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
        # For whom, for what and until when stands above.
        context |= presenting.contents(verdict.told) | {"use": []}
    context |= {"code_form": code_form or CodeForm(), "file_form": file_form or FileForm()}
    response = render(request, "certificates/verify.html", context)
    # Answers are for whoever holds the document, not for search engines.
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
    found = asked.select_related("case", "person", "issued_to", "revoked_by").first()
    if found is None:
        raise Http404
    return found


def _document(found: Certificate) -> bytes:
    """The certificate's document, made now if need be. NotReady in the holder's words."""
    try:
        return issuing.produce(found, now=timezone.now())
    except SealUnavailable:
        log.exception("no seal for %s", found.serial_number)
        raise NotReady(_("电子印章暂不可用，请稍后再试。没有印章不出具证明。")) from None
    except issuing.Revoked:
        raise NotReady(_("这份证明已被撤销，不再提供文件。")) from None
    except (issuing.FactsDamaged, DocumentDamaged):
        log.exception("the register and %s differ", found.serial_number)
        raise NotReady(_("这份证明的存档未通过完整性检查，暂不提供文件，请联系经办机构。")) from None
    except NotDrawable as lacking:
        raise NotReady(drawable.why_not(lacking.characters, city=found.city)) from None
    except (FontMissing, OSError):
        log.exception("%s could not be produced", found.serial_number)
        raise NotReady(_("证明文件暂时无法生成，请稍后再试。")) from None
