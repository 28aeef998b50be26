"""What services have in common whose outcome is an order to pay."""

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from contributions.models import Order
from portal.hall.models import Case
from portal.hall.service import Service


class OrderedService(Service):
    """Asks to pay the order as long as it can be paid; afterwards it can be looked at."""

    def links(self, case: Case, *, now: datetime) -> list[tuple[str, str]]:
        order = Order.objects.filter(number=case.outcome.get("order", "")).first()
        if order is None or (order.is_open and now < order.expires_at):
            return super().links(case, now=now)
        return [(_("查看缴费订单"), reverse("order", args=[order.number]))]
