"""As whom the hall speaks to a provider, and with which keys: from ``settings.PAYMENT_CHANNELS``
and the files it names.

For development ``make_development_keys`` makes both sides' keys. In service they come from the
providers; without them a channel is not offered.
"""

import secrets
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from django.conf import settings
from django.utils.translation import gettext as _

from contributions.channels import wire
from portal.shared.files import alone_in, write_whole

_FILE = "_file"
Account = Mapping[str, str]
Stamp = tuple[object, ...]


class ChannelUnavailable(LookupError):
    """The channel cannot be used here; the message tells staff in Chinese what is missing."""


def stamp(code: str) -> Stamp:
    """Changes whenever the account's settings or files do. Raises ChannelUnavailable."""
    named = _settings(code)
    parts: list[object] = [tuple(sorted(named.items()))]
    for name in sorted(named):
        if name.endswith(_FILE):
            try:
                state = Path(named[name]).stat()
            except OSError as problem:
                raise ChannelUnavailable(_no_file(named[name], problem)) from problem
            parts.append((state.st_mtime_ns, state.st_size, state.st_ino))
    return tuple(parts)


def account(code: str) -> Account:
    """The settings of a channel, with the content of ``…_file`` under the name before it. Raises
    ChannelUnavailable."""
    read: dict[str, str] = {}
    for name, value in _settings(code).items():
        if name.endswith(_FILE):
            try:
                read[name.removesuffix(_FILE)] = Path(value).read_text(encoding="ascii").strip()
            except (OSError, UnicodeDecodeError) as problem:
                raise ChannelUnavailable(_no_file(value, problem)) from problem
        else:
            read[name] = value
    try:
        read["gateway"] = wire.check_gateway(read["gateway"])
    except ValueError as problem:
        raise ChannelUnavailable(_("支付网关地址须为 https。")) from problem
    return read


def _settings(code: str) -> Mapping[str, str]:
    named: Mapping[str, str] = settings.PAYMENT_CHANNELS.get(code, {})
    missing = sorted(name for name, value in named.items() if not value)
    if missing or not named:
        raise ChannelUnavailable(_("尚未配置：%(names)s。") % {"names": "、".join(missing) or code})
    return named


def _no_file(path: str, problem: Exception) -> str:
    return _("密钥文件 %(name)s 不能读取：%(why)s") % {
        "name": Path(path).name,
        "why": getattr(problem, "strerror", None) or _("内容不是文本"),
    }


def make_development_keys(folder: Path) -> list[str]:
    """Makes what is missing of the keys of the hall and of the providers that stand in; returns the
    names of the files made.

    What is there stays as it is; each file is written whole, for its owner only.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made: list[str] = []
    with alone_in(folder):
        for code in ("card", "alipay", "wechat"):
            for side in ("hall", "provider"):
                secret, public = folder / f"{code}-{side}.pem", folder / f"{code}-{side}.pub.pem"
                if not secret.exists():
                    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
                    write_whole(secret, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
                    public.unlink(missing_ok=True)
                    made.append(secret.name)
                if not public.exists():
                    read = load_pem_private_key(secret.read_bytes(), None)
                    write_whole(
                        public,
                        read.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
                    )
                    made.append(public.name)
        shared = folder / "wechat-apiv3.key"
        if not shared.exists():
            write_whole(shared, secrets.token_hex(16).encode())
            made.append(shared.name)
    return made
