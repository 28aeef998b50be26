"""注册个人账号: stating who one is, proving it, and then setting the password.

What is stated waits in the session of a browser that is not logged in; no account exists until the
last step.
"""

import secrets
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from portal.accounts import faces, onward, registration
from portal.accounts.codes import Purpose
from portal.accounts.fields import owner
from portal.accounts.forms import BankProofForm, FirstPasswordForm, RegisterForm, WindowProofForm
from portal.accounts.lockout import client_address
from portal.accounts.registration import HasGuardian, NotTheSamePerson, PhoneTaken, Stated, TooManyTries
from portal.accounts.views import back_to_first_step, door_context, next_page, two_steps
from portal.people import papers
from portal.policy.book import City, UnknownCity, book
from portal.policy.terms.people import account_proof_terms
from portal.shared.identity import mask_name, mask_phone
from portal.shared.months import today_in_china

STATED = "registering"
# For how long what was stated waits for its proof and its password.
SECONDS = 30 * 60

PHONE_TAKEN = gettext_lazy("这个手机号码已是另一账号的登录号码，请换一个手机号码。")
TOO_MANY = gettext_lazy("今天核验的次数过多，请明天再试，或携带身份证到窗口办理。")

_page = require_http_methods(["GET", "HEAD", "POST"])


@never_cache
@_page
def register(request: HttpRequest) -> HttpResponse:
    """The first step: who asks, and a code to the phone that they name. Then on to the proof, or to
    the password where the phone is the proof."""
    if request.user.is_authenticated:
        return redirect(next_page(request))
    form, proved = two_steps(request, RegisterForm, Purpose.REGISTER, lambda form: "")
    form.initial.setdefault("city", request.COOKIES.get("city", ""))
    if proved:
        typed = form.cleaned_data
        paper = form.stated_paper()
        stated = Stated(typed["name"], paper.identity_number, typed["phone"], paper)
        try:
            registration.check_phone(stated)
        except PhoneTaken:
            form = back_to_first_step(form)
            form.add_error("phone", PHONE_TAKEN)
        else:
            way = "phone" if registration.proved_by_phone(stated) else ""
            _keep(request, stated, typed["city"], way)
            return _on(request)
    return render(request, "accounts/register.html", door_context(request, form, _("注册")))


@never_cache
@_page
def prove(request: HttpRequest) -> HttpResponse:
    """核验身份, in one of the ways of the city."""
    registering = _said(request)
    if registering is None:
        return redirect("register")
    if registering["way"]:
        return _on(request)
    city, stated = _city(registering), _stated(registering)
    ways = _ways(city)
    bank, window = BankProofForm(), WindowProofForm()
    problem = ""
    how = request.POST.get("how", "") if request.method == "POST" else ""
    asker: dict[str, Any] = {"address": client_address(request), "now": timezone.now()}
    try:
        if how == "bank" and "bank" in ways:
            bank = BankProofForm(request.POST)
            if bank.is_valid():
                if registration.proved_by_bank(stated, number=bank.cleaned_data["number"], **asker):
                    return _proved(request, "bank")
                bank.add_error(
                    "number", _("与登记的不一致，请核对姓名、身份证号码和账号；没有登记过的，请用其他方式。")
                )
        elif how == "window" and "window" in ways:
            window = WindowProofForm(request.POST)
            if window.is_valid():
                if registration.proved_by_window(stated, code=window.cleaned_data["code"], **asker):
                    return _proved(request, "window")
                window.add_error("code", _("激活码不正确、已使用或已过期，请核对，或到窗口重新签发。"))
        elif how == "face" and "face" in ways:
            return _to_face_check(request, stated, asker)
    except TooManyTries:
        problem = str(TOO_MANY)
    except faces.Unreachable:
        problem = _("人脸核验服务暂时没有应答，请稍后再试，或用其他方式。")
    context = {
        "city": city,
        "ways": ways,
        "bank": bank,
        "window": window,
        "problem": problem,
        "phone": mask_phone(stated.phone),
        "form": bank if bank.errors else window if window.errors else None,
        "next_query": onward.query(next_page(request)),
    }
    return render(request, "accounts/register_prove.html", context)


@never_cache
@require_GET
def face_done(request: HttpRequest) -> HttpResponse:
    """The way back from the face check: only the provider's own answer counts."""
    registering = _said(request)
    provider = faces.face_check()
    if registering is None or not registering.get("face") or provider is None:
        return redirect("register")
    try:
        state = provider.state(registering["face"])
    except faces.Unreachable:
        state = faces.FaceState.WAITING
    if state == faces.FaceState.PASSED:
        return _proved(request, "face")
    return render(
        request,
        "accounts/register_face.html",
        {"state": state, "city": _city(registering), "next_query": onward.query(next_page(request))},
    )


@never_cache
@sensitive_post_parameters()
@_page
def set_password(request: HttpRequest) -> HttpResponse:
    """设置密码 of a proved person; what prevents an account is shown before the password is asked
    for."""
    registering = _said(request)
    if registering is None:
        return redirect("register")
    if not registering["way"]:
        return _on(request)
    stated, now = _stated(registering), timezone.now()
    account = registration.account_of(stated)
    try:
        if account is None:
            registration.check_record(stated, now=now)
            registration.check_phone(stated)
    except (HasGuardian, NotTheSamePerson, PhoneTaken) as stopped:
        return _stopped(request, registering, stopped)
    next_query = onward.query(next_page(request))
    if account:
        del request.session[STATED]
        registration.tell_owner(account, now=now)
        page_context = {"next_query": next_query, "phone": mask_phone(account.phone)}
        return render(request, "accounts/registered_before.html", page_context)
    about = owner(name=stated.name, phone=stated.phone, number=stated.identity_number)
    form = FirstPasswordForm(request.POST or None, owner=about)
    if form.is_valid():
        try:
            registration.open_account(stated, password=form.cleaned_data["password"], now=now)
        except (HasGuardian, NotTheSamePerson, PhoneTaken) as stopped:
            return _stopped(request, registering, stopped)
        del request.session[STATED]
        return render(
            request,
            "accounts/registered.html",
            {"next_query": next_query, "name": mask_name(stated.name), "phone": mask_phone(stated.phone)},
        )
    context = {"form": form, "submit_label": _("开通账号"), "next_query": next_query}
    return render(request, "accounts/register_password.html", context)


def _stopped(request: HttpRequest, registering: dict[str, Any], why: Exception) -> HttpResponse:
    """The page (409) of what prevents the account of a proved person, and what they can do."""
    context = {"why": type(why).__name__, "city": _city(registering)}
    return render(request, "accounts/register_stopped.html", context, status=409)


def _to_face_check(request: HttpRequest, stated: Stated, asker: dict[str, Any]) -> HttpResponse:
    provider = faces.face_check()
    if provider is None:
        raise faces.Unreachable
    registration.begin_face_check(stated, **asker)
    reference = secrets.token_urlsafe(24)
    back = onward.address(reverse("register-face"), next_page(request))
    page = provider.begin(
        reference=reference,
        name=stated.name,
        identity_number=stated.identity_number,
        return_url=request.build_absolute_uri(back),
    )
    request.session[STATED] = {**request.session[STATED], "face": reference}
    return redirect(page)


def _ways(city: City) -> tuple[str, ...]:
    """The ways that are open besides the phone; the face check only where there is a provider."""
    ways = account_proof_terms(book(), city=city.slug, on=today_in_china(timezone.now())).ways
    return tuple(way for way in ways if way != "phone" and (way != "face" or settings.FACE_CHECK))


def _keep(request: HttpRequest, stated: Stated, city: str, way: str) -> None:
    request.session[STATED] = {
        "name": stated.name,
        **stated.paper.told(),
        "phone": stated.phone,
        "city": city,
        "way": way,
        "face": "",
        "at": timezone.now().timestamp(),
    }


def _said(request: HttpRequest) -> dict[str, Any] | None:
    """What was stated in this session in the last SECONDS; None where nothing was, or where
    somebody is logged in."""
    registering: dict[str, Any] | None = request.session.get(STATED)
    if (
        registering is None
        or request.user.is_authenticated
        or timezone.now().timestamp() - registering["at"] > SECONDS
    ):
        return None
    return registering


def _stated(registering: dict[str, Any]) -> Stated:
    return Stated(
        registering["name"], registering["identity_number"], registering["phone"], papers.of_told(registering)
    )


def _city(registering: dict[str, Any]) -> City:
    try:
        return book().city(registering["city"])
    except UnknownCity:
        return book().cities[0]


def _proved(request: HttpRequest, way: str) -> HttpResponse:
    request.session[STATED] = {**request.session[STATED], "way": way}
    return _on(request)


def _on(request: HttpRequest) -> HttpResponse:
    """On to the password, or to the proof; the address of the page after that goes along."""
    proved = request.session[STATED]["way"]
    page = reverse("register-password" if proved else "register-prove")
    return redirect(onward.address(page, next_page(request)))
