"""The workbench's page to send a case back to its applicant, and to take that back."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.hall import amending, desk, lifecycle, permissions, reviewing
from portal.hall.amending import Amendable
from portal.hall.models import Case
from portal.hall.workbench import staff_of
from portal.shared.months import day_zh

WHY_MOST = 200
_FIELD, _PAPER = "field-", "paper-"


class SendBackForm(forms.Form):
    """退回补正: why, beside each answer and paper that can go back; what is left empty stays."""

    def __init__(self, *args: Any, may: Amendable, filed: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in may.fields.items():
            self.fields[_FIELD + name] = forms.CharField(
                label=label,
                help_text=_("现在填的：{value}").format(value=filed.get(label) or _("没有填")),
                required=False,
                max_length=WHY_MOST,
            )
        for code, paper in may.papers.items():
            self.fields[_PAPER + code] = forms.CharField(
                label=_("材料“{title}”").format(title=paper.title), required=False, max_length=WHY_MOST
            )

    def marked(self, prefix: str) -> dict[str, str]:
        return {
            name.removeprefix(prefix): why
            for name, why in self.cleaned_data.items()
            if name.startswith(prefix) and why
        }


class SendsBack:
    """For the admin of cases: the addresses of sending back and taking back."""

    admin_site: Any
    opts: Any

    def sending_back_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:object_id>/send-back/", view(self.send_back_view), name="hall_case_send_back"),
            path("<int:object_id>/take-back/", view(self.take_back_view), name="hall_case_take_back"),
        ]

    def send_back_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Asks what is to be amended and why; a POST sends the case back and goes on."""
        case, by = self._case(request, object_id), staff_of(request)  # type: ignore[attr-defined]
        url = reverse("admin:hall_case_change", args=[case.pk])
        why_not, may = permissions.why_not_decide(by, case), amending.amendable(case)
        if why_not or not may:
            messages.error(request, why_not or _("这份办件现在不能退回补正。"))
            return HttpResponseRedirect(url)
        form = SendBackForm(
            request.POST if request.method == "POST" else None,
            may=may,
            filed=dict(reviewing.answers_of(case)),
        )
        if request.method == "POST" and form.is_valid():
            try:
                amendment = amending.send_back(
                    case,
                    fields=form.marked(_FIELD),
                    papers=form.marked(_PAPER),
                    by=by,
                    now=timezone.now(),
                )
            except desk.NotAccepted as refusal:
                for finding in refusal.findings:
                    form.add_error(None, finding.why)
            except desk.NotAllowed as refused:
                messages.error(request, str(refused))
                return HttpResponseRedirect(url)
            except lifecycle.AlreadyMoved as moved:
                messages.error(request, moved.message)
                return HttpResponseRedirect(url)
            else:
                words = _("{{number}}：已退回补正，申请人最晚 {day}补正。").format(
                    day=day_zh(amendment.until)
                )
                return self._go_on(request, case, words)  # type: ignore[attr-defined]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("退回补正"),
            "case": case,
            "form": form,
            "back_url": url,
        }
        return TemplateResponse(
            request, "admin/hall/send_back.html", context, status=422 if form.errors else 200
        )

    def take_back_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Reviews the case as it is after all."""
        if request.method != "POST":
            raise Http404
        case: Case = self._case(request, object_id)  # type: ignore[attr-defined]
        amendment = amending.standing(case)
        try:
            if amendment is None:
                raise lifecycle.AlreadyMoved
            amending.take_back(amendment, by=staff_of(request), now=timezone.now())
        except desk.NotAllowed as refused:
            messages.error(request, str(refused))
        except lifecycle.AlreadyMoved as moved:
            messages.error(request, moved.message)
        else:
            messages.success(request, _("已收回退回，办件回到待办理；已告知申请人。"))
        return HttpResponseRedirect(reverse("admin:hall_case_change", args=[case.pk]))
