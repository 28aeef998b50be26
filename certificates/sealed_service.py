"""What services whose outcome is a sealed document have in common: without a seal they take no application."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from certificates import authority
from portal.hall.service import Ask, Bar, Finding, Service


class SealedService(Service):
    """``outside`` is whether the city's seal is there; ``facts`` keep it as ``sealable``."""

    def outside(self, ask: Ask) -> bool:
        # A key is a file: it is looked for before the transaction opens.
        return authority.available(ask.offer.city, now=ask.filed_at)

    def rule(self, ask: Ask, facts: Any) -> Iterator[Finding]:
        if not facts.sealable:
            yield Bar("", _("电子印章暂不可用，请稍后再试。没有印章不出具证明。"))
