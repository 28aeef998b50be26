"""A page that checks QR codes in any browser, from a file, without network and without the
portal."""

import json
from pathlib import Path

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils import timezone

from certificates import summaries
from certificates.kinds import KIND_LABELS
from portal.shared.months import today_in_china

_SCRIPTS = ("js/summary.js", "js/offline.js")


def page() -> str:
    """The whole page: its scripts, the public keys, the names of the kinds. Raises SealUnavailable
    without a key."""
    context = {
        "keys": {key.key_id: _coordinates(key) for key in summaries.public_keys()},
        "kinds": {str(kind): title for kind, title in KIND_LABELS.items()},
        "scripts": [_script(name) for name in _SCRIPTS],
        "made_on": today_in_china(timezone.now()),
    }
    return render_to_string("certificates/offline.html", context)


def keys_json() -> str:
    """The public keys alone, for verify_certificate on another machine."""
    keys = {key.key_id: _coordinates(key) for key in summaries.public_keys()}
    return json.dumps(keys, indent=2)


def read_keys(text: str) -> list[summaries.PublicKey]:
    """The keys from the output of ``keys_json``. Raises ValueError for other text."""
    try:
        return [
            summaries.PublicKey(key_id, int(point["x"], 16), int(point["y"], 16))
            for key_id, point in json.loads(text).items()
        ]
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(str(error)) from error


def _coordinates(key: summaries.PublicKey) -> dict[str, str]:
    return {"x": f"{key.x:064x}", "y": f"{key.y:064x}"}


def _script(name: str) -> str:
    path = finders.find(name)
    if not isinstance(path, str):
        raise FileNotFoundError(name)
    return Path(path).read_text()
