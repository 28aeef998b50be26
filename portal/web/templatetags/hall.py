"""The hall's components and filters for templates.

Each component's markup is in templates/components, with its context at its head.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from html import escape as as_text
from itertools import chain
from typing import Any, NamedTuple

from django import template
from django.core.paginator import Page
from django.forms import BaseForm, BoundField, Field, Select
from django.template import Context
from django.template.defaultfilters import linebreaksbr
from django.utils import timezone
from django.utils.html import format_html, format_html_join, strip_tags
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.hall.routing import CASE_LIFE_CYCLE, Status
from portal.hall.service import AUDIENCE_LABELS, THEME_LABELS, Audience, Theme
from portal.hall.ways import linked, told
from portal.policy.book import City, Mode
from portal.policy.passages import Passage
from portal.shared import identity, money
from portal.shared.countries import country_name
from portal.shared.months import Month, day_zh, today_in_china
from portal.shared.tables import Some

register = template.Library()


# Numbers, dates, names


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
def paper_title(person: Mapping[str, str]) -> str:
    """Which identity paper somebody has, who is told as a document keeps them: 居民身份证, 港澳台居民居住证, 护照 …"""
    kind = person.get("document") or identity.document_of(person["identity_number"])
    return _(identity.DOCUMENT_LABELS[identity.Document(kind)])


@register.filter
def number_on_paper(person: Mapping[str, str]) -> str:
    """The number on that paper; where it is not the social-security number, with the country and that one."""
    if not person.get("document"):
        return person["identity_number"]
    return _("{paper}（{country}），社会保障号码 {number}").format(
        paper=person["paper_number"],
        country=country_name(person["nationality"]),
        number=person["identity_number"],
    )


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
    """A date, or the day of a moment, as 2026年11月21日; a month as 2026年11月; text as it stands."""
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


def _local(moment: dt.datetime) -> dt.datetime:
    return timezone.localtime(moment) if timezone.is_aware(moment) else moment


# Services and cases


@register.filter
def audience_text(audience: Audience | str) -> str:
    """The heading for an audience's services; text that is no audience's code stays."""
    return str(AUDIENCE_LABELS[Audience(audience)] if audience in set(Audience) else audience)


@register.filter
def theme_text(theme: Theme | str) -> str:
    """The heading for a theme's services; text that is no theme's code stays."""
    return str(THEME_LABELS[Theme(theme)] if theme in set(Theme) else theme)


# In the words that applicants look for.
MODE_WORDS = {
    Mode.DIRECT: gettext_lazy("网上直接办结"),
    Mode.MATCH: gettext_lazy("比对后办结"),
    Mode.COUNTER: gettext_lazy("网上预申请"),
    Mode.REVIEW: gettext_lazy("提交后审核"),
}


@register.filter
def mode_text(mode: Mode | str) -> str:
    """A mode in words: 网上直接办结, 比对后办结, 网上预申请, 提交后审核."""
    return str(MODE_WORDS[Mode(mode)])


@register.filter
def how_long(offer: Any) -> str:
    """How long an offer takes: 即时, 一致即时, 到窗口确认, 5 个工作日; nothing where its city does not say."""
    match Mode(offer.mode):
        case Mode.DIRECT:
            return _("即时")
        case Mode.MATCH:
            return _("一致即时")
        case Mode.COUNTER:
            return _("到窗口确认")
        case Mode.REVIEW:
            return _("%(days)s 个工作日") % {"days": offer.days} if offer.days else ""


# A state is told apart by its tone, and never by it alone: by a sign, too.
TONE_SIGNS = {"good": "check", "warn": "alert", "bad": "cross", "info": "dot", "quiet": "dash"}

# Statuses of a case with a sign of their own; the others have their tone's.
CASE_SIGNS = Some(
    {
        Status.IN_REVIEW: "clock",
        Status.PRE_APPLIED: "paper",
        Status.TO_PAY: "clock",
        Status.TO_DEBIT: "clock",
        Status.VOIDED: "strike",
        Status.LAPSED: "strike",
    }
)


# Tags, signs and the cells of months stand on a page by the hundred: they are written here, for a template each would take most
# of the page's time.


@register.simple_tag(name="sign")
@cache
def sign_of(name: str) -> SafeString:
    """A sign from templates/components/signs.html; it never stands without a word."""
    return format_html(
        '<svg class="sign" aria-hidden="true" focusable="false"><use href="#sign-{}"/></svg>', name
    )


@register.simple_tag
@lru_cache(maxsize=200)
def tag(tone: str, text: str, sign: str = "") -> SafeString:
    """A state as sign + word + colour; ``tone`` is good, warn, bad, info or quiet."""
    return format_html('<span class="tag tag--{}">{}{}</span>', tone, sign_of(sign or TONE_SIGNS[tone]), text)


@register.simple_tag
def case_status(case: Any) -> SafeString:
    """The status of a case as a tag."""
    sign = CASE_SIGNS.get(Status(case.status), "")
    return tag(CASE_LIFE_CYCLE.tone(case.status), status_text(case.status), sign)


@register.filter
def status_text(status: Status | str) -> str:
    """The status of a case in words."""
    return _(CASE_LIFE_CYCLE.label(status))


# Components


@register.simple_tag
def amount(fen: int) -> SafeString:
    """Fen as an amount with tabular digits: 393.04 元."""
    return format_html(
        '<span class="amount">{} <span class="amount__unit">{}</span></span>', money.format_yuan(fen), _("元")
    )


@register.inclusion_tag("components/stations.html")
def stations(steps: Sequence[Any], label: str = "", variant: str = "line") -> dict[str, Any]:
    """A line of stations. ``variant`` "steps" is the short form at the head of an application's pages."""
    place = next(
        (index for index, step in enumerate(steps, 1) if step["state"] in ("now", "stopped")), len(steps)
    )
    return {
        "stations": format_html_join(
            "\n", "{}", ((_station(step, number, variant),) for number, step in enumerate(steps, 1))
        ),
        "label": label or _("办理进度"),
        "variant": variant,
        "place": place,
        "count": len(steps),
        "current": steps[place - 1] if steps else None,
    }


STATION_STATES = {
    "done": gettext_lazy("已完成"),
    "now": gettext_lazy("进行中"),
    "stopped": gettext_lazy("已终止"),
    "next": gettext_lazy("未开始"),
}
_STATION = (
    '<li class="station station--{}"{}><span class="station__mark" aria-hidden="true">{}</span><span class="station__body">'
    '<span class="station__title">{}</span><span class="visually-hidden">{}</span>{}{}</span></li>'
)
_STEP = mark_safe(' aria-current="step"')


def _station(step: Mapping[str, Any], number: int, variant: str) -> SafeString:
    state, title = step["state"], step["title"]
    sign = {"done": "check", "stopped": "cross"}.get(state)
    if state == "done" and step.get("url"):
        title = format_html('<a href="{}">{}</a>', step["url"], title)
    when, note = step.get("when"), step.get("note")
    return format_html(
        _STATION,
        state,
        _STEP if state in ("now", "stopped") else "",
        sign_of(sign) if sign else number if variant == "steps" else "",
        title,
        STATION_STATES[state],
        format_html('<span class="station__when">{}</span>', date_zh(when)) if when else "",
        format_html('<span class="station__note">{}</span>', note) if note else "",
    )


MONTH_STATES = {
    "paid": ("check", gettext_lazy("已缴")),
    "covered": ("dot", gettext_lazy("已参保，应缴未生成")),
    "in_debit": ("clock", gettext_lazy("扣款中")),
    "owed": ("alert", gettext_lazy("待缴")),
    "failed": ("cross", gettext_lazy("扣款失败")),
    "missing": ("gap", gettext_lazy("中断")),
    "written_off": ("strike", gettext_lazy("已注销")),
    "taken_back": ("strike", gettext_lazy("重复缴费已清退")),
    "transferred": ("arrow", gettext_lazy("已转出")),
    "none": ("", gettext_lazy("无记录")),
}


@register.inclusion_tag("components/months.html")
def months(rows: Iterable[Mapping[str, Any]], caption: str = "") -> dict[str, Any]:
    """A grid of years × 12 with its legend; a year may have what it comes to instead of its months."""
    known = list(rows)
    present = {cell.state for row in known for cell in row.get("cells", ())}
    present |= {row["state"] for row in known if "sum" in row}
    heads, year = [_("%(number)s月") % {"number": number} for number in range(1, 13)], _("年")
    drawn = (
        _YEAR % (row["year"], year, _year_sum(row) if "sum" in row else _cells(row["cells"], heads))
        for row in known
    )
    return {
        "rows": mark_safe("\n".join(drawn)),  # noqa: S308
        "caption": caption or _("逐月参保缴费情况"),
        "legend": [
            (state, sign_of(sign), word)
            for state, (sign, word) in MONTH_STATES.items()
            if state in present and state != "none"
        ],
        "heads": format_html_join(
            "", '<th scope="col" role="columnheader">{}</th>', ((head,) for head in heads)
        ),
    }


def _cells(cells: Iterable[Any], heads: list[str]) -> str:
    """Cells of the grid, as markup. Raises KeyError for an unknown state."""
    return "".join(
        _CELL
        % (
            cell.state,
            as_text(cell.text),
            heads[cell.month - 1],
            _month_sign(cell.state),
            as_text(cell.label),
        )
        for cell in cells
    )


def _year_sum(row: Mapping[str, Any]) -> str:
    words = (as_text(row[name]) for name in ("sum", "url", "link_said"))
    return _YEAR_SUM % (row["state"], _month_sign(row["state"]), *words)


def _month_sign(state: str) -> str:
    sign, _word = MONTH_STATES[state]
    return sign_of(sign) if sign else ""


_YEAR = '<tr role="row"><th scope="row" role="rowheader">%s%s</th>%s</tr>'
_CELL = (
    '<td role="cell" class="month month--%s"><span class="visually-hidden">%s</span>'
    '<span class="month__face" aria-hidden="true"><span class="month__number">%s</span>%s'
    '<span class="month__label">%s</span></span></td>'
)
_YEAR_SUM = '<td role="cell" colspan="12" class="month month--%s months__sum">%s<span>%s</span> <a href="%s">%s</a></td>'


@register.simple_tag
def month_rows(
    rows: Iterable[Any], insurance: str, capacity: str, personal: str, employer: str, total: str, state: str
) -> SafeString:
    """The rows of a table of months (contributions.pages.record.Row), with the words at the head of its columns for a phone."""
    heads = [as_text(head) for head in (insurance, capacity, personal, employer, total, state)]
    drawn = []
    for row in rows:
        amount = yuan(row.amount_fen)
        cells = (
            as_text(row.insurance),
            f"{as_text(row.city)} · {as_text(row.employer or row.capacity)}",
            yuan(row.personal_fen) or "—",
            yuan(row.employer_fen) or "—",
            _WHY % (as_text(row.url), as_text(row.link_said), amount) if row.url else "—",
            tag(row.tone, row.state) + (_HINT % as_text(row.reason) if row.reason else ""),
        )
        drawn.append(_MONTH_ROW % (row.month.zh, *chain.from_iterable(zip(heads, cells, strict=True))))
    return mark_safe("\n".join(drawn))  # noqa: S308


_WHY = '<a href="%s" aria-label="%s">%s</a>'
_HINT = '<p class="hint">%s</p>'
_MONTH_ROW = (
    '<tr><th scope="row" class="num">%s</th><td data-label="%s">%s</td><td data-label="%s">%s</td>'
    '<td class="table__number" data-label="%s">%s</td><td class="table__number" data-label="%s">%s</td>'
    '<td class="table__number" data-label="%s">%s</td><td data-label="%s">%s</td></tr>'
)


@register.simple_tag
def summary_list(rows: Iterable[Any]) -> SafeString:
    """Check answers: rows of (label, value, edit_url), the last may be missing."""
    return format_html(
        '<dl class="summary">{}</dl>', format_html_join("", "{}", ((_answer(*row),) for row in rows))
    )


def _answer(label: str, value: Any, url: str = "") -> SafeString:
    edit = (
        format_html(
            '<dd class="summary__edit"><a href="{}">{}<span class="visually-hidden">{}</span></a></dd>',
            url,
            _("修改"),
            label,
        )
        if url
        else ""
    )
    return format_html(
        '<div class="summary__row"><dt>{}</dt><dd>{}</dd>{}</div>', label, linebreaksbr(value or "—"), edit
    )


@register.inclusion_tag("components/facts.html")
def facts(pairs: Iterable[Any], title: str = "") -> dict[str, Any]:
    """A panel of (label, value) pairs."""
    return {"pairs": list(pairs), "title": title}


@register.inclusion_tag("components/derivation.html")
def derivation(derivation: Any, summary: str = "") -> dict[str, Any]:
    """为什么是这个数, to be opened beside an amount."""
    return {"derivation": derivation, "summary": summary or _("为什么是这个数")}


@register.inclusion_tag("components/banner.html")
def banner(text: str, level: str = "info", title: str = "") -> dict[str, str]:
    """A notification; ``level`` is success, info, warning or error, as in Django's messages."""
    return {"text": text, "level": level, "title": title}


@register.inclusion_tag("components/callout.html")
def callout(text: str, title: str = "") -> dict[str, str]:
    """警示: a consequence that must not be missed."""
    return {"text": text, "title": title}


@register.inclusion_tag("components/empty.html")
def empty(text: str, hint: str = "", url: str = "", label: str = "") -> dict[str, str]:
    """What stands where a list has nothing to show."""
    return {"text": text, "hint": hint, "url": url, "label": label}


@register.inclusion_tag("components/tabs.html")
def tabs(items: Iterable[Any], label: str = "") -> dict[str, Any]:
    """Links that switch what a page lists: items {label, url, current, count}; the count may be missing."""
    links = (
        (
            item["url"],
            _CURRENT if item["current"] else "",
            item["label"],
            "" if item.get("count") is None else format_html(_COUNT, item["count"]),
        )
        for item in items
    )
    return {
        "items": format_html_join("", '<li><a href="{}"{}>{}{}</a></li>', links),
        "label": label or _("筛选"),
    }


_CURRENT = mark_safe(' aria-current="page"')
_COUNT = '<span class="tabs__count">{}</span>'


@register.inclusion_tag("components/due_item.html")
def due_item(item: Any) -> dict[str, Any]:
    """One thing that is due for me, with the days left."""
    days = _of(item, "days_left")
    urgency = "late" if days < 0 else "soon" if days <= 3 else "later"
    return {"item": item, "urgency": urgency, "days": abs(days), "days_left": days}


@register.inclusion_tag("components/service_row.html")
def service_row(offer: Any) -> dict[str, Any]:
    """A service in a list: its name, how it ends, how long it takes."""
    return {"offer": offer}


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a progress bar; x and width are percents of its length."""

    label: str
    count: int
    fen: int | None
    tone: str
    x: str
    width: str


@register.inclusion_tag("components/progress.html")
def progress(parts: Iterable[Any], label: str = "") -> dict[str, Any]:
    """A batch as a bar with counts and sums: parts of {label, count, fen, tone}; what is still open has the tone quiet."""
    given = list(parts)
    total = sum(_of(part, "count") for part in given)
    drawn, x = [], 0.0
    for part in given:
        width = 100 * _of(part, "count") / total if total else 0
        drawn.append(
            Part(
                _of(part, "label"),
                _of(part, "count"),
                _of(part, "fen"),
                _of(part, "tone"),
                f"{x:.3f}",
                f"{width:.3f}",
            )
        )
        x += width
    sums = [part.fen for part in drawn if part.fen is not None]
    done = sum(part.count for part in drawn if part.tone != "quiet")
    return {
        "parts": drawn,
        "label": label,
        "total": total,
        "fen": sum(sums) if sums else None,
        "percent": 100 * done // total if total else 100,
    }


@register.inclusion_tag("components/money_table.html")
def money_table(
    caption: str, heads: Sequence[Any], rows: Iterable[Any], total: Sequence[Any] | None = None
) -> dict[str, Any]:
    """A table whose money columns stand right-aligned.

    ``heads`` are words, or (word, "money") for a column of fen, or (word, "number"); ``rows`` have a cell for each, ``total``
    is one more row at the foot.
    """
    columns = [(head, "text") if isinstance(head, str) else tuple(head) for head in heads]
    columns = [
        (_("%(head)s（元）") % {"head": word} if kind == "money" else word, kind) for word, kind in columns
    ]
    labels, kinds = [word for word, _kind in columns], [kind for _word, kind in columns]
    return {
        "caption": caption,
        "columns": columns,
        "rows": [list(zip(row, kinds, labels, strict=True)) for row in rows],
        "total": list(zip(total, kinds, labels, strict=True)) if total else None,
    }


@register.inclusion_tag("components/pagination.html", takes_context=True)
def pagination(context: Context, page: Page[Any]) -> dict[str, Any]:
    """Links to the other pages of a list; the rest of the address stays."""
    return {
        "request": context["request"],
        "page": page,
        "numbers": page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1),
        "gap": page.paginator.ELLIPSIS,
    }


def _of(thing: Any, name: str) -> Any:
    return thing[name] if isinstance(thing, Mapping) else getattr(thing, name)


@register.simple_tag
def passage(sentence: Passage, city: City) -> SafeString:
    """A sentence of the policy files: today's figures in it, what it names as links."""
    return linked(*told(sentence, city, today_in_china(timezone.now())))


@register.simple_tag(takes_context=True)
def readonly_value(context: Context, field: Any) -> str:
    """What a field of the workbench that cannot be changed shows; what it names is a link only for whoever may open that."""
    shown: str = field.contents()
    resolved = field.resolved_field
    remote = getattr(resolved[0], "remote_field", None) if resolved else None
    kept = field.model_admin.admin_site._registry.get(remote.model) if remote else None
    if kept is not None and not kept.has_view_or_change_permission(context["request"]):
        return strip_tags(shown)
    return "-" if shown == "None" else shown


# Forms


class Mistake(NamedTuple):
    """One line of the error summary; without a target for errors of the form as a whole."""

    text: str
    target: str


@register.inclusion_tag("components/error_summary.html")
def error_summary(*forms: BaseForm | str | None) -> dict[str, Any]:
    """All errors of the forms, each linked to its field; it gets the focus. Nothing where there are none, or no form."""
    mistakes = []
    fields = 0
    for form in forms:
        if not isinstance(form, BaseForm) or not form.is_bound:
            continue
        mistakes += [Mistake(text, "") for text in error_texts(form.non_field_errors())]
        for field in form:
            target = "" if field.is_hidden else first_input_id(field)
            wrong = field_errors(field)
            mistakes += [Mistake(text, target) for text in wrong]
            fields += bool(wrong and target)
        # The form's own errors are told; its template need not repeat them right below.
        form.summarised = True  # type: ignore[attr-defined]
    return {"mistakes": mistakes, "fields": fields}


def error_texts(errors: Iterable[Any]) -> list[str]:
    """The errors as they are shown: one that carries links keeps them."""
    return [text if isinstance(text, SafeString) else str(text) for text in errors]


MISSING = {
    "choices": gettext_lazy("请选择“%(label)s”。"),
    "checkbox": gettext_lazy("请先勾选“%(label)s”。"),
    "file": gettext_lazy("请上传“%(label)s”。"),
    "select": gettext_lazy("请选择“%(label)s”。"),
    "input": gettext_lazy("请填写“%(label)s”。"),
}


@register.filter
def field_errors(field: BoundField) -> list[str]:
    """The errors of a field; where it is only missing and its form has no words for that, what to do about it."""
    texts = []
    for error in field.errors.as_data():
        if error.code == "required" and error.message == Field.default_error_messages["required"]:
            kind = "select" if isinstance(field.field.widget, Select) else field_kind(field)
            texts.append(str(MISSING.get(kind, MISSING["input"])) % {"label": str(field.label).rstrip("。")})
        else:
            texts += [str(message) for message in error.messages]
    return texts


@register.filter
def first_input_id(field: BoundField) -> str:
    """The id of the first element of a field that can have the focus."""
    if field_kind(field) == "choices":
        open_ids = (choice.id for choice in field_choices(field) if not choice.disabled)
        return next(open_ids, f"{field.auto_id}_0")
    return field.id_for_label or f"{field.auto_id}_0"


@register.filter
def field_kind(field: BoundField) -> str:
    """What a field is drawn as: choices, checkbox, captcha, file, password, group (of inputs) or input."""
    widget = field.field.widget
    kind = getattr(widget, "input_type", "")
    if widget.template_name == "captcha/widgets/captcha.html":
        return "captcha"
    if kind in ("radio", "checkbox") and widget.use_fieldset:
        return "choices"
    if kind in ("checkbox", "file", "password"):
        return kind
    return "group" if widget.use_fieldset else "input"


class Choice(NamedTuple):
    """A radio button or checkbox with its words; where it cannot be chosen, ``reason`` says why."""

    tag: SafeString
    id: str
    label: str
    hint: str
    disabled: bool
    reason: str


@register.filter
def field_choices(field: BoundField) -> list[Choice]:
    """The choices of a radio or checkbox field.

    The form's field may carry ``choice_hints`` ({value: text}) and ``not_allowed`` ({value: reason}).
    """
    hints = getattr(field.field, "choice_hints", {})
    reasons = {str(value): reason for value, reason in getattr(field.field, "not_allowed", {}).items()}
    drawn = []
    for option in field.subwidgets:
        data = option.data
        value = str(data["value"])
        if value in reasons:
            data["attrs"] = {**data["attrs"], "disabled": True}
        if value in reasons and "required" in data["attrs"]:
            del data["attrs"]["required"]
        drawn.append(
            Choice(
                option.tag(),
                option.id_for_label or "",
                option.choice_label,
                hints.get(value, ""),
                bool(data["attrs"].get("disabled")),
                reasons.get(value, ""),
            )
        )
    return drawn


@register.filter
def attribute(field: BoundField, name: str) -> Any:
    """What the form's field carries under ``name``; nothing where it does not."""
    return getattr(field.field, name, "")


class Group(NamedTuple):
    """Fields under one heading; the heading may be empty."""

    title: str
    fields: list[BoundField]


@register.filter
def field_groups(form: BaseForm) -> list[Group]:
    """The visible fields under the headings that ``form.groups`` ([(title, [names])]) gives; the others first, under none."""
    groups = getattr(form, "groups", ())
    named = {name for _title, names in groups for name in names}
    rest = [field for field in form.visible_fields() if field.name not in named]
    drawn = [Group("", rest)] if rest else []
    for title, names in groups:
        shown = [form[name] for name in names if name in form.fields]
        if shown:
            drawn.append(Group(title, shown))
    return drawn


@register.filter
def asks_required(form: BaseForm) -> bool:
    """Whether a field of the form must be filled in, so that the * is explained."""
    return any(field.field.required and not field.field.disabled for field in form.visible_fields())
