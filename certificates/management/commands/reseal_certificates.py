"""Seals a city's certificates anew after its key was replaced; goes on where an earlier run
stopped."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from certificates import resealing
from certificates.authority import SealUnavailable
from certificates.models import ResealingRun
from portal.accounts.models import User
from portal.policy.book import book

_CHUNK = 50


class Command(BaseCommand):
    help = "更换印章或算法后，为一个城市仍然有效的证明重新盖章；内容、编号和验证码不变。可以随时中断，再次运行时接着做。"

    def add_arguments(self, parser: CommandParser) -> None:
        cities = [city.slug for city in book().cities]
        parser.add_argument("--city", required=True, choices=cities, help="哪个城市的印章")
        parser.add_argument("--reason", default="", help="重新盖章的原因；接着做时不需要")
        parser.add_argument(
            "--everything",
            action="store_true",
            help="同一印章盖过的也重新盖章（更换算法，或者文件需要重新绘制时）",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        city = options["city"]
        run = ResealingRun.objects.filter(city=city, finished_at__isnull=True).first()
        try:
            if run is None:
                run = resealing.start(
                    city=city,
                    reason=options["reason"],
                    everything=options["everything"],
                    by=User.objects.system(),
                    now=timezone.now(),
                )
            while resealing.go_on(run, most=_CHUNK, now=timezone.now()):
                self._say(run)
        except resealing.NotStarted as why:
            raise CommandError(str(why)) from why
        except resealing.SealReplaced as error:
            raise CommandError("印章又被更换，本次重新盖章已结束。请再次运行。") from error
        except (SealUnavailable, OSError) as error:
            raise CommandError(f"暂停：{error}。排除后再次运行，会接着做。") from error
        self._say(run)
        if not run.finished_at:
            raise CommandError("另一个进程正在做这件事。")
        for failure in run.failures.select_related("certificate"):
            self.stderr.write(f"未能重新盖章：{failure.certificate.serial_number}（{failure.why}）")
        if run.failures.exists():
            raise SystemExit(1)

    def _say(self, run: ResealingRun) -> None:
        far = resealing.progress(run, now=timezone.now())
        self.stdout.write(
            f"{run.city}：应重新盖章 {far.total} 份，已完成 {far.done}，失败 {far.failed}，"
            f"不再需要 {far.dropped}，剩余 {far.left}"
        )
