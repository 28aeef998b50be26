"""The captcha, asked where something has failed before (``lockout.has_failed``,
``codes.has_unused``): a picture of four characters that cannot be mistaken for one another, or a
sum in words for whoever sees no pictures. Each is good for one answer."""

import secrets
from typing import Any

from captcha.fields import CaptchaField, CaptchaTextInput
from captcha.models import CaptchaStore
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.shared import numbers
from portal.shared.characters import narrow

# Without 0 O, 1 I L, 2 Z, 5 S, 8 B, 6 G, Q, U V.
ALPHABET = "3479ACDEFHJKMNPRTWXY"
# More pictures than that are not kept, however many are asked for within the five minutes that each
# is good.
MOST = 200_000


def challenge() -> tuple[str, str]:
    """What the picture shows, and the answer to it."""
    shown = numbers.random_text(settings.CAPTCHA_LENGTH, ALPHABET)
    return shown, shown.lower()


# 零 to 十八: what the answer to a question in words may be written as.
_DIGITS = "零一二三四五六七八九十"
_NUMBERS = {
    **{word: str(number) for number, word in enumerate(_DIGITS)},
    **{f"十{_DIGITS[more]}": str(10 + more) for more in range(1, 9)},
    "两": "2",
}


def question() -> tuple[str, str]:
    """A sum of two digits in words, and the answer to it in figures."""
    first, second = (2 + secrets.randbelow(8) for _digit in range(2))
    words = {"first": _DIGITS[first], "second": _DIGITS[second]}
    if first > second and secrets.randbelow(2):
        return gettext("%(first)s减%(second)s等于几？") % words, str(first - second)
    return gettext("%(first)s加%(second)s等于几？") % words, str(first + second)


def new_question() -> dict[str, str]:
    """A new question in words, and the key that it is kept under."""
    key = CaptchaStore.generate_key(question)
    return {"key": key, "question": CaptchaStore.objects.get(hashkey=key).challenge}


def forget_old() -> int:
    """Drop the pictures whose time is over, and of the others all but the latest; how many. Whoever
    asks for pictures without end fills no table."""
    now = timezone.now()
    dropped, _of_each = CaptchaStore.objects.filter(expiration__lte=now).delete()
    too_old = CaptchaStore.objects.order_by("-pk").values_list("pk", flat=True)[MOST : MOST + 1].first()
    if too_old is not None:
        dropped += CaptchaStore.objects.filter(pk__lte=too_old).delete()[0]
    return dropped


class CaptchaInput(CaptchaTextInput):
    """A picture; or a question in words, once the sent form asks for one (``<name>_words``)."""

    in_words = False

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        self.in_words = bool(data.get(f"{name}_words"))
        return super().value_from_datadict(data, files, name)

    def fetch_captcha_store(self, name: str, value: Any, attrs: Any = None, generator: Any = None) -> None:
        super().fetch_captcha_store(name, value, attrs, question if self.in_words else generator)

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        shown = CaptchaStore.objects.get(hashkey=self._key).challenge if self.in_words else ""
        return {**super().get_context(name, value, attrs), "question": shown}


class PictureCaptchaField(CaptchaField):
    """验证码. An answer, right or wrong, uses picture or question up, also where two arrive at
    once."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("验证码"))
        kwargs.setdefault("widget", CaptchaInput())
        kwargs.setdefault(
            "error_messages",
            {
                "invalid": _("验证码不正确或已失效，请按新的重新填写。"),
                "required": _("请填写验证码。"),
            },
        )
        super().__init__(**kwargs)

    def clean(self, value: Any) -> Any:
        # Past the library's own check, which reads first and deletes after.
        forms.MultiValueField.clean(self, value)
        key, answer = value[0], narrow(value[1] or "").lower()
        answer = _NUMBERS.get(answer, answer)
        value[1] = ""
        CaptchaStore.remove_expired()
        picture = CaptchaStore.objects.filter(hashkey=key).first()
        used_up = CaptchaStore.objects.filter(hashkey=key).delete()[0] == 1
        if not (picture and used_up and picture.expiration > timezone.now() and picture.response == answer):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return value
