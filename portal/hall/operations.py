"""系统运行 in the workbench: what failed in the hall's own work, for the staff of its city, with
what to do.

Whoever serves all cities also sees whether each part is there, and when each task came to its end
last.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.accounts import permissions
from portal.accounts.models import User
from portal.accounts.staff_admin import StaffAdmin
from portal.policy.book import book
from portal.watch import failures, lamps
from portal.watch.models import Failure

# The most failures that are shown; where there are more, they have one cause.
SHOWN = 100
RESOLVED_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Told:
    """A failure as staff read it."""

    failure: Failure
    title: str
    remedy: str
    place: str


def failures_for(user: User) -> QuerySet[Failure]:
    """The failures that this login sees: of its cities, and those of no city where it serves
    all."""
    cities = permissions.staff_cities(user)
    return Failure.objects.filter(city__in=[*cities, *([] if user.city else [""])])


def open_for(user: User) -> QuerySet[Failure]:
    """Those that are not resolved, the latest first."""
    return failures_for(user).filter(resolved_at__isnull=True).order_by("-last_at", "-pk")


def told(found: QuerySet[Failure]) -> list[Told]:
    """The failures with titles, remedies and cities for staff to read."""
    titles = {city.slug: city.title for city in book().cities}
    return [
        Told(one, *lamps.title_of(one.task), titles.get(one.city, one.city) or _("全部城市")) for one in found
    ]


def troubles(now: datetime) -> list[str]:
    """What is wrong with the hall as a whole, in sentences; empty where nothing is."""
    health = lamps.health(now)
    sentences = []
    if not health.cache:
        sentences.append(_("Redis 没有响应：后台任务停止，登录和查询可能变慢。请系统管理员检查。"))
    if health.beat is False:
        sentences.append(_("定时器没有运行，到期的任务不会自动开始。请系统管理员重新启动。"))
    if health.workers == 0:
        sentences.append(_("没有后台进程在运行，任务都在等待。请系统管理员重新启动。"))
    sentences += [
        _("“{title}”逾期没有完成，应在 {due} 运行。").format(
            title=one.title, due=f"{timezone.localtime(one.due_at):%Y-%m-%d %H:%M}"
        )
        for one in lamps.tasks(now)
        if one.overdue and one.due_at
    ]
    return sentences


@admin.register(Failure)
class FailureAdmin(StaffAdmin):
    """One page; the only change is to mark a failure as settled."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [path("", view(self.changelist_view), name="watch_failure_changelist")]

    def waiting(self, request: HttpRequest) -> QuerySet[Any]:
        """The failures of this login's cities that are open."""
        return open_for(permissions.staff(request))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise Http404
        user, now = permissions.staff(request), timezone.now()
        if request.method == "POST":
            return self._settle(request, user, now)
        everywhere = not user.city
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("系统运行"),
            "open": told(open_for(user)[:SHOWN]),
            "resolved": told(
                failures_for(user)
                .filter(resolved_at__isnull=False)
                .order_by("-resolved_at", "-pk")[:RESOLVED_SHOWN]
            ),
            "may": self.has_change_permission(request),
            "everywhere": everywhere,
            "troubles": troubles(now) if everywhere else [],
            "tasks": lamps.tasks(now) if everywhere else [],
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/hall/operations.html", context)

    def _settle(self, request: HttpRequest, user: User, now: datetime) -> HttpResponse:
        """标为已处理: where the item fails again, it is listed again."""
        chosen = request.POST.get("failure", "")
        failure = (
            open_for(user).filter(pk=int(chosen)).first() if chosen.isdecimal() and len(chosen) < 19 else None
        )
        if not self.has_change_permission(request):
            raise Http404
        if failure is None:
            messages.info(request, _("这一条已经解除。"))
        else:
            failures.resolve(failure.task, [failure.item], now=now, by=user.name)
            messages.success(request, _("已标为处理完毕；再次出现时会重新列出。"))
        return HttpResponseRedirect(reverse("admin:watch_failure_changelist"))
