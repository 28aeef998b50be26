"""灵活就业人员暂停缴费(宁波:社保中断;深圳:个人缴费人员停保)."""

from datetime import datetime

from django.utils.translation import gettext_lazy

from enrollment.own_stop import OwnStop
from portal.hall.service import Applicant
from portal.policy.book import Offer
from portal.shared.insurance import Capacity
from portal.shared.months import month_in_china


class FlexiblePause(OwnStop):
    code = "flexible-pause"
    title = gettext_lazy("灵活就业人员暂停缴费")
    capacity = Capacity.FLEXIBLE
    also_known_as = ("停保", "暂停缴费", "社保中断", "断缴")

    def leads_to(self, *, offer: Offer, applicant: Applicant, now: datetime) -> str:
        partner = offer.options.get("entrance_with", self.code)
        person = applicant.person
        if person is None or self.running(person, offer.city, month_in_china(now)):
            return self.code
        return str(partner)
