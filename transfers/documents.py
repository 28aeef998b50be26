"""The documents of a transfer, issued like all certificates: voucher (参保缴费凭证), letter
(联系函), information form (信息表).

Each is frozen in the transaction of its move. It is drawn and sealed when it is first opened.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from certificates import issuing
from certificates.facts import issuer
from certificates.kinds import CertificateKind
from certificates.models import Certificate
from certificates.presenting import Reading
from contributions.prices.reckoned import percent_text
from portal.accounts.models import User
from portal.policy.book import book
from portal.policy.terms.transfer import pension_transfer_terms, transfer_days
from portal.shared.insurance import INSURANCE_LABELS, Insurance
from portal.shared.money import format_yuan, in_words
from portal.shared.months import periods_zh, today_in_china
from transfers.amounts import periods_of, what_moves
from transfers.models import Transfer, TransferDocument

VOUCHER_SCHEMA = "transfer-voucher/1"
LETTER_SCHEMA = "transfer-letter/1"
FORM_SCHEMA = "transfer-form/1"


def voucher(transfer: Transfer, *, by: User, now: datetime) -> Certificate:
    """The voucher of the old city for an application there: months, wages and money at that
    time."""
    moving = what_moves(
        transfer.person,
        insurance=Insurance(transfer.insurance),
        city=transfer.from_city,
        on=today_in_china(now),
    )
    return _freeze(
        transfer,
        CertificateKind.TRANSFER_VOUCHER,
        VOUCHER_SCHEMA,
        transfer.from_city,
        {"information": moving.information()},
        [_as_booked(), _may_change(), *_pooled_rule(transfer, now)],
        by=by,
        now=now,
    )


def letter(transfer: Transfer, *, by: User, now: datetime) -> Certificate:
    """The new agency's letter that asks the old one for the relation. For an outside agency's own
    letter, the old city issues this record of it."""
    return _freeze(
        transfer,
        CertificateKind.TRANSFER_LETTER,
        LETTER_SCHEMA,
        transfer.to_city or transfer.from_city,
        {},
        [
            _("请自收到本函之日起 {days} 个工作日内办理。不能办理的，请写明原因退回。").format(
                days=transfer_days(book(), insurance=Insurance(transfer.insurance), on=today_in_china(now))
            )
        ],
        by=by,
        now=now,
    )


def information_form(
    transfer: Transfer, information: Mapping[str, Any], *, by: User, now: datetime
) -> Certificate:
    """The old place's information form; the new place takes over the same data."""
    return _freeze(
        transfer,
        CertificateKind.TRANSFER_FORM,
        FORM_SCHEMA,
        transfer.from_city or transfer.to_city,
        {"information": dict(information)},
        [_as_booked(), _left(), *_pooled_rule(transfer, now)],
        by=by,
        now=now,
    )


def _freeze(
    transfer: Transfer,
    kind: CertificateKind,
    schema: str,
    city: str,
    contents: Mapping[str, Any],
    notes: list[str],
    *,
    by: User,
    now: datetime,
) -> Certificate:
    person = transfer.person
    facts = {
        "schema": schema,
        **issuer(book().city(city), now),
        "person": person.named(),
        "insurances": [transfer.insurance],
        "transfer": transfer.number,
        "from": {
            "place": transfer.from_place,
            "agency": transfer.old.name,
        },
        "to": {"place": transfer.to_place, "agency": transfer.new.name},
        **contents,
        "notes": notes,
    }
    certificate = issuing.freeze(kind=kind, city=city, facts=facts, person=person, by=by, now=now)
    TransferDocument.objects.create(transfer=transfer, certificate=certificate)
    return certificate


def _as_booked() -> str:
    return _("数据取自本机构业务系统，只含已经入账的月份。")


def _may_change() -> str:
    return _("实际转移的月份和金额以转出时的信息表为准。")


def _left() -> str:
    return _("所列月份转出后不在转出地重复计算。")


def _pooled_rule(transfer: Transfer, now: datetime) -> list[str]:
    """The note on the rule for the pooled amount; empty for medical insurance."""
    if transfer.insurance != Insurance.PENSION:
        return []
    terms = pension_transfer_terms(book(), on=today_in_china(now))
    words = {
        "month": terms.pooled_from.zh,
        "percent": percent_text(terms.pooled_rate),
        "title": terms.leaf.reference.title,
        "number": terms.leaf.reference.number,
    }
    return [
        _("统筹基金按{month}起各年度实际缴费工资总和的 {percent} 计算（{title}，{number}）。").format(**words)
    ]


# Presenting


def tables(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The template context of a document, from its facts."""
    information = facts.get("information")
    context: dict[str, Any] = {
        "insurance": INSURANCE_LABELS[facts["insurances"][0]],
        "is_pension": facts["insurances"] == [str(Insurance.PENSION)],
        "told": None,
    }
    if information is not None:
        sum_fen = information["account_fen"] + information["pooled_fen"]
        context["told"] = {
            "months": information["months"],
            "periods": periods_zh(periods_of(information)),
            "wages": [(year, _exact(wage)) for year, wage in sorted(information["wages"].items())],
            "wages_sum": _exact(
                str(sum((Decimal(wage) for wage in information["wages"].values()), Decimal(0)))
            ),
            "account": format_yuan(information["account_fen"]),
            "pooled": format_yuan(information["pooled_fen"]),
            "sum": format_yuan(sum_fen),
            "in_words": in_words(sum_fen),
        }
    return context


def lines(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The facts as (label, value), for the workbench."""
    context = tables(facts)
    rows = [
        (_("转移编号"), facts["transfer"]),
        (_("险种"), str(context["insurance"])),
        (_("转出地"), facts["from"]["agency"]),
        (_("转入地"), facts["to"]["agency"]),
    ]
    if context["told"]:
        rows += [
            (_("转移月数"), str(context["told"]["months"])),
            (_("转移金额"), _("%(yuan)s 元") % {"yuan": context["told"]["sum"]}),
        ]
    return rows


READING = Reading("transfers/contents.html", tables, lines, gettext_lazy("转移内容"))


def _exact(yuan: str) -> str:
    decimals = max(2, len(yuan.partition(".")[2].rstrip("0")))
    return f"{Decimal(yuan):,.{decimals}f}"
