"""One case: its progress, receipt and form to print, withdrawing it and filing it again."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.accounts.permissions import login_required_any
from portal.hall import attachments, community, counter, desk, drafts, lifecycle, permissions
from portal.hall.catalogue import offers, services
from portal.hall.catalogue import service as service_of
from portal.hall.models import Attachment, Case, CaseEvent, WindowCheck
from portal.hall.routing import Status
from portal.hall.service import Applicant, Theme, typed_again
from portal.policy.book import Mode, Offer, book
from portal.prepared import Prepared
from portal.shared import identity
from portal.shared.months import today_in_china
from portal.web.application.errand import DRAFT, FOR_CASE, address
from portal.web.cases.next_steps import next_steps, papers_to_bring, stations, to_amend
from portal.web.cases.titles import still_offered, subject_of, title_of
from portal.web.context import login_of

# The statuses of a case that can be filed again with its answers.
AGAIN = (Status.VOIDED, Status.REFUSED, Status.LAPSED)


def case_or_404(request: HttpRequest, number: str) -> Case:
    """The case of this number. Http404 for logins that may not see it."""
    user = login_of(request)
    case = _CASE.first(number)
    if case is None:
        raise Http404
    # Most readers are the applicant and the subject themselves: their rows are known already.
    if case.applicant_person_id is not None and case.applicant_person_id == user.person_id:
        case.applicant_person = user.person
    if case.subject_id is not None and case.subject_id == user.person_id:
        case.subject = user.person
    if case.applicant_employer_id is not None and case.applicant_employer_id == user.employer_id:
        case.applicant_employer = user.employer
    if not permissions.may_see(user, case):
        raise Http404
    return case


_CASE = Prepared(lambda: Case.objects.filter(number=""))
_EVENTS = Prepared(lambda: CaseEvent.objects.filter(case=0).select_related("actor").order_by("at", "pk"))
# Cases of these modes never go to the window.
_WITHOUT_WINDOW = (Mode.DIRECT, Mode.REVIEW)
_VISITS = Prepared(lambda: WindowCheck.objects.filter(case=0).order_by("at", "pk"))
_ATTACHMENTS = Prepared(lambda: Attachment.objects.filter(case=0, replaced_at__isnull=True).order_by("pk"))


@never_cache
@require_safe
@login_required_any
def case(request: HttpRequest, number: str) -> HttpResponse:
    """The page of a case: its progress, what was filed, what comes next and by when."""
    shown_case = case_or_404(request, number)
    is_applicant = not (login_of(request).is_staff or login_of(request).is_desk)
    may_file_again = is_applicant and shown_case.status in AGAIN and still_offered(shown_case)
    context = {
        **_shared(request, shown_case),
        "withdraw_url": reverse("withdraw", args=[number])
        if permissions.may_withdraw(login_of(request), shown_case)
        else "",
        "again_url": reverse("file-again", args=[number]) if may_file_again else "",
        "receipt_url": reverse("receipt", args=[number]),
        "amend": to_amend(shown_case, by_applicant=permissions.is_applicant(login_of(request), shown_case)),
    }
    return render(request, "web/case.html", context)


@never_cache
@require_safe
@login_required_any
def receipt(request: HttpRequest, number: str) -> HttpResponse:
    """收件回执单: step 4, to keep or print."""
    shown_case = case_or_404(request, number)
    steps = [_("用户须知"), _("业务申报"), _("材料申报"), _("收件回执单")]
    context = {
        **_shared(request, shown_case),
        "steps": [{"title": title, "state": "now" if title == steps[-1] else "done"} for title in steps],
        "case_url": reverse("case", args=[number]),
    }
    return render(request, "web/receipt.html", context)


@never_cache
@require_safe
@login_required_any
def form_to_print(request: HttpRequest, number: str) -> HttpResponse:
    """申请表: what a pre-application takes to the window, to be signed."""
    shown_case = case_or_404(request, number)
    if shown_case.status != Status.PRE_APPLIED:
        raise Http404
    context = {
        **_shared(request, shown_case),
        "answers": counter.lines_in_full(shown_case),
        "qr": counter.qr_code(counter.address(shown_case)),
        "whose": shown_case.applicant_person.named() if shown_case.applicant_person else None,
    }
    return render(request, "web/case_form.html", context)


@never_cache
@require_safe
@login_required_any
def attachment(request: HttpRequest, number: str, pk: int) -> HttpResponseBase:
    """A paper that was handed in with the case, for logins that may see the case."""
    shown_case = case_or_404(request, number)
    paper = Attachment.objects.filter(case=shown_case, pk=pk).first()
    if paper is None:
        raise Http404
    return attachments.served(paper)


@never_cache
@require_safe
@login_required_any
def draft_attachment(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A paper that was uploaded and not yet sent, for the login that uploaded it."""
    paper = Attachment.objects.filter(draft__user=login_of(request), pk=pk).first()
    if paper is None:
        raise Http404
    return attachments.served(paper)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required_any
def withdraw(request: HttpRequest, number: str) -> HttpResponse:
    """是否作废该办件: asks, then voids it."""
    shown_case = case_or_404(request, number)
    url = reverse("case", args=[number])
    if login_of(request).is_staff or login_of(request).is_desk:
        raise Http404
    if request.method == "POST":
        try:
            desk.withdraw(shown_case, by=login_of(request), now=timezone.now())
        except lifecycle.AlreadyMoved:
            messages.warning(request, _("这份办件刚刚已有办理结果，不能再撤回。"))
        else:
            messages.success(
                request, _("已撤回，该办件已作废。需要办理的，可以重新申报，填写过的内容会为您带出。")
            )
        return redirect(url)
    if not permissions.may_withdraw(login_of(request), shown_case):
        messages.info(
            request, _("这份办件{status}，不能撤回。").format(status=shown_case.get_status_display())
        )
        return redirect(url)
    return render(
        request, "web/withdraw.html", {"case": shown_case, "offer": _shown_offer(shown_case), "back_url": url}
    )


@require_POST
@login_required_any
def file_again(request: HttpRequest, number: str) -> HttpResponse:
    """重新申报: a draft with the answers of a case that was withdrawn or refused."""
    former_case = case_or_404(request, number)
    if login_of(request).is_desk:
        raise Http404
    if login_of(request).is_staff or former_case.status not in AGAIN or not still_offered(former_case):
        raise Http404
    user = login_of(request)
    ward = (
        former_case.applicant_person
        if former_case.applicant_person_id not in (None, user.person_id)
        else None
    )
    several = bool(service_of(former_case.service).searches)
    subject = former_case.subject_identity_number if several else ""
    existing = drafts.of_offer(user=user, offer=former_case.offer, ward=ward).filter(subject=subject).first()
    if existing is None:
        now = timezone.now()
        form = desk.form_for(offer=former_case.offer, applicant=Applicant.of(user, ward), now=now)
        draft = drafts.keep(
            user=user,
            ward=ward,
            offer=former_case.offer,
            typed={
                name: typed_again(former_case.answers.get(name))
                for name in form.fields
                if name not in form.gate
            },
            checked=False,
            now=now,
            subject=subject,
        )
    else:
        draft = existing
    url = address(
        "apply", former_case.city, former_case.service, ward, **({DRAFT: str(draft.pk)} if several else {})
    )
    if existing:
        messages.info(request, _("您有一份尚未提交的草稿，已为您打开；不再需要的，可先放弃草稿再重新申报。"))
        return redirect(url)
    messages.info(request, _("已带出上次填写的内容，请核对修改后提交。"))
    return redirect(url)


def _shared(request: HttpRequest, case: Case) -> dict[str, Any]:
    city = book().city(case.city)
    offer = _shown_offer(case)
    uploaded, events = _ATTACHMENTS(case.pk), _EVENTS(case.pk)
    titles = {paper.code: paper.title for paper in (offer.papers if isinstance(offer, Offer) else ())}
    to_bring = papers_to_bring(case)
    at_window = bool(to_bring) or case.status == Status.PRE_APPLIED
    visits = [] if case.mode in _WITHOUT_WINDOW else _VISITS(case.pk)
    return {
        "case": case,
        "city": city,
        "offer": offer,
        "events": events,
        "steps": stations(case, events),
        "answers": case.facts.get("summary", []),
        "findings": [entry["why"] for entry in case.mismatches],
        "lines": case.outcome.get("lines", []),
        "links": [{"title": text, "url": url} for text, url in _links(case)],
        "documents": [
            {
                "title": titles.get(paper.paper, paper.name),
                "url": reverse("attachment", args=[case.number, paper.pk]),
                "name": paper.name,
                "size": paper.size,
            }
            for paper in uploaded
        ],
        "to_bring": to_bring,
        "visits": visits,
        "next": next_steps(case, city, offer, to_bring, visits),
        "windows_url": reverse("windows", args=[city.slug]) if at_window else "",
        "visit_url": _visit_url(request, case) if at_window else "",
        "form_url": reverse("case-form", args=[case.number]) if case.status == Status.PRE_APPLIED else "",
        "overdue": bool(case.is_open and case.due_on and case.due_on < today_in_china(timezone.now())),
        "applicant_name": str(case.applicant),
        "by_desk": community.words(case),
        "subject_name": subject_of(case),
        "masked_number": identity.mask(case.subject_identity_number) if case.subject_identity_number else "",
    }


def _visit_url(request: HttpRequest, case: Case) -> str:
    """Where the applicant books a visit to the window with this case's papers; "" where the city
    takes no bookings."""
    user = login_of(request)
    for offer, service in offers(case.city):
        if service.theme == Theme.VISIT and service.chosen_first and permissions.may_file(user, service):
            ward = case.applicant_person if case.applicant_person_id != user.person_id else None
            return address(service.chosen_first, case.city, offer.code, ward, **{FOR_CASE: case.number})
    return ""


def _links(case: Case) -> list[tuple[str, str]]:
    """The links of the case's service; none where the hall no longer has the service."""
    service = services().get(case.service)
    return service.links(case, now=timezone.now()) if service else []


def _shown_offer(case: Case) -> Any:
    """The case's offer; where its city no longer offers it, its title and code, for the pages."""
    return book().city(case.city).offers.get(case.service) or {"title": title_of(case), "code": case.service}
