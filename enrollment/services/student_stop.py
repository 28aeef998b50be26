"""学生停保: a student, or a pupil's guardian, ends the medical coverage by the school."""

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrollment.leaving import ELSEWHERE, Leaving, LeavingFacts
from enrollment.ways import CHILD_UPKEEP
from portal.hall.service import Ask
from portal.policy.book import book
from portal.shared.insurance import Capacity


class StudentStop(Leaving):
    code = "student-stop"
    title = gettext_lazy("学生停保")
    capacity = Capacity.STUDENT
    also_known_as = ("学生医保停保", "大学生停保")
    reasons = (
        ("graduated", gettext_lazy("毕业")),
        ("other-school", gettext_lazy("转学离开本市")),
        ("left", gettext_lazy("退学")),
        ("abroad", gettext_lazy("出国出境")),
        (ELSEWHERE, gettext_lazy("参加职工医疗保险")),
    )

    def advice(self, ask: Ask, facts: LeavingFacts) -> Iterator[str]:
        places = {place.code for place in book().city(ask.offer.city).places}
        if facts.minor and ask.person.household_code in places:
            yield _("离校后仍可由监护人参加少儿医保，请{way}，不必停保。").format(
                way=CHILD_UPKEEP.at(ask.offer.city)
            )
