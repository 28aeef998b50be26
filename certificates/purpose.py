"""The use of a proof: the questions of every service whose proof is shown to others."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from certificates import drawable, fonts, presenting
from certificates.facts import Use
from portal.hall.service import ServiceForm
from portal.policy.book import Offer, book
from portal.policy.terms.offers import run_elsewhere
from portal.policy.terms.proofs import proof_terms
from portal.shared.months import today_in_china

# The longest name of a recipient that fits on the document.
_LONGEST_NAME = 60


class PurposeForm(ServiceForm):
    """Asks for recipient, purpose and validity; the city's policy has the choices."""

    recipient = forms.CharField(
        label=gettext_lazy("出具给（接收单位）"),
        max_length=_LONGEST_NAME,
        required=False,
        help_text=gettext_lazy("会印在证明上，并注明由申请人填写；可以不填。"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    purpose = forms.ChoiceField(
        label=gettext_lazy("用途"),
        required=False,
        help_text=gettext_lazy("会印在证明上；可以不选。"),
    )
    valid_days = forms.ChoiceField(
        label=gettext_lazy("有效期"),
        required=False,
        widget=forms.RadioSelect,
        help_text=gettext_lazy("过了有效期，任何人核验都会看到已过期；也可以随时自行撤销。"),
    )

    def build(self) -> None:
        terms = proof_terms(self.offer)
        self.fields["purpose"].choices = [  # type: ignore[attr-defined]
            ("", _("不注明")),
            *((purpose, purpose) for purpose in terms.purposes),
        ]
        self.fields["valid_days"].choices = [  # type: ignore[attr-defined]
            (str(days), _("{days} 天").format(days=days)) for days in terms.valid_days
        ]
        self.fields["valid_days"].initial = str(terms.valid_days[0])

    def clean_recipient(self) -> str:
        recipient = " ".join(self.cleaned_data["recipient"].split())
        lacking = drawable.missing(recipient)
        if lacking:
            raise forms.ValidationError(
                _("证明所用的字库里没有{characters}，印不出来，请改用其他写法。").format(
                    characters=fonts.named(lacking)
                )
            )
        return recipient

    def clean_valid_days(self) -> str:
        return str(self.cleaned_data["valid_days"] or self.fields["valid_days"].initial)


def not_run(offer: Offer, now: datetime) -> str:
    """The help text for the choice of insurances: which ones the agency does not run, and where to
    ask about them."""
    asked = run_elsewhere(book(), city=offer.city, on=today_in_china(now))
    return presenting.not_run({str(one.insurance): one.where for one in asked})


def use_of(answers: Mapping[str, Any], *, offer: Offer, now: datetime) -> Use:
    """The use from the answers of a ``PurposeForm``. Older cases without such answers get the
    offer's first validity."""
    days = int(answers.get("valid_days") or proof_terms(offer).valid_days[0])
    return Use(
        recipient=answers.get("recipient", ""),
        purpose=answers.get("purpose", ""),
        valid_until=today_in_china(now) + timedelta(days=days),
    )
