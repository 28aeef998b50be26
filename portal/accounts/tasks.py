"""The tasks of logins: text messages, and what is over."""

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.accounts import captcha, coming_of_age, kept_forms, notices, sliding
from portal.watch.task import watched


@watched(
    title=_("发送短信"),
    remedy=_("这条短信没有发出，其他短信不受影响；消息在网站上仍可看到。请系统管理员检查短信平台。"),
)
def send_text_messages() -> None:
    """Sends the text messages of notices that wait. Run twice, the second finds nothing."""
    notices.send_text_messages(now=timezone.now())


@watched(
    title=_("成年提醒"),
    remedy=_("监护关系仍按日终止，只是没有事先提醒；明天会再试。请系统管理员查明原因。"),
)
def tell_who_comes_of_age() -> None:
    """Tells who is about to come of age, and their guardians. Run twice, the second tells nobody
    anything."""
    coming_of_age.tell(now=timezone.now())


@watched(
    title=_("清理过期会话"),
    remedy=_("不影响业务。请系统管理员查明原因。"),
)
def forget_ended_sessions() -> None:
    """Drops sessions that are over, and what waited for the next one in vain. Run twice, the second
    finds nothing."""
    sliding.forget_ended(now=timezone.now())
    kept_forms.forget_old(now=timezone.now())


@watched(
    title=_("清理验证码"),
    remedy=_("不影响登录，但过期的验证码会堆积。请系统管理员查明原因。"),
)
def forget_captchas() -> None:
    """Drop the captchas whose time is over. Run twice, the second finds nothing."""
    captcha.forget_old()
