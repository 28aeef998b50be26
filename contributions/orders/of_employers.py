"""What an employer's orders pay, in sums: its assessment has the lines, one for each insurance of
each employee."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Sum
from django.utils.translation import gettext as _

from contributions.models import Assessment, Charge, Order, OrderLine
from portal.shared.insurance import INSURANCE_LABELS, Insurance


@dataclass(frozen=True, slots=True)
class StaffPart:
    """A month of one insurance in an order: for how many of the staff, and their sum."""

    insurance: str
    months: str
    people: int
    fen: int


def sums(placed: Iterable[Order]) -> dict[int, list[StaffPart]]:
    """By order, by month and insurance. One query, whatever the number of staff."""
    rows = (
        OrderLine.objects.filter(order__in=list(placed))
        .values("order", "charge__month", "charge__insurance")
        .annotate(people=Count("charge__person", distinct=True), fen=Sum("amount_fen"))
        .order_by("charge__month")
    )
    found: dict[int, list[StaffPart]] = defaultdict(list)
    for insurance in Insurance:
        for row in rows:
            if row["charge__insurance"] == insurance:
                title = _(INSURANCE_LABELS[insurance])
                part = StaffPart(title, row["charge__month"].zh, row["people"], row["fen"])
                found[row["order"]].append(part)
    return found


def assessment_of(order: Order) -> Assessment | None:
    """The assessment whose charges the order pays; None for a person's order."""
    charge = Charge.objects.filter(order_lines__order=order).order_by("pk").first()
    if charge is None or order.employer_id is None:
        return None
    drawn = Assessment.objects.filter(employer=order.employer_id, month=charge.month)
    return drawn.filter(after__lt=charge.pk, last__gte=charge.pk).order_by("-round").first()
