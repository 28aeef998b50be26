"""The pages to log in, and those of one's own account. After a login the visitor goes back to the
page that asked for it."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from django.conf import settings
from django.contrib import messages as notices
from django.contrib.auth import authenticate, login, logout, update_session_auth_hash
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.accounts import browsers, captcha, codes, kept_forms, levels, lockout, onward, sign_on, sliding
from portal.accounts.codes import Purpose, TooMany, TooSoon, send_code, spend_code
from portal.accounts.fields import owner_of
from portal.accounts.forms import (
    AfterFailure,
    ClerkPasswordForm,
    DeskPasswordForm,
    ForgottenPasswordForm,
    NewPasswordForm,
    NewPhoneForm,
    PersonCodeForm,
    PersonPasswordForm,
    ProvedByCode,
)
from portal.accounts.identity_corrections import looks_at
from portal.accounts.messages import MessageNotSent, send
from portal.accounts.models import Kind, OutboxMessage, PersonLookup, User
from portal.accounts.permissions import login_required_any, own_path
from portal.people import papers
from portal.policy.book import book
from portal.shared.identity import mask_name, mask_phone
from portal.shared.months import today_in_china

# The service by which an employer opens its account online.
OPENING = "employer-opening"
PERSON_DOOR = "portal.accounts.doors.PersonDoor"
WRONG_CODE = gettext_lazy("短信验证码不正确或已失效。连续输错 5 次后须重新获取。")
NOT_REGISTERED = gettext_lazy("您的手机号码尚未开通个人账号，不能登录。可在网上大厅注册，或拨打 12333。")
NO_SUCH_ACCOUNT = gettext_lazy(
    "您申请重设密码时填写的证件号码与本手机号码登记的账号不一致，请核对，或拨打 12333。"
)
F = TypeVar("F", bound=ProvedByCode)

_page = require_http_methods(["GET", "HEAD", "POST"])


def next_page(request: HttpRequest) -> str:
    """Where to go after the login: the hall's own address in ``next``, else the home page. Never
    another site's."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    return own_path(request, wanted) or settings.LOGIN_REDIRECT_URL


def _enter(request: HttpRequest, user: User, backend: str | None = None) -> HttpResponse:
    login(request, user, backend=backend)
    return redirect(next_page(request))


@never_cache
@sensitive_post_parameters()
@_page
def login_person(request: HttpRequest) -> HttpResponse:
    """个人登录: by password, or by a code sent to the phone (?way=code)."""
    if request.user.is_authenticated:
        return redirect(next_page(request))
    if request.GET.get("way") == "code":
        return _login_person_by_code(request)
    form, entered = _by_password(
        request,
        PersonPasswordForm,
        {"person_login": "login"},
        _("证件号码、手机号码或密码不正确，请核对后重新输入。"),
    )
    return entered or _persons_door(request, form, "password")


def _login_person_by_code(request: HttpRequest) -> HttpResponse:
    def instead(form: PersonCodeForm) -> str:
        account = User.objects.filter(kind=Kind.PERSON, phone=form.cleaned_data["phone"], is_active=True)
        return "" if account.exists() else str(NOT_REGISTERED)

    form, proved = two_steps(request, PersonCodeForm, Purpose.LOGIN, instead)
    if proved:
        user = User.objects.filter(kind=Kind.PERSON, phone=form.cleaned_data["phone"], is_active=True).first()
        if user:
            return _enter(request, user, PERSON_DOOR)
        form.add_error("code", WRONG_CODE)
    return _persons_door(request, form, "code")


def _persons_door(request: HttpRequest, form: Any, way: str) -> HttpResponse:
    doors = {"sign_ons": sign_on.open_doors(timezone.now()), "sign_on_next": next_page(request)}
    return render(
        request, "accounts/login_person.html", door_context(request, form, _("登录"), way=way, **doors)
    )


@never_cache
@sensitive_post_parameters()
@_page
def login_employer(request: HttpRequest) -> HttpResponse:
    """单位登录."""
    if request.user.is_authenticated:
        return redirect(next_page(request))
    form, entered = _by_password(
        request,
        ClerkPasswordForm,
        {"credit_code": "credit_code", "clerk": "clerk"},
        _("单位代码、经办人或密码不正确，请核对后重新输入。"),
    )
    return entered or render(
        request,
        "accounts/login_employer.html",
        door_context(request, form, _("登录"), opening_cities=_opening_cities()),
    )


def _opening_cities() -> list[tuple[str, str]]:
    """The cities where an employer opens its account online: title and address."""
    return [
        (city.title, reverse("service", args=[city.slug, OPENING]))
        for city in book().cities
        if OPENING in city.offers
    ]


@never_cache
@sensitive_post_parameters()
@_page
def login_desk(request: HttpRequest) -> HttpResponse:
    """社区登录."""
    if request.user.is_authenticated:
        return redirect(next_page(request))
    form, entered = _by_password(
        request, DeskPasswordForm, {"desk_login": "login"}, _("用户名或密码不正确，请核对后重新输入。")
    )
    return entered or render(request, "accounts/login_desk.html", door_context(request, form, _("登录")))


def _by_password(
    request: HttpRequest, form_class: type[AfterFailure], names: Mapping[str, str], wrong: str
) -> tuple[AfterFailure, HttpResponse | None]:
    """A door's form, with a captcha where something has failed before, and the way in where the
    password was right. ``names``: what the door authenticates by → the form's field. A wrong
    password is told by ``wrong``, with how many tries are left."""
    sent = {name: request.POST.get(field, "") for name, field in names.items()}
    asks = lockout.has_failed(request, sent if request.method == "POST" else None)
    form = form_class(request.POST or None, asks=asks)
    if form.is_valid():
        knocked = {name: form.cleaned_data[field] for name, field in names.items()}
        user = authenticate(request, **knocked, password=form.cleaned_data["password"])
        if user:
            return form, _enter(request, user)
        form.ask_from_now()
        form.add_error(None, wrong + _tries_left(request, knocked))
    return form, None


def _tries_left(request: HttpRequest, credentials: dict[str, str]) -> str:
    """How many tries are left; the same whether or not there is such an account."""
    left = lockout.standing(request, credentials).left
    return _("还可以再试 {left} 次，之后将暂停密码登录 15 分钟。").format(left=left) if left else ""


def door_context(request: HttpRequest, form: Any, submit_label: str, **more: Any) -> dict[str, Any]:
    return {
        "form": form,
        "next_query": onward.query(next_page(request)),
        "timed_out": _timed_out(request),
        **step_context(form, submit_label),
        **more,
    }


def _timed_out(request: HttpRequest) -> str:
    """The sentence for a visitor whose session has ended; "" for every other visitor."""
    if "next" not in request.GET or not browsers.of(request).last:
        return ""
    if next_page(request) != reverse("go-on"):
        return _("登录已超时，请重新登录。")
    form = kept_forms.waiting(request, now=timezone.now())
    if form is None:
        return _("登录已超时，请重新登录。先前填写的内容没有保留。")
    told = _("登录已超时，已为您保留填写的内容。请用同一账号登录后继续，30 分钟内有效。")
    return told + (_("所选的文件没有保留，登录后请重新选择。") if form.files else "")


def step_context(form: Any, submit_label: str) -> dict[str, Any]:
    """What a page of two steps shows of the step; the button of the first asks for the code."""
    if not isinstance(form, ProvedByCode):
        return {"submit_label": submit_label}
    if not form.code_sent:
        return {"submit_label": _("获取短信验证码")}
    return {
        "submit_label": submit_label,
        "code_sent": True,
        "sent_to": mask_phone(str(form["phone"].value() or "")),
    }


def two_steps(
    request: HttpRequest, form_class: type[F], purpose: Purpose, instead: Callable[[F], str], **kwargs: Any
) -> tuple[F, bool]:
    """The form of the step that is to be shown now, and whether the phone has just been proved by
    its code.

    A POST with a ``code`` is the second step, unless ``again`` asks for a new one. ``instead``
    gives the text to send where no code is to be sent; the page is the same.
    """
    now = timezone.now()
    browser = browsers.of(request)
    address = lockout.client_address(request)
    asks = codes.has_unused(address=address, browser=browser.digest, known=bool(browser.accounts), now=now)
    if request.method != "POST":
        return form_class(code_sent=False, asks=asks, **kwargs), False
    if "again" in request.POST:
        return form_class(code_sent=False, asks=asks, initial=request.POST.dict(), **kwargs), False
    if "code" in request.POST:
        form = form_class(request.POST, code_sent=True, **kwargs)
        if not form.is_valid():
            if form.first_step_is_wrong:
                return form_class(code_sent=False, asks=asks, initial=request.POST.dict(), **kwargs), False
            return form, False
        typed = form.cleaned_data
        if spend_code(
            phone=typed["phone"], purpose=purpose, code=typed["code"], now=now, browser=browser.digest
        ):
            return form, True
        form.add_error("code", WRONG_CODE)
        return form, False
    form = form_class(request.POST, code_sent=False, asks=asks, **kwargs)
    if not form.is_valid():
        return form, False
    phone = form.cleaned_data["phone"]
    try:
        send_code(
            phone=phone,
            purpose=purpose,
            now=now,
            address=address,
            browser=browser.digest,
            known=_known_here(request, phone),
            instead=instead(form),
        )
    except TooSoon as wait:
        form.add_error(
            "phone", _("验证码刚刚已发送，请在 %(seconds)s 秒后再获取。") % {"seconds": wait.seconds}
        )
        return form, False
    except TooMany:
        form.add_error("phone", _("获取验证码过于频繁，请一小时后再试，或拨打 12333。"))
        return form, False
    except MessageNotSent:
        form.add_error("phone", _("短信暂时无法发送，请稍后再试。"))
        return form, False
    return form_class(code_sent=True, initial=form.to_carry(), **kwargs), False


def _known_here(request: HttpRequest, phone: str) -> bool:
    """Whether an account that logs in with this phone has logged in through this browser before."""
    browser = browsers.of(request)
    accounts = User.objects.filter(phone=phone, is_active=True).values_list("username", flat=True)
    return bool(browser.accounts) and any(browser.knows(username) for username in accounts[:50])


def back_to_first_step(form: F) -> F:
    """The first step again with what was typed, ready to say what is wrong with it."""
    again = type(form)(form.data, code_sent=False)
    again.is_valid()
    return again


@never_cache
@require_GET
def captcha_question(request: HttpRequest) -> JsonResponse:
    """A captcha in words instead of the picture, for the page's own script."""
    if request.headers.get("X-Requested-With") != "XMLHttpRequest":
        raise Http404
    return JsonResponse(captcha.new_question())


@never_cache
@sensitive_post_parameters()
@_page
def forgot(request: HttpRequest) -> HttpResponse:
    """找回密码: a code to the account's phone, then a new password; all sessions of the account
    end."""

    def account(form: ForgottenPasswordForm) -> User | None:
        number, phone = form.cleaned_data["number"], form.cleaned_data["phone"]
        active = User.objects.filter(phone=phone, is_active=True)
        return (
            active.filter(kind=Kind.PERSON, person__identity_number=number).first()
            or active.filter(kind=Kind.CLERK, employer__credit_code=number).first()
        )

    def instead(form: ForgottenPasswordForm) -> str:
        return "" if account(form) else str(NO_SUCH_ACCOUNT)

    form, proved = two_steps(request, ForgottenPasswordForm, Purpose.NEW_PASSWORD, instead)
    if proved:
        user = account(form)
        if user:
            user.set_password(form.cleaned_data["password"])
            user.must_change_password = False
            user.save(update_fields=["password", "must_change_password"])
            lockout.forget_failures(user)
            notices.success(request, _("密码已重设，请用新密码登录。此前在其他设备上的登录均已退出。"))
            return redirect("login-employer" if user.is_clerk else "login-person")
        form.add_error("code", WRONG_CODE)
    return render(request, "accounts/forgot.html", door_context(request, form, _("重设密码")))


@never_cache
@_page
@login_required_any
def go_on(request: HttpRequest) -> HttpResponse:
    """Sends a form on that was sent after its session had ended, once its owner has logged in again
    and confirms it."""
    form = kept_forms.waiting(request, now=timezone.now())
    if form is None:
        notices.info(request, _("没有等待继续办理的内容。"))
        return redirect(settings.LOGIN_REDIRECT_URL)
    if not kept_forms.is_of(form, _user(request)):
        kept_forms.forget(request)
        notices.warning(request, _("先前填写的内容属于另一账号，没有带入，已经删除。"))
        return redirect(settings.LOGIN_REDIRECT_URL)
    if request.method == "POST":
        kept_forms.forget(request)
        # 307: the browser sends the same fields, with this page's token, where they were sent
        # before.
        return redirect(form.path, preserve_request=True)
    return render(request, "accounts/go_on.html", {"fields": form.fields, "files": form.files})


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """退出登录."""
    logout(request)
    if request.POST.get("reason") != "timeout":
        browsers.left(request)
    notices.info(request, _("您已退出登录。"))
    return redirect(settings.LOGIN_REDIRECT_URL)


@never_cache
@require_POST
def session(request: HttpRequest) -> JsonResponse:
    """Keep the session alive; the answer is how many seconds it has. 401 where it has ended."""
    if not request.user.is_authenticated:
        return JsonResponse({"ends_in": 0}, status=401)
    sliding.renew(request)
    return JsonResponse({"ends_in": sliding.seconds_left(request)})


@never_cache
@sensitive_post_parameters()
@_page
@login_required_any
def account(request: HttpRequest) -> HttpResponse:
    """账号与安全: what the hall knows of the login, masked; who looked its person up; and a new
    password.

    With a new password logins elsewhere end; this one gets a new session key.
    """
    user = _user(request)
    form = NewPasswordForm(request.POST or None, owner=owner_of(user))
    if form.is_valid():
        if not lockout.prove(request, user, form.cleaned_data["current"]):
            form.add_error("current", _("当前密码不正确。"))
        else:
            user.set_password(form.cleaned_data["password"])
            user.save(update_fields=["password"])
            update_session_auth_hash(request, user)
            notices.success(request, _("密码已修改。此前在其他设备上的登录均已退出。"))
            return redirect("account")
    context = {
        "form": form,
        "submit_label": _("修改密码"),
        "details": _details(user),
        "lookups": _lookups(user),
        "sessions": _sessions(request, user),
    }
    return render(request, "accounts/account.html", context)


@require_POST
@login_required_any
def end_sessions(request: HttpRequest) -> HttpResponse:
    """退出其他登录: ends this account's sessions on other devices; this one goes on."""
    count = sliding.end_others(request, _user(request))
    told = _("已退出其他 {count} 处登录。").format(count=count) if count else _("没有其他登录。")
    notices.success(request, told)
    return redirect("account")


def _sessions(request: HttpRequest, user: User) -> list[dict[str, Any]]:
    """Where the account is logged in now."""
    return [
        {
            "began_at": one.began_at,
            "seen_at": one.seen_at,
            "address": one.address,
            "device": device_words(one.agent),
            "here": one.pk == request.session.get(sliding.OPEN),
        }
        for one in sliding.open_sessions(user, now=timezone.now())
    ]


# A part of the User-Agent header → the name that people use; the first that fits counts.
_BROWSERS = (
    ("Edg", "Edge"),
    ("MicroMessenger", "微信"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


def device_words(agent: str) -> str:
    """A browser and its system in two words; what is not known is called that."""
    said = [next((words for part, words in known if part in agent), "") for known in (_BROWSERS, _SYSTEMS)]
    return " · ".join(filter(None, said)) or _("未知设备")


def _details(user: User) -> list[tuple[str, str, str]]:
    """What the hall knows of a login as (label, value, where to change it)."""
    details = [(_("姓名"), mask_name(user.name), ""), (_("账号类型"), str(user.get_kind_display()), "")]
    if user.person:
        details += [(label, value, "") for label, value in papers.details(user.person)]
    if user.is_person and levels.asking_cities(on=today_in_china(timezone.now())):
        verify_url = reverse("account-verify") if user.identity_level < levels.FILES else ""
        details.append((_("实名等级"), str(user.get_identity_level_display()), verify_url))
    if user.employer:
        details += [
            (_("单位名称"), user.employer.name, ""),
            (_("统一社会信用代码"), user.employer.credit_code, ""),
            (_("经办人"), _("本单位可登录的经办人"), reverse("clerks")),
        ]
    details.append(
        (
            _("手机号码"),
            mask_phone(user.phone) or _("未登记"),
            "" if user.is_staff else reverse("account-phone"),
        )
    )
    if user.kind == Kind.STAFF:
        details.append((_("两步验证"), _("通行密钥、身份验证器、恢复码"), reverse("factors")))
    return details


def _lookups(user: User) -> list[dict[str, Any]]:
    """Who found this person by their number, newest first."""
    if not user.is_person or user.person is None:
        return []
    found = PersonLookup.objects.filter(looks_at(user.person)).select_related("user__employer")
    return [
        {
            "at": lookup.at,
            "purpose": lookup.purpose,
            "who": lookup.user.employer.name if lookup.user.employer else _("经办机构工作人员"),
        }
        for lookup in found.order_by("-at")[:20]
    ]


@never_cache
@sensitive_post_parameters()
@_page
@login_required_any
def account_phone(request: HttpRequest) -> HttpResponse:
    """更换手机号码: a code to the new phone, and the password. Staff have theirs changed by the
    administrator."""
    if _user(request).is_staff:
        raise Http404
    form, proved = two_steps(request, NewPhoneForm, Purpose.NEW_PHONE, lambda form: "")
    if proved:
        user = _user(request)
        if not lockout.prove(request, user, form.cleaned_data["current"]):
            form = back_to_first_step(form)
            form.add_error(None, _("当前密码不正确，手机号码未更换。请重新获取验证码。"))
        else:
            former, user.phone = user.phone, form.cleaned_data["phone"]
            try:
                with transaction.atomic():
                    user.save(update_fields=["phone"])
            except IntegrityError:
                user.refresh_from_db(fields=["phone"])
                form = back_to_first_step(form)
                form.add_error("phone", _("这个手机号码已是另一账号的登录号码，请换一个手机号码。"))
            else:
                _tell_former_phone(former, user.phone)
                notices.success(request, _("手机号码已更换。"))
                return redirect("account")
    return render(
        request, "accounts/account_phone.html", {"form": form, **step_context(form, _("更换手机号码"))}
    )


def _tell_former_phone(former: str, phone: str) -> None:
    """Tells the former phone of the change; where the message cannot be sent, the change stands."""
    if not former or former == phone:
        return
    text = _("【社保网上办事大厅】您的账号手机号码已更换为 %(phone)s。如非本人操作，请立即拨打 12333。")
    with suppress(MessageNotSent):
        send(phone=former, text=text % {"phone": mask_phone(phone)}, now=timezone.now())


def _user(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Http404
    return request.user


@never_cache
@require_GET
def demo_messages(request: HttpRequest) -> HttpResponse:
    """The demo's text messages, newest first. There is no such page outside a demo."""
    if not settings.DEMO:
        raise Http404
    return render(
        request,
        "accounts/demo_messages.html",
        {
            "outbox": OutboxMessage.objects.order_by("-sent_at", "-pk")[:30],
            "bank_url": getattr(settings, "STAND_IN_GATEWAY_URL", ""),
        },
    )
