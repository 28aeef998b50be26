"""Step 3, 材料申报: the papers and the last look."""

from collections.abc import Mapping, Sequence

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from portal.hall import counter, desk, drafts
from portal.hall.routing import Status
from portal.hall.ways import linked
from portal.shared.keys import KeyReused
from portal.shared.months import today_in_china
from portal.web.application.entrance import for_applicants
from portal.web.application.errand import Errand
from portal.web.application.notice import how_it_ends
from portal.web.application.papers import PapersForm
from portal.web.application.submission import (
    CHANGED,
    Shown,
    back_to_form,
    draft_of,
    key_reused,
    on_to_result,
    pressed,
    sent_before,
    sent_otherwise,
)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@for_applicants
def materials(request: HttpRequest, errand: Errand) -> HttpResponseBase:
    """材料申报: the papers, the last look, and sending. Only what was shown is sent, whatever other
    windows have done since."""
    posted = Shown.of(request)
    draft = draft_of(errand, posted)
    before = sent_before(request, posted)
    if before and (draft is None or draft.key != before.key):
        if posted.content and posted.content != before.digest:
            return sent_otherwise(request, errand, before)
        return on_to_result(before, errand.now)
    if draft is None or not draft.checked:
        messages.info(request, CHANGED if posted.key else _("请先填写业务申报，再核对并提交。"))
        return redirect((errand.on(draft) if draft else errand).url("apply"))
    errand = errand.on(draft)
    try:
        ask = desk.ask_for(
            offer=errand.offer, applicant=errand.applicant, typed=MultiValueDict(draft.typed), now=errand.now
        )
        if before:
            case = desk.submit(ask=ask, key=draft.key, now=errand.now)
            drafts.sent(draft)
            return on_to_result(case, errand.now)
    except desk.NotAccepted:
        return back_to_form(errand, draft)
    except KeyReused:
        return key_reused(request, errand, draft)
    seen = desk.look(ask)
    if seen.stopping:
        return back_to_form(errand, draft)
    form = PapersForm(
        request.POST if request.method == "POST" else None,
        request.FILES if request.method == "POST" else None,
        papers=[paper for paper in seen.papers if paper.upload],
        brought={attachment.paper: attachment for attachment in draft.attachments.all()},
    )
    shown = Shown.at(draft, seen, form.brought)
    if request.method == "POST":
        answer = pressed(request, errand, draft, seen, form, posted, shown)
        if answer:
            return answer
        shown = Shown.at(draft, seen, form.brought)
    return _last_look(request, errand, seen, form, shown, draft.typed)


def _last_look(
    request: HttpRequest,
    errand: Errand,
    seen: desk.Look,
    form: PapersForm,
    shown: Shown,
    typed: Mapping[str, Sequence[str]],
) -> HttpResponse:
    preview = errand.service.preview(seen.ask, seen.facts)
    edit = errand.url("apply")
    context = errand.page(
        "materials",
        answers=counter.typed_in_full(seen.summary, seen.ask.answers, typed),
        findings=[linked(str(finding.why), finding.ways) for finding in seen.mismatches],
        form=form,
        key=str(shown),
        to_bring=[paper for paper in seen.papers if not paper.upload],
        part=render_to_string(preview["template"], preview, request) if preview else "",
        due_on=None
        if seen.route == Status.DONE
        else desk.promised_on(errand.offer, today_in_china(errand.now)),
        how_it_ends=errand.service.how_it_ends(errand.offer) or how_it_ends(errand.offer),
        submit_label=_("提交预申请")
        if seen.route == Status.PRE_APPLIED
        else errand.service.submit_words(seen.ask, seen.facts),
        dangerous=errand.service.dangerous,
        back_url=edit,
    )
    return render(request, "web/materials.html", context)
