"""The years of the residents' pension (城乡居民养老) that somebody has paid."""

from contributions.models import Charge, ChargeStatus
from contributions.orders import lump_sums
from enrollment.models import Coverage
from portal.people.models import Person
from portal.shared.insurance import Capacity, Insurance


def years(person: Person, city: str) -> int:
    """The years paid in the city, one by one or in one sum."""
    paid = Charge.objects.filter(
        person=person,
        city=city,
        insurance=Insurance.PENSION,
        capacity=Capacity.RESIDENT,
        live=True,
        status=ChargeStatus.PAID,
    )
    one_by_one = {month.year for month in paid.values_list("month", flat=True)}
    return len(one_by_one) + lump_sums.resident_years(person, city)


def was_insured(person: Person, city: str, insurance: Insurance) -> bool:
    """Whether they are or were insured there as a resident."""
    return Coverage.objects.filter(
        person=person, city=city, insurance=insurance, capacity=Capacity.RESIDENT, live=True
    ).exists()
