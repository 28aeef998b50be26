"""One-time codes by text message: six digits, for one phone and one purpose, good for five minutes,
five guesses and one use."""

import secrets
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from portal import locks
from portal.accounts import messages
from portal.accounts.models import TextMessageCode

GOOD_FOR = timedelta(minutes=5)
RESEND_AFTER = timedelta(seconds=60)
GUESSES = 5
# Codes for one phone that a known browser asks for, or else one address or one browser.
PER_HOUR_AND_ASKER = 5
# Codes for one phone that all unknown browsers together ask for.
PER_HOUR_AND_PHONE = 15
PER_HOUR_AND_ADDRESS = 30


class Purpose(StrEnum):
    LOGIN = "login"
    REGISTER = "register"
    NEW_PASSWORD = "new-password"  # noqa: S105 # a purpose, no password
    NEW_PHONE = "new-phone"
    JOIN = "join"


PURPOSE_LABELS = {
    Purpose.LOGIN: "登录",
    Purpose.REGISTER: "注册",
    Purpose.NEW_PASSWORD: "重设密码",
    Purpose.NEW_PHONE: "更换手机号码",
    Purpose.JOIN: "开通单位经办人账号",
}


class TooSoon(Exception):
    """A code was sent just now; ``seconds`` until the next may be asked for."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class TooMany(Exception):
    """The phone or the address has asked for as many codes as an hour allows."""


def send_code(
    *,
    phone: str,
    purpose: Purpose,
    now: datetime,
    address: str | None = None,
    browser: str = "",
    known: bool = False,
    instead: str = "",
) -> None:
    """Sends a new code that is good in this ``browser`` only; earlier codes for this phone, purpose
    and browser no longer count.

    ``known`` says that the phone's account has come in by this browser: it has a limit of its own,
    which strangers who ask for codes to the same phone do not use up.

    Where no code can help (there is no such account), ``instead`` is the text that is sent: whoever
    holds the phone learns why, whoever only typed its number sees no difference. Raises TooSoon,
    TooMany, messages.MessageNotSent.
    """
    code = f"{secrets.randbelow(10**6):06}"
    with transaction.atomic():
        one_at_a_time(f"phone {phone}")
        if address:
            one_at_a_time(f"address {address}")
        _refuse_too_many(phone, purpose, now, address, browser, known=known)
        TextMessageCode.objects.create(
            phone=phone,
            purpose=purpose,
            asked_from=address,
            browser=browser,
            known=known,
            code_hash="" if instead else _hash(phone, purpose, code),
            sent_at=now,
            expires_at=now + GOOD_FOR,
        )
    text = instead or _(
        "验证码 %(code)s，用于%(purpose)s，5 分钟内有效。工作人员不会向您索要验证码，请勿告诉他人。"
    ) % {
        "code": code,
        "purpose": _(PURPOSE_LABELS[purpose]),
    }
    messages.send(phone=phone, text=_("【社保网上办事大厅】%(text)s") % {"text": text}, now=now)


def spend_code(*, phone: str, purpose: Purpose, code: str, now: datetime, browser: str = "") -> bool:
    """Whether this is the last code that this browser asked for with this purpose; it counts once.

    Every guess is counted before it is compared, so that parallel guesses are all counted. Guesses
    in another browser do not count.
    """
    sent_codes = TextMessageCode.objects.filter(phone=phone, purpose=purpose, browser=browser)
    last = sent_codes.order_by("-sent_at", "-pk").first()
    if last is None:
        return False
    open_codes: QuerySet[TextMessageCode] = TextMessageCode.objects.filter(
        pk=last.pk, spent_at=None, expires_at__gt=now
    )
    guessed = open_codes.filter(wrong_guesses__lt=GUESSES).update(wrong_guesses=F("wrong_guesses") + 1)
    right = constant_time_compare(_hash(phone, purpose, code, last.code_hash), last.code_hash)
    if not (guessed and right):
        return False
    return open_codes.update(spent_at=now, wrong_guesses=F("wrong_guesses") - 1) == 1


def has_unused(*, address: str | None, browser: str, known: bool, now: datetime) -> bool:
    """Whether a code was asked for in the last hour and not used: in this ``browser``; or, where
    no account has come in by it (``known``), from its address."""
    asker = Q(browser=browser) if known else Q(browser=browser) | Q(asked_from=address)
    return TextMessageCode.objects.filter(asker, sent_at__gt=now - timedelta(hours=1), spent_at=None).exists()


def proved(*, phone: str, purpose: Purpose, browser: str, since: datetime) -> bool:
    """Whether a code that this ``browser`` asked for was spent since then: whoever asked holds the
    phone."""
    return TextMessageCode.objects.filter(
        phone=phone, purpose=purpose, browser=browser, spent_at__gte=since
    ).exists()


def _hash(phone: str, purpose: str, code: str, like: str = "") -> str:
    """A keyed hash with a salt of its own, or with that of ``like``."""
    salt = like.partition("$")[0] or secrets.token_hex(8)
    return f"{salt}${salted_hmac(f'portal.accounts.codes {salt}', f'{phone} {purpose} {code}', algorithm='sha256').hexdigest()}"


def one_at_a_time(what: str) -> None:
    """Holds the lock of this name until the transaction ends, so that nobody else counts or
    sends."""
    locks.hold("text-message code", what)


def _refuse_too_many(
    phone: str, purpose: str, now: datetime, address: str | None, browser: str, *, known: bool
) -> None:
    of_phone = TextMessageCode.objects.filter(phone=phone)
    asker = (
        Q(browser=browser) if known else Q(known=False, asked_from=address) | Q(known=False, browser=browser)
    )
    of_asker = of_phone.filter(asker)
    last = of_asker.filter(purpose=purpose).order_by("-sent_at", "-pk").first()
    if last and last.sent_at > now - RESEND_AFTER:
        raise TooSoon(max(1, round((last.sent_at + RESEND_AFTER - now).total_seconds())))
    hour = Q(sent_at__gt=now - timedelta(hours=1))
    if of_asker.filter(hour).count() >= PER_HOUR_AND_ASKER:
        raise TooMany
    if not known and of_phone.filter(hour, known=False).count() >= PER_HOUR_AND_PHONE:
        raise TooMany
    if address and TextMessageCode.objects.filter(hour, asked_from=address).count() >= PER_HOUR_AND_ADDRESS:
        raise TooMany
