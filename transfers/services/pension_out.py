"""养老保险关系转出: applied for at the old place."""

from django.utils.translation import gettext_lazy

from portal.shared.insurance import Insurance
from transfers.applying import MoveOut


class PensionOut(MoveOut):
    code = "pension-out"
    title = gettext_lazy("养老保险关系转出")
    also_known_as = ("社保转移", "社保转出", "关系转移接续", "养老保险转到外地")
    insurance = Insurance.PENSION
