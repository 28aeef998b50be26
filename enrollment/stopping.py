"""Ending coverage, as the employer's and the flexible worker's services share it."""

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
    """The coverages that can be ended, and what stands against ending them in the months that were
    chosen."""

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
    """Reads what stands against each stop; ``held`` are the coverages that the applicant may
    end."""
    still = [one for one in held if one.runs_from(month - 1)]
    found = StopFacts(held=still, barriers={})
    for insurance, stop in stops.items():
        one = found.running(insurance, stop)
        if one:
            found.barriers[insurance] = consequences.stop_barriers(Coverage.objects.get(pk=one.pk), stop)
    return found


def barred_months(
    held: Sequence[Held], insurance: Insurance, months: Sequence[Month], *, word: str
) -> dict[Month, str]:
    """Of these months, those in which the insurance cannot be stopped, each with the first
    reason."""
    found: dict[Month, str] = {}
    for month in months:
        whys = [
            finding.why
            for finding in rule({insurance: month}, facts(held, {insurance: month}, month=month), word=word)
        ]
        if whys:
            found[month] = whys[0]
    return found


def barred_stops(
    held: Sequence[Held], offer: Offer, insured: Collection[Insurance], *, month: Month, word: str
) -> dict[Insurance, dict[Month, str]]:
    """Of each insurance that the offer has and ``insured`` names, the months in which it cannot be
    stopped, with the reason."""
    return {
        insurance: barred_months(
            held, insurance, offers.stop_months(offer, insurance, filed_in=month), word=word
        )
        for insurance in offers.offered_insurances(offer)
        if insurance in insured
    }


def rule(stops: Mapping[Insurance, Month], facts: StopFacts, *, word: str) -> Iterator[Finding]:
    """What bars each stop, beside its field ``stop_<insurance>``; ``word`` is the city's for
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
    """Ends the coverages; the outcome tells the last month of each."""
    lines = []
    for insurance, month in stops.items():
        one = facts.running(insurance, month)
        if one is None:
            raise ValueError(f"{case.number}: no running {insurance} to stop; the rule was not applied")
        actions.close_coverage(
            Coverage.objects.select_for_update().get(pk=one.pk), until=month, by=by, now=now, case=case
        )
        lines.append([INSURANCE_LABELS[insurance], described(one, month, word)])
    return {"coverages": [one.pk for i, m in stops.items() if (one := facts.running(i, m))], "lines": lines}


def described(one: Held, month: Month, word: str) -> str:
    """What stopping means: the last month that is paid, or that the coverage never began."""
    if month <= one.start:
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
