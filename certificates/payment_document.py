"""What a receipt and a list of payments share: both certify what was paid for a person's months."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django.utils.translation import gettext as _

from certificates import authority, issuing, presenting
from certificates.kinds import CertificateKind
from portal.accounts.models import User
from portal.hall.models import Case
from portal.hall.service import Ask, Audience, Bar, Finding, Service, Theme


@dataclass(frozen=True)
class PaymentFacts:
    """What the document would say, and whether it can be sealed now."""

    proof: dict[str, Any]
    sealable: bool

    def frozen(self) -> dict[str, Any]:
        """For the case: which months and how much; what was certified stands in the register of certificates."""
        return {"period": self.proof["period"], "amount_fen": self.proof["totals"]["amount_fen"]}


class PaymentDocument(Service):
    """A service whose outcome is a sealed document about payments."""

    audience = Audience.PERSON
    theme = Theme.PROOF
    kind: ClassVar[CertificateKind]
    # The form field beside which it is said that nothing was paid.
    asked_in: ClassVar[str]

    def outside(self, ask: Ask) -> bool:
        # A key is a file: it is looked for before the transaction opens.
        return authority.available(ask.offer.city, now=ask.filed_at)

    def rule(self, ask: Ask, facts: PaymentFacts) -> Iterator[Finding]:
        if not facts.sealable:
            yield Bar("", _("电子印章暂不可用，请稍后再试。没有印章不出具证明。"))
        if not facts.proof["payments"]:
            yield Bar(
                self.asked_in,
                _("所选范围内在%(city)s没有已经入账的缴费，没有内容可以开具。请改选，或等缴费入账后再办理。")
                % {"city": facts.proof["city"]},
            )

    def effect(self, case: Case, ask: Ask, facts: PaymentFacts, *, by: User, now: datetime) -> dict[str, Any]:
        certificate = issuing.freeze(
            kind=self.kind,
            city=ask.offer.city,
            facts=facts.proof,
            person=ask.person,
            case=case,
            by=by,
            now=now,
        )
        return presenting.outcome(certificate)

    def summary(self, ask: Ask, facts: PaymentFacts) -> list[tuple[str, str]]:
        return [
            (_("所属月份"), presenting.period(facts.proof)),
            (_("险种"), presenting.insurances(facts.proof)),
            *presenting.sums(facts.proof),
            (_("出具机构"), facts.proof["agency"]),
        ]

    def preview(self, ask: Ask, facts: PaymentFacts) -> dict[str, Any]:
        return {"template": "certificates/contents.html", **presenting.contents(facts.proof)}
