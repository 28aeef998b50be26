"""Writes what checks QR codes elsewhere: the page for a browser, or the public keys for
verify_certificate."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from certificates import offline
from certificates.authority import SealUnavailable


class Command(BaseCommand):
    help = "导出离线核验页（一个 HTML 文件，可在不联网的电脑上打开）；加 --keys 时只导出公钥。更换二维码密钥后请重新导出。"
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="写到哪个文件")
        parser.add_argument("--keys", action="store_true", help="只导出公钥（JSON）")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            content = offline.keys_json() if options["keys"] else offline.page()
            options["file"].write_text(content, encoding="utf-8")
        except (OSError, SealUnavailable) as error:
            raise CommandError(f"无法导出：{error}") from error
        self.stdout.write(f"已写入 {options['file']}。")
