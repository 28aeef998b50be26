"""Fetches the revocation lists that seals carry, from the addresses that the certificates name."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from certificates import revocation


class Command(BaseCommand):
    help = "按印章和时间戳证书中写明的地址下载吊销列表（CRL），存入印章目录。下载失败的保留原有的列表，并以非零退出。"

    def handle(self, *args: Any, **options: Any) -> None:
        done, failed = revocation.refresh(now=timezone.now())
        for name in done:
            self.stdout.write(f"已更新：{name}")
        if failed:
            raise CommandError("未能更新：" + "；".join(failed))
        if not done:
            self.stdout.write("证书没有写明吊销列表的地址，没有可更新的。")
