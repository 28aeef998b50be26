"""The pages between the password and the workbench: another password, the second factor, and
enrolling one; and the page where staff look after their own factors."""

from collections.abc import Callable
from typing import Any

import segno
from django import forms
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from portal.accounts import factors, onward, passkeys
from portal.accounts.fields import NewPasswordMixin
from portal.accounts.halfway import next_step
from portal.accounts.models import Kind, User
from portal.accounts.permissions import login_required_any
from portal.accounts.views import device_words, next_page

_page = require_http_methods(["GET", "HEAD", "POST"])
# The recovery codes of the session, until their page was seen.
CODES = "recovery_codes"


class FirstPasswordForm(NewPasswordMixin):
    """One's own password, in place of a password that somebody else has typed."""

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password(self) -> str:
        password = super().clean_password()
        if self.user.check_password(password):
            raise ValidationError(_("新密码不能与原密码相同。"))
        return password


class CodeForm(forms.Form):
    code = forms.CharField(
        label=gettext_lazy("动态验证码或恢复码"),
        max_length=20,
        widget=forms.TextInput(
            attrs={"class": "w-11", "autocomplete": "one-time-code", "spellcheck": "false"}
        ),
    )


class PasskeyForm(forms.Form):
    """What a passkey has signed, as passkeys.js puts it there; without scripts it comes empty."""

    passkey = forms.CharField(max_length=20_000, required=False, widget=forms.HiddenInput)


class NewPasskeyForm(PasskeyForm):
    name = forms.CharField(
        label=gettext_lazy("名称"),
        max_length=64,
        help_text=gettext_lazy("用来认出是哪台设备或哪把安全密钥。"),
        widget=forms.TextInput(attrs={"class": "w-18", "autocomplete": "off"}),
    )


class EnrolForm(CodeForm):
    code = forms.CharField(
        label=gettext_lazy("应用显示的 6 位动态验证码"),
        max_length=20,
        widget=forms.TextInput(
            attrs={
                "class": "w-6",
                "inputmode": "numeric",
                "autocomplete": "one-time-code",
                "spellcheck": "false",
            }
        ),
    )


def _user(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Http404
    return request.user


def _staff(request: HttpRequest) -> User:
    user = _user(request)
    if user.kind != Kind.STAFF or user.must_change_password:
        raise Http404
    return user


@never_cache
@sensitive_post_parameters()
@_page
def first_password(request: HttpRequest) -> HttpResponse:
    """首次登录修改密码; logins elsewhere end with it."""
    user = _user(request)
    if not user.must_change_password:
        return redirect(next_page(request))
    form = FirstPasswordForm(request.POST or None, user=user)
    if form.is_valid():
        user.set_password(form.cleaned_data["password"])
        user.must_change_password = False
        user.save(update_fields=["password", "must_change_password"])
        update_session_auth_hash(request, user)
        messages.success(request, _("密码已修改。"))
        return redirect(next_page(request))
    context = {"form": form, "submit_label": _("修改密码"), "next": next_page(request)}
    return render(request, "accounts/first_password.html", context)


@never_cache
@sensitive_post_parameters()
@_page
def factor(request: HttpRequest) -> HttpResponse:
    """The second factor: before the workbench opens, and again before money is let go."""
    user = _staff(request)
    if not factors.has_factor(user):
        return redirect(reverse("factor-enrol"))
    by_passkey = "passkey" in request.POST
    passkey = PasskeyForm(request.POST if by_passkey else None)
    form = CodeForm(None if by_passkey else request.POST or None)
    if by_passkey and passkey.is_valid():
        try:
            factors.give_passkey(request, user, passkey.cleaned_data["passkey"], now=timezone.now())
        except passkeys.Refused as why:
            passkey.add_error(None, str(why))
        else:
            return redirect(next_page(request))
    elif not by_passkey and form.is_valid():
        tried = factors.give(request, user, form.cleaned_data["code"], now=timezone.now())
        if tried.right:
            return redirect(next_page(request))
        if tried.wait:
            wrong = _("验证码不正确或已用过。请在 %(wait)s 秒后输入新的验证码。") % {"wait": tried.wait}
        else:
            wrong = _("验证码不正确或已用过，请输入新的验证码。")
        form.add_error("code", wrong)
    has_passkey, has_app = passkeys.of(user).exists(), factors.has_authenticator(user)
    if not has_app:
        form.fields["code"].label = _("恢复码")
    if not has_passkey:
        form.fields["code"].widget.attrs["autofocus"] = True
    context = {
        "form": form,
        "passkey_form": passkey if has_passkey else None,
        "has_app": has_app,
        "submit_label": _("继续"),
        "next": next_page(request),
        "again": not next_step(request),
        "demo_code": factors.demo_code(user),
        **_where_passkeys_count(request),
    }
    return render(request, "accounts/factor.html", context)


@never_cache
@sensitive_post_parameters()
@_page
def factor_enrol(request: HttpRequest) -> HttpResponse:
    """Enrolling the first factor, a passkey or an authenticator (its picture, its secret, its first
    code); or an authenticator beside a passkey."""
    user = _staff(request)
    if factors.has_authenticator(user) or (factors.has_factor(user) and next_step(request)):
        return redirect(next_page(request))
    first = not factors.has_factor(user)
    if not first and (asked := ask_again(request, request.get_full_path())):
        return asked
    device = factors.begin(request, user)
    by_passkey = first and "passkey" in request.POST
    passkey = _new_passkey_form(request, bound=by_passkey)
    form = EnrolForm(None if by_passkey else request.POST or None)
    if by_passkey and passkey.is_valid():
        if enrolled := _enrol_passkey(request, user, passkey):
            return _entered(request, user, enrolled)
    elif not by_passkey and form.is_valid():
        try:
            if app := factors.enrol(request, user, form.cleaned_data["code"], now=timezone.now()):
                return _entered(request, user, app)
            form.add_error("code", _("验证码不正确。请核对手机时间，输入应用当前显示的验证码。"))
        except passkeys.Refused as why:
            form.add_error(None, str(why))
    address = device.config_url
    context = {
        "form": form,
        "passkey_form": passkey if first else None,
        "submit_label": _("绑定身份验证器"),
        "next": next_page(request),
        "picture": mark_safe(segno.make(address, error="m").svg_inline(scale=4)),  # noqa: S308  # our own, of letters and digits
        "secret": _grouped(device),
        **_where_passkeys_count(request),
    }
    return render(request, "accounts/factor_enrol.html", context)


def _enrol_passkey(request: HttpRequest, user: User, form: NewPasskeyForm) -> Any:
    """The passkey that the form brings; None where it is refused: then the form has the error."""
    typed = form.cleaned_data
    try:
        return factors.enrol_passkey(
            request, user, name=typed["name"], answer=typed["passkey"], now=timezone.now()
        )
    except passkeys.Refused as why:
        form.add_error(None, str(why))
        return None


def _entered(request: HttpRequest, user: User, device: Any) -> HttpResponse:
    """On with the factor that was enrolled just now; by way of the recovery codes where it is the
    first."""
    device.refresh_from_db()
    factors.enter(request, device, now=timezone.now())
    codes = factors.first_recovery_codes(user)
    if not codes:
        messages.success(request, _("已绑定身份验证器。"))
        return redirect(next_page(request))
    request.session[CODES] = codes
    return redirect(_on_to("factor-codes", next_page(request)))


def _new_passkey_form(request: HttpRequest, *, bound: bool) -> NewPasskeyForm:
    agent = request.META.get("HTTP_USER_AGENT", "")
    return NewPasskeyForm(request.POST if bound else None, initial={"name": device_words(agent)[:64]})


def _where_passkeys_count(request: HttpRequest) -> dict[str, Any]:
    """Context for the page: the address at which passkeys can be used ("" for none), and the
    address of this page there, if this is another address."""
    where = passkeys.place()
    if where is None:
        return {"passkey_origin": "", "passkey_there": ""}
    is_here = request.get_host() == where.host
    return {
        "passkey_origin": where.origin,
        "passkey_there": "" if is_here else f"{where.origin}{request.get_full_path()}",
    }


@never_cache
@require_POST
def passkey_ask(request: HttpRequest) -> JsonResponse:
    """For passkeys.js: what one of the account's passkeys is to sign; 422 with the reason where it
    may not."""
    user = _staff(request)
    try:
        return JsonResponse(passkeys.ask_to_use(request, user, now=timezone.now()))
    except passkeys.Refused as why:
        return JsonResponse({"detail": str(why)}, status=422)


@never_cache
@require_POST
def passkey_begin(request: HttpRequest) -> JsonResponse:
    """For passkeys.js: what a passkey is to be made of; 422 with the reason where none may be."""
    user = _staff(request)
    try:
        if factors.has_factor(user) and not _may_change(request):
            raise passkeys.Refused(_("请先再次验证，然后添加通行密钥。"))
        return JsonResponse(passkeys.ask_to_add(request, user, now=timezone.now()))
    except passkeys.Refused as why:
        return JsonResponse({"detail": str(why)}, status=422)


@never_cache
@sensitive_post_parameters()
@_page
@login_required_any
def own_factors(request: HttpRequest) -> HttpResponse:
    """两步验证: the account's own factors; what changes them asks for one that was given a short
    while ago."""
    user = _staff(request)
    adding = request.method == "POST"
    if adding and (asked := _ask_before_change(request)):
        return asked
    form = _new_passkey_form(request, bound=adding)
    if adding and form.is_valid() and (added := _enrol_passkey(request, user, form)):
        messages.success(request, _("已添加通行密钥“%(name)s”。") % {"name": added.name})
        return redirect("factors")
    own_passkeys = list(passkeys.of(user))
    has_app = factors.has_authenticator(user)
    context = {
        "passkeys": own_passkeys,
        "has_app": has_app,
        "codes_left": factors.recovery_codes_left(user),
        "several": len(own_passkeys) + has_app > 1,
        "may_change": _may_change(request),
        "room": len(own_passkeys) < passkeys.MOST,
        "passkey_form": form,
        **_where_passkeys_count(request),
    }
    return render(request, "accounts/factors.html", context)


@never_cache
@_page
@login_required_any
def remove_passkey(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks, and removes one of the account's own passkeys."""
    user = _staff(request)
    passkey = passkeys.of(user).filter(pk=pk).first()
    if passkey is None:
        raise Http404
    what = _("通行密钥“%(name)s”") % {"name": passkey.name}
    return _remove(request, what, lambda: factors.remove_passkey(user, pk, now=timezone.now()))


@never_cache
@_page
@login_required_any
def remove_authenticator(request: HttpRequest) -> HttpResponse:
    """Asks, and removes the account's own authenticator app."""
    user = _staff(request)
    if not factors.has_authenticator(user):
        raise Http404
    return _remove(
        request, _("身份验证器应用"), lambda: factors.remove_authenticator(user, now=timezone.now())
    )


def _remove(request: HttpRequest, what: str, remove: Callable[[], None]) -> HttpResponse:
    if asked := _ask_before_change(request):
        return asked
    if request.method == "POST":
        try:
            remove()
        except factors.LastFactor:
            messages.error(request, _("这是唯一的验证方式，不能删除。请先添加另一种。"))
        else:
            messages.success(request, _("已删除%(what)s。") % {"what": what})
        return redirect("factors")
    return render(request, "accounts/factor_remove.html", {"what": what, "back_url": reverse("factors")})


@require_POST
@login_required_any
def new_codes(request: HttpRequest) -> HttpResponse:
    """Ten new recovery codes in place of those that are left."""
    user = _staff(request)
    if asked := _ask_before_change(request):
        return asked
    request.session[CODES] = factors.new_recovery_codes(user)
    return redirect(_on_to("factor-codes", reverse("factors")))


def _may_change(request: HttpRequest) -> bool:
    """Whether this session may change the account's factors: it has given one, a short while
    ago."""
    return not next_step(request) and factors.is_recent(request, now=timezone.now())


def _ask_before_change(request: HttpRequest) -> HttpResponse | None:
    return ask_again(request, reverse("factors"))


def _grouped(device: Any) -> str:
    """The secret as one types it by hand."""
    secret = device.config_url.split("secret=")[1].split("&")[0]
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))


@never_cache
@require_http_methods(["GET", "HEAD"])
def factor_codes(request: HttpRequest) -> HttpResponse:
    """The recovery codes, shown once."""
    _staff(request)
    codes = request.session.pop(CODES, None)
    if not codes:
        return redirect(next_page(request))
    return render(request, "accounts/factor_codes.html", {"codes": codes, "next": next_page(request)})


def ask_again(request: HttpRequest, back: str) -> HttpResponse | None:
    """Before money or a colleague's proposal is let go: the way to the second factor and back to
    ``back``, where it was given too long ago."""
    if factors.is_recent(request, now=timezone.now()):
        return None
    messages.info(request, _("这一步须再次验证，之后请重新确认。"))
    return redirect(_on_to("factor", back))


def _on_to(page: str, following: str) -> str:
    """The address of a page that leads on to another: its query goes along whole."""
    return onward.address(reverse(page), following)
