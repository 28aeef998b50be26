"""The payment channels: where each provider's gateway stands, as whom the hall speaks to it, and
with which keys.

A channel of which anything is missing is not offered. ``key_file`` is the hall's private key,
``provider_key_file`` the provider's public key (PEM); docs/operations.md tells where they come
from.
"""

import os
from pathlib import Path

_NAMES = {
    "card": ("gateway", "merchant", "key_file", "provider_key_file"),
    "alipay": ("gateway", "app_id", "key_file", "provider_key_file"),
    "wechat": (
        "gateway",
        "app_id",
        "merchant",
        "serial",
        "key_file",
        "provider_key_file",
        "provider_key_id",
        "secret_file",
    ),
}

# What the gateway that stands in takes the hall for.
_STAND_IN = {
    "merchant": "1900000001",
    "app_id": "stand-in-hall",
    "serial": "5157F09EFDC096DE15EBE81A47057A7200000001",
    "provider_key_id": "PUB_KEY_ID_0000000001",
}


def from_environment() -> dict[str, dict[str, str]]:
    """``CARD_GATEWAY``, ``CARD_KEY_FILE``, ``ALIPAY_APP_ID``, ``WECHAT_SECRET_FILE`` and so on;
    empty where they are not set."""
    return {
        code: {name: os.environ.get(f"{code}_{name}".upper(), "") for name in names}
        for code, names in _NAMES.items()
    }


def of_stand_in(gateway: str, folder: Path) -> dict[str, dict[str, str]]:
    """The channels over the gateway that stands in, with the development keys of that folder."""
    files = {
        "alipay": {"gateway": f"{gateway}/gateway.do"},
        "wechat": {"secret_file": str(folder / "wechat-apiv3.key")},
    }
    return {
        code: {
            **{name: value for name, value in _STAND_IN.items() if name in names},
            "gateway": gateway,
            "key_file": str(folder / f"{code}-hall.pem"),
            "provider_key_file": str(folder / f"{code}-provider.pub.pem"),
            **files.get(code, {}),
        }
        for code, names in _NAMES.items()
    }
