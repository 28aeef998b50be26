"""The picture captcha: four characters that cannot be mistaken for one another, each picture good
for one answer."""

from typing import Any

from captcha.fields import CaptchaField
from captcha.models import CaptchaStore
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
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


def forget_old() -> int:
    """Drop the pictures whose time is over, and of the others all but the latest; how many. Whoever
    asks for pictures without end fills no table."""
    now = timezone.now()
    dropped, _of_each = CaptchaStore.objects.filter(expiration__lte=now).delete()
    too_old = CaptchaStore.objects.order_by("-pk").values_list("pk", flat=True)[MOST : MOST + 1].first()
    if too_old is not None:
        dropped += CaptchaStore.objects.filter(pk__lte=too_old).delete()[0]
    return dropped


class PictureCaptchaField(CaptchaField):
    """图形验证码. An answer, right or wrong, uses the picture up, also where two arrive at once."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("图形验证码"))
        kwargs.setdefault(
            "error_messages",
            {
                "invalid": _("图形验证码不正确或已失效，请按新图片重新填写。"),
                "required": _("请填写图形验证码。"),
            },
        )
        super().__init__(**kwargs)

    def clean(self, value: Any) -> Any:
        # Past the library's own check, which reads first and deletes after.
        forms.MultiValueField.clean(self, value)
        key, answer = value[0], narrow(value[1] or "").lower()
        value[1] = ""
        CaptchaStore.remove_expired()
        picture = CaptchaStore.objects.filter(hashkey=key).first()
        used_up = CaptchaStore.objects.filter(hashkey=key).delete()[0] == 1
        if not (picture and used_up and picture.expiration > timezone.now() and picture.response == answer):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return value
