import signal
import threading
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from contributions.channels.keys import make_development_keys
from contributions.channels.stand_in.server import Gateway


class Command(BaseCommand):
    help = (
        "代替微信支付、支付宝和银行卡支付机构：验证大厅的签名，显示付款页面，发送通知，也能按要求出错。"
        "说明见 docs/bank-card-channel.md。仅用于开发与演示。"
    )
    # It is another house: it must work while the hall's database is down.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="监听的地址")
        parser.add_argument("--port", type=int, default=0, help="监听的端口，默认由系统选取")
        parser.add_argument("--public-url", default="", help="付款人打开付款页面的地址，默认即监听的地址")
        parser.add_argument("--folder", type=Path, default=None, help="存放自身数据的目录")
        parser.add_argument("--keys", type=Path, default=None, help="密钥目录，默认取 CHANNEL_KEYS_DIR")
        parser.add_argument("--control", action="store_true", help="接受测试用的控制请求")
        parser.add_argument("--late", type=float, default=5.0, help="迟到的通知晚几秒")
        parser.add_argument(
            "--retries", default="2,5,10", help="通知未被接受时，隔几秒再发，以逗号分隔；空则不再发"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("正式环境不使用代支付机构。")
        keys = options["keys"] or settings.CHANNEL_KEYS_DIR
        make_development_keys(keys)
        gateway = Gateway(
            (options["host"], options["port"]),
            folder=options["folder"] or settings.DATA_DIR / "gateway",
            keys=keys,
            public_url=options["public_url"].rstrip("/"),
            control=options["control"],
            late=options["late"],
            retries=tuple(float(pause) for pause in options["retries"].split(",") if pause),
        )
        for wish in (signal.SIGTERM, signal.SIGINT):
            signal.signal(wish, lambda *_: threading.Thread(target=gateway.shutdown).start())
        self.stdout.write(f"http://{options['host']}:{gateway.server_address[1]}")
        self.stdout.flush()
        gateway.serve_forever(poll_interval=0.2)
        gateway.server_close()
