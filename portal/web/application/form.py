"""Step 2, 业务申报: the service's form, its draft, and what is wrong with what was typed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from portal.accounts import lockout, sliding
from portal.hall import desk, drafts, phone_proof
from portal.hall.models import Draft
from portal.hall.service import COMPARED, Ask, Finding, ServiceForm, typed_into
from portal.hall.ways import linked
from portal.shared import identity
from portal.web.application.entrance import for_applicants
from portal.web.application.errand import ACTION, NEW, SEEN, Errand, begun_before


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@for_applicants
def apply(request: HttpRequest, errand: Errand) -> HttpResponseBase:
    """业务申报: the service's form, kept as a draft whatever is pressed."""
    if request.method != "POST":
        return _begun(request, errand)
    action = request.POST.get(ACTION, "next")
    draft = errand.draft()
    if action == "discard":
        if draft and "confirmed" not in request.POST:
            return render(request, "web/discard.html", {**_draft_page(errand), "draft": draft})
        if draft:
            drafts.forget(draft)
        messages.success(request, _("已放弃草稿，填写的内容已删除。"))
        return redirect(errand.url("service"))
    typed = _typed(errand, request.POST)
    if action == "autosave":
        return _autosaved(request, errand, typed, draft)
    if action == "save":
        draft = errand.keep(typed, checked=False)
        messages.success(request, _("草稿已保存，退出登录后仍可继续填写。"))
        return redirect(errand.on(draft).url("apply"))
    if action == "search" and errand.service.searches:
        return _searched(request, errand, typed)
    if action == "code" and errand.service.form.proves:
        return _code_sent(request, errand, typed)
    form, ok = judged(errand, request.POST, gate_passed=False)
    if ok or form.fields:
        draft = errand.keep(typed, checked=ok)
        errand = errand.on(draft)
    if ok:
        return redirect(errand.url("materials"))
    return form_page(request, errand, form, draft=draft)


def _autosaved(
    request: HttpRequest, errand: Errand, typed: dict[str, list[str]], draft: Draft | None
) -> JsonResponse:
    """When it was kept, where the form is sent from now on, and how long the session lives; 409
    where the draft is no longer as the page saw it."""
    saved = drafts.autosave(
        user=errand.applicant.user,
        offer=errand.offer,
        ward=errand.applicant.ward,
        typed=typed,
        seen=request.POST.get(SEEN, ""),
        subject=errand.subject(typed),
        begun=draft,
        now=errand.now,
    )
    if saved is None:
        return JsonResponse({"changed": True}, status=409)
    at = timezone.localtime(saved.updated_at)
    return JsonResponse(
        {
            "at": f"{at:%H:%M}",
            "seen": drafts.stamp(saved),
            "action": errand.on(saved).url("apply"),
            "ends_in": sliding.seconds_left(request),
        }
    )


def _draft_page(errand: Errand) -> dict[str, Any]:
    return {"city": errand.city, "offer": errand.offer, "form_url": errand.url("apply")}


def _begun(request: HttpRequest, errand: Errand) -> HttpResponse:
    draft = errand.draft()
    if draft is None and errand.service.chosen_first and not errand.barred():
        return redirect(errand.url(errand.service.chosen_first))
    if draft is None:
        known, _problem = errand.known({})
        return form_page(request, errand, errand.form(known=known))
    errand = errand.on(draft)
    typed = MultiValueDict(draft.typed)
    if "check" in request.GET:
        form, _ok = judged(errand, typed, gate_passed=True)
        return form_page(request, errand, form, draft=draft)
    known, problem = errand.known(typed)
    contradicted = errand.form(typed, known).contradicted
    form = errand.form(
        known={
            name: value
            for name, value in known.items()
            if name not in contradicted or name in known.get(COMPARED, ())
        }
    )
    form.initial.update(
        {
            name: field.widget.value_from_datadict(typed, MultiValueDict(), form.add_prefix(name))
            for name, field in form.fields.items()
            if (name not in form.known or form.only_compared(name)) and name not in form.gate
        }
    )
    return form_page(request, errand, form, draft=draft, known=known, problem=problem)


def _searched(request: HttpRequest, errand: Errand, typed: dict[str, list[str]]) -> HttpResponse:
    """Fills in what the register knows; what was typed stays, and only the number is judged yet."""
    draft = errand.keep(typed, checked=False)
    errand = errand.on(draft)
    known, problem = errand.known(request.POST)
    form = errand.form(request.POST, known)
    sought = errand.service.searches
    for name in [name for name in form.errors if name != sought and name not in form.contradicted]:
        del form.errors[name]
    if problem:
        form.add_error(sought, problem)
    return form_page(request, errand, form, draft=draft, known=known, problem=problem)


def _code_sent(request: HttpRequest, errand: Errand, typed: dict[str, list[str]]) -> HttpResponse:
    """Sends a code to the phone that was typed; what was typed stays, and only the phone is judged
    yet."""
    draft = errand.keep(typed, checked=False)
    errand = errand.on(draft)
    form = errand.form(request.POST)
    name = form.proves
    for other in [other for other in form.errors if other != name]:
        del form.errors[other]
    if name not in form.errors:
        refused = phone_proof.send(
            phone=str(form.cleaned_data[name]),
            by=errand.applicant.user,
            address=lockout.client_address(request),
            now=errand.now,
        )
        if refused:
            form.add_error(name, refused)
        else:
            to = identity.mask_phone(str(form.cleaned_data[name]))
            messages.success(request, _("验证码已发送到 {phone}，请在 5 分钟内填写。").format(phone=to))
    return form_page(request, errand, form, draft=draft)


def judged(errand: Errand, typed: Any, *, gate_passed: bool) -> tuple[ServiceForm, bool]:
    """The form with each error beside its field, and whether there is none."""
    known, problem = errand.known(typed)
    form = errand.form(typed, known)
    form.full_clean()
    if gate_passed:
        for name in form.gate:
            form.errors.pop(name, None)
    if problem:
        form.add_error(errand.service.searches, problem)
    if form.errors:
        return form, False
    ask = Ask(offer=errand.offer, applicant=errand.applicant, answers=form.answers(), filed_at=errand.now)
    add_findings(form, desk.look(ask).stopping)
    return form, not form.errors


def add_findings(form: forms.Form, findings: Sequence[Finding]) -> None:
    """Puts findings beside their fields; those of no field of the form stand above it."""
    for finding in findings:
        form.add_error(
            finding.field if finding.field in form.fields else None, linked(str(finding.why), finding.ways)
        )


def _typed(errand: Errand, posted: Any) -> dict[str, list[str]]:
    """What was typed into the service's own fields, gates left out."""
    form = errand.form()
    return typed_into([form.add_prefix(name) for name in form.fields if name not in form.gate], posted)


def form_page(
    request: HttpRequest,
    errand: Errand,
    form: ServiceForm,
    *,
    draft: Draft | None = None,
    known: Mapping[str, Any] | None = None,
    problem: str = "",
) -> HttpResponse:
    """The form with its draft, what bars the applicant, and the other drafts of the offer."""
    sought = errand.service.searches
    if sought:
        field = form.fields[sought]
        field.search_button = True  # type: ignore[attr-defined]
        searched = draft and any(draft.typed.get(sought, []))
        if searched and not known and not problem and known is not None and sought not in form.errors:
            note = errand.service.finds_nobody
            field.search_note = note  # type: ignore[attr-defined]
    context = errand.page(
        "apply",
        form=form,
        barred=errand.barred(),
        draft=draft,
        drafts=begun_before(errand, draft) if sought else [],
        seen=drafts.stamp(draft) if draft else "",
        about=drafts.about(draft) if draft and sought else "",
        new_url=replace(errand, picked=NEW).url("apply") if sought else "",
        form_url=errand.url("apply"),
        back_url=replace(errand, picked="").url("service"),
    )
    return render(request, "web/apply.html", context)
