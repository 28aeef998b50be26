"""The demo: four cities with employers, people of each kind, a year of history and a few open
cases."""

from portal.web.demo import cases, desks, people
from portal.web.demo.chapters import Chapter

CHAPTERS = [
    Chapter(10, "单位、人员和账号", people.tell),
    Chapter(25, "社区网点", desks.tell),
    Chapter(40, "办理中的办件", cases.tell),
]
