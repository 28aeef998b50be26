"""Lists the scheduled tasks with their last success, and what fails; ends with 1 where something is
wrong."""

import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from portal.watch import lamps
from portal.watch.models import Failure


class Command(BaseCommand):
    help = "列出各定时任务最近完成的时间、逾期的任务和未解除的异常；有异常时以 1 退出。"

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        for lamp in lamps.tasks(now):
            mark = (
                "逾期" if lamp.overdue else "运行中" if lamp.running else "正常" if lamp.state else "未运行"
            )
            last = lamp.state.succeeded_at if lamp.state else None
            when = f"{timezone.localtime(last):%Y-%m-%d %H:%M:%S}" if last else "—"
            self.stdout.write(f"{mark}\t{when}\t{lamp.name}\t{lamp.title}")
        for failure in Failure.objects.filter(resolved_at__isnull=True).order_by("-last_at", "-pk"):
            title, remedy = lamps.title_of(failure.task)
            self.stdout.write(
                f"异常\t{timezone.localtime(failure.last_at):%Y-%m-%d %H:%M:%S}\t{title} {failure.item}（{failure.count} 次）"
            )
            self.stdout.write(f"\t{failure.message}\n\t{remedy}")
        health = lamps.health(now)
        self.stdout.write("\n".join(health.words()))
        if not health.sound:
            sys.exit(1)
