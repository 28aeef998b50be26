"""The services about transfers that texts send people to."""

from django.utils.translation import gettext_lazy as _

from portal.hall.ways import To

# Places with whose agencies the hall exchanges nothing.
OTHER_PLACES = To("transfer-other-places", what=_("办理关系转移"))
