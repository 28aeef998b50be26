"""Stands in for the provider of face checks, in the demo and in tests: real HTTP, written from the
description in ``faces``.

    FACE_CHECK_SECRET=… python -m portal.accounts.face_stand_in --port 9001

It shares no code with the hall's side. Whoever opens its page says by a button whether they are the
person.
"""

import argparse
import hashlib
import hmac
import html
import json
import os
import secrets
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

_MOST_BYTES = 64 * 1024


class FaceStandIn(ThreadingHTTPServer):
    """The checks that were asked for live as long as the process."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], secret: str, public_url: str = "") -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Handler)
        self.secret = secret.encode()
        self.url = public_url or f"http://{address[0]}:{self.server_address[1]}"
        self.checks: dict[str, dict[str, str]] = {}

    def check_of(self, token: str) -> dict[str, str] | None:
        return next((check for check in self.checks.values() if check["token"] == token), None)


class _Handler(BaseHTTPRequestHandler):
    server: FaceStandIn
    timeout = 30

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > _MOST_BYTES:
            return self._answer(413, b"")
        body = self.rfile.read(int(length))
        if self.path.startswith("/look/"):
            return self._looked(self.path.removeprefix("/look/"), body)
        if self.path != "/v1/checks" or not self._signed(body):
            return self._answer(403, b"{}")
        try:
            asked = {name: str(value) for name, value in json.loads(body).items()}
            check = {
                **{name: asked[name] for name in ("reference", "name", "identity_number", "return_url")},
                "state": "waiting",
                "token": secrets.token_urlsafe(16),
            }
        except (ValueError, KeyError, AttributeError):
            return self._answer(400, b"{}")
        check = self.server.checks.setdefault(check["reference"], check)
        page = f"{self.server.url}/look/{check['token']}"
        return self._json({"reference": check["reference"], "page": page})

    def do_GET(self) -> None:
        if self.path.startswith("/look/"):
            return self._page(self.path.removeprefix("/look/"))
        check = self.server.checks.get(self.path.removeprefix("/v1/checks/"))
        if check is None or not self._signed(self.path.encode()):
            return self._answer(404, b"{}")
        return self._json({"reference": check["reference"], "state": check["state"]})

    def log_message(self, *said: object) -> None:
        """Says nothing: addresses hold tokens."""

    def _signed(self, body: bytes) -> bool:
        wanted = hmac.new(self.server.secret, body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(wanted, self.headers.get("X-Signature", ""))

    def _page(self, token: str) -> None:
        check = self.server.check_of(token)
        if check is None:
            return self._answer(404, "没有这次核验".encode(), "text/plain")
        name = html.escape(check["name"])
        text = f"""<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>刷脸核验（演示）</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body style="font:18px sans-serif;max-width:32rem;margin:2rem auto;padding:0 1rem">
<h1>刷脸核验（演示）</h1><p>这里代替公安部门授权的人脸核验服务。正式环境会在这里打开摄像头。</p>
<p>核验对象：<strong>{name}</strong></p>
<form method="post"><button name="is" value="yes" style="font:inherit;padding:.6rem 1rem">我是本人，核验通过</button>
<button name="is" value="no" style="font:inherit;padding:.6rem 1rem">不是本人，核验不通过</button></form></body></html>"""
        return self._answer(200, text.encode(), "text/html")

    def _looked(self, token: str, body: bytes) -> None:
        check = self.server.check_of(token)
        if check is None:
            return self._answer(404, b"")
        if check["state"] == "waiting":
            said = parse_qs(body.decode(errors="replace")).get("is", [""])[0]
            check["state"] = "passed" if said == "yes" else "failed"
        self.send_response(303)
        self.send_header("Location", check["return_url"])
        self.send_header("Content-Length", "0")
        self.end_headers()
        return None

    def _json(self, answer: dict[str, str]) -> None:
        self._answer(200, json.dumps(answer).encode())

    def _answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Signature", hmac.new(self.server.secret, body, hashlib.sha256).hexdigest())
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    parser = argparse.ArgumentParser(description="代替人脸核验服务，仅供演示和测试。")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--public-url", default="")
    given = parser.parse_args()
    FaceStandIn((given.host, given.port), os.environ["FACE_CHECK_SECRET"], given.public_url).serve_forever()


if __name__ == "__main__":
    main()
