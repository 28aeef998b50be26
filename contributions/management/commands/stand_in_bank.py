from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from contributions.bank_files.stand_in import serve


class Command(BaseCommand):
    help = "代替邮储银行：读取交换目录中的托收文件并返回扣款结果。账号末两位决定结果，见其源码说明。"
    # It is another house: it must work while the hall's database is down.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="处理完现有文件即退出")
        parser.add_argument("--delay", type=float, default=0.0, help="每个文件返回结果前等待的秒数")
        parser.add_argument("--folder", type=Path, default=None, help="交换目录，默认取 BANK_EXCHANGE_DIR")

    def handle(self, *args: Any, once: bool, delay: float, folder: Path | None, **options: Any) -> None:
        try:
            serve(folder or Path(settings.BANK_EXCHANGE_DIR), once=once, delay=delay, say=self.stdout.write)
        except KeyboardInterrupt:
            return
