"""注册个人账号: stating who one is, proving it, and then setting the password.

What is stated waits in the session of a browser that is not logged in; no account exists until the
last step.
"""

from collections.abc import Sequence
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

from portal.accounts import onward, registration
from portal.accounts.codes import Purpose
from portal.accounts.faces import FaceState
from portal.accounts.fields import owner
from portal.accounts.forms import FirstPasswordForm, RegisterForm
from portal.accounts.levels import level_by
from portal.accounts.proof import Stated, proved_by_phone
from portal.accounts.proof_views import Proving
from portal.accounts.registration import HasGuardian, NotTheSamePerson, PhoneTaken
from portal.accounts.views import back_to_first_step, door_context, next_page, two_steps
from portal.people import papers
from portal.policy.book import City, UnknownCity, book
from portal.policy.terms.desks import desk_terms
from portal.policy.terms.people import account_proof_terms
from portal.shared.identity import mask_name, mask_phone
from portal.shared.months import today_in_china

STATED = "registering"
# For how long what was stated waits for its proof and its password.
SECONDS = 30 * 60

PHONE_TAKEN = gettext_lazy("这个手机号码已是另一账号的登录号码，请换一个手机号码。")

_page = require_http_methods(["GET", "HEAD", "POST"])


@never_cache
@_page
def register(request: HttpRequest) -> HttpResponse:
    """The first step: who asks, and a code to the phone that they name. Then on to the proof, or to
    the password where the phone is the proof."""
    if request.user.is_authenticated:
        return redirect(next_page(request))
    chosen = request.POST.get("city", "")
    if chosen in {city.slug for city in book().cities} and _opened_at_desks(chosen):
        return redirect("desks", chosen)
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
            on = today_in_china(timezone.now())
            takes_phone = "phone" in account_proof_terms(book(), city=typed["city"], on=on).ways
            way = "phone" if takes_phone and proved_by_phone(stated) else ""
            _keep(request, stated, typed["city"], way)
            return _on(request)
    at_desks = [city for city in book().cities if _opened_at_desks(city.slug)]
    context = door_context(request, form, _("注册"), doors=_doors(but=at_desks), at_desks=at_desks)
    return render(request, "accounts/register.html", context)


@never_cache
@_page
def prove(request: HttpRequest) -> HttpResponse:
    """核验身份, in one of the ways of the city."""
    registering = _said(request)
    if registering is None:
        return redirect("register")
    if registering["way"]:
        return _on(request)
    proving = _proving(request, registering)
    way = proving.proved()
    if way:
        return _proved(request, way)
    begun = proving.face_page(onward.address(reverse("register-face"), next_page(request)))
    if begun:
        reference, page = begun
        request.session[STATED] = {**request.session[STATED], "face": reference}
        return onward.leave(request, page, _("刷脸核验"))
    context = {
        **proving.context(),
        "phone": mask_phone(registering["phone"]),
        "by_phone": "phone" in proving.asker.terms.ways,
        "next_query": onward.query(next_page(request)),
    }
    return render(request, "accounts/register_prove.html", context)


@never_cache
@require_GET
def face_done(request: HttpRequest) -> HttpResponse:
    """The way back from the face check: only the provider's own answer counts."""
    registering = _said(request)
    if registering is None or not registering.get("face"):
        return redirect("register")
    state = _proving(request, registering).face_state(registering["face"])
    if state == FaceState.PASSED:
        return _proved(request, "face")
    back_url = onward.address(reverse("register-prove"), next_page(request))
    context = {
        "state": state,
        "city": _city(registering),
        "back_url": back_url,
        "here": request.get_full_path(),
    }
    return render(request, "accounts/register_face.html", context)


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
            registration.open_account(
                stated,
                password=form.cleaned_data["password"],
                now=now,
                level=level_by(registering["way"]),
            )
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


# What a city's way to prove who one is is called before it is chosen.
_WAYS = {
    "phone": gettext_lazy("社保登记的手机号码"),
    "partner": gettext_lazy("合作银行账户"),
    "card": gettext_lazy("已激活的社会保障卡"),
    "face": gettext_lazy("刷脸"),
    "window": gettext_lazy("窗口激活码"),
}


def _doors(but: Sequence[City]) -> list[tuple[str, str]]:
    """By what each city lets people register, ``but`` for those that open no accounts online: title
    and words. The face only where there is a provider."""
    on = today_in_china(timezone.now())
    words = {way: _WAYS[way] for way in _WAYS if way != "face" or settings.FACE_CHECK}
    cities = [city for city in book().cities if city not in but]
    ways = {city.title: account_proof_terms(book(), city=city.slug, on=on).ways for city in cities}
    return [(title, "、".join(str(words[way]) for way in its if way in words)) for title, its in ways.items()]


def _stopped(request: HttpRequest, registering: dict[str, Any], why: Exception) -> HttpResponse:
    """The page (409) of what prevents the account of a proved person, and what they can do."""
    context = {"why": type(why).__name__, "city": _city(registering)}
    return render(request, "accounts/register_stopped.html", context, status=409)


def _opened_at_desks(city: str) -> bool:
    """Whether accounts in the city are opened by its community desks, and not online."""
    return desk_terms(book(), city=city, on=today_in_china(timezone.now())) is not None


def _proving(request: HttpRequest, registering: dict[str, Any]) -> Proving:
    city = _city(registering)
    ways = account_proof_terms(book(), city=city.slug, on=today_in_china(timezone.now())).ways
    return Proving(request, _stated(registering), city, ways)


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
