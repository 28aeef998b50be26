"""养老保险关系转入: applied for at the new place."""

from django.utils.translation import gettext_lazy

from portal.shared.insurance import Insurance
from transfers.applying import MoveIn


class PensionIn(MoveIn):
    code = "pension-in"
    title = gettext_lazy("养老保险关系转入")
    also_known_as = ("社保转移", "社保转入", "关系转移接续", "养老保险转回来")
    insurance = Insurance.PENSION
