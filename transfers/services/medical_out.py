"""医疗保险关系转出: applied for at the old place."""

from django.utils.translation import gettext_lazy

from portal.shared.insurance import Insurance
from transfers.applying import MoveOut


class MedicalOut(MoveOut):
    code = "medical-out"
    title = gettext_lazy("医疗保险关系转出")
    also_known_as = ("医保转移", "医保转出", "关系转移接续", "医疗保险转到外地")
    insurance = Insurance.MEDICAL
