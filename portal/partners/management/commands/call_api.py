import http.client
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.partners import keys, registering, signing
from portal.partners.models import PartnerKey


class Command(BaseCommand):
    help = "以合作方的身份签名并发送一个接口请求，显示应答。默认使用 make_partner_key 生成的开发密钥。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("method", choices=["GET", "POST"])
        parser.add_argument("path", help="如 /api/v1/dues/")
        parser.add_argument("--body", default="", help="正文：JSON；以 @ 开头的是文件名，.csv 按对账文件发送")
        parser.add_argument("--key", default="", help="幂等键；不填则每次新生成一个")
        parser.add_argument(
            "--partner", default=registering.DEMO, help=f"合作方代码，默认 {registering.DEMO}"
        )
        parser.add_argument("--url", default="", help="大厅的地址；不填则用 PUBLIC_URL")

    def handle(self, *args: Any, **options: Any) -> None:
        secret, key_id = self._key(options["partner"])
        body, kind = _body(options["body"])
        message = signing.Message(
            options["method"], (options["url"] or settings.PUBLIC_URL) + options["path"], {}, body
        )
        if message.method == "POST":
            message.headers["Content-Type"] = kind
            message.headers["Idempotency-Key"] = options["key"] or str(uuid4())
        signing.sign(message, secret=secret, key_id=key_id)
        status, text = _send(message)
        self.stdout.write(text)
        if status >= 400:
            sys.exit(1)

    def _key(self, code: str) -> tuple[keys.PrivateKey, str]:
        path = settings.DATA_DIR / "keys" / "partners" / f"{code}.pem"
        try:
            secret = keys.private(path.read_bytes())
        except OSError as problem:
            raise CommandError("没有开发密钥，请先运行 script/manage make_partner_key。") from problem
        key = PartnerKey.objects.filter(fingerprint=keys.fingerprint(secret.public_key())).first()
        if key is None:
            raise CommandError("这把密钥没有登记，请先运行 script/manage make_partner_key。")
        return secret, key.key_id


def _body(argument: str) -> tuple[bytes, str]:
    if not argument.startswith("@"):
        return argument.encode(), "application/json"
    path = Path(argument.removeprefix("@"))
    return path.read_bytes(), "text/csv" if path.suffix == ".csv" else "application/json"


def _send(message: signing.Message) -> tuple[int, str]:
    parts = urlsplit(message.url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=30)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    connection.request(message.method, target, message.body or None, dict(message.headers))
    response = connection.getresponse()
    text = response.read().decode()
    if "json" in response.headers.get("Content-Type", ""):
        text = json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    return response.status, text
