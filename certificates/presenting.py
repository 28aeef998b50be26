"""Frozen facts in words and tables: for the document, for 核对并提交 before it is issued, and for
the certificate's page."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from certificates.facts import EMPLOYER_SCHEMA, FIRST_PERSON_SCHEMA, PERSON_SCHEMA, STATE_WORDS, Reveal
from certificates.history_facts import HISTORY_SCHEMA, MOVED_OUT
from certificates.kinds import CASE_SCHEMA, IN_FULL, CertificateKind
from certificates.models import Certificate
from certificates.payment_facts import PAYMENT_LIST_SCHEMA, PAYMENT_RECEIPT_SCHEMA
from contributions.records.by_month import State
from portal.hall import counter
from portal.shared import foreigners
from portal.shared.countries import country_name
from portal.shared.identity import DOCUMENT_LABELS, Document, document_of, mask, mask_name
from portal.shared.insurance import CAPACITY_LABELS, INSURANCE_LABELS, Insurance
from portal.shared.money import format_yuan, in_words
from portal.shared.months import CHINA, Month, day_zh, periods_zh


def period(facts: Mapping[str, Any]) -> str:
    """The months certified: 2025年12月至2026年11月."""
    return periods_zh([(Month.parse(facts["period"]["start"]), Month.parse(facts["period"]["until"]))])


def insurances(facts: Mapping[str, Any]) -> str:
    """The insurances certified, in words."""
    return "、".join(_(INSURANCE_LABELS[insurance]) for insurance in facts["insurances"])


def not_run(where_by_insurance: Mapping[str, str]) -> str:
    """Which insurances the agency does not run, and where to ask about them; "" where it runs all.
    ``where_by_insurance``: insurance → place."""
    places: dict[str, list[str]] = {}
    for insurance, where in where_by_insurance.items():
        places.setdefault(where, []).append(_(INSURANCE_LABELS[Insurance(insurance)]))
    return "".join(
        _("{insurances}不由本机构经办，请向{where}查询。").format(insurances="、".join(labels), where=where)
        for where, labels in places.items()
    )


def sums(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The sum of a receipt or a list of payments, in figures and in words."""
    total = facts["totals"]["amount_fen"]
    return [
        (_("金额"), _("%(yuan)s 元") % {"yuan": format_yuan(total)}),
        (_("金额（大写）"), in_words(total)),
    ]


def described(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The main facts and the use as (label, value): for 核对并提交, the register, and people who
    verify the certificate."""
    return [*_READINGS[facts["schema"]].lines(facts), *use_lines(facts)]


def use_lines(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Recipient, purpose and last day as (label, value); without those that were not stated."""
    use = facts.get("use", {})
    lines = [
        (_("出具给"), use.get("recipient", "")),
        (_("用途"), use.get("purpose", "")),
        (_("有效期至"), day(use["valid_until"]) if "valid_until" in use else ""),
    ]
    return [(label, value) for label, value in lines if value]


def day(iso: str) -> str:
    """A frozen day as documents write it: 2026年11月21日."""
    return day_zh(date.fromisoformat(iso))


def outcome(certificate: Certificate) -> dict[str, Any]:
    """The case's outcome for the certificate that it led to."""
    url = reverse("certificate", args=[certificate.serial_number])
    return {
        "certificate": certificate.serial_number,
        "lines": [
            [_("{called}编号").format(called=certificate.called), certificate.serial_number],
            [_("验证码"), certificate.grouped_code],
        ],
        "links": [[_("查看和下载{called}").format(called=certificate.called), url]],
    }


def contents(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts and their tables: context for the documents' templates and for
    certificates/contents.html.

    ``page`` names the template that pages include.
    """
    reading = _READINGS[facts["schema"]]
    return {
        "facts": facts,
        "period": period(facts) if "period" in facts else "",
        "use": use_lines(facts),
        "not_run": not_run(facts.get("asked_elsewhere", {})),
        "page": reading.page,
        "headed": reading.headed,
        **reading.tables(facts),
    }


def told(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts for people who verify a certificate: name and number masked, without the facts that
    only the paper shows."""
    masked = {name: value for name, value in facts.items() if name != IN_FULL}
    if "person" in facts:
        masked["person"] = {
            **facts["person"],
            "name": mask_name(facts["person"]["name"]),
            "identity_number": mask(facts["person"]["identity_number"]),
        }
        if "paper_number" in facts["person"]:
            masked["person"]["paper_number"] = foreigners.mask(facts["person"]["paper_number"])
    if facts.get("visit", {}).get("agent"):
        masked["visit"] = {**facts["visit"], "agent": mask_name(facts["visit"]["agent"])}
    return masked


_CONTENTS = gettext_lazy("证明内容")


def whose_paper(person: Mapping[str, str]) -> list[tuple[str, str]]:
    """The identity paper that a certificate names, its number masked, as (label, value)."""
    number = mask(person["identity_number"])
    if "document" not in person:
        document = document_of(person["identity_number"])
        return [
            (_("身份证号码"), number)
            if document == Document.RESIDENT
            else (_("{paper}号码").format(paper=_(DOCUMENT_LABELS[document])), number)
        ]
    kind = _(DOCUMENT_LABELS[Document(person["document"])])
    return [
        (_("{paper}号码").format(paper=kind), foreigners.mask(person["paper_number"])),
        (_("国籍"), country_name(person["nationality"])),
        (_("社会保障号码"), number),
    ]


@dataclass(frozen=True, slots=True)
class Reading:
    """The presentation of facts of one schema: the template for pages, its tables, the main facts
    as (label, value), and the heading on the page."""

    page: str
    tables: Callable[[Mapping[str, Any]], dict[str, Any]]
    lines: Callable[[Mapping[str, Any]], list[tuple[str, str]]]
    headed: Any = _CONTENTS


def register(schema: str, reading: Reading) -> None:
    """Registers the presentation of a schema; apps above this one call it in ``ready``. Raises
    ValueError where the schema has another one."""
    if _READINGS.setdefault(schema, reading) != reading:
        raise ValueError(schema)


def _months_lines(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(_("证明期间"), period(facts)), (_("险种"), insurances(facts))]


def _employer_lines(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (_("参保地"), facts["place"]),
        *_months_lines(facts),
        (_("联系人"), f"{facts['contact']['name']} {facts['contact']['phone']}"),
    ]


def _person_lines(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    if facts.get("reveals") != Reveal.AT_LEAST:
        return _months_lines(facts)
    return [*_months_lines(facts), (_("证明内容"), at_least(facts))]


def _payment_lines(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(_("所属月份"), period(facts)), (_("险种"), insurances(facts)), *sums(facts)]


def at_least(facts: Mapping[str, Any]) -> str:
    """The only statement of an AT_LEAST proof: 各险种均已缴费不少于 12 个月."""
    if len(facts["insurances"]) == 1:
        return _("已缴费不少于 %(months)s 个月") % {"months": facts["at_least"]}
    return _("各险种均已缴费不少于 %(months)s 个月") % {"months": facts["at_least"]}


def _person_page(facts: Mapping[str, Any]) -> dict[str, Any]:
    if facts.get("reveals") != Reveal.AT_LEAST:
        return _person_tables(facts)
    span = Month.parse(facts["period"]["until"]) - Month.parse(facts["period"]["start"])
    return {"at_least": at_least(facts), "span": span, "insurances": insurances(facts)}


def _person_tables(facts: Mapping[str, Any]) -> dict[str, Any]:
    columns = [
        {
            "insurance": insurance,
            "label": INSURANCE_LABELS[insurance],
            # An insurance without a personal share (work injury) shows the state instead of a
            # column of zeros.
            "money": any(
                _tells_sums(row["cells"][insurance]) for row in facts["months"] if insurance in row["cells"]
            ),
        }
        for insurance in facts["insurances"]
        # An insurance without any record is shown only in the summary: its column would be empty.
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
                "personal": format_yuan(facts["totals"][insurance].get("personal_fen", 0)),
            }
            for insurance in facts["insurances"]
            for status in [facts["status"].get(insurance)]
        ],
        "any_money": money_columns > 0,
        "with_sums": facts.get("reveals", Reveal.ALL) == Reveal.ALL,
        "paid_by_employer": [
            column["label"]
            for column in columns
            if money_columns and not column["money"] and facts["totals"][column["insurance"]]["paid_months"]
        ],
        "left_out": _left_out(facts),
        "elsewhere": _elsewhere(facts),
        "only_at": facts.get("only_at", ""),
        "uncharged": any(State.COVERED in total["left_out"] for total in facts["totals"].values()),
    }


def _tells_sums(cell: Mapping[str, Any]) -> bool:
    # The first schema holds base and zero sums even for insurances without a personal share.
    return bool(cell["personal_fen"]) if "employer_fen" in cell else "base" in cell


def _left_out(facts: Mapping[str, Any]) -> list[str]:
    """The months that the totals leave out: 待缴 2 个月（养老保险、医疗保险）."""
    alike: dict[tuple[str, int], list[str]] = {}
    for insurance in facts["insurances"]:
        for state, count in facts["totals"][insurance]["left_out"].items():
            alike.setdefault((state, count), []).append(str(INSURANCE_LABELS[insurance]))
    return [
        f"{STATE_WORDS[State(state)]} {count} 个月（{'、'.join(labels)}）"
        for (state, count), labels in alike.items()
    ]


def _elsewhere(facts: Mapping[str, Any]) -> str:
    """Months that came from another place, left, or are under way: 转移接续：养老保险从外地转入 12
    个月…"""
    words = {
        "brought_in": _("从外地转入或另外计入 %(months)s 个月"),
        "moved_out": _("本地缴费已转出 %(months)s 个月"),
        "in_transit": _("转移途中 %(months)s 个月"),
    }
    parts = [
        f"{_(INSURANCE_LABELS[insurance])}{words[name] % {'months': months}}"
        for insurance, one in facts.get("elsewhere", {}).items()
        for name, months in one.items()
        if months
    ]
    return (
        _("转移接续：%(list)s，转入、另外计入和在途的不在明细和合计中。") % {"list": "、".join(parts)}
        if parts
        else ""
    )


def _month_rows(facts: Mapping[str, Any], columns: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The rows of the months' table; each cell is (class, column label, text)."""
    year = ""
    for row in facts["months"]:
        cells: list[tuple[str, str, str]] = []
        for column in columns:
            label, cell = column["label"], row["cells"].get(column["insurance"])
            word = STATE_WORDS[State(cell["state"])] if cell else "—"
            if not column["money"]:
                cells.append(("middle first", label, word))
                continue
            base = _base(cell.get("base", "")) if cell else ""
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
            "name": facts["employers"][row["employer"] - 1]["name"] if row["employer"] else "",
            "cells": cells,
            "new_year": new_year,
        }


def _employer_tables(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "labels": [INSURANCE_LABELS[insurance] for insurance in facts["insurances"]],
        "heads": [
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


def _history_tables(facts: Mapping[str, Any]) -> dict[str, Any]:
    totals, rows = facts["totals"], facts["years"]
    return {
        "years": [
            {
                **_year_sums(one),
                "year": one["year"],
                "where": one["where"],
                "base": _base(one["low"])
                if one["low"] == one["high"]
                else f"{_base(one['low'])}–{_base(one['high'])}",
                "new_year": place > 0 and rows[place - 1]["year"] != one["year"],
            }
            for place, one in enumerate(rows)
        ],
        "total": _year_sums(totals),
        "left_out": _history_left_out(facts),
        "account": [
            {
                name.removesuffix("_fen"): one[name] if name == "year" else format_yuan(one[name])
                for name in one
            }
            for one in facts["account"]
        ],
        "brought_in": [
            {
                "place": one["place"],
                "span": period({"period": one}),
                "months": one["months"],
                "account": format_yuan(one["account_fen"]),
            }
            for one in facts["brought_in"]
        ],
    }


def _year_sums(sums_of: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "months": sums_of["months"],
        "wages": _base(sums_of["wages"]),
        "personal": format_yuan(sums_of["personal_fen"]),
        "employer": format_yuan(sums_of["employer_fen"]),
        "account": format_yuan(sums_of["account_fen"]),
    }


def _history_left_out(facts: Mapping[str, Any]) -> list[str]:
    """The months that the totals leave out: by state, brought in, and under way."""
    words = {**{str(state): word for state, word in STATE_WORDS.items()}, MOVED_OUT: _("已转出")}
    counted = [(words[state], count) for state, count in facts["totals"]["left_out"].items()]
    counted += [
        (_("转移途中"), facts["in_transit"]),
        (_("从外地转入和另外计入"), sum(one["months"] for one in facts["brought_in"])),
    ]
    return [_("%(what)s %(count)s 个月") % {"what": what, "count": count} for what, count in counted if count]


def _history_lines(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        *_months_lines(facts),
        (_("已缴月数"), _("%(months)s 个月") % {"months": facts["totals"]["months"]}),
    ]


def _case_lines(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    case = facts["case"]
    filed = datetime.fromisoformat(case["submitted_at"]).astimezone(CHINA)
    lines = [
        (_("办件编号"), case["number"]),
        (_("事项"), case["service"]),
        (_("提交时间"), f"{filed:%Y-%m-%d %H:%M}"),
        (_("承诺办结日期"), day(case["due_on"]) if case["due_on"] else ""),
    ]
    return [(label, value) for label, value in lines if value]


def _case_tables(facts: Mapping[str, Any]) -> dict[str, Any]:
    if "person" in facts:
        applicant, number = facts["person"]["name"], facts["person"]["identity_number"]
        masked = mask(number)
    else:
        applicant = facts["employer"]["name"]
        masked = number = facts["employer"]["credit_code"]
    to_sign = facts["kind"] == CertificateKind.APPLICATION_FORM
    closing = [
        *([(_("办理对象"), facts["subject"])] if facts["subject"] not in ("", applicant) else []),
        (_("经办机构"), facts["agency"]),
    ]
    visit = facts.get("visit")
    lists = [
        *(_visit_lists(facts, visit) if visit else []),
        (_("需要核实"), facts["mismatches"]),
        (_("已交材料"), facts["handed_in"]),
        (_("需要携带的材料"), facts["to_bring"]),
    ]
    return {
        "applicant": applicant,
        "head": [*_case_lines(facts), (_("申请人"), f"{applicant}（{masked}）"), *closing],
        # Only the paper for the window shows these, no page.
        "paper_head": [
            *_case_lines(facts),
            (_("申请人"), f"{applicant}（{number if to_sign else masked}）"),
            *closing,
        ],
        "paper_lines": facts.get(IN_FULL, facts["lines"]),
        "qr_of_case": counter.qr_code(facts["opens"]) if "opens" in facts else "",
        "lists": [(title, lines) for title, lines in lists if lines],
        "to_sign": to_sign,
        "visit": visit,
    }


def _visit_lists(facts: Mapping[str, Any], visit: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """What a paper about a visit to the window says: what was found, and what comes next."""
    case, agency, hotline = facts["case"], facts["agency"], facts["hotline"]
    at = datetime.fromisoformat(visit["at"]).astimezone(CHINA)
    came = [_("{at:%Y-%m-%d %H:%M}，经办人{by}。").format(at=at, by=visit["by"])]
    if visit["agent"]:
        came.append(_("由代理人{name}代办，已核对双方身份证件和委托书。").format(name=visit["agent"]))
    if facts["kind"] == CertificateKind.ACCEPTANCE_NOTICE:
        following = [
            _("申请已受理，承诺 {day}前办结，结果可登录查询。").format(day=day(case["due_on"]))
            if case["due_on"]
            else _("申请已受理，结果可登录查询。")
        ]
    elif facts["kind"] == CertificateKind.GUIDANCE_NOTICE:
        following = [
            _(
                "请在 {day}前带齐上述材料，再到{agency}窗口办理；预申请保留到这一天，过期作废，可以重新申报。"
            ).format(day=day(visit["keep_until"]), agency=agency)
            if visit["keep_until"]
            else _("请带齐上述材料，再到{agency}窗口办理。").format(agency=agency)
        ]
    else:
        following = [
            _(
                "情况改变后可以重新申报。对本决定有异议的，可以依法申请行政复议或者提起行政诉讼；咨询请拨打 {hotline}。"
            ).format(hotline=hotline)
        ]
    return [
        (_("窗口核对"), came),
        (_("已核对的材料"), visit["papers"]),
        (_("需要补充"), visit["missing"]),
        (_("不予受理的理由"), [visit["why"]] if visit["why"] else []),
        (_("接下来"), following),
    ]


def _base(yuan: str) -> str:
    """A base in yuan with all of its decimals, at least two."""
    if not yuan:
        return ""
    decimals = max(2, len(yuan.partition(".")[2].rstrip("0")))
    return f"{Decimal(yuan):,.{decimals}f}"


_IN = "certificates/contents/"
_PERSON = Reading(_IN + "person.html", _person_page, _person_lines)
_PAYMENTS = Reading(_IN + "payments.html", _payment_tables, _payment_lines, gettext_lazy("缴费内容"))

_READINGS = {
    FIRST_PERSON_SCHEMA: _PERSON,
    PERSON_SCHEMA: _PERSON,
    EMPLOYER_SCHEMA: Reading(_IN + "employer.html", _employer_tables, _employer_lines),
    PAYMENT_RECEIPT_SCHEMA: _PAYMENTS,
    PAYMENT_LIST_SCHEMA: _PAYMENTS,
    CASE_SCHEMA: Reading(_IN + "case.html", _case_tables, _case_lines, gettext_lazy("办件内容")),
    HISTORY_SCHEMA: Reading(_IN + "history.html", _history_tables, _history_lines),
}
