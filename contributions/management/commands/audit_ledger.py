import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from contributions.audit import audit


class Command(BaseCommand):
    help = "核对账目：逐条检查资金与办件的不变量，列出首批不符的记录；有不符时退出码为 1。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="以 JSON 输出")

    def handle(self, *args: Any, json: bool, **options: Any) -> None:
        findings = audit()
        if json:
            self.stdout.write(as_json([{**asdict(one), "holds": one.holds} for one in findings]))
        else:
            for one in findings:
                verdict = _("通过") if one.holds else _("不符")
                self.stdout.write(f"{one.number:>3}  {verdict}  {one.title}")
                for example in one.examples:
                    self.stdout.write(f"         {example}")
                if one.broken > len(one.examples):
                    self.stdout.write("         " + _("……共 %(count)s 条") % {"count": one.broken})
        if not all(one.holds for one in findings):
            raise CommandError(_("账目核对不符。"), returncode=1)


def as_json(rows: list[dict[str, Any]]) -> str:
    return json.dumps(rows, ensure_ascii=False, indent=2)
