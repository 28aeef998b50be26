"""首次参加医疗保险制卡申请 (武汉): the first social-security card of whoever is newly insured."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrollment import queries
from enrollment.about_coverage import AboutCoverage
from enrollment.cards import applying, making
from enrollment.cards.machine import DELIVERY_LABELS, CardStatus, Delivery
from enrollment.cards.models import FirstCard
from enrollment.queries import Held
from enrollment.ways import ENROL
from portal.accounts.models import User
from portal.hall.models import Case
from portal.hall.routing import Status
from portal.hall.service import Ask, Audience, Bar, Finding, ServiceForm, Theme
from portal.people.details import Details
from portal.policy.terms.offers import first_card_terms
from portal.registers.bank import SecurityCard, bank_register
from portal.shared import identity
from portal.shared.insurance import Insurance
from portal.shared.months import day_zh, today_in_china


class CardForm(ServiceForm):
    bank = forms.ChoiceField(
        label=gettext_lazy("发卡银行"),
        widget=forms.RadioSelect,
        help_text=gettext_lazy("卡上的金融账户开在这家银行，第一张卡不收费。"),
    )
    delivery = forms.ChoiceField(label=gettext_lazy("领卡方式"), widget=forms.RadioSelect)
    address = forms.CharField(
        label=gettext_lazy("邮寄地址"),
        max_length=120,
        required=False,
        help_text=gettext_lazy("只有邮寄到家的需要填写，写到门牌号。"),
    )

    def build(self) -> None:
        terms = first_card_terms(self.offer)
        self.fields["bank"].choices = [(bank, bank) for bank in terms.banks]  # type: ignore[attr-defined]
        deliveries = [(one, _(DELIVERY_LABELS[Delivery(one)])) for one in terms.deliveries]
        self.fields["delivery"].choices = deliveries  # type: ignore[attr-defined]
        if Delivery.POST not in terms.deliveries:
            del self.fields["address"]
        elif self.applicant.person:
            on_file = Details.objects.filter(person=self.applicant.person).values_list("address", flat=True)
            self.initial.setdefault("address", on_file.first() or "")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("delivery") == Delivery.POST:
            if not cleaned.get("address") and "address" not in self.errors:
                self.add_error("address", _("请填写邮寄地址。"))
        elif "address" in self.fields:
            cleaned["address"] = ""
        return cleaned


@dataclass(frozen=True)
class CardFacts:
    """What medical coverage runs in the city, the card on the register, and the one in the
    making."""

    held: list[Held]
    insured: bool
    has_card: bool
    under_way: str

    def frozen(self) -> dict[str, Any]:
        return {"held": [one.described() for one in self.held], "has_card": self.has_card}


class FirstMedicalCard(AboutCoverage):
    code = applying.CODE
    title = gettext_lazy("首次参加医疗保险制卡申请")
    audience = Audience.PERSON
    theme = Theme.DETAILS
    form = CardForm
    also_known_as = ("制卡", "领社保卡", "领卡", "第一张社保卡", "社保卡制作进度")
    lapses = False
    conflicts = {
        "one_first_card_a_person": ("", gettext_lazy("您的社会保障卡已在制作或已领取，不需要再申请。")),
    }

    def outside(self, ask: Ask) -> SecurityCard | None:
        return bank_register().card(ask.person.identity_number)

    def facts(self, ask: Ask, outside: SecurityCard | None) -> CardFacts:
        held = queries.held(ask.person.identity_number)
        others = FirstCard.objects.filter(person=ask.person).exclude(status=CardStatus.APPLIED)
        return CardFacts(
            held=held,
            insured=any(
                one.insurance == Insurance.MEDICAL and one.city == ask.offer.city and one.runs_from(ask.month)
                for one in held
            ),
            has_card=outside is not None,
            under_way=next((making.label(card) for card in others), ""),
        )

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        for finding in self.rule(ask, self.facts(ask, self.outside(ask))):
            if isinstance(finding, Bar):
                yield finding

    def rule(self, ask: Ask, facts: CardFacts) -> Iterator[Finding]:
        if facts.has_card:
            yield Bar("", _("已有社会保障卡，补换卡请到发卡银行。"))
        elif facts.under_way:
            yield Bar("", _("您的社会保障卡{state}，不需要再申请。").format(state=facts.under_way))
        elif not facts.insured:
            enrol = ENROL.at(ask.offer.city)
            yield Bar("", _("您在本市还没有参加医疗保险，请先{enrol}。").format(enrol=enrol), (enrol,))

    def taken(self, case: Case, ask: Ask, facts: CardFacts) -> None:
        making.apply(
            case,
            bank=str(ask.answers["bank"]),
            delivery=str(ask.answers["delivery"]),
            address=str(ask.answers.get("address", "")),
            by=ask.applicant.user,
            now=ask.filed_at,
        )

    def effect(self, case: Case, ask: Ask, facts: CardFacts, *, by: User, now: datetime) -> dict[str, Any]:
        card = making.send(case, by=by, now=now)
        return {
            "lines": [
                [_("发卡银行"), card.bank],
                [_("预计制好"), _("{day}前").format(day=card.made_by_words)],
            ]
        }

    def stands(self, outcome: Any) -> Status:
        return Status.UNDER_WAY

    def waits_until(self, case: Case, *, now: datetime) -> str:
        card = FirstCard.objects.filter(case=case).select_related("case").first()
        return making.stands(card) if card and case.status == Status.UNDER_WAY else ""

    def summary(self, ask: Ask, facts: CardFacts) -> list[tuple[str, str]]:
        come_by = first_card_terms(ask.offer).come_by(today_in_china(ask.filed_at))
        delivery = Delivery(str(ask.answers["delivery"]))
        address = str(ask.answers.get("address", ""))
        return [
            (_("姓名"), ask.person.name),
            (_("身份证号码"), identity.mask(ask.person.identity_number)),
            (_("发卡银行"), str(ask.answers["bank"])),
            (
                _("领卡方式"),
                _(DELIVERY_LABELS[delivery]) + (_("：{address}").format(address=address) if address else ""),
            ),
            (
                _("请注意"),
                _("请在{day}前到辖区社保经办机构确认照片并签字，逾期影响领卡，不影响参保。").format(
                    day=day_zh(come_by)
                ),
            ),
        ]
