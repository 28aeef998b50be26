"""What services and cases are called, how long they take, and where a case stands."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.hall.routing import CASE_LIFE_CYCLE, Status
from portal.hall.service import AUDIENCE_LABELS, THEME_LABELS, Audience, Theme
from portal.policy.book import Mode
from portal.shared.tables import Some
from portal.web.templatetags.components import tag

register = template.Library()


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
    """How long an offer takes: 即时, 一致即时, 到窗口确认, 5 个工作日; nothing where its city does
    not say."""
    match Mode(offer.mode):
        case Mode.DIRECT:
            return _("即时")
        case Mode.MATCH:
            return _("一致即时")
        case Mode.COUNTER:
            return _("到窗口确认")
        case Mode.REVIEW:
            return _("%(days)s 个工作日") % {"days": offer.days} if offer.days else ""


# A state has a sign besides its tone, because colour alone must not carry the meaning.
# Statuses of a case with a sign of their own; the others have their tone's.
CASE_SIGNS = Some(
    {
        Status.IN_REVIEW: "clock",
        Status.PRE_APPLIED: "paper",
        Status.RETURNED: "paper",
        Status.TO_PAY: "clock",
        Status.TO_DEBIT: "clock",
        Status.UNDER_WAY: "clock",
        Status.VOIDED: "strike",
        Status.LAPSED: "strike",
    }
)


@register.simple_tag
def case_status(case: Any) -> SafeString:
    """The status of a case as a tag."""
    sign = CASE_SIGNS.get(Status(case.status), "")
    return tag(CASE_LIFE_CYCLE.tone(case.status), status_text(case.status), sign)


@register.filter
def status_text(status: Status | str) -> str:
    """The status of a case in words."""
    return _(CASE_LIFE_CYCLE.label(status))
