"""核验身份 on a page: the forms of the ways that a city takes, and what was proved by them. Whoever
opens an account passes here, and whoever's account may only look up."""

import secrets
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts import faces, proof
from portal.accounts.lockout import client_address
from portal.accounts.proof import Asker, Stated, TooManyTries
from portal.policy.book import City, PolicyMissing, book
from portal.policy.terms.people import account_numbers, partner_banks
from portal.shared import bank_account
from portal.shared.months import today_in_china

# The ways that are tried on the page itself; the phone is tried before.
WAYS = ("partner", "card", "face", "window")


class _NumberForm(forms.Form):
    """The whole number of an account or card."""

    def clean_number(self) -> str:
        numbers = account_numbers(book(), on=today_in_china(timezone.now()))
        try:
            return numbers.parse(self.cleaned_data["number"])
        except bank_account.InvalidAccount as mistake:
            raise ValidationError(_("请逐位核对账号或卡号，填写全部数字。"), code="invalid") from mistake


def _number_field(label: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=gettext_lazy("填写全部数字。"),
        max_length=40,
        widget=forms.TextInput(attrs={"class": "w-18", "inputmode": "numeric", "autocomplete": "off"}),
    )


class PartnerProofForm(_NumberForm):
    """An account at one of the city's partner banks."""

    prefix = "partner"

    bank = forms.ChoiceField(label=gettext_lazy("开户银行"))
    number = _number_field(gettext_lazy("银行账号或卡号"))

    def __init__(self, *args: Any, banks: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        other = _("请使用{count}家合作银行的账户").format(count=len(banks))
        field = forms.ChoiceField(
            label=gettext_lazy("开户银行"),
            choices=[("", _("请选择")), *banks.items(), ("other", _("其他银行"))],
            error_messages={"invalid_choice": other},
        )
        self.fields["bank"] = field

    def clean_bank(self) -> str:
        bank = str(self.cleaned_data["bank"])
        if bank == "other":
            raise ValidationError(self.fields["bank"].error_messages["invalid_choice"], code="other")
        return bank


class CardProofForm(_NumberForm):
    """The activated social-security card."""

    prefix = "card"

    number = _number_field(gettext_lazy("社会保障卡金融账号（卡面银行卡号）"))


class WindowProofForm(forms.Form):
    """A code from the window."""

    prefix = "window"

    code = forms.CharField(
        label=gettext_lazy("窗口签发的激活码"),
        help_text=gettext_lazy("10 位字母和数字，不分大小写，在打印的激活单上。"),
        max_length=20,
        widget=forms.TextInput(
            attrs={
                "class": "w-11",
                "autocomplete": "off",
                "autocapitalize": "characters",
                "spellcheck": "false",
            }
        ),
    )


class Proving:
    """The page's forms for somebody who states to be that person; ``ways`` are those of the city
    that are open here."""

    def __init__(self, request: HttpRequest, stated: Stated, city: City, ways: tuple[str, ...]) -> None:
        self.request, self.stated = request, stated
        self.asker = Asker(city, client_address(request), timezone.now())
        self.ways = tuple(way for way in WAYS if way in ways and (way != "face" or settings.FACE_CHECK))
        self.how = request.POST.get("how", "") if request.method == "POST" else ""
        self.problem = ""
        self.banks = _banks(city)
        self.partner = PartnerProofForm(self._typed("partner"), banks=self.banks)
        self.card = CardProofForm(self._typed("card"))
        self.window = WindowProofForm(self._typed("window"))

    def proved(self) -> str:
        """The way by which this request has proved the person; "" where it has not."""
        if self.how not in self.ways:
            return ""
        try:
            return self.how if self._tried() else ""
        except TooManyTries as closed:
            until = timezone.localtime(closed.until).strftime("%Y-%m-%d %H:%M")
            self.problem = _(
                "用这种方式核验不成功的次数过多，{until} 后可以再试；也可以用其他方式，或携带身份证到窗口办理。"
            ).format(until=until)
            return ""

    def face_page(self, back: str) -> tuple[str, str] | None:
        """The reference of a new face check that leads back to that address, and its page; None
        where none was asked for or none can begin."""
        if self.how != "face" or "face" not in self.ways or self.problem:
            return None
        provider = faces.face_check()
        reference = secrets.token_urlsafe(24)
        try:
            if provider is None:
                raise faces.Unreachable
            proof.begin_face_check(self.stated, asker=self.asker)
            page = provider.begin(
                reference=reference,
                name=self.stated.name,
                identity_number=self.stated.identity_number,
                return_url=self.request.build_absolute_uri(back),
            )
        except TooManyTries as closed:
            until = timezone.localtime(closed.until).strftime("%Y-%m-%d %H:%M")
            self.problem = _(
                "刷脸核验不成功的次数过多，{until} 后可以再试；也可以用其他方式，或携带身份证到窗口办理。"
            ).format(until=until)
            return None
        except faces.Unreachable:
            self.problem = _("人脸核验服务暂时没有应答，请稍后再试，或用其他方式。")
            return None
        return reference, page

    def face_state(self, reference: str) -> faces.FaceState:
        """How the check of this reference stands; only the provider's own answer counts."""
        provider = faces.face_check()
        try:
            state = provider.state(reference) if provider else faces.FaceState.WAITING
        except faces.Unreachable:
            state = faces.FaceState.WAITING
        if state == faces.FaceState.PASSED:
            proof.passed_face_check(self.stated, asker=self.asker)
        return state

    def context(self) -> dict[str, Any]:
        """What the page shows of it."""
        wrong = [form for form in (self.partner, self.card, self.window) if form.is_bound and form.errors]
        return {
            "city": self.asker.city,
            "ways": self.ways,
            "partner": self.partner,
            "card": self.card,
            "window": self.window,
            "banks": self.banks,
            "terms": self.asker.terms,
            "problem": self.problem,
            "form": wrong[0] if wrong else None,
        }

    def _typed(self, way: str) -> Any:
        return self.request.POST if self.how == way and way in self.ways else None

    def _tried(self) -> bool:
        if self.how == "partner" and self.partner.is_valid():
            typed = self.partner.cleaned_data
            if proof.proved_by_partner(
                self.stated, bank=typed["bank"], number=typed["number"], asker=self.asker
            ):
                return True
            self.partner.add_error(
                "number",
                _(
                    "没有通过银行核验。请核对：账户由本人在{city}开立，是Ⅰ类账户或银行卡，状态正常，"
                    "银行预留的手机号码与上面验证的相同。"
                ).format(city=self.asker.city.title),
            )
        elif self.how == "card" and self.card.is_valid():
            if proof.proved_by_card(self.stated, number=self.card.cleaned_data["number"], asker=self.asker):
                return True
            self.card.add_error(
                "number",
                _(
                    "没有通过银行核验。请核对：是本人的社会保障卡，金融账户已激活，"
                    "银行预留的手机号码与账号验证的相同。"
                ),
            )
        elif self.how == "window" and self.window.is_valid():
            if proof.proved_by_window(self.stated, code=self.window.cleaned_data["code"], asker=self.asker):
                return True
            self.window.add_error("code", _("激活码不正确、已使用或已过期，请核对，或到窗口重新签发。"))
        return False


def _banks(city: City) -> dict[str, str]:
    try:
        return partner_banks(book(), city=city.slug, on=today_in_china(timezone.now()))
    except PolicyMissing:
        return {}
