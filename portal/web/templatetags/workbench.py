"""Pages of the workbench."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context
from django.utils.html import strip_tags

register = template.Library()


@register.simple_tag(takes_context=True)
def readonly_value(context: Context, field: Any) -> str:
    """What a field of the workbench that cannot be changed shows; what it names is a link only for
    whoever may open that."""
    shown: str = field.contents()
    resolved = field.resolved_field
    remote = getattr(resolved[0], "remote_field", None) if resolved else None
    kept = field.model_admin.admin_site._registry.get(remote.model) if remote else None
    if kept is not None and not kept.has_view_or_change_permission(context["request"]):
        return strip_tags(shown)
    return "-" if shown == "None" else shown
