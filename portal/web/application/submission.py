"""Sending an application: only what the last look showed, and once."""

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy

from portal.hall import attachments, desk, drafts
from portal.hall.catalogue import service as service_of
from portal.hall.models import Attachment, Case, Draft
from portal.hall.service import Bar, Finding
from portal.hall.ways import linked
from portal.shared.keys import KeyReused
from portal.web.application.errand import ACTION, KEY, Errand
from portal.web.application.form import add_findings, form_page, judged
from portal.web.application.papers import PapersForm, keep_files
from portal.web.context import login_of

CHANGED = gettext_lazy("这份申报的内容已在另一窗口改动，请按现在显示的内容重新核对后再提交。")


@dataclass(frozen=True)
class Shown:
    """What a last look showed: the draft's ``key``, and digests of the answers (``content``) and of
    summary, findings and papers (``rest``).

    The page carries it and sends it back, so that nothing is filed that was not shown.
    """

    key: uuid.UUID | None = None
    content: str = ""
    rest: str = ""

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        """What the sent page showed; empty where it names none."""
        key, _dot, shown = request.POST.get(KEY, "").partition(".")
        content, _dot, rest = shown.partition(".")
        try:
            return cls(uuid.UUID(key), content, rest)
        except ValueError:
            return cls()

    @classmethod
    def at(
        cls,
        draft: Draft,
        seen: desk.Look,
        brought: Mapping[str, Attachment],
    ) -> Self:
        """What is shown now."""
        rows = [[str(label), str(value)] for label, value in seen.summary]
        why = [str(finding.why) for finding in seen.findings]
        papers = sorted((paper, one.digest) for paper, one in brought.items())
        rest = json.dumps([rows, why, papers], ensure_ascii=False).encode()
        return cls(draft.key, desk.digest_of(seen.ask), hashlib.sha256(rest).hexdigest())

    def __str__(self) -> str:
        return f"{self.key}.{self.content}.{self.rest}"


def draft_of(errand: Errand, posted: Shown) -> Draft | None:
    """The draft that the sent page showed; where it is gone, or nothing was sent, the one that the
    address names."""
    user, ward = errand.applicant.user, errand.applicant.ward
    users_drafts = drafts.of_offer(user=user, offer=errand.offer, ward=ward)
    shown = users_drafts.filter(key=posted.key).first() if posted.key else None
    return shown or errand.draft()


def pressed(
    request: HttpRequest,
    errand: Errand,
    draft: Draft,
    seen: desk.Look,
    form: PapersForm,
    posted: Shown,
    shown: Shown,
) -> HttpResponseBase | None:
    """What a press of the last look's buttons does; None where the page is shown again with what is
    wrong."""
    changed = posted != shown
    if changed and posted.key:
        messages.warning(request, CHANGED)
    removed = request.POST.get("remove", "")
    if removed:
        if removed in form.brought:
            attachments.remove(form.brought[removed])
        return redirect(errand.url("materials"))
    form.full_clean()
    if request.POST.get(ACTION) == "upload":
        form.errors.clear()
    try:
        keep_files(form, draft, errand.now)
    except Draft.DoesNotExist:
        case = Case.objects.filter(key=draft.key, filed_by=errand.applicant.user).first()
        return on_to_result(case, errand.now) if case else redirect(errand.url("apply"))
    if form.errors:
        return None
    if request.POST.get(ACTION) == "upload":
        return redirect(errand.url("materials"))
    if changed:
        return redirect(errand.url("materials"))
    try:
        case = desk.submit(
            ask=seen.ask,
            outside=seen.outside,
            key=draft.key,
            attachments=list(form.brought.values()),
            now=errand.now,
        )
    except KeyReused:
        return key_reused(request, errand, draft)
    except desk.NotAccepted as error:
        return _refused(request, errand, draft, form, error.findings)
    drafts.sent(draft)
    return on_to_result(case, errand.now)


def on_to_result(case: Case, now: datetime) -> HttpResponse:
    """Leads from a case that was just filed to where its service says, such as to the order; else
    to its receipt. A desk gets the receipt: where to go on is for the resident alone."""
    if case.filed_by.is_desk:
        return redirect("receipt", case.number)
    return redirect(service_of(case.service).goes_to(case, now=now) or reverse("receipt", args=[case.number]))


def _refused(
    request: HttpRequest, errand: Errand, draft: Draft, form: PapersForm, findings: Sequence[Finding]
) -> HttpResponse | None:
    """Shows why the desk did not take it: errors of papers on this page (None), errors of answers
    on the form."""
    stoppers = [finding for finding in findings if isinstance(finding, Bar)] or findings
    answers = errand.form().fields
    if not any(finding.field in answers for finding in stoppers):
        add_findings(form, stoppers)
        return None
    service_form, _ok = judged(errand, MultiValueDict(draft.typed), gate_passed=True)
    told_already = {str(error) for errors in service_form.errors.values() for error in errors}
    add_findings(
        service_form, [one for one in stoppers if linked(str(one.why), one.ways) not in told_already]
    )
    errand.keep(draft.typed, checked=False)
    return form_page(request, errand, service_form, draft=draft)


def sent_before(request: HttpRequest, posted: Shown) -> Case | None:
    """The case that this page was already sent as: its button pressed twice, or the page sent again
    later."""
    return Case.objects.filter(key=posted.key, filed_by=login_of(request)).first() if posted.key else None


def key_reused(request: HttpRequest, errand: Errand, draft: Draft) -> HttpResponse:
    """409: these answers differ from those that were sent under the same key; both are kept apart
    from now on."""
    case = Case.objects.filter(key=draft.key, filed_by=errand.applicant.user).first()
    Draft.objects.filter(pk=draft.pk, key=draft.key).update(key=uuid.uuid4())
    return sent_otherwise(request, errand, case, again=errand.url("materials"))


def sent_otherwise(request: HttpRequest, errand: Errand, case: Case | None, again: str = "") -> HttpResponse:
    """409: what this page showed was not sent, for another window had sent the same application
    with other content.

    ``again`` is the last look at what was not sent, where it is still there.
    """
    return render(
        request,
        "web/sent_otherwise.html",
        {"city": errand.city, "offer": errand.offer, "case": case, "again_url": again},
        status=409,
    )


def back_to_form(errand: Errand, draft: Draft) -> HttpResponse:
    """What was checked does not hold any more (a month's window closed, say): the form shows
    why."""
    errand.keep(draft.typed, checked=False)
    return redirect(errand.url("apply", check="1"))
