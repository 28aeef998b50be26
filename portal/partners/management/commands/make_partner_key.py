import os
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from portal.accounts.models import User
from portal.partners import keys, registering
from portal.partners.models import PartnerKey


class Command(BaseCommand):
    help = (
        "为演示登记一家合作方和它的开发密钥，并生成大厅自己的应答签名密钥。已有的不改动。仅用于开发与演示；"
        "正式的合作方由管理员在工作台登记，私钥由合作方自己生成和保管。"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--code", default=registering.DEMO, help=f"合作方代码，默认 {registering.DEMO}")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("正式环境的合作方由管理员在工作台登记，见 docs/api.md。")
        now, folder = timezone.now(), settings.DATA_DIR / "keys" / "partners"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        partner = registering.demo_partner(code=options["code"], now=now)
        secret = _own(folder / f"{partner.code}.pem")
        key = PartnerKey.objects.filter(fingerprint=keys.fingerprint(secret.public_key())).first()
        if key is None:
            key = registering.add_key(
                partner,
                public_key=keys.pem_of(secret.public_key()),
                valid_from=now,
                by=User.objects.system(),
                now=now,
            )
        _own(settings.API_KEY_FILE)
        self.stdout.write(
            f"合作方 {partner.code}，密钥编号 {key.key_id}，私钥 {folder / f'{partner.code}.pem'}"
        )


def _own(path: Path) -> ed25519.Ed25519PrivateKey:
    """The private key in that file, made where there is none, for its owner only."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        secret = ed25519.Ed25519PrivateKey.generate()
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    read = keys.private(path.read_bytes())
    if not isinstance(read, ed25519.Ed25519PrivateKey):
        raise CommandError(f"{path} 不是 Ed25519 私钥。")
    return read
