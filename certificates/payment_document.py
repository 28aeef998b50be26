"""The base of the services for receipts and lists of payments: both certify payments for a person's
months."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django.utils.translation import gettext as _

from certificates import issuing, presenting
from certificates.kinds import CertificateKind
from certificates.sealed_service import SealedService
from contributions.records.payments import paid_months
from portal.accounts.models import User
from portal.hall.models import Case
from portal.hall.service import Ask, Audience, Bar, Finding, Theme
from portal.policy.book import book


@dataclass(frozen=True)
class PaymentFacts:
    """The facts of the document, and whether it can be sealed now."""

    proof: dict[str, Any]
    sealable: bool

    def frozen(self) -> dict[str, Any]:
        """For the case: period and sum; the register of certificates has the rest."""
        return {"period": self.proof["period"], "amount_fen": self.proof["totals"]["amount_fen"]}


class PaymentDocument(SealedService):
    """A service whose outcome is a sealed document about payments."""

    audience = Audience.PERSON
    theme = Theme.PROOF
    kind: ClassVar[CertificateKind]
    # The form field that shows the message that nothing was paid.
    asked_in: ClassVar[str]
    # Whether an employer's payments are left out.
    own_only: ClassVar[bool] = False

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        """Nothing was ever paid in the city."""
        if not paid_months(ask.person, city=ask.offer.city, own_only=self.own_only):
            yield Bar("", self.nothing(ask.offer.city))

    def nothing(self, city: str) -> str:
        """The message for a person without payments in the city."""
        return _("您在{city}没有已经入账的缴费，没有内容可以开具。缴费入账后再来办理。").format(
            city=book().city(city).title
        )

    def rule(self, ask: Ask, facts: PaymentFacts) -> Iterator[Finding]:
        yield from super().rule(ask, facts)
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
