"""The services about coverage that texts send people to."""

from django.utils.translation import gettext_lazy as _

from portal.hall.ways import To
from portal.shared.insurance import Capacity

ENROL = To("flexible-enroll", what=_("办理灵活就业参保登记"))
PAUSE = To("flexible-pause", what=_("办理停保"))
RESIDENT_STOP = To("resident-stop", what=_("办理居民停保"))
CHILD_ENROL = To("child-first-enroll", what=_("办理少儿首次参保"))
RESIDENT_PENSION = To("resident-pension-enroll", what=_("办理居民养老参保登记"))
RESIDENT_RESUME = To("resident-resume", what=_("办理居民参保"))
# Of those who were never insured as residents.
RESIDENT_MEDICAL = To(what=_("办理居民医疗保险参保登记"))
# The pension, once age and years are there.
CLAIM = To(what=_("申请领取养老待遇"))
CHILD_UPKEEP = To("child-student-upkeep", what=_("办理少儿参保"))
CHILD_STOP = To("child-stop", what=_("办理少儿停保"))
STUDENT_STOP = To("student-stop", what=_("办理学生停保"))
_AT_THE_WINDOW = To(what=_("办理停保"))
ADD_STAFF = To("employer-add-staff", what=_("办理职工参保"))
STOP_STAFF = To("employer-stop-staff", what=_("办理职工停保"))
MEND_HOUSEHOLD = To("identity-change", what=_("更正户籍信息"))


def to_stop(capacity: Capacity) -> To:
    """How somebody stops what they pay on their own in that capacity."""
    return {
        Capacity.FLEXIBLE: PAUSE,
        Capacity.RESIDENT: RESIDENT_STOP,
        Capacity.CHILD: CHILD_STOP,
        Capacity.STUDENT: STUDENT_STOP,
    }.get(capacity, _AT_THE_WINDOW)
