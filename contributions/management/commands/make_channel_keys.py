from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from contributions.channels.keys import make_development_keys


class Command(BaseCommand):
    help = "生成开发用的支付渠道密钥：大厅与代支付机构各一套。已有的不改动。仅用于开发与演示。"
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("正式环境的密钥由支付机构和银行签发，见 docs/operations.md。")
        made = make_development_keys(settings.CHANNEL_KEYS_DIR)
        self.stdout.write(f"已生成：{'、'.join(made)}" if made else "密钥已齐全，未作改动。")
