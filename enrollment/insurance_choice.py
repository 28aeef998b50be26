"""Fields that enrolment forms share: for each insurance of an offer, the first month with or
without it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.utils.translation import gettext_lazy as _

from portal.hall.fields import MonthChoiceField
from portal.hall.service import Ask
from portal.policy.book import Offer
from portal.policy.terms import offers
from portal.shared.insurance import INSURANCE_LABELS, Insurance
from portal.shared.months import Month


def start_field(
    offer: Offer, insurance: Insurance, filed_in: Month, *, required: bool = False
) -> MonthChoiceField:
    """The months in which coverage may begin; the neighbouring ones are shown with the reason why
    not."""
    allowed = offers.start_months(offer, insurance, filed_in=filed_in)
    return _field(
        allowed,
        label=_("{insurance}：从哪个月开始").format(insurance=INSURANCE_LABELS[insurance]),
        why=_("{insurance}只能从{months}开始参保。"),
        insurance=insurance,
        none_label="" if required else _("不参保"),
    )


def stop_field(
    offer: Offer, insurance: Insurance, filed_in: Month, *, barred: Mapping[Month, str] | None = None
) -> MonthChoiceField:
    """The months that may be the first without coverage; those ``barred`` are shown with the reason
    and cannot be chosen."""
    allowed = offers.stop_months(offer, insurance, filed_in=filed_in)
    word = stop_word(offer)
    field = _field(
        allowed,
        barred=barred or {},
        label=_("{insurance}：从哪个月{word}").format(insurance=INSURANCE_LABELS[insurance], word=word),
        why=_("{{insurance}}只能从{{months}}起{word}。").format(word=word),
        insurance=insurance,
        none_label=_("不{word}").format(word=word),
    )
    # Ending a coverage is never preselected, and the form shows what it costs beside the choice.
    field.initial = ""
    field.help_text = " ".join(stop_costs(offer, insurance))
    field.choice_hints = {
        str(month): _("缴费到{month}为止").format(month=(month - 1).zh) for month in allowed
    }
    return field


def stop_word(offer: Offer) -> str:
    """What the city's service calls stopping: 停保, 中断, 暂停缴费."""
    return str(offer.options.get("stop_word", _("停保")))


def stop_costs(offer: Offer, insurance: Insurance) -> tuple[str, ...]:
    """What stopping costs, in the city's sentences; empty where the offer says nothing."""
    return tuple(offer.options.get("stop_costs", {}).get(insurance, ()))


def chosen(ask: Ask, prefix: str) -> dict[Insurance, Month]:
    """The months that were chosen, by insurance: answers such as ``start_pension``."""
    return {
        insurance: Month.parse(ask.answers[f"{prefix}_{insurance}"])
        for insurance in Insurance
        if ask.answers.get(f"{prefix}_{insurance}")
    }


def _field(
    allowed: tuple[Month, ...],
    *,
    label: Any,
    why: Any,
    insurance: Insurance,
    none_label: Any,
    barred: Mapping[Month, Any] = MappingProxyType({}),
) -> MonthChoiceField:
    title = INSURANCE_LABELS[insurance]
    reason = why.format(insurance=title, months="、".join(month.zh for month in allowed))
    around: Mapping[Month, Any] = (
        dict.fromkeys((allowed[0] - 1, allowed[-1] + 1), reason) if len(allowed) == 1 else {}
    )
    open_months = [month for month in allowed if month not in barred]
    return MonthChoiceField(
        label=label,
        months=allowed,
        not_allowed={**around, **barred},
        none_label=none_label,
        required=False,
        initial=str(open_months[-1]) if open_months else "",
    )
