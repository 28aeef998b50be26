"""居民停保(深圳):城乡居民停缴医疗保险、养老保险."""

from django.utils.translation import gettext_lazy

from enrollment.own_stop import OwnStop
from portal.shared.insurance import Capacity


class ResidentStop(OwnStop):
    code = "resident-stop"
    title = gettext_lazy("居民停保")
    capacity = Capacity.RESIDENT
    also_known_as = ("居民医保停保", "居民养老停保", "城乡居民停保")
