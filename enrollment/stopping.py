"""Ending coverage: the part that employers' services and persons' own services share."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from enrollment import actions, consequences
from enrollment.models import Coverage
from enrollment.queries import Held
from portal.accounts.models import User
from portal.hall.models import Case
from portal.hall.service import Bar, Finding
from portal.policy.book import Offer
from portal.policy.terms import offers
from portal.shared.insurance import INSURANCE_LABELS, Insurance
from portal.shared.months import Month


@dataclass(frozen=True)
class StopFacts:
    """The coverages that can be ended, and the reasons against ending them in the chosen months."""

    held: list[Held]
    barriers: dict[Insurance, list[str]]

    def running(self, insurance: Insurance, stop: Month) -> Held | None:
        """The coverage that stopping in this month would end."""
        return next((one for one in self.held if one.insurance == insurance and one.runs_from(stop)), None)

    def frozen(self) -> dict[str, Any]:
        return {
            "held": [one.described() for one in self.held],
            "barriers": {str(k): v for k, v in self.barriers.items()},
        }


def facts(held: Sequence[Held], stops: Mapping[Insurance, Month], *, month: Month) -> StopFacts:
    """Reads the reasons against each stop; ``held`` are the coverages that the applicant may
    end."""
    running = [one for one in held if one.runs_from(month - 1)]
    stop_facts = StopFacts(held=running, barriers={})
    for insurance, stop in stops.items():
        coverage = stop_facts.running(insurance, stop)
        if coverage:
            stop_facts.barriers[insurance] = consequences.stop_barriers(
                Coverage.objects.get(pk=coverage.pk), stop
            )
    return stop_facts


def barred_months(
    held: Sequence[Held], insurance: Insurance, months: Sequence[Month], *, word: str
) -> dict[Month, str]:
    """Those of the months in which the insurance cannot be stopped, each with the first reason."""
    reasons: dict[Month, str] = {}
    for month in months:
        whys = [
            finding.why
            for finding in rule({insurance: month}, facts(held, {insurance: month}, month=month), word=word)
        ]
        if whys:
            reasons[month] = whys[0]
    return reasons


def barred_stops(
    held: Sequence[Held], offer: Offer, insured: Collection[Insurance], *, month: Month, word: str
) -> dict[Insurance, dict[Month, str]]:
    """For each insurance of the offer that ``insured`` names: the months in which it cannot be
    stopped, with the reason."""
    return {
        insurance: barred_months(
            held, insurance, offers.stop_months(offer, insurance, filed_in=month), word=word
        )
        for insurance in offers.offered_insurances(offer)
        if insurance in insured
    }


def rule(stops: Mapping[Insurance, Month], facts: StopFacts, *, word: str) -> Iterator[Finding]:
    """The bars to each stop, on its field ``stop_<insurance>``. ``word`` is the city's word for
    stopping, here and below."""
    for insurance, stop in stops.items():
        if facts.running(insurance, stop) is None:
            yield Bar(
                f"stop_{insurance}",
                _("{month}已没有在缴的{insurance}，不需要{word}。").format(
                    month=stop.zh, insurance=INSURANCE_LABELS[insurance], word=word
                ),
            )
        for why in facts.barriers.get(insurance, []):
            yield Bar(f"stop_{insurance}", why)


def stop(
    case: Case, facts: StopFacts, stops: Mapping[Insurance, Month], *, word: str, by: User, now: datetime
) -> dict[str, Any]:
    """Ends the coverages; the outcome names the last month of each."""
    lines = []
    for insurance, month in stops.items():
        coverage = facts.running(insurance, month)
        if coverage is None:
            raise ValueError(f"{case.number}: no running {insurance} to stop; the rule was not applied")
        actions.close_coverage(
            Coverage.objects.select_for_update().get(pk=coverage.pk), until=month, by=by, now=now, case=case
        )
        lines.append([INSURANCE_LABELS[insurance], described(coverage, month, word)])
    return {
        "coverages": [coverage.pk for i, m in stops.items() if (coverage := facts.running(i, m))],
        "lines": lines,
    }


def described(coverage: Held, month: Month, word: str) -> str:
    """The effect of stopping in words: the last month that is paid, or that the coverage is undone
    before its first month."""
    if month <= coverage.start:
        return _("{month}起{word}，本次参保未开始缴费即撤销").format(month=month.zh, word=word)
    return _("{month}起{word}，缴费到{last}为止").format(month=month.zh, word=word, last=(month - 1).zh)


def summary(stops: Mapping[Insurance, Month], *, word: str) -> list[tuple[str, str]]:
    """The stops as (label, value)."""
    return [
        (
            INSURANCE_LABELS[insurance],
            _("{month}起{word}，缴费到{last}为止").format(month=month.zh, word=word, last=(month - 1).zh),
        )
        for insurance, month in stops.items()
    ]
