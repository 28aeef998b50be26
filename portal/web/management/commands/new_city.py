"""Makes the data folder of a new city, or prints the example of one file."""

import datetime as dt
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.policy.book import DATA
from portal.policy.opening import CannotOpen, NewCity, examples, open_city


class Command(BaseCommand):
    help = "建立新城市的数据目录，启动检查可以通过；未载明的数值为示例值，须逐项按本市文件改正。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", nargs="?", help="城市代号，如 suzhou")
        parser.add_argument("--code", help="行政区划代码，6 位，如 320500")
        parser.add_argument("--title", help="简称，如 苏州")
        parser.add_argument("--full-title", help="全称，如 苏州市")
        parser.add_argument("--province", help="省份，如 江苏省")
        parser.add_argument("--agency", help="经办机构名称")
        parser.add_argument("--hotline", default="12333")
        parser.add_argument(
            "--district",
            action="append",
            default=[],
            metavar="CODE=TITLE",
            help="区县，可重复，如 320508=姑苏区",
        )
        parser.add_argument("--since", help="缴费基数上下限从哪一日起执行，如 2026-01-01")
        parser.add_argument("--floor", help="缴费基数下限，元")
        parser.add_argument("--ceiling", help="缴费基数上限，元")
        parser.add_argument("--reference", help="公布上下限的文件名称")
        parser.add_argument("--number", help="文件号")
        parser.add_argument("--data", type=Path, default=DATA, help="数据目录，默认为本项目的")
        parser.add_argument("--example", metavar="NAME", help="只打印一个文件的样例，如 reconciliation")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["example"]:
            self._print_example(options["example"])
            return
        wanted = [
            *("slug", "code", "title", "full_title", "province", "agency", "district", "since"),
            *("floor", "ceiling", "reference", "number"),
        ]
        missing = [name for name in wanted if not options[name]]
        if missing:
            raise CommandError("还缺少：" + "、".join(_as_option(name) for name in missing))
        try:
            city = NewCity(
                slug=options["slug"],
                code=options["code"],
                title=options["title"],
                full_title=options["full_title"],
                province=options["province"],
                agency=options["agency"],
                hotline=options["hotline"],
                districts=[_district(text) for text in options["district"]],
                since=dt.date.fromisoformat(options["since"]),
                floor=Decimal(options["floor"]),
                ceiling=Decimal(options["ceiling"]),
                reference=options["reference"],
                number=options["number"],
            )
        except (ValueError, InvalidOperation) as error:
            raise CommandError(f"日期请写成 2026-01-01，金额请写成数字：{error}") from error
        try:
            files = open_city(city, data=options["data"])
        except CannotOpen as why:
            raise CommandError(str(why)) from why
        self.stdout.write(f"{city.full_title}的数据目录已建好：")
        for file in files:
            self.stdout.write(f"  {file}")
        self.stdout.write(
            "下一步：\n"
            "  1. 逐个文件核对，标有 standing: local 或 ours 的是示例值，改成本市文件的规定。\n"
            "  2. 运行 manage.py check；要办理更多事项，在 offers.yaml 中增加，缺少的文件会逐个指出。\n"
            "  3. 在经办工作台建立本市工作人员的账号，由他们办理单位开户和人员建档。"
        )

    def _print_example(self, name: str) -> None:
        files = examples()
        if name not in files:
            raise CommandError(f"没有 {name} 的样例，可选：{'、'.join(files)}。其他文件可参照已有城市。")
        self.stdout.write(files[name])


def _as_option(name: str) -> str:
    return name if name == "slug" else f"--{name.replace('_', '-')}"


def _district(text: str) -> tuple[str, str]:
    code, equals, title = text.partition("=")
    if not equals or not title:
        raise CommandError(f"区县请写成 320508=姑苏区：{text}")
    return code, title
