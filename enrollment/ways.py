"""The services about coverage that texts send people to."""

from django.utils.translation import gettext_lazy as _

from portal.hall.ways import To

ENROL = To("flexible-enroll", what=_("办理灵活就业参保登记"))
PAUSE = To("flexible-pause", what=_("办理停保"))
ADD_STAFF = To("employer-add-staff", what=_("办理职工参保"))
STOP_STAFF = To("employer-stop-staff", what=_("办理职工停保"))
MEND_HOUSEHOLD = To("identity-change", what=_("更正户籍信息"))
