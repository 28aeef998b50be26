"""少儿停保: a guardian ends a child's medical coverage."""

from django.utils.translation import gettext_lazy

from enrollment.leaving import ELSEWHERE, Leaving
from portal.shared.insurance import Capacity


class ChildStop(Leaving):
    code = "child-stop"
    title = gettext_lazy("少儿停保")
    capacity = Capacity.CHILD
    also_known_as = ("少儿医保停保", "孩子停保")
    reasons = (
        ("school", gettext_lazy("入园入学，由学校参保")),
        (ELSEWHERE, gettext_lazy("参加其他医疗保险")),
        ("moved", gettext_lazy("迁出本市")),
        ("abroad", gettext_lazy("出国出境")),
        ("other", gettext_lazy("其他")),
    )
