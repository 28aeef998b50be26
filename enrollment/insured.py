"""Where, and for what, people are insured."""

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from enrollment.models import Coverage
from enrollment.queries import city_of, relation_in
from enrollment.ways import to_stop
from portal.columns import runs_in
from portal.people.models import Person
from portal.policy.book import book
from portal.shared.insurance import CAPACITY_LABELS, INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import month_in_china

__all__ = ["city_of", "insured_now", "relation_in"]


def insured_now(people: Sequence[Person], now: datetime) -> dict[int, list[dict[str, str]]]:
    """By person (id): the insurances of this month, each with ``label``, ``text`` (capacity, city,
    since when) and ``stop``, the code of the service that the person stops it with ("" where
    somebody else does). One query."""
    running = Coverage.objects.filter(runs_in(month_in_china(now)), person__in=people, live=True)
    found: dict[int, list[dict[str, str]]] = {}
    for one in running.select_related("employer").order_by("person", "insurance", "start"):
        capacity = Capacity(one.capacity)
        found.setdefault(one.person_id, []).append(
            {
                "label": _(INSURANCE_LABELS[Insurance(one.insurance)]),
                "text": _("{capacity}，{city}，{period}").format(
                    capacity=one.employer.name if one.employer else _(CAPACITY_LABELS[capacity]),
                    city=book().city(one.city).title,
                    period=one.period.zh,
                ),
                "stop": "" if one.employer else to_stop(capacity).offered(one.city),
            }
        )
    return found
