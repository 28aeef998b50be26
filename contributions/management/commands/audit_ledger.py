import json
from argparse import ArgumentTypeError
from dataclasses import asdict
from datetime import date, datetime, time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from contributions.audit import audit
from portal.shared.months import CHINA


class Command(BaseCommand):
    help = "核对账目：逐条检查资金与办件的不变量，列出首批不符的记录；有不符时退出码为 1。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="以 JSON 输出")
        parser.add_argument(
            "--since",
            type=_day,
            metavar="YYYY-MM-DD",
            help="应缴、托收、到账和分录只核对这一天（北京时间）以来新增的。更早的行有无改动、新旧之间有无重复，全面核对才能发现",
        )

    def handle(self, *args: Any, json: bool, since: datetime | None, **options: Any) -> None:
        findings = audit(since=since)
        if json:
            self.stdout.write(as_json([{**asdict(one), "holds": one.holds} for one in findings]))
        else:
            if since:
                self.stdout.write(
                    _("应缴、托收、到账和分录只核对 %(day)s 以来新增的，不是全面核对。")
                    % {"day": f"{since:%Y-%m-%d}"}
                )
            for one in findings:
                verdict = _("通过") if one.holds else _("不符")
                self.stdout.write(f"{one.number:>3}  {verdict}  {one.title}")
                for example in one.examples:
                    self.stdout.write(f"         {example}")
                if one.broken > len(one.examples):
                    self.stdout.write("         " + _("……共 %(count)s 条") % {"count": one.broken})
        if not all(one.holds for one in findings):
            raise CommandError(_("账目核对不符。"), returncode=1)


def _day(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time(), CHINA)
    except ValueError:
        raise ArgumentTypeError(_("请写作 YYYY-MM-DD，例如 2026-11-01。")) from None


def as_json(rows: list[dict[str, Any]]) -> str:
    return json.dumps(rows, ensure_ascii=False, indent=2)
