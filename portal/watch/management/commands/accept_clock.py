"""Says that the clock is right after the hall stood still, so that the tasks ring again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from portal.watch import clock


class Command(BaseCommand):
    help = "停机较久后恢复运行时，确认本机时钟无误，让定时任务继续。先显示本机、数据库和上次运行的时间；加 --yes 才生效。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--yes", action="store_true", help="时间已核对无误，采用本机时间")

    def handle(self, *args: Any, yes: bool, **options: Any) -> None:
        now = timezone.now()
        seen, database = clock.evidence()
        for title, moment in (("本机时间", now), ("数据库时间", database), ("上次运行", seen)):
            shown = f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S}" if moment else "从未运行"
            self.stdout.write(f"{title}：{shown}")
        if not yes:
            self.stdout.write("核对无误后，加 --yes 再运行一次。")
            return
        try:
            clock.accept(now)
        except clock.ClockSuspect as suspect:
            raise CommandError(str(suspect)) from suspect
        self.stdout.write("已采用本机时间。")
