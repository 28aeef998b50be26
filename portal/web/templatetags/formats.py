"""Numbers, dates, months and names as the hall writes them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from django import template
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.shared import identity, money
from portal.shared.countries import country_name
from portal.shared.months import Month, day_zh

register = template.Library()


@register.filter
def yuan(fen: int | None) -> str:
    """Fen as yuan, without the unit: 39304 → 393.04. Nothing for None."""
    return "" if fen is None else money.format_yuan(fen)


@register.filter
def yuan_zh(fen: int | None) -> str:
    """Fen as yuan, with the unit: 39304 → 393.04 元. Nothing for None."""
    return "" if fen is None else _("%(yuan)s 元") % {"yuan": money.format_yuan(fen)}


@register.filter
def grouped(number: int) -> str:
    """A count for people to read: 86120 → 86,120."""
    return f"{number:,}"


@register.filter
def mask_identity(number: str | None) -> str:
    """An identity number of which only the place and the last four stay."""
    return identity.mask(number or "")


@register.filter
def mask_name(name: str | None) -> str:
    """A name of which only the first and last character stay."""
    return identity.mask_name(name or "")


@register.filter
def mask_phone(phone: str | None) -> str:
    """A phone number of which only the first three and last four stay."""
    return identity.mask_phone(phone or "")


@register.filter
def mask_account(number: str | None) -> str:
    """A bank account of which only the last four stay."""
    return identity.mask_account(number or "")


@register.filter
def paper_title(person: Mapping[str, str]) -> str:
    """The title of an identity paper: 居民身份证, 港澳台居民居住证, 护照 … ``person`` is as
    ``Person.named`` gives it."""
    kind = person.get("document") or identity.document_of(person["identity_number"])
    return _(identity.DOCUMENT_LABELS[identity.Document(kind)])


@register.filter
def number_on_paper(person: Mapping[str, str]) -> str:
    """The number on that paper; where it is not the social-security number, with the country and
    the social-security number."""
    if not person.get("document"):
        return person["identity_number"]
    return _("{paper}（{country}），社会保障号码 {number}").format(
        paper=person["paper_number"],
        country=country_name(person["nationality"]),
        number=person["identity_number"],
    )


@register.filter
def month_zh(month: Month | dt.date | str | None) -> str:
    """A month, a date, or "2026-11" as 2026年11月. Raises ValueError for any other text."""
    match month:
        case None | "":
            return ""
        case Month():
            return month.zh
        case dt.datetime():
            return Month.of(_local(month).date()).zh
        case dt.date():
            return Month.of(month).zh
        case _:
            return Month.parse(month).zh


@register.filter
def date_zh(day: Month | dt.date | str | None) -> str:
    """A date, or the day of a moment, as 2026年11月21日; a month as 2026年11月; text as it
    stands."""
    match day:
        case None:
            return ""
        case str():
            return day
        case Month():
            return day.zh
        case dt.datetime():
            day = _local(day).date()
    return day_zh(day)


@register.filter
def datetime_zh(moment: dt.datetime | None) -> str:
    """A moment as 2026年11月21日 09:05, in the hall's time zone."""
    if moment is None:
        return ""
    local = _local(moment)
    return f"{date_zh(local.date())} {local:%H:%M}"


@register.simple_tag
def printed_at() -> str:
    """When a page is printed, as 2026-11-21 09:05: the hall's now, which Django's own tag does not
    ask for."""
    return f"{_local(timezone.now()):%Y-%m-%d %H:%M}"


def _local(moment: dt.datetime) -> dt.datetime:
    return timezone.localtime(moment) if timezone.is_aware(moment) else moment
