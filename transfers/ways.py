"""The services about transfers that texts send people to."""

from django.utils.translation import gettext_lazy as _

from portal.hall.ways import To

# For places whose agencies exchange nothing with the hall.
OTHER_PLACES = To("transfer-other-places", what=_("办理关系转移"))
