"""Makes the development certificate authority at first start."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from certificates import development_authority


class Command(BaseCommand):
    help = "建立开发用证书颁发机构：根证书、时间戳证书和各城市经办机构的电子印章。已有的不改动。仅用于开发与演示，没有法律效力。"

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError(
                "正式环境不使用开发证书。请将经办机构的电子印章放入 SEAL_DIR，见 docs/certificates.md。"
            )
        made_files = development_authority.make_development_ca(
            cities=development_authority.development_cities(), now=timezone.now()
        )
        if made_files:
            self.stdout.write(
                f"已建立开发证书：{'、'.join(made_files)}（{settings.SEAL_DIR}）。开发环境印章没有法律效力。"
            )
        else:
            self.stdout.write("开发证书已齐全，未作改动。")
