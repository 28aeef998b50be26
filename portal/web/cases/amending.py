"""补正: the applicant of a case that went back amends just what was marked."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from portal.accounts.permissions import login_required_any
from portal.hall import amending, desk, lifecycle, permissions
from portal.hall.models import Amendment
from portal.hall.service import ServiceForm
from portal.policy.book import book
from portal.shared.months import day_zh
from portal.web.application.form import add_findings
from portal.web.application.papers import PapersForm, keep_files
from portal.web.cases.case import case_or_404
from portal.web.context import login_of

# What of the page belongs to which request to amend; and the applicant's own words.
ASKED, REPLY = "asked", "reply"
REPLY_MOST = 200


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required_any
def amend(request: HttpRequest, number: str) -> HttpResponseBase:
    """The marked answers and papers, each with why; a POST hands them in."""
    case, user, now = case_or_404(request, number), login_of(request), timezone.now()
    if not permissions.is_applicant(user, case):
        raise Http404
    url = reverse("case", args=[number])
    amendment = amending.standing(case)
    if amendment is None:
        messages.info(
            request, _("这份办件{status}，现在没有需要补正的。").format(status=case.get_status_display())
        )
        return redirect(url)
    amendment.case = case
    if request.method != "POST":
        return _page(request, amendment, amending.form_of(amendment), _papers(amendment))
    if request.POST.get(ASKED) != str(amendment.pk):
        messages.warning(request, _("需要补正的内容有变化，请按现在列出的补正。"))
        return redirect(reverse("case-amend", args=[number]))
    form, papers = amending.form_of(amendment, request.POST), _papers(amendment, request)
    keep_files(papers, amendment, now)
    refused = [name for name in form.errors if name in amendment.fields or name == "__all__"]
    if not refused and not papers.errors:
        try:
            amended = amending.answer(
                amendment, answers=form.answers(), reply=request.POST.get(REPLY, ""), by=user, now=now
            )
        except lifecycle.AlreadyMoved as moved:
            messages.warning(request, str(moved.message))
            return redirect(url)
        except desk.NotAccepted as refusal:
            return _page(request, amendment, form, papers, refusal)
        agency = book().city(case.city).agency
        told = _("已提交补正，{agency}继续审核。").format(agency=agency)
        if amended.due_on:
            told += _("承诺在 {day}前办结。").format(day=day_zh(amended.due_on))
        messages.success(request, told)
        return redirect(url)
    return _page(request, amendment, form, papers)


def _papers(amendment: Amendment, request: HttpRequest | None = None) -> PapersForm:
    wanted = [paper for paper in amendment.case.offer.papers if paper.code in amendment.papers]
    return PapersForm(
        request.POST if request else None,
        request.FILES if request else None,
        papers=wanted,
        brought={one.paper: one for one in amendment.attachments.all()},
    )


class _AmendForm(forms.Form):
    """What the page shows: the marked fields of the service's form, the papers, and the reply."""

    def __init__(self, service_form: ServiceForm, papers: PapersForm, amendment: Amendment) -> None:
        bound = service_form.is_bound
        super().__init__(service_form.data if bound else None, papers.files if bound else None)
        marked = {name: field for name, field in service_form.fields.items() if name in amendment.fields}
        self.fields.update({**marked, **papers.fields})
        self.initial = service_form.initial
        self.fields[REPLY] = forms.CharField(
            label=_("补充说明"),
            required=False,
            max_length=REPLY_MOST,
            help_text=_("审核人员会看到。认为原来填写无误的，请写明。"),
            widget=forms.Textarea(attrs={"rows": 3}),
        )
        if bound:
            self._errors = forms.utils.ErrorDict()
            self.cleaned_data: dict[str, Any] = {}
            for one in (service_form, papers):
                for name, errors in one.errors.items():
                    if name in self.fields or name == "__all__":
                        for error in errors:
                            self.add_error(None if name == "__all__" else name, error)


def _page(
    request: HttpRequest,
    amendment: Amendment,
    form: ServiceForm,
    papers: PapersForm,
    refusal: desk.NotAccepted | None = None,
) -> HttpResponse:
    case = amendment.case
    if form.is_bound:
        typed = cast(MultiValueDict[str, str], form.data)
        form.data = MultiValueDict({**dict(typed.lists()), REPLY: [request.POST.get(REPLY, "")]})
    shown = _AmendForm(form, papers, amendment)
    if refusal:
        add_findings(shown, refusal.findings)
    whys = {**amendment.fields, **{f"paper-{code}": why for code, why in amendment.papers.items()}}
    context = {
        "case": case,
        "city": book().city(case.city),
        "offer": case.offer,
        "amendment": amendment,
        "form": shown,
        "parts": [(shown[name], whys.get(name, "")) for name in shown.fields],
        "answers": case.facts.get("summary", []),
        "back_url": reverse("case", args=[case.number]),
        "withdraw_url": reverse("withdraw", args=[case.number]),
    }
    return render(request, "web/amend.html", context, status=422 if shown.errors else 200)
