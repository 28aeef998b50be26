"""撤销医疗保险关系转出: until the old place has let go."""

from django.utils.translation import gettext_lazy

from portal.shared.insurance import Insurance
from transfers.applying import CancelOut


class MedicalOutCancel(CancelOut):
    code = "medical-out-cancel"
    title = gettext_lazy("撤销医疗保险关系转出")
    also_known_as = ("撤销医保转移", "取消医保转出")
    insurance = Insurance.MEDICAL
