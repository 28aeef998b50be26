"""The pages between the password and the workbench: another password, the second factor, and enrolling one."""

from typing import Any

import segno
from django import forms
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from portal.accounts import factors, onward
from portal.accounts.fields import NewPasswordMixin
from portal.accounts.halfway import next_step
from portal.accounts.models import Kind, User
from portal.accounts.views import next_page

_page = require_http_methods(["GET", "HEAD", "POST"])
# The recovery codes of the session, until their page was seen.
CODES = "recovery_codes"


class FirstPasswordForm(NewPasswordMixin):
    """A password of one's own in place of the one that somebody else has typed."""

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
            attrs={"class": "w-11", "autocomplete": "one-time-code", "spellcheck": "false", "autofocus": True}
        ),
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
    form = CodeForm(request.POST or None)
    if form.is_valid():
        tried = factors.give(request, user, form.cleaned_data["code"], now=timezone.now())
        if tried.right:
            return redirect(next_page(request))
        if tried.wait:
            wrong = _("验证码不正确或已用过。请在 %(wait)s 秒后输入新的验证码。") % {"wait": tried.wait}
        else:
            wrong = _("验证码不正确或已用过，请输入新的验证码。")
        form.add_error("code", wrong)
    context = {
        "form": form,
        "submit_label": _("继续"),
        "next": next_page(request),
        "again": not next_step(request),
        "demo_code": factors.demo_code(user),
    }
    return render(request, "accounts/factor.html", context)


@never_cache
@sensitive_post_parameters()
@_page
def factor_enrol(request: HttpRequest) -> HttpResponse:
    """Enrolling an authenticator: its picture, its secret, its first code."""
    user = _staff(request)
    if factors.has_factor(user):
        return redirect(next_page(request))
    device = factors.begin(user)
    form = EnrolForm(request.POST or None)
    if form.is_valid():
        codes = factors.enrol(user, form.cleaned_data["code"])
        if codes:
            device.refresh_from_db()
            factors.enter(request, device, now=timezone.now())
            request.session[CODES] = codes
            return redirect(_on_to("factor-codes", next_page(request)))
        form.add_error("code", _("验证码不正确。请核对手机时间，输入应用当前显示的验证码。"))
    address = device.config_url
    context = {
        "form": form,
        "submit_label": _("绑定"),
        "next": next_page(request),
        "picture": mark_safe(segno.make(address, error="m").svg_inline(scale=4)),  # noqa: S308  # our own, of letters and digits
        "secret": _grouped(device),
    }
    return render(request, "accounts/factor_enrol.html", context)


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
    """Before money or a colleague's proposal is let go: the way to the second factor and back to ``back``, where it was given too
    long ago."""
    if factors.is_recent(request, now=timezone.now()):
        return None
    messages.info(request, _("这一步须再次输入动态验证码，之后请重新确认。"))
    return redirect(_on_to("factor", back))


def _on_to(page: str, following: str) -> str:
    """The address of a page that leads on to another: its query goes along whole."""
    return onward.address(reverse(page), following)
