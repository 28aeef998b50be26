"""经办人管理, for the clerks of an employer, and the page that an invitation leads to."""

from typing import Any

from django import forms
from django.contrib import messages as notices
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from portal.accounts import inviting
from portal.accounts.codes import Purpose
from portal.accounts.fields import NameField, NewPasswordMixin, PasswordField, PhoneField, owner
from portal.accounts.forms import ProvedByCode
from portal.accounts.models import ClerkInvitation, Kind, User
from portal.accounts.permissions import clerk_required
from portal.accounts.views import step_context, two_steps
from portal.people.models import Employer
from portal.shared.identity import mask_phone

_page = require_http_methods(["GET", "HEAD", "POST"])


class InviteForm(forms.Form):
    """Whom to invite."""

    phone = PhoneField(
        label=gettext_lazy("同事的手机号码"),
        help_text=gettext_lazy("邀请链接发到这个号码，本人凭短信验证码开通账号、设置密码。"),
    )


class JoinForm(NewPasswordMixin, ProvedByCode):
    """The invited: name and phone, the code to it, and a password."""

    second_step = ("code", "password", "password_again")
    field_order = ("name", "phone", "captcha", "code", "password", "password_again")

    name = NameField(help_text=gettext_lazy("请填写真实姓名，登录时可用姓名或手机号码。"))
    phone = PhoneField(help_text=gettext_lazy("填写收到邀请短信的手机号码。"))
    password = PasswordField(label=gettext_lazy("设置密码"), new=True)
    password_again = PasswordField(label=gettext_lazy("再次输入密码"), new=True, help_text="")

    def __init__(self, *args: Any, invitation: ClerkInvitation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.invitation = invitation

    def clean_phone(self) -> str:
        phone = str(self.cleaned_data["phone"])
        if phone != self.invitation.phone:
            raise ValidationError(_("这不是收到邀请的手机号码，请核对，或请对方重新邀请。"))
        return phone

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if not inviting.is_name_free(name, self.invitation):
            raise ValidationError(
                _("本单位已有同名的经办人，登录时无法区分，请联系邀请您的人改由其他同事经办。")
            )
        return name

    def clean(self) -> dict[str, Any]:
        typed = self.cleaned_data
        self.owner = owner(
            name=typed.get("name", ""),
            phone=self.invitation.phone,
            number=self.invitation.employer.credit_code,
        )
        return super().clean()


@never_cache
@_page
@clerk_required
def clerks(request: HttpRequest) -> HttpResponse:
    """The employer's clerks; who manages them invites and ends here."""
    user, now = _clerk(request), timezone.now()
    employer = _employer(user)
    manages = inviting.may_manage(user)
    if request.method == "POST" and not manages:
        raise Http404
    form = InviteForm(request.POST or None)
    if form.is_valid():
        try:
            invitation = inviting.invite(phone=form.cleaned_data["phone"], by=user, now=now)
        except inviting.NotInvited as why:
            form.add_error("phone", str(why))
        else:
            told = _("邀请已发送到 {phone}，{until} 前有效。").format(
                phone=mask_phone(invitation.phone),
                until=timezone.localtime(invitation.good_until).strftime("%Y-%m-%d %H:%M"),
            )
            notices.success(request, told)
            return redirect("clerks")
    context = {
        "form": form if manages else None,
        "clerks": inviting.clerks_of(employer),
        "waiting": inviting.waiting(employer, now=now) if manages else [],
        "days": inviting.GOOD_FOR.days,
    }
    return render(request, "accounts/clerks.html", context)


@require_POST
@clerk_required
def invitation_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Withdraws an invitation of the own employer."""
    user = _manager(request)
    invitation = ClerkInvitation.objects.filter(pk=pk, employer=user.employer).first()
    if invitation is None:
        raise Http404
    if inviting.withdraw(invitation, now=timezone.now()):
        notices.success(request, _("邀请已撤回，链接不能再用。"))
    else:
        notices.info(request, _("这份邀请已经用过或撤回。"))
    return redirect("clerks")


@never_cache
@_page
@clerk_required
def clerk_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks, and then ends a colleague's account."""
    user = _manager(request)
    clerk = User.objects.filter(pk=pk, kind=Kind.CLERK, employer=user.employer).exclude(pk=user.pk).first()
    if clerk is None:
        raise Http404
    if request.method == "POST":
        if inviting.end(clerk, by=user, now=timezone.now()):
            told = _("{name}的经办人账号已停用，正在使用的登录已经退出。").format(name=clerk.name)
            notices.success(request, told)
        else:
            notices.info(request, _("这个账号已经停用。"))
        return redirect("clerks")
    return render(request, "accounts/clerk_end.html", {"clerk": clerk, "back_url": reverse("clerks")})


@never_cache
@sensitive_post_parameters()
@_page
def join(request: HttpRequest, token: str) -> HttpResponse:
    """What the link of an invitation leads to."""
    now = timezone.now()
    try:
        invitation = inviting.find(token, now=now)
    except inviting.NoLongerGood:
        return _no_longer(request)
    form, proved = two_steps(request, JoinForm, Purpose.JOIN, lambda form: "", invitation=invitation)
    if proved:
        typed = form.cleaned_data
        try:
            inviting.take(invitation, name=typed["name"], password=typed["password"], now=now)
        except inviting.NoLongerGood:
            return _no_longer(request)
        except inviting.NameTaken:
            form = JoinForm(request.POST, code_sent=False, invitation=invitation)
            form.is_valid()
        else:
            notices.success(
                request, _("经办人账号已开通。请用本单位的统一社会信用代码、姓名或手机号码和密码登录。")
            )
            return redirect("login-employer")
    context = {"form": form, "employer": invitation.employer, **step_context(form, _("开通账号"))}
    return render(request, "accounts/join.html", context)


def _no_longer(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/join_over.html", status=410)


def _clerk(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Http404
    return request.user


def _manager(request: HttpRequest) -> User:
    user = _clerk(request)
    if not inviting.may_manage(user):
        raise Http404
    return user


def _employer(user: User) -> Employer:
    if user.employer is None:
        raise Http404
    return user.employer
