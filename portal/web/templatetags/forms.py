"""Forms: fields, their choices, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from django import template
from django.forms import BaseForm, BoundField, Field, Select
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

register = template.Library()


class Mistake(NamedTuple):
    """One line of the error summary; without a target for errors of the form as a whole."""

    text: str
    target: str


@register.inclusion_tag("components/error_summary.html")
def error_summary(*forms: BaseForm | str | None) -> dict[str, Any]:
    """All errors of the forms, each linked to its field; it gets the focus. Nothing where there are
    none, or no form."""
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
    """The errors of a field; where it is only missing and its form has no words for that, what to
    do about it."""
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
    """What a field is drawn as: choices, checkbox, captcha, file, password, group (of inputs) or
    input."""
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

    The form's field may carry ``choice_hints`` ({value: text}) and ``not_allowed`` ({value:
    reason}).
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
    """The visible fields under the headings that ``form.groups`` ([(title, [names])]) gives; the
    others first, under none."""
    groups = getattr(form, "groups", ())
    named = {name for _title, names in groups for name in names}
    rest = [field for field in form.visible_fields() if field.name not in named]
    drawn = [Group("", rest)] if rest else []
    for title, names in groups:
        fields = [form[name] for name in names if name in form.fields]
        if fields:
            drawn.append(Group(title, fields))
    return drawn


@register.filter
def asks_required(form: BaseForm) -> bool:
    """Whether a field of the form must be filled in, so that the * is explained."""
    return any(field.field.required and not field.field.disabled for field in form.visible_fields())
