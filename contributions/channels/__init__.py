"""The ways to pay an order: each a channel behind one small protocol.

Which of them a city offers is policy; which of them can be used here depends on the keys that this installation has.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext as _

from contributions.channels import keys
from contributions.channels.alipay import AlipayChannel
from contributions.channels.card import CardChannel
from contributions.channels.keys import ChannelUnavailable
from contributions.channels.partner import PREFIX, PartnerChannel
from contributions.channels.protocol import Channel
from contributions.channels.wechat import WeChatChannel
from portal.partners.models import Partner
from portal.policy.book import PolicyMissing, book
from portal.policy.terms import payment_terms
from portal.shared.months import CHINA

__all__ = ["TITLES", "ChannelUnavailable", "Offered", "available", "channel", "offered", "title"]

_BUILD: dict[str, Callable[[keys.Account], Channel]] = {
    "card": CardChannel,
    "alipay": AlipayChannel,
    "wechat": WeChatChannel,
}
TITLES = {"card": CardChannel.title, "alipay": AlipayChannel.title, "wechat": WeChatChannel.title}

_built: dict[str, tuple[keys.Stamp, Channel]] = {}


@dataclass(frozen=True, slots=True)
class Offered:
    """A channel that a city offers. ``channel`` is None where it cannot be used here, and ``why`` then says why, for staff."""

    code: str
    title: str
    channel: Channel | None
    why: str = ""


def offered(city: str, *, on: dt.date | None = None) -> list[Offered]:
    """The channels of a city by policy, in its order, on a day (by default today in China); none where it takes no orders."""
    try:
        terms = payment_terms(book(), city=city, on=on or timezone.localdate(timezone=CHINA))
    except PolicyMissing:
        return []
    found = []
    for code in terms.channels:
        try:
            found.append(Offered(code, TITLES[code], channel(code)))
        except ChannelUnavailable as problem:
            found.append(Offered(code, TITLES[code], None, str(problem)))
    return found


def available(city: str, *, on: dt.date | None = None) -> list[Channel]:
    """The channels of a city that can be used now, in its order."""
    return [one.channel for one in offered(city, on=on) if one.channel is not None]


def channel(code: str) -> Channel:
    """The channel of that code, whether or not a city still offers it: a payment is asked about long after.

    A partner's is its own. Raises ChannelUnavailable.
    """
    if code.startswith(PREFIX):
        partner = Partner.objects.filter(code=code.removeprefix(PREFIX)).first()
        if partner is None:
            raise ChannelUnavailable(code)
        return PartnerChannel(partner)
    stamp = keys.stamp(code)
    known = _built.get(code)
    if known is not None and known[0] == stamp:
        return known[1]
    try:
        built = _BUILD[code](keys.account(code))
    except (KeyError, ValueError) as problem:
        raise ChannelUnavailable(f"{code}: {problem}") from problem
    _built[code] = stamp, built
    return built


def title(code: str) -> str:
    """What people call the channel; the code itself where it has no name."""
    if code.startswith(PREFIX):
        names = Partner.objects.filter(code=code.removeprefix(PREFIX)).values_list("name", flat=True)
        return next(iter(names), code)
    return _(TITLES[code]) if code in TITLES else code
