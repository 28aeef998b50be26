"""医疗保险关系转入: applied for at the new place."""

from django.utils.translation import gettext_lazy

from portal.shared.insurance import Insurance
from transfers.applying import MoveIn


class MedicalIn(MoveIn):
    code = "medical-in"
    title = gettext_lazy("医疗保险关系转入")
    also_known_as = ("医保转移", "医保转入", "关系转移接续", "医疗保险转回来")
    insurance = Insurance.MEDICAL
