import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from contributions.audit import runs


class Command(BaseCommand):
    help = "核对账目：逐条检查资金与办件的不变量，列出首批不符的记录，并登记结果；有不符时退出码为 1。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="以 JSON 输出")
        parser.add_argument(
            "--since-last",
            action="store_true",
            help="接续最近一次全部通过的核对：应缴、托收、到账、分录和参保关系只核对此后新增、改动（包括绕过程序在数据库中直接"
            "改动）的行和与之相关的行，并查有无删除；其他全部核对",
        )
        parser.add_argument(
            "--jobs", type=int, default=0, metavar="N", help="同时使用的数据库连接数；默认与处理器核数相同"
        )

    def handle(self, *args: Any, json: bool, since_last: bool, jobs: int, **options: Any) -> None:
        done = runs.run(everything=not since_last, jobs=jobs)
        if json:
            self.stdout.write(as_json([{**one, "holds": not one["broken"]} for one in done.findings]))
        else:
            if done.since:
                self.stdout.write(
                    _("只核对 %(moment)s 那次核对以来的变动，不是全面核对。")
                    % {"moment": f"{timezone.localtime(done.since.started_at):%Y-%m-%d %H:%M}"}
                )
            elif since_last:
                self.stdout.write(_("没有可以接续的核对，这次是全面核对。"))
            for one in done.findings:
                verdict = _("不符") if one["broken"] else _("通过")
                self.stdout.write(f"{one['number']:>3}  {verdict}  {one['title']}")
                for example in one["examples"]:
                    self.stdout.write(f"         {example}")
                if one["broken"] > len(one["examples"]):
                    self.stdout.write("         " + _("……共 %(count)s 条") % {"count": one["broken"]})
            if done.place is None:
                self.stdout.write(_("核对时一直有人写账，下次不能从这次接续。"))
        if not done.sound:
            raise CommandError(_("账目核对不符。"), returncode=1)


def as_json(rows: list[dict[str, Any]]) -> str:
    return json.dumps(rows, ensure_ascii=False, indent=2)
