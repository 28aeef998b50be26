"""The four steps of every application: 用户须知, 业务申报, 材料申报, 收件回执单."""

import hashlib
import json
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, Self
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from portal.accounts import onward, sliding
from portal.accounts.models import User
from portal.accounts.permissions import to_door, wards
from portal.hall import attachments, counter, desk, drafts, permissions
from portal.hall.catalogue import service as service_of
from portal.hall.catalogue import services
from portal.hall.models import Attachment, Case, Draft
from portal.hall.queries import just_done
from portal.hall.routing import ROUTES, Status
from portal.hall.service import (
    COMPARED,
    Applicant,
    Ask,
    Audience,
    Bar,
    Finding,
    Mismatch,
    Service,
    ServiceForm,
)
from portal.hall.ways import linked
from portal.people.models import Person
from portal.policy.book import City, Mode, Offer, Paper, book
from portal.shared.months import today_in_china
from portal.web.context import login_of, open_to, own_city_of

STEPS = (
    ("service", gettext_lazy("用户须知")),
    ("apply", gettext_lazy("业务申报")),
    ("materials", gettext_lazy("材料申报")),
    ("receipt", gettext_lazy("收件回执单")),
)

DOORS = {Audience.PERSON: "login-person", Audience.EMPLOYER: "login-employer"}

# What a form of the hall sends beside the service's own fields.
ACTION, KEY, SEEN = "action", "key", "seen"

# For how long going back to the steps of what was done leads to its receipt.
JUST = timedelta(hours=12)

# The ward's id in the addresses of an application that a guardian files.
WARD = "for"
# Which of several drafts of one offer it is about, in the same place: its id, or NEW for none of them.
DRAFT, NEW = "draft", "new"
_NUMBER = re.compile(r"[0-9]{1,18}")

# By so many characters everyone goes.
SOCIAL_SECURITY_DIGITS = 18

# How many drafts of one offer are listed.
SHOWN = 50


@dataclass(frozen=True)
class Errand:
    """What is applied for, by whom, now: what all steps of one application share."""

    city: City
    offer: Offer
    service: Service
    applicant: Applicant
    now: datetime
    # Which draft the address names: an id, NEW, or "" for the one that was touched last.
    picked: str = ""

    def url(self, step: str, **more: str) -> str:
        named = {DRAFT: self.picked} if self.picked else {}
        return address(step, self.city.slug, self.offer.code, self.applicant.ward, **named, **more)

    def form(self, typed: Any = None, known: Mapping[str, Any] | None = None) -> ServiceForm:
        return desk.form_for(
            offer=self.offer, applicant=self.applicant, typed=typed, known=known, now=self.now
        )

    def barred(self) -> list[str]:
        """Why this applicant cannot file it whatever they would answer, each with its links; empty where they can."""
        bars = desk.beforehand(offer=self.offer, applicant=self.applicant, now=self.now)
        return [linked(str(bar.why), bar.ways) for bar in bars]

    def drafts(self) -> list[Draft]:
        """What the login has begun of this and not sent; several only where it files about several people."""
        user, ward = self.applicant.user, self.applicant.ward
        return list(drafts.of_offer(user=user, offer=self.offer, ward=ward)[:SHOWN])

    def draft(self) -> Draft | None:
        """The draft that the address names; without a name, the one that was touched last."""
        user, ward = self.applicant.user, self.applicant.ward
        own = drafts.of_offer(user=user, offer=self.offer, ward=ward)
        if self.picked == NEW:
            return None
        return own.filter(pk=int(self.picked)).first() if self.picked else own.first()

    def on(self, draft: Draft) -> Self:
        """The same errand, its addresses naming this draft where there may be several."""
        return replace(self, picked=str(draft.pk)) if self.service.searches else self

    def subject(self, typed: Mapping[str, Any]) -> str:
        """The number that tells this draft from the login's others of the same offer; "" until a valid one was typed."""
        sought = self.service.searches
        if not sought:
            return ""
        try:
            said = self.service.sought(MultiValueDict(typed), now=self.now)
            number = str(self.form().fields[sought].clean(said) or "")
        except forms.ValidationError:
            return ""
        # A passport's number alone, which half an identity number looks like, is nobody's yet.
        return number if len(number) == SOCIAL_SECURITY_DIGITS else ""

    def keep(self, typed: Mapping[str, Any], *, checked: bool) -> Draft:
        return drafts.keep(
            user=self.applicant.user,
            offer=self.offer,
            typed=typed,
            checked=checked,
            now=self.now,
            ward=self.applicant.ward,
            subject=self.subject(typed),
            begun=self.draft(),
        )

    def known(self, typed: Any) -> tuple[dict[str, Any], str]:
        """What the register knows of the number typed, and why it may not be asked ("" where it may)."""
        try:
            return desk.known_of(self.service, self.offer, self.applicant, typed, self.now), ""
        except desk.NotAccepted as refusal:
            return {}, str(refusal)

    def page(self, step: str, **context: Any) -> dict[str, Any]:
        """The context that the pages of all steps share."""
        return {
            "city": self.city,
            "offer": self.offer,
            "service": self.service,
            "ward": self.applicant.ward,
            "steps": self._steps(step),
            **context,
        }

    def _steps(self, step: str) -> list[dict[str, Any]]:
        at = [name for name, _title in STEPS].index(step)
        return [
            {
                "title": title,
                "state": "done" if place < at else "now" if place == at else "next",
                "url": self.url(name) if place < at else "",
            }
            for place, (name, title) in enumerate(STEPS)
        ]


View = Callable[[HttpRequest, Errand], HttpResponseBase]


def address(step: str, city: str, code: str, ward: Person | None = None, **more: str) -> str:
    """Where a step of an application stands; the address says for which ward it is."""
    query = {**({WARD: str(ward.pk)} if ward else {}), **more}
    return reverse(step, args=[city, code]) + (f"?{urlencode(query)}" if query else "")


def _applicant(request: HttpRequest, kind: Service) -> Applicant:
    """Whom the login files for: the ward that the address names, else itself. Http404 for whoever is no ward of its own."""
    user, named = login_of(request), request.GET.get(WARD, "")
    if not named:
        return Applicant.of(user)
    ward = wards(user).filter(pk=int(named)).first() if kind.for_wards and _NUMBER.fullmatch(named) else None
    if ward is None:
        raise Http404
    return Applicant.of(user, ward)


def _picked(request: HttpRequest, kind: Service) -> str:
    """Which draft the address names, of a service that may have several. Http404 where it names none that can be."""
    named = request.GET.get(DRAFT, "") if kind.searches else ""
    if named in ("", NEW) or _NUMBER.fullmatch(named):
        return named
    raise Http404


def for_applicants(view: View) -> Callable[[HttpRequest, str, str], HttpResponseBase]:
    """A step that only the service's own audience may take: others are shown the right door."""

    @wraps(view)
    def guarded(request: HttpRequest, city: str, code: str) -> HttpResponseBase:
        place = book().city(city)
        if code not in place.offers:
            return _not_here(request, place, code)
        kind = service_of(code)
        if not request.user.is_authenticated:
            return to_door(request, DOORS[kind.audience])
        if not permissions.may_file(request.user, kind):
            return redirect("service", city, code)
        applicant = _applicant(request, kind)
        if permissions.why_not_in(applicant, city, kind):
            return redirect("service", city, code)
        errand = Errand(
            place, place.offers[code], kind, applicant, timezone.now(), picked=_picked(request, kind)
        )
        turned = _finished(request, errand) or _turned(request, errand)
        return turned or view(request, errand)

    return guarded


# Step 1


@require_safe
def service(request: HttpRequest, city: str, code: str) -> HttpResponseBase:
    """用户须知: public, so that anyone can read what it takes; says which login it needs."""
    place = book().city(city)
    if code not in place.offers:
        return _not_here(request, place, code)
    offer, kind = place.offers[code], service_of(code)
    context: dict[str, Any] = {}
    applicant = None
    if not request.user.is_authenticated:
        door = reverse(DOORS[kind.audience])
        context["login_url"] = onward.address(door, reverse("apply", args=[city, code]))
    elif permissions.may_file(request.user, kind):
        applicant = _applicant(request, kind)
        if elsewhere := permissions.why_not_in(applicant, city, kind):
            context["blocked"] = {"why": elsewhere, **_own_way(login_of(request), code)}
            applicant = None
    else:
        context["blocked"] = _other_login(kind)
    if applicant is None:
        return render(request, "web/notice.html", {**_public_page(place, offer, kind), **context})
    errand = Errand(place, offer, kind, applicant, timezone.now())
    turned = _turned(request, errand)
    if turned:
        return turned
    return render(
        request,
        "web/notice.html",
        {
            **_public_page(place, offer, kind),
            "barred": errand.barred(),
            "draft": None if kind.searches else errand.draft(),
            "drafts": _begun_before(errand) if kind.searches else [],
            "ward": applicant.ward,
            "next_url": replace(errand, picked=NEW if kind.searches else "").url("apply"),
            "choices": _for_whom(errand),
        },
    )


def _begun_before(errand: Errand, shown: Draft | None = None) -> list[dict[str, Any]]:
    """The other drafts of an offer that may have several, each with the way to go on with it."""
    return [
        {
            "about": drafts.about(draft) or _("尚未填写证件号码"),
            "updated_at": draft.updated_at,
            "url": errand.on(draft).url("apply"),
        }
        for draft in errand.drafts()
        if shown is None or draft.pk != shown.pk
    ]


def _for_whom(errand: Errand) -> list[dict[str, Any]]:
    """For whom this login may file it, itself first; empty where there is nothing to choose."""
    if not errand.service.for_wards:
        return []
    chosen = errand.applicant.ward
    place, code = errand.city.slug, errand.offer.code
    of_wards = [
        {"label": ward.name, "url": address("service", place, code, ward), "current": ward == chosen}
        for ward in wards(errand.applicant.user)
    ]
    if not of_wards:
        return []
    own = {"label": _("本人"), "url": address("service", place, code), "current": chosen is None}
    return [own, *of_wards]


def _public_page(city: City, offer: Offer, kind: Service) -> dict[str, Any]:
    steps = [
        {"title": title, "state": "next" if place else "now"} for place, (_name, title) in enumerate(STEPS)
    ]
    return {
        "city": city,
        "offer": offer,
        "service": kind,
        "steps": steps,
        "audience": kind.audience,
        "how_it_ends": kind.how_it_ends(offer) or _how_it_ends(offer),
        "next_url": reverse("apply", args=[city.slug, offer.code]),
    }


def _other_login(kind: Service) -> dict[str, str]:
    if kind.audience == Audience.EMPLOYER:
        why = _("这个事项由用人单位办理，您现在登录的不是单位账号。")
        what = _("请退出后，由单位经办人从“单位登录”进入办理。")
    else:
        why = _("这个事项由个人办理，您现在登录的不是个人账号。")
        what = _("请退出后，用本人的个人账号从“个人登录”进入办理。")
    return {"why": why, "what_to_do": what}


def _own_way(clerk: User, code: str) -> dict[str, str]:
    """Where a clerk goes on in the city of their employer: to the same service, where it has it, else to all of its services."""
    own = own_city_of(clerk)
    if own is None:
        return {}
    if code in own.offers:
        title = own.offers[code].title
        return {
            "url": reverse("service", args=[own.slug, code]),
            "label": _("到{city}办理“{title}”").format(city=own.title, title=title),
        }
    return {
        "url": reverse("services", args=[own.slug]),
        "label": _("查看{city}的全部事项").format(city=own.title),
    }


def _how_it_ends(offer: Offer) -> str:
    if offer.mode == Mode.DIRECT:
        return _("提交后由系统校验，符合条件的当场办结。")
    if offer.mode == Mode.MATCH:
        return _(
            "提交后与登记信息比对：一致的当场办结；不一致的转为预申请，请打印申请表并携带材料到窗口办理。"
        )
    if offer.mode == Mode.COUNTER:
        return _("网上填写后打印申请表，携带材料到窗口，由工作人员核对后办结。")
    return _("提交后由社保经办机构审核，结果可在办件进度中查看；审核前可以撤回。")


def _finished(request: HttpRequest, errand: Errand) -> HttpResponse | None:
    """The way to the receipt for whoever goes back into what they have just done, and would be led to another service."""
    person = errand.applicant.person
    if request.method == "POST" or person is None or not _leads_to(errand):
        return None
    case = just_done(
        applicant_person=person.pk,
        city=errand.city.slug,
        service=errand.offer.code,
        since=errand.now - JUST,
    )
    if case is None:
        return None
    messages.info(request, _("“{title}”已经办结，办理结果在这里。").format(title=errand.offer.title))
    return redirect("receipt", case.number)


def _leads_to(errand: Errand) -> str:
    """The code of the service that this applicant should get instead, where one entrance serves two; else ""."""
    code = errand.service.leads_to(offer=errand.offer, applicant=errand.applicant, now=errand.now)
    return code if code != errand.offer.code and code in errand.city.offers else ""


def _turned(request: HttpRequest, errand: Errand) -> HttpResponse | None:
    """The way to the service that this applicant should get instead, where one entrance serves two."""
    code = _leads_to(errand)
    if not code:
        return None
    other = errand.city.offers[code]
    messages.info(
        request,
        _("按您目前的参保状态，不需要办理“{here}”；这里是同一入口的“{there}”。").format(
            here=errand.offer.title, there=other.title
        ),
    )
    return redirect(address("service", errand.city.slug, code, errand.applicant.ward))


def _not_here(request: HttpRequest, city: City, code: str) -> HttpResponse:
    """The city does not offer it: where it is done instead, where the city's data say so; else which cities offer it."""
    if code in city.elsewhere:
        return render(request, "web/done_elsewhere.html", {"city": city, "there": city.elsewhere[code]})
    elsewhere = [
        {"city": other, "offers": [other.offers[code]]}
        for other in book().cities
        if code in other.offers and open_to(request.user, other.offers[code], services()[code])
    ]
    title = services()[code].title if code in services() else ""
    return render(
        request, "web/not_offered.html", {"city": city, "elsewhere": elsewhere, "title": title}, status=404
    )


# Step 2


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
    form, ok = _judged(errand, request.POST, gate_passed=False)
    if ok or form.fields:
        draft = errand.keep(typed, checked=ok)
        errand = errand.on(draft)
    if ok:
        return redirect(errand.url("materials"))
    return _form_page(request, errand, form, draft=draft)


def _autosaved(
    request: HttpRequest, errand: Errand, typed: dict[str, list[str]], draft: Draft | None
) -> JsonResponse:
    """When it was kept, where the form is sent from now on, and how long the session lives; 409 where the draft is no longer as
    the page saw it."""
    kept = drafts.autosave(
        user=errand.applicant.user,
        offer=errand.offer,
        ward=errand.applicant.ward,
        typed=typed,
        seen=request.POST.get(SEEN, ""),
        subject=errand.subject(typed),
        begun=draft,
        now=errand.now,
    )
    if kept is None:
        return JsonResponse({"changed": True}, status=409)
    at = timezone.localtime(kept.updated_at)
    return JsonResponse(
        {
            "at": f"{at:%H:%M}",
            "seen": drafts.stamp(kept),
            "action": errand.on(kept).url("apply"),
            "ends_in": sliding.seconds_left(request),
        }
    )


def _draft_page(errand: Errand) -> dict[str, Any]:
    return {"city": errand.city, "offer": errand.offer, "form_url": errand.url("apply")}


def _begun(request: HttpRequest, errand: Errand) -> HttpResponse:
    draft = errand.draft()
    if draft is None:
        known, _problem = errand.known({})
        return _form_page(request, errand, errand.form(known=known))
    errand = errand.on(draft)
    typed = MultiValueDict(draft.typed)
    if "check" in request.GET:
        form, _ok = _judged(errand, typed, gate_passed=True)
        return _form_page(request, errand, form, draft=draft)
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
    return _form_page(request, errand, form, draft=draft, known=known, problem=problem)


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
    return _form_page(request, errand, form, draft=draft, known=known, problem=problem)


def _judged(errand: Errand, typed: Any, *, gate_passed: bool) -> tuple[ServiceForm, bool]:
    """The form with all that is wrong beside its fields, and whether nothing is."""
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
    _facts, findings = desk.examine(ask)
    _add(form, _stoppers(errand.offer, findings))
    return form, not form.errors


def _stoppers(offer: Offer, findings: Sequence[Finding]) -> list[Finding]:
    """The findings that keep the application from being taken in the offer's mode."""
    if (offer.mode, desk.verdict_of(findings)) in ROUTES:
        return []
    bars: list[Finding] = [finding for finding in findings if isinstance(finding, Bar)]
    return bars or list(findings)


def _add(form: forms.Form, findings: Sequence[Finding]) -> None:
    for finding in findings:
        form.add_error(
            finding.field if finding.field in form.fields else None, linked(str(finding.why), finding.ways)
        )


def _typed(errand: Errand, sent: Any) -> dict[str, list[str]]:
    """What was typed into the service's own fields, gates left out."""
    form = errand.form()
    own = [form.add_prefix(name) for name in form.fields if name not in form.gate]
    return {
        # PostgreSQL keeps no NUL in text, and nobody types one.
        key: [value.replace("\0", "") for value in values]
        for key, values in sent.lists()
        if any(key == name or key.startswith(f"{name}_") for name in own)
    }


def _form_page(
    request: HttpRequest,
    errand: Errand,
    form: ServiceForm,
    *,
    draft: Draft | None = None,
    known: Mapping[str, Any] | None = None,
    problem: str = "",
) -> HttpResponse:
    sought = errand.service.searches
    if sought:
        field = form.fields[sought]
        field.search_button = True  # type: ignore[attr-defined]
        asked = draft and any(draft.typed.get(sought, []))
        if asked and not known and not problem and known is not None and sought not in form.errors:
            note = errand.service.finds_nobody
            field.search_note = note  # type: ignore[attr-defined]
    context = errand.page(
        "apply",
        form=form,
        barred=errand.barred(),
        draft=draft,
        drafts=_begun_before(errand, draft) if sought else [],
        seen=drafts.stamp(draft) if draft else "",
        about=drafts.about(draft) if draft and sought else "",
        new_url=replace(errand, picked=NEW).url("apply") if sought else "",
        form_url=errand.url("apply"),
        back_url=replace(errand, picked="").url("service"),
    )
    return render(request, "web/apply.html", context)


# Step 3


class PapersForm(forms.Form):
    """One file for each paper that is handed in online; those handed in before need not be chosen again."""

    def __init__(
        self, *args: Any, papers: Sequence[Paper], brought: Mapping[str, Attachment], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.papers, self.brought = papers, brought
        for paper in papers:
            kinds = _("JPG 或 PNG 图片") if paper.kind == "photo" else _("JPG、PNG 图片或 PDF 文件")
            widget = forms.FileInput(
                attrs={"accept": attachments.ACCEPTED[paper.kind], "data-max-bytes": attachments.MAX_BYTES}
            )
            field = forms.FileField(
                label=paper.title,
                required=bool(paper.required or paper.required_when),
                initial=brought.get(paper.code),
                allow_empty_file=True,
                help_text=_("{kinds}，不超过 5 MB。").format(kinds=kinds),
                widget=widget,
                error_messages={"required": _("请上传{title}。").format(title=paper.title)},
            )
            field.attachment = brought.get(paper.code)  # type: ignore[attr-defined]
            self.fields[f"paper-{paper.code}"] = field


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@for_applicants
def materials(request: HttpRequest, errand: Errand) -> HttpResponseBase:
    """材料申报: the papers, the last look, and sending. Only what was shown is sent, whatever other windows have done since."""
    posted = Look.of(request)
    draft = _draft_of(errand, posted)
    before = _sent_before(request, posted)
    if before and (draft is None or draft.key != before.key):
        if posted.content and posted.content != before.digest:
            return _sent_otherwise(request, errand, before)
        return _result(before, errand.now)
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
            return _result(case, errand.now)
    except desk.NotAccepted:
        return _back_to_form(errand, draft)
    except desk.KeyReused:
        return _key_reused(request, errand, draft)
    facts, findings = desk.examine(ask)
    if _stoppers(errand.offer, findings):
        return _back_to_form(errand, draft)
    papers = errand.service.papers(ask, facts)
    form = PapersForm(
        request.POST if request.method == "POST" else None,
        request.FILES if request.method == "POST" else None,
        papers=[paper for paper in papers if paper.upload],
        brought={attachment.paper: attachment for attachment in draft.attachments.all()},
    )
    summary = errand.service.summary(ask, facts)
    look = Look.at(draft, ask, summary, findings, form.brought)
    if request.method == "POST":
        answer = _sent(request, errand, draft, ask, form, posted, look)
        if answer:
            return answer
        look = Look.at(draft, ask, summary, findings, form.brought)
    return _last_look(request, errand, ask, facts, summary, findings, papers, form, look, draft.typed)


CHANGED = gettext_lazy("这份申报的内容已在另一窗口改动，请按现在显示的内容重新核对后再提交。")


@dataclass(frozen=True)
class Look:
    """What a last look showed: of which draft, which answers, and what was said and handed in beside them.

    It goes out with the page and comes back with what is sent, so that nothing is filed that was not shown.
    """

    key: uuid.UUID | None = None
    content: str = ""
    rest: str = ""

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        """The look that the sent page had; empty where it names none."""
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
        ask: Ask,
        summary: Sequence[tuple[str, str]],
        findings: Sequence[Finding],
        brought: Mapping[str, Attachment],
    ) -> Self:
        """What is shown now."""
        said = [[str(label), str(value)] for label, value in summary]
        why = [str(finding.why) for finding in findings]
        papers = sorted((paper, one.digest) for paper, one in brought.items())
        rest = json.dumps([said, why, papers], ensure_ascii=False).encode()
        return cls(draft.key, desk.digest_of(ask), hashlib.sha256(rest).hexdigest())

    def __str__(self) -> str:
        return f"{self.key}.{self.content}.{self.rest}"


def _draft_of(errand: Errand, posted: Look) -> Draft | None:
    """The draft that the sent page showed; where it is gone, or nothing was sent, the one that the address names."""
    user, ward = errand.applicant.user, errand.applicant.ward
    own = drafts.of_offer(user=user, offer=errand.offer, ward=ward)
    shown = own.filter(key=posted.key).first() if posted.key else None
    return shown or errand.draft()


def _sent(
    request: HttpRequest,
    errand: Errand,
    draft: Draft,
    ask: Ask,
    form: PapersForm,
    posted: Look,
    look: Look,
) -> HttpResponseBase | None:
    """What a press of the last look's buttons does; None where the page is shown again with what is wrong."""
    changed = posted != look
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
        _keep_files(form, draft, errand.now)
    except Draft.DoesNotExist:
        case = Case.objects.filter(key=draft.key, filed_by=errand.applicant.user).first()
        return _result(case, errand.now) if case else redirect(errand.url("apply"))
    if form.errors:
        return None
    if request.POST.get(ACTION) == "upload":
        return redirect(errand.url("materials"))
    if changed:
        return redirect(errand.url("materials"))
    try:
        case = desk.submit(ask=ask, key=draft.key, attachments=list(form.brought.values()), now=errand.now)
    except desk.KeyReused:
        return _key_reused(request, errand, draft)
    except desk.NotAccepted as error:
        return _refused(request, errand, draft, form, error.findings)
    drafts.sent(draft)
    return _result(case, errand.now)


def _result(case: Case, now: datetime) -> HttpResponse:
    """Where one goes on from what was just filed: where its service says, such as to the order; else to its receipt."""
    return redirect(service_of(case.service).goes_to(case, now=now) or reverse("receipt", args=[case.number]))


def _keep_files(form: PapersForm, draft: Draft, now: datetime) -> None:
    for paper in form.papers:
        name = f"paper-{paper.code}"
        file = form.files.get(name)
        if file is None:
            continue
        try:
            form.brought = {
                **form.brought,
                paper.code: attachments.keep_upload(draft=draft, paper=paper, file=file, now=now),
            }
        except attachments.UploadRefused as refusal:
            form.add_error(name, str(refusal))
        form.fields[name].attachment = form.brought.get(paper.code)  # type: ignore[attr-defined]


def _refused(
    request: HttpRequest, errand: Errand, draft: Draft, form: PapersForm, findings: Sequence[Finding]
) -> HttpResponse | None:
    """Shows why the desk did not take it, beside the field: a paper's here, an answer's on the form."""
    stoppers = _stoppers(errand.offer, findings) or list(findings)
    answers = errand.form().fields
    if not any(finding.field in answers for finding in stoppers):
        _add(form, stoppers)
        return None
    service_form, _ok = _judged(errand, MultiValueDict(draft.typed), gate_passed=True)
    told = {str(error) for errors in service_form.errors.values() for error in errors}
    _add(service_form, [one for one in stoppers if linked(str(one.why), one.ways) not in told])
    errand.keep(draft.typed, checked=False)
    return _form_page(request, errand, service_form, draft=draft)


def _sent_before(request: HttpRequest, posted: Look) -> Case | None:
    """The case that this page was already sent as: its button pressed twice, or the page sent again later."""
    return Case.objects.filter(key=posted.key, filed_by=login_of(request)).first() if posted.key else None


def _key_reused(request: HttpRequest, errand: Errand, draft: Draft) -> HttpResponse:
    """409: these answers differ from those that were sent under the same key; both are kept apart from now on."""
    case = Case.objects.filter(key=draft.key, filed_by=errand.applicant.user).first()
    Draft.objects.filter(pk=draft.pk, key=draft.key).update(key=uuid.uuid4())
    return _sent_otherwise(request, errand, case, again=errand.url("materials"))


def _sent_otherwise(request: HttpRequest, errand: Errand, case: Case | None, again: str = "") -> HttpResponse:
    """409: what this page showed was not sent, for another window had sent the same application with other content.

    ``again`` is the last look at what was not sent, where it is still there.
    """
    return render(
        request,
        "web/sent_otherwise.html",
        {"city": errand.city, "offer": errand.offer, "case": case, "again_url": again},
        status=409,
    )


def _back_to_form(errand: Errand, draft: Draft) -> HttpResponse:
    """What was checked does not hold any more (a month's window closed, say): the form shows why."""
    errand.keep(draft.typed, checked=False)
    return redirect(errand.url("apply", check="1"))


def _last_look(
    request: HttpRequest,
    errand: Errand,
    ask: Ask,
    facts: Any,
    summary: Sequence[tuple[str, str]],
    findings: Sequence[Finding],
    papers: Sequence[Paper],
    form: PapersForm,
    look: Look,
    typed: Mapping[str, Sequence[str]],
) -> HttpResponse:
    route = ROUTES[errand.offer.mode, desk.verdict_of(findings)]
    preview = errand.service.preview(ask, facts)
    edit = errand.url("apply")
    context = errand.page(
        "materials",
        answers=counter.typed_in_full(summary, ask.answers, typed),
        findings=[
            linked(str(finding.why), finding.ways) for finding in findings if isinstance(finding, Mismatch)
        ],
        form=form,
        key=str(look),
        to_bring=[paper for paper in papers if not paper.upload],
        part=render_to_string(preview["template"], preview, request) if preview else "",
        due_on=None if route == Status.DONE else desk.promised_on(errand.offer, today_in_china(errand.now)),
        how_it_ends=errand.service.how_it_ends(errand.offer) or _how_it_ends(errand.offer),
        submit_label=_("提交预申请")
        if route == Status.PRE_APPLIED
        else errand.service.submit_words(ask, facts),
        dangerous=errand.service.dangerous,
        back_url=edit,
    )
    return render(request, "web/materials.html", context)
