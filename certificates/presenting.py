"""Frozen facts in words and tables: for the document, for the last look before it is issued, and for the certificate's page."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from certificates.facts import EMPLOYER_SCHEMA, PERSON_SCHEMA, STATE_WORDS
from certificates.models import Certificate
from certificates.payment_facts import PAYMENT_LIST_SCHEMA, PAYMENT_RECEIPT_SCHEMA
from contributions.queries import State
from portal.shared.insurance import CAPACITY_LABELS, INSURANCE_LABELS
from portal.shared.money import format_yuan, in_words
from portal.shared.months import Month


def period(facts: Mapping[str, Any]) -> str:
    """The months certified: 2025年12月至2026年11月."""
    start, last = Month.parse(facts["period"]["start"]), Month.parse(facts["period"]["until"]) - 1
    return start.zh if start == last else _("{start}至{last}").format(start=start.zh, last=last.zh)


def insurances(facts: Mapping[str, Any]) -> str:
    """The insurances certified, in words."""
    return "、".join(_(INSURANCE_LABELS[insurance]) for insurance in facts["insurances"])


def sums(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a receipt or a list of payments comes to; nothing for other certificates."""
    if facts["schema"] not in (PAYMENT_RECEIPT_SCHEMA, PAYMENT_LIST_SCHEMA):
        return []
    total = facts["totals"]["amount_fen"]
    return [
        (_("金额"), _("%(yuan)s 元") % {"yuan": format_yuan(total)}),
        (_("金额（大写）"), in_words(total)),
    ]


def outcome(certificate: Certificate) -> dict[str, Any]:
    """What a case shows of the certificate that came of it."""
    url = reverse("certificate", args=[certificate.serial_number])
    return {
        "certificate": certificate.serial_number,
        "lines": [
            [_("证明编号"), certificate.serial_number],
            [_("验证码"), certificate.grouped_code],
        ],
        "links": [[_("查看和下载证明"), url]],
    }


def contents(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts with the tables that show them: context for the documents' templates and for certificates/contents.html."""
    return {"facts": facts, "period": period(facts), **_TABLES[facts["schema"]](facts)}


def _person_tables(facts: Mapping[str, Any]) -> dict[str, Any]:
    columns = [
        {
            "insurance": insurance,
            "label": INSURANCE_LABELS[insurance],
            # Where nobody pays a personal share (work injury), a column of zeros says nothing: the state says it.
            "money": any(row["cells"].get(insurance, {}).get("personal_fen") for row in facts["months"]),
        }
        for insurance in facts["insurances"]
        # An insurance without any record stands in the summary; in the table it would be an empty column.
        if any(insurance in row["cells"] for row in facts["months"])
    ]
    money_columns = sum(column["money"] for column in columns)
    return {
        "columns": columns,
        "rows": list(_month_rows(facts, columns)),
        "narrow": money_columns > 1 or len(columns) > 3,
        "summary": [
            {
                "label": INSURANCE_LABELS[insurance],
                "state": "参保中" if status else "未参保",
                "capacity": CAPACITY_LABELS[status["capacity"]] if status else "—",
                "since": Month.parse(status["since"]).zh if status else "—",
                "paid_months": facts["totals"][insurance]["paid_months"],
                "personal": format_yuan(facts["totals"][insurance]["personal_fen"]),
            }
            for insurance in facts["insurances"]
            for status in [facts["status"].get(insurance)]
        ],
        "any_money": money_columns > 0,
        "paid_by_employer": [
            column["label"]
            for column in columns
            if not column["money"] and facts["totals"][column["insurance"]]["paid_months"]
        ],
        "left_out": _left_out(facts),
        "uncharged": any(State.COVERED in total["left_out"] for total in facts["totals"].values()),
    }


def _left_out(facts: Mapping[str, Any]) -> list[str]:
    """What the totals leave out: 待缴 2 个月（养老保险、医疗保险）."""
    alike: dict[tuple[str, int], list[str]] = {}
    for insurance in facts["insurances"]:
        for state, count in facts["totals"][insurance]["left_out"].items():
            alike.setdefault((state, count), []).append(str(INSURANCE_LABELS[insurance]))
    return [
        f"{STATE_WORDS[State(state)]} {count} 个月（{'、'.join(labels)}）"
        for (state, count), labels in alike.items()
    ]


def _month_rows(facts: Mapping[str, Any], columns: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The lines of the months' table; each cell with its class, its column's words and its text."""
    year = ""
    for row in facts["months"]:
        cells: list[tuple[str, str, str]] = []
        for column in columns:
            label, cell = column["label"], row["cells"].get(column["insurance"])
            word = STATE_WORDS[State(cell["state"])] if cell else "—"
            if not column["money"]:
                cells.append(("middle first", label, word))
                continue
            base = _base(cell["base"]) if cell else ""
            paid = format_yuan(cell["personal_fen"]) if cell and cell["state"] == State.PAID else word
            cells += [
                ("number first", _("{insurance}缴费基数").format(insurance=label), base),
                ("number", _("{insurance}个人缴费").format(insurance=label), paid),
            ]
        new_year = year not in ("", row["month"][:4])
        year = row["month"][:4]
        yield {
            "month": row["month"],
            "employer": row["employer"],
            "name": facts["employers"][row["employer"] - 1]["name"],
            "cells": cells,
            "new_year": new_year,
        }


def _employer_tables(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "labels": [INSURANCE_LABELS[insurance] for insurance in facts["insurances"]],
        "rows": [
            {
                "month": Month.parse(row["month"]).zh,
                "people": row["people"],
                "counted": [
                    (INSURANCE_LABELS[insurance], row["counts"][insurance])
                    for insurance in facts["insurances"]
                ],
            }
            for row in facts["months"]
        ],
    }


def _payment_tables(facts: Mapping[str, Any]) -> dict[str, Any]:
    payments = facts["payments"]
    return {
        "payments": [
            {
                **one,
                "month": Month.parse(one["month"]).zh,
                "insurance": INSURANCE_LABELS[one["insurance"]],
                "base": _base(one["base"]),
                "personal": format_yuan(one["personal_fen"]),
                "employer": format_yuan(one["employer_fen"]),
                "surcharge": format_yuan(one["surcharge_fen"]),
                "account": format_yuan(one["account_fen"]),
                "amount": format_yuan(one["amount_fen"]),
            }
            for one in payments
        ],
        "any_employer": any(one["employer_fen"] for one in payments),
        "any_surcharge": any(one["surcharge_fen"] for one in payments),
        "sums": {name.removesuffix("_fen"): format_yuan(fen) for name, fen in facts["totals"].items()},
        "in_words": in_words(facts["totals"]["amount_fen"]),
    }


def _base(yuan: str) -> str:
    """A base in yuan with at least two decimals, and as many as it has."""
    if not yuan:
        return ""
    decimals = max(2, len(yuan.partition(".")[2].rstrip("0")))
    return f"{Decimal(yuan):,.{decimals}f}"


_TABLES = {
    PERSON_SCHEMA: _person_tables,
    EMPLOYER_SCHEMA: _employer_tables,
    PAYMENT_RECEIPT_SCHEMA: _payment_tables,
    PAYMENT_LIST_SCHEMA: _payment_tables,
}
