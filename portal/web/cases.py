"""Cases and their progress: the list, one case, its receipt and form to print, withdrawing it and filing it again."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.accounts import searching
from portal.accounts.permissions import login_required_any
from portal.hall import attachments, counter, desk, drafts, lifecycle, permissions, queries
from portal.hall.catalogue import service as service_of
from portal.hall.catalogue import services
from portal.hall.models import Attachment, Case, CaseEvent
from portal.hall.routing import FINAL, OPEN, STATUS_LABELS, UNPAID, Status
from portal.hall.service import Applicant
from portal.policy.book import City, Offer, Paper, book
from portal.prepared import Prepared
from portal.shared import identity
from portal.shared.months import day_zh, next_on, today_in_china
from portal.web.application.errand import DRAFT, address
from portal.web.context import login_of

PER_PAGE = 20

# What can be filed again with the answers that it had.
AGAIN = (Status.VOIDED, Status.REFUSED, Status.LAPSED)

ORDINAL_TABS = ("", "open", *(str(status) for status in FINAL))


@never_cache
@searching.by_post
@require_safe
@login_required_any
def cases(request: HttpRequest) -> HttpResponse:
    """单位业务申报进度查询 for employers, 我的办件 for persons."""
    user = login_of(request)
    own = queries.cases_of(user)
    words = searching.asked(request)
    code = request.GET.get("service", "")
    status = request.GET.get("status", "")
    asked = _about(own, words)
    if code in services():
        asked = asked.filter(service=code)
    counts = {row["status"]: row["n"] for row in asked.order_by().values("status").annotate(n=Count("pk"))}
    shown = asked.filter(status__in=_statuses(status)) if status in ORDINAL_TABS[1:] else asked
    page = Paginator(shown, PER_PAGE).get_page(request.GET.get("page"))
    employer = user.is_clerk
    for case in page.object_list:
        case.title = title_of(case)
        case.subject_name = subject_of(case)
        case.url = reverse("case", args=[case.number])
    context = {
        "page_obj": page,
        "title": _("单位业务申报进度查询") if employer else _("我的办件"),
        "tabs": [_tab(request, name, counts, status) for name in ORDINAL_TABS],
        # A guardian's list holds the wards' cases, too.
        "for_employer": employer
        or any(case.applicant_person_id != user.person_id for case in page.object_list),
        "query": words,
        "code": code,
        "status": status,
        "used_services": _used(own),
        "filtered": bool(words or code or status),
    }
    return render(request, "web/cases.html", context)


def _about(own: Any, words: str) -> Any:
    """The cases whose number, subject's name or whole identity number is asked for."""
    if not words:
        return own
    return own.filter(
        Q(number__icontains=words)
        | Q(subject__name__icontains=words)
        | Q(answers__name__icontains=words)
        | Q(subject_identity_number=words.upper())
    )


def _statuses(tab: str) -> list[str]:
    return [str(status) for status in (*OPEN, *UNPAID)] if tab == "open" else [tab]


def _tab(request: HttpRequest, name: str, counts: dict[str, int], current: str) -> dict[str, Any]:
    query = request.GET.copy()
    query.pop("page", None)
    query["status"] = name
    if not name:
        query.pop("status")
    label = _("全部") if not name else _("办理中") if name == "open" else STATUS_LABELS[Status(name)]
    members = counts.values() if not name else [counts.get(status, 0) for status in _statuses(name)]
    return {
        "label": label,
        "url": f"?{query.urlencode()}",
        "current": name == (current if current in ORDINAL_TABS else ""),
        "count": sum(members),
    }


def _used(own: Any) -> list[tuple[str, str]]:
    """The services that the list can be narrowed to: those that were used, by their titles."""
    used = own.order_by().values_list("city", "service").distinct()
    titles: dict[str, str] = {}
    for city, code in sorted(used):
        titles.setdefault(code, _offered_title(city, code))
    return sorted(titles.items(), key=lambda item: item[1])


def title_of(case: Case) -> str:
    """The title under which the case's city offers, or offered, the service."""
    return _offered_title(case.city, case.service)


def _offered_title(city: str, code: str) -> str:
    offer = book().city(city).offers.get(code)
    if offer:
        return offer.title
    return str(services()[code].title) if code in services() else code


def subject_of(case: Case) -> str:
    """Whom the case is about, with the last digits of their number; "" where it is about the applicant's own affairs."""
    name = case.subject.name if case.subject else str(case.answers.get("name", ""))
    number = case.subject_identity_number
    return _("{name}（尾号 {tail}）").format(name=name, tail=number[-4:]) if name and number else name


# One case


def case_or_404(request: HttpRequest, number: str) -> Case:
    """The case, to whom may see it; for all others it does not exist."""
    user = login_of(request)
    case = _CASE.first(number)
    if case is None:
        raise Http404
    # Most cases are of whoever looks at them, about themselves: these are known already.
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
_ATTACHMENTS = Prepared(lambda: Attachment.objects.filter(case=0).order_by("pk"))


@never_cache
@require_safe
@login_required_any
def case(request: HttpRequest, number: str) -> HttpResponse:
    """How far it is, what was filed, what comes next and by when."""
    found = case_or_404(request, number)
    own = not login_of(request).is_staff
    may_file_again = own and found.status in AGAIN and _still_offered(found)
    context = {
        **_shared(request, found),
        "withdraw_url": reverse("withdraw", args=[number])
        if permissions.may_withdraw(login_of(request), found)
        else "",
        "again_url": reverse("file-again", args=[number]) if may_file_again else "",
        "receipt_url": reverse("receipt", args=[number]),
    }
    return render(request, "web/case.html", context)


@never_cache
@require_safe
@login_required_any
def receipt(request: HttpRequest, number: str) -> HttpResponse:
    """收件回执单: step 4, to keep or print."""
    found = case_or_404(request, number)
    steps = [_("用户须知"), _("业务申报"), _("材料申报"), _("收件回执单")]
    context = {
        **_shared(request, found),
        "steps": [{"title": title, "state": "now" if title == steps[-1] else "done"} for title in steps],
        "case_url": reverse("case", args=[number]),
    }
    return render(request, "web/receipt.html", context)


@never_cache
@require_safe
@login_required_any
def form_to_print(request: HttpRequest, number: str) -> HttpResponse:
    """申请表: what a pre-application takes to the window, to be signed."""
    found = case_or_404(request, number)
    if found.status != Status.PRE_APPLIED:
        raise Http404
    context = {
        **_shared(request, found),
        "answers": counter.lines_in_full(found),
        "qr": counter.qr_code(counter.address(found)),
        "whose": found.applicant_person.named() if found.applicant_person else None,
    }
    return render(request, "web/case_form.html", context)


@never_cache
@require_safe
@login_required_any
def attachment(request: HttpRequest, number: str, pk: int) -> HttpResponseBase:
    """A paper that was handed in with the case, to whom may see the case."""
    found = case_or_404(request, number)
    paper = Attachment.objects.filter(case=found, pk=pk).first()
    if paper is None:
        raise Http404
    return attachments.served(paper)


@never_cache
@require_safe
@login_required_any
def draft_attachment(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A paper that was uploaded and not yet sent, to whom uploaded it."""
    paper = Attachment.objects.filter(draft__user=login_of(request), pk=pk).first()
    if paper is None:
        raise Http404
    return attachments.served(paper)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required_any
def withdraw(request: HttpRequest, number: str) -> HttpResponse:
    """是否作废该办件: asks, then voids it."""
    found = case_or_404(request, number)
    url = reverse("case", args=[number])
    if login_of(request).is_staff:
        raise Http404
    if request.method == "POST":
        try:
            desk.withdraw(found, by=login_of(request), now=timezone.now())
        except lifecycle.AlreadyMoved:
            messages.warning(request, _("这份办件刚刚已有办理结果，不能再撤回。"))
        else:
            messages.success(
                request, _("已撤回，该办件已作废。需要办理的，可以重新申报，填写过的内容会为您带出。")
            )
        return redirect(url)
    if not permissions.may_withdraw(login_of(request), found):
        messages.info(request, _("这份办件{status}，不能撤回。").format(status=found.get_status_display()))
        return redirect(url)
    return render(
        request, "web/withdraw.html", {"case": found, "offer": _shown_offer(found), "back_url": url}
    )


@require_POST
@login_required_any
def file_again(request: HttpRequest, number: str) -> HttpResponse:
    """重新申报: a draft with the answers of a case that was withdrawn or refused."""
    found = case_or_404(request, number)
    if login_of(request).is_staff or found.status not in AGAIN or not _still_offered(found):
        raise Http404
    user = login_of(request)
    ward = found.applicant_person if found.applicant_person_id not in (None, user.person_id) else None
    several = bool(service_of(found.service).searches)
    subject = found.subject_identity_number if several else ""
    begun = drafts.of_offer(user=user, offer=found.offer, ward=ward).filter(subject=subject).first()
    if begun is None:
        now = timezone.now()
        form = desk.form_for(offer=found.offer, applicant=Applicant.of(user, ward), now=now)
        draft = drafts.keep(
            user=user,
            ward=ward,
            offer=found.offer,
            typed={name: _as_typed(found.answers.get(name)) for name in form.fields if name not in form.gate},
            checked=False,
            now=now,
            subject=subject,
        )
    else:
        draft = begun
    url = address("apply", found.city, found.service, ward, **({DRAFT: str(draft.pk)} if several else {}))
    if begun:
        messages.info(request, _("您有一份尚未提交的草稿，已为您打开；不再需要的，可先放弃草稿再重新申报。"))
        return redirect(url)
    messages.info(request, _("已带出上次填写的内容，请核对修改后提交。"))
    return redirect(url)


def _as_typed(answer: Any) -> list[str]:
    """An answer as a browser would send it again."""
    if answer is None or answer is False:
        return []
    if answer is True:
        return ["on"]
    return [str(item) for item in answer] if isinstance(answer, list) else [str(answer)]


def _still_offered(case: Case) -> bool:
    return case.service in book().city(case.city).offers


# What the pages of a case tell


def _shared(request: HttpRequest, case: Case) -> dict[str, Any]:
    city = book().city(case.city)
    offer = _shown_offer(case)
    uploaded, events = _ATTACHMENTS(case.pk), _EVENTS(case.pk)
    titles = {paper.code: paper.title for paper in (offer.papers if isinstance(offer, Offer) else ())}
    to_bring = papers_to_bring(case)
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
        "next": next_steps(case, city, offer, to_bring),
        "form_url": reverse("case-form", args=[case.number]) if case.status == Status.PRE_APPLIED else "",
        "overdue": bool(case.is_open and case.due_on and case.due_on < today_in_china(timezone.now())),
        "applicant_name": str(case.applicant),
        "subject_name": subject_of(case),
        "masked_number": identity.mask(case.subject_identity_number) if case.subject_identity_number else "",
    }


def _links(case: Case) -> list[tuple[str, str]]:
    """How one goes on; nowhere from a case whose service the hall no longer has."""
    service = services().get(case.service)
    return service.links(case, now=timezone.now()) if service else []


def _shown_offer(case: Case) -> Any:
    """The case's offer; where its city has taken it back, what pages show of it: its title."""
    return book().city(case.city).offers.get(case.service) or {"title": title_of(case), "code": case.service}


def stations(case: Case, events: Iterable[CaseEvent]) -> list[dict[str, Any]]:
    """The line of a case: filed, judged where its route goes that way, and how it ended."""
    reached = {event.to_status: event.at for event in events}
    line = [{"title": _("提交申报"), "when": case.submitted_at, "state": "done"}]
    for status, title in ((Status.IN_REVIEW, _("经办机构审核")), (Status.PRE_APPLIED, _("到窗口核对材料"))):
        if status in reached and case.status != Status.VOIDED:
            line.append({"title": title, "when": None, "state": "now" if case.status == status else "done"})
            if case.status == status and case.due_on:
                line[-1]["note"] = _("{day}前").format(day=day_zh(case.due_on))
    for status, title in ((Status.TO_PAY, _("支付")), (Status.TO_DEBIT, _("银行扣款"))):
        if status in reached:
            line.append({"title": title, "when": None, "state": _at(case, status)})
    ended = {
        Status.DONE: (_("已办结"), "done"),
        Status.REFUSED: (_("不予通过"), "stopped"),
        Status.VOIDED: (_("已撤回作废"), "stopped"),
        Status.LAPSED: (_("已失效，没有缴费"), "stopped"),
    }
    title, state = ended.get(Status(case.status), (_("办结"), "next"))
    line.append({"title": title, "when": case.decided_at if case.status in FINAL else None, "state": state})
    return line


def _at(case: Case, status: Status) -> str:
    """How a station looks where money is waited for: passed, here, or where it ended."""
    if case.status == status:
        return "now"
    return "stopped" if case.status == Status.LAPSED else "done"


def papers_to_bring(case: Case) -> list[Paper]:
    """The papers that still have to be brought to the window, as they were named when it was filed."""
    if not case.is_open or not _still_offered(case):
        return []
    wanted = case.facts.get("papers", [])
    return [paper for paper in case.offer.papers if not paper.upload and paper.code in wanted]


def bring_by(offer: Offer, filed_at: datetime) -> date | None:
    """The day of the month by which the papers are to be brought: this month's, or next month's where it is past."""
    return next_on(offer.papers_by_day, today_in_china(filed_at)) if offer.papers_by_day else None


def next_steps(case: Case, city: City, offer: Any, to_bring: Iterable[Paper]) -> list[str]:
    """What the applicant does now, or waits for, and by when."""
    papers = "、".join(paper.title for paper in to_bring)
    due = day_zh(case.due_on) if case.due_on else ""
    if case.status == Status.IN_REVIEW:
        lines = [
            _("{agency}将在 {day}前审核，结果可在“办件进度”中查看。").format(agency=city.agency, day=due)
            if due
            else _("{agency}将尽快审核，结果可在“办件进度”中查看。").format(agency=city.agency)
        ]
        if papers:
            by = bring_by(offer, case.submitted_at) if isinstance(offer, Offer) else None
            lines.insert(
                0,
                _("请在 {day}前，把下列材料一次报送到{agency}：{papers}。").format(
                    day=day_zh(by), agency=city.agency, papers=papers
                )
                if by
                else _("请把下列材料报送到{agency}：{papers}。").format(agency=city.agency, papers=papers),
            )
        return [*lines, _("审核前需要更正的，可以撤回后重新申报。")]
    if case.status == Status.PRE_APPLIED:
        return [
            _("打印申请表，由申请人签名。"),
            _("携带申请表和{papers}，到{agency}窗口办理。").format(
                papers=papers or _("有效身份证件"), agency=city.agency
            ),
            _("工作人员核对后办结，可拨打 {hotline} 咨询窗口地址和办理时间。").format(hotline=city.hotline),
        ]
    if case.status == Status.REFUSED:
        return [
            _("请按理由更正后重新申报；对结果有疑问的，可拨打 {hotline} 咨询。").format(hotline=city.hotline)
        ]
    if case.is_unpaid and case.service in services():
        waits = services()[case.service].waits_until(case, now=timezone.now())
        return [waits] if waits else []
    if case.status == Status.LAPSED:
        return [_("这份办件没有缴成费用。仍需缴费的，可以重新申报，填写过的内容会为您带出。")]
    if case.status == Status.VOIDED:
        return [_("这份办件已作废，不再审核。需要办理的，可以重新申报。")]
    return []
