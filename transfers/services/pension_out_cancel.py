"""撤销养老保险关系转出: until the old place has let go."""

from django.utils.translation import gettext_lazy

from portal.shared.insurance import Insurance
from transfers.applying import CancelOut


class PensionOutCancel(CancelOut):
    code = "pension-out-cancel"
    title = gettext_lazy("撤销养老保险关系转出")
    also_known_as = ("撤销社保转移", "取消社保转出")
    insurance = Insurance.PENSION
