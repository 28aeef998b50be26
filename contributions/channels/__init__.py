"""The ways to pay an order: each a channel behind one small protocol.

Which of them a city offers is policy; which of them can be used here depends on the keys that this
installation has.
"""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, OuterRef, QuerySet, Subquery, When
from django.db.models.functions import Substr
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from contributions.channels import keys
from contributions.channels.alipay import AlipayChannel
from contributions.channels.card import CardChannel
from contributions.channels.keys import ChannelUnavailable
from contributions.channels.partner import PREFIX, PartnerChannel
from contributions.channels.protocol import Channel
from contributions.channels.wechat import WeChatChannel
from contributions.models import AccountKind, LedgerAccount
from portal.partners.models import Partner
from portal.policy.book import PolicyMissing, book
from portal.policy.terms.payment import payment_terms
from portal.shared.months import CHINA

__all__ = [
    "TITLES",
    "ChannelUnavailable",
    "Offered",
    "account_titles",
    "available",
    "channel",
    "offered",
    "title",
    "titles",
]

_BUILD: dict[str, Callable[[keys.Account], Channel]] = {
    "card": CardChannel,
    "alipay": AlipayChannel,
    "wechat": WeChatChannel,
}
TITLES = {"card": CardChannel.title, "alipay": AlipayChannel.title, "wechat": WeChatChannel.title}
# Titles of channels that no order is paid by. A debit's code is followed by its bank: debit:psbc.
OTHERS = {"counter": gettext_noop("柜台"), "bank-transfer": gettext_noop("银行转账")}
DEBIT = "debit"

_built: dict[str, tuple[keys.Stamp, Channel]] = {}


@dataclass(frozen=True, slots=True)
class Offered:
    """A channel that a city offers. ``channel`` is None where it cannot be used here, and ``why``
    then says why, for staff."""

    code: str
    title: str
    channel: Channel | None
    why: str = ""


def offered(city: str, *, on: dt.date | None = None) -> list[Offered]:
    """The channels of a city by policy, in its order, on a day (by default today in China); none
    where it takes no orders."""
    try:
        terms = payment_terms(book(), city=city, on=on or timezone.localdate(timezone=CHINA))
    except PolicyMissing:
        return []
    channels = []
    for code in terms.channels:
        try:
            channels.append(Offered(code, TITLES[code], channel(code)))
        except ChannelUnavailable as problem:
            channels.append(Offered(code, TITLES[code], None, str(problem)))
    return channels


def available(city: str, *, on: dt.date | None = None) -> list[Channel]:
    """The channels of a city that can be used now, in its order."""
    return [one.channel for one in offered(city, on=on) if one.channel is not None]


def channel(code: str) -> Channel:
    """The channel of that code, whether or not a city still offers it: a payment is asked about
    long after.

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
    """The channel's title, also of one that no order is paid by; the code itself where it has no
    title."""
    return titles([code])[code]


def with_partner_names(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Rows with a ``channel``, each annotated with the name of the partner that is its channel,
    else None, so that a list needs no query for each row (``title_of``)."""
    code = Substr(OuterRef("channel"), len(PREFIX) + 1)
    return rows.annotate(
        partner_name=Case(
            When(
                channel__startswith=PREFIX,
                then=Subquery(Partner.objects.filter(code=code).values("name")[:1]),
            )
        )
    )


def title_of(row: Any) -> str:
    """``title`` of a row's channel; without a query for one of ``with_partner_names``."""
    if hasattr(row, "partner_name"):
        return row.partner_name or _title(row.channel)
    return title(row.channel)


def titles(codes: Iterable[str]) -> dict[str, str]:
    """``title`` of each code. One query where partners are among them, none otherwise."""
    wanted = set(codes)
    partners = [code.removeprefix(PREFIX) for code in wanted if code.startswith(PREFIX)]
    names = dict(Partner.objects.filter(code__in=partners).values_list("code", "name")) if partners else {}
    return {code: names.get(code.removeprefix(PREFIX)) or _title(code) for code in wanted}


def _title(code: str) -> str:
    kind, _colon, bank = code.partition(":")
    if kind == DEBIT:
        return _("%(bank)s托收") % {"bank": _banks().get(bank, bank)} if bank else _("银行托收")
    known = TITLES.get(code) or OTHERS.get(code)
    return _(known) if known else code


def _banks() -> dict[str, str]:
    """The titles, by code, of the banks that debit or have debited for a city, from the cities'
    data."""
    return {
        leaf.values["bank"]: leaf.values["bank_title"]
        for city in book().cities
        if "debit" in book().names(city.slug)
        for leaf in book().history(city.slug, "debit")
    }


def account_titles(accounts: Iterable[LedgerAccount]) -> dict[int, str]:
    """The titles of these accounts of the ledger, by id, with the name of the channel or of the
    other agency. At most one query."""
    listed = list(accounts)
    named = titles(one.channel for one in listed if one.kind != AccountKind.TRANSFER)
    cities = {city.slug: city.title for city in book().cities}
    titles_by_id = {}
    for account in listed:
        other = (
            cities.get(account.channel, _("外地经办机构"))
            if account.kind == AccountKind.TRANSFER
            else named[account.channel]
        )
        parts = [
            account.get_kind_display(),
            account.get_insurance_display() if account.insurance else "",
            other,
        ]
        titles_by_id[account.pk] = " · ".join(str(part) for part in parts if part)
    return titles_by_id
