"""个人延缴登记: who reaches the retirement age with too few months pays on, month by month, until
there are enough."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contributions.late_pension import asking
from contributions.late_pension.asking import AsksLate
from contributions.late_pension.record import Record
from enrollment import enrolling
from enrollment.enrolling import Wanted
from enrollment.households import categories
from enrollment.own_enrol import EnrolFacts, OwnEnrol, OwnEnrolForm
from enrollment.residents import Registered
from portal.accounts.models import User
from portal.hall.models import Case
from portal.hall.service import Ask, Bar, Finding
from portal.policy.book import book
from portal.shared.insurance import Capacity


class DeferForm(OwnEnrolForm, AsksLate):
    def before_the_tiers(self) -> None:
        self.add_late_fields()


@dataclass(frozen=True, kw_only=True)
class DeferFacts(EnrolFacts):
    """The record of months, and what the registers say."""

    record: Record
    registered: Registered

    def frozen(self) -> dict[str, Any]:
        return {**super().frozen(), **self.record.frozen()}


class DeferredContribution(OwnEnrol):
    code = "deferred-contribution"
    title = gettext_lazy("个人延缴登记")
    capacity = Capacity.DEFERRED
    asks = DeferForm
    needs = ("late_pension", "deferred_pension")
    also_known_as = ("延缴", "延长缴费", "到龄继续缴费")

    def outside(self, ask: Ask) -> Registered:
        return Registered.of(ask.person)

    def facts(self, ask: Ask, outside: Registered | None) -> DeferFacts:
        enrolled, late = super().facts(ask, outside), asking.read(ask, outside)
        return DeferFacts(
            held=enrolled.held,
            stopping=enrolled.stopping,
            record=late.record,
            registered=late.registered,
        )

    def bars_of_person(self, ask: Ask, facts: DeferFacts) -> Iterator[Bar]:
        yield from asking.bars(ask, facts.record, facts.registered)

    def findings(self, ask: Ask, facts: DeferFacts) -> Iterator[Finding]:
        if not any(asking.bars(ask, facts.record, facts.registered)):
            yield from asking.place(ask, facts.record, facts.registered, doing=_("延缴"))

    def established(self, ask: Ask, facts: DeferFacts) -> set[str]:
        return {"deemed"} if facts.record.deemed else set()

    def until(self, ask: Ask, facts: DeferFacts) -> list[Wanted]:
        """What is begun, until the missing months are paid."""
        return [
            Wanted(one.insurance, one.tier, one.start, one.start + facts.record.missing)
            for one in self.wanted(ask, facts)
        ]

    def effect(self, case: Case, ask: Ask, facts: DeferFacts, *, by: User, now: datetime) -> dict[str, Any]:
        outcome = enrolling.insure(
            ask.person,
            self.until(ask, facts),
            offer=ask.offer,
            capacity=self.capacity,
            case=case,
            by=by,
            now=now,
            account_number=str(ask.answers.get("account_number") or ""),
        )
        outcome["lines"] += [list(line) for line in self._ends(ask, facts)]
        return outcome

    def about_person(self, ask: Ask, facts: DeferFacts) -> Iterator[tuple[str, str]]:
        household = categories(book().city(ask.offer.city))[str(ask.answers["household"])]
        yield _("户籍类别"), household
        yield from facts.record.lines()

    def about_the_rest(self, ask: Ask, facts: DeferFacts) -> Iterator[tuple[str, str]]:
        yield from self._ends(ask, facts)

    def _ends(self, ask: Ask, facts: DeferFacts) -> Iterator[tuple[str, str]]:
        for one in self.until(ask, facts):
            if one.until is not None and one.until > one.start:
                last = (one.until - 1).zh
                months = facts.record.missing
                yield (
                    _("缴到什么时候"),
                    _("{month}，共 {count} 个月；缴满后自动停缴，请申请领取养老金").format(
                        month=last, count=months
                    ),
                )
