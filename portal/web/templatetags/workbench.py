"""Pages of the workbench."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context
from django.utils.html import strip_tags

register = template.Library()


@register.simple_tag(takes_context=True)
def readonly_value(context: Context, field: Any) -> str:
    """The value of a read-only field of the workbench; a link only where the login may open what it
    leads to."""
    text: str = field.contents()
    resolved = field.resolved_field
    remote = getattr(resolved[0], "remote_field", None) if resolved else None
    related_admin = field.model_admin.admin_site._registry.get(remote.model) if remote else None
    if related_admin is not None and not related_admin.has_view_or_change_permission(context["request"]):
        return strip_tags(text)
    return "-" if text == "None" else text
