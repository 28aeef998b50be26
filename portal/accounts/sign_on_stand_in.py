"""Stands in for a province's single sign-on, in the demo and in tests: an OpenID Connect provider
over real HTTP, written from the specification (authorization code, PKCE, RS256).

    python -m portal.accounts.sign_on_stand_in --port 9002 --client-id hall --client-secret …

It shares no code with the hall's side. Whoever opens its page types whom they are. Codes are good
once, for a minute, for the client, address and challenge that asked.
"""

import argparse
import base64
import hashlib
import hmac
import html
import json
import os
import secrets
import socket
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

_MOST_BYTES = 64 * 1024
_ASKED = ("client_id", "redirect_uri", "state", "nonce", "code_challenge")


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


class SignOnStandIn(ThreadingHTTPServer):
    """Its key and its codes live as long as the process. ``altered`` are claims that a test wants
    otherwise, None to leave one out."""

    daemon_threads = True

    def __init__(
        self, address: tuple[str, int], client_id: str, client_secret: str, public_url: str = ""
    ) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Handler)
        self.client_id, self.client_secret = client_id, client_secret
        self.url = public_url or f"http://{address[0]}:{self.server_address[1]}"
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.signs_with = self.key
        self.codes: dict[str, dict[str, str]] = {}
        self.altered: dict[str, Any] = {}

    def id_token(self, code: dict[str, str]) -> str:
        """The signed statement of who came in."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.url,
            "aud": self.client_id,
            "sub": hashlib.sha256(f"subject {code['identity_number']}".encode()).hexdigest(),
            "iat": now,
            "exp": now + 300,
            "nonce": code["nonce"],
            "acr": code["acr"],
            "name": code["name"],
            "identity_number": code["identity_number"],
            "phone_number": code["phone"],
            **self.altered,
        }
        header = {"alg": "RS256", "typ": "JWT", "kid": "1"}
        told = {name: value for name, value in claims.items() if value is not None}
        signed = ".".join(_encoded(json.dumps(part).encode()) for part in (header, told))
        signature = self.signs_with.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_encoded(signature)}"


class _Handler(BaseHTTPRequestHandler):
    server: SignOnStandIn
    timeout = 30

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/.well-known/openid-configuration":
            url = self.server.url
            return self._json(
                200,
                {
                    "issuer": url,
                    "authorization_endpoint": f"{url}/authorize",
                    "token_endpoint": f"{url}/token",
                    "jwks_uri": f"{url}/keys",
                    "response_types_supported": ["code"],
                    "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["RS256"],
                    "code_challenge_methods_supported": ["S256"],
                },
            )
        if parts.path == "/keys":
            public = self.server.key.public_key().public_numbers()
            n, e = (
                _encoded(one.to_bytes((one.bit_length() + 7) // 8, "big")) for one in (public.n, public.e)
            )
            key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "1", "n": n, "e": e}
            return self._json(200, {"keys": [key]})
        if parts.path == "/authorize":
            return self._page(dict(parse_qsl(parts.query)))
        return self._answer(404, b"")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > _MOST_BYTES:
            return self._answer(413, b"")
        body = self.rfile.read(int(length)).decode(errors="replace")
        parts = urlsplit(self.path)
        if parts.path == "/authorize":
            return self._said(dict(parse_qsl(parts.query)), {k: v[0] for k, v in parse_qs(body).items()})
        if parts.path == "/token":
            return self._token({k: v[0] for k, v in parse_qs(body).items()})
        return self._answer(404, b"")

    def log_message(self, *said: object) -> None:
        """Says nothing: addresses hold codes."""

    def _asked_well(self, asked: dict[str, str]) -> bool:
        return (
            all(asked.get(name) for name in _ASKED)
            and asked["client_id"] == self.server.client_id
            and asked.get("response_type") == "code"
            and asked.get("code_challenge_method") == "S256"
            and "openid" in asked.get("scope", "").split()
        )

    def _page(self, asked: dict[str, str]) -> None:
        if not self._asked_well(asked):
            return self._answer(400, "请求不完整".encode(), "text/plain")
        fields = "".join(
            f'<p><label>{label}<br><input name="{name}" value="{html.escape(asked.get(name, ""))}"'
            ' style="font:inherit"></label></p>'
            for name, label in (("name", "姓名"), ("identity_number", "身份证号码"), ("phone", "手机号码"))
        )
        text = f"""<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>统一身份认证（演示）</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body style="font:18px sans-serif;max-width:32rem;margin:2rem auto;padding:0 1rem">
<h1>统一身份认证（演示）</h1><p>这里代替省统一身份认证平台。正式环境会在这里登录，本页填谁就是谁。</p>
<form method="post">{fields}
<p><button name="acr" value="2" style="font:inherit;padding:.6rem 1rem">以高级实名登录</button>
<button name="acr" value="1" style="font:inherit;padding:.6rem 1rem">以初级实名登录</button>
<button name="acr" value="" style="font:inherit;padding:.6rem 1rem">取消</button></p></form></body></html>"""
        return self._answer(200, text.encode(), "text/html")

    def _said(self, asked: dict[str, str], said: dict[str, str]) -> None:
        if not self._asked_well(asked):
            return self._answer(400, b"")
        if not said.get("acr"):
            return self._back(asked, {"error": "access_denied"})
        code = secrets.token_urlsafe(24)
        self.server.codes[code] = {
            **{name: asked[name] for name in _ASKED},
            **{name: said.get(name, "").strip() for name in ("name", "identity_number", "phone", "acr")},
            "until": str(time.time() + 60),
        }
        return self._back(asked, {"code": code})

    def _back(self, asked: dict[str, str], answer: dict[str, str]) -> None:
        query = urlencode({**answer, "state": asked["state"]})
        self.send_response(303)
        self.send_header("Location", f"{asked['redirect_uri']}?{query}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _token(self, asked: dict[str, str]) -> None:
        whole = f"{self.server.client_id}:{self.server.client_secret}".encode()
        basic = f"Basic {base64.b64encode(whole).decode()}"
        if not hmac.compare_digest(basic, self.headers.get("Authorization", "")):
            return self._json(401, {"error": "invalid_client"})
        code = self.server.codes.pop(asked.get("code", ""), None)
        challenge = _encoded(hashlib.sha256(asked.get("code_verifier", "").encode()).digest())
        if (
            code is None
            or float(code["until"]) < time.time()
            or code["redirect_uri"] != asked.get("redirect_uri")
            or not hmac.compare_digest(code["code_challenge"], challenge)
        ):
            return self._json(400, {"error": "invalid_grant"})
        access = secrets.token_urlsafe(24)
        token = self.server.id_token(code)
        return self._json(200, {"access_token": access, "token_type": "Bearer", "id_token": token})

    def _json(self, status: int, answer: dict[str, Any]) -> None:
        self._answer(status, json.dumps(answer).encode())

    def _answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    parser = argparse.ArgumentParser(description="代替省统一身份认证，仅供演示和测试。")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--public-url", default="")
    parser.add_argument("--client-id", default="hall")
    given = parser.parse_args()
    secret = os.environ["SIGN_ON_SECRET"]
    SignOnStandIn((given.host, given.port), given.client_id, secret, given.public_url).serve_forever()


if __name__ == "__main__":
    main()
