"""Verifies one PDF on the command line: exit 0 where it is valid, 1 where not."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from certificates.models import RESULT_LABELS
from certificates.verifying import MOST_BYTES, NotVerifiable, verify_pdf

_SIGNS = {True: "通过", False: "不通过", None: "未检查"}


class Command(BaseCommand):
    help = "核验一份证明文件（PDF）：有效时退出码为 0，否则为 1，并列出所作的检查。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="PDF 文件")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with options["file"].open("rb") as file:
                document = file.read(MOST_BYTES + 1)
        except OSError as error:
            raise CommandError(f"无法读取 {options['file']}：{error.strerror}") from error
        try:
            verdict = verify_pdf(document, now=timezone.now())
        except NotVerifiable as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{RESULT_LABELS[verdict.result]}：{verdict.why}")
        for check in verdict.checks:
            self.stdout.write(f"  [{_SIGNS[check.passed]}] {check.label}：{check.text}")
        for label, value in verdict.shown:
            self.stdout.write(f"  {label}：{value}")
        if not verdict.genuine:
            raise SystemExit(1)
