"""A phone that a form names is proved by a code sent to it. The code is good for the login that
asked for it, in whichever browser."""

from datetime import datetime, timedelta

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts.codes import Purpose, TooMany, TooSoon, proved, send_code, spend_code
from portal.accounts.fields import CodeField
from portal.accounts.messages import MessageNotSent
from portal.accounts.models import User

# For how long a proof serves: the form is filled in and sent on it.
GOOD_FOR = timedelta(minutes=60)
WRONG = gettext_lazy("短信验证码不正确或已失效。连续输错 5 次后须重新获取。")
WANTED = gettext_lazy("请先获取短信验证码，并填写新手机号码收到的 6 位数字。")


def code_field() -> forms.Field:
    """The field for the code, with the button that sends it; a gate of the form."""
    field = CodeField(
        required=False, help_text=_("更换手机号码的，点“获取验证码”，验证码发往新手机号码，5 分钟内有效。")
    )
    field.code_button = True  # type: ignore[attr-defined]
    return field


def send(*, phone: str, by: User, address: str | None, now: datetime) -> str:
    """Sends a code to the phone; why it could not, or ""."""
    try:
        send_code(phone=phone, purpose=Purpose.NEW_PHONE, now=now, address=address, browser=_asker(by))
    except TooSoon as wait:
        return _("验证码刚刚已发送，请在 {seconds} 秒后再获取。").format(seconds=wait.seconds)
    except TooMany:
        return _("获取验证码过于频繁，请一小时后再试，或拨打 12333。")
    except MessageNotSent:
        return _("短信暂时无法发送，请稍后再试。")
    return ""


def spend(*, phone: str, code: str, by: User, now: datetime) -> bool:
    """Whether this is the code that was sent to the phone for this login; it counts once."""
    return spend_code(phone=phone, purpose=Purpose.NEW_PHONE, code=code, now=now, browser=_asker(by))


def is_proved(phone: str, *, by: User, now: datetime) -> bool:
    """Whether this login has just proved the phone."""
    return proved(phone=phone, purpose=Purpose.NEW_PHONE, browser=_asker(by), since=now - GOOD_FOR)


def _asker(user: User) -> str:
    return f"login {user.pk}"
