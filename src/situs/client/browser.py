"""A login in a browser of this machine: it is sent to the issuer, and comes back to a port that waits for it."""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
import time
import webbrowser
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from situs.client.login import Given, Issuer, by_redirect
from situs.model.error import SitusError

PATIENCE_S = 300.0
"""Somebody looks for a password."""
PAGE = b"<!doctype html><title>situs</title><p>Done. You may close this page and go back to the terminal.\n"


class _Back(HTTPServer):
    """Waits for the browser, at a port of this machine."""

    def __init__(self, state: str) -> None:
        self.state = state
        self.brought: dict[str, str] | None = None
        super().__init__(("127.0.0.1", 0), _Answer)


class _Answer(BaseHTTPRequestHandler):
    server: _Back

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        brought = {key: values[0] for key, values in parse_qs(url.query).items()}
        # Any page in the browser can call this port; only the login that was begun here knows the state.
        mine = url.path == "/back" and secrets.compare_digest(
            brought.get("state", "").encode(), self.server.state.encode()
        )
        self.send_response(200 if mine else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if mine:
            self.wfile.write(PAGE)
            self.server.brought = brought

    def log_message(self, *_: object) -> None:
        """The code is in the address, which is to be in no log."""


def by_browser(issuer: Issuer, client_id: str, tell: Callable[[str], None]) -> Given:
    """Log in by a browser of this machine. ``tell``: is told the page, in case none opens. Raises SitusError."""
    if issuer.authorization is None:
        raise SitusError(
            f"{issuer.url} offers no way to log in that situs knows; take a token (--token-file)"
        )
    verifier, state, nonce = (secrets.token_urlsafe(48) for _ in range(3))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    with _Back(state) as waiting:
        back = f"http://127.0.0.1:{waiting.server_address[1]}/back"
        asked = {
            "client_id": client_id, "redirect_uri": back, "response_type": "code", "scope": " ".join(issuer.scopes),
            "code_challenge": challenge, "code_challenge_method": "S256", "state": state, "nonce": nonce,
        }  # fmt: skip
        if "offline_access" in issuer.scopes:
            # Issuers give what lasts only to those who were asked.
            asked["prompt"] = "consent"
        page = f"{issuer.authorization}{'&' if '?' in issuer.authorization else '?'}{urlencode(asked)}"
        tell(page)
        # Some browsers come back from opening only when they are closed.
        threading.Thread(target=webbrowser.open, args=(page,), daemon=True).start()
        brought = _brought(waiting)
    if brought.get("iss", issuer.url) != issuer.url:
        raise SitusError(f"not logged in: the browser came back from {brought['iss']}, not from {issuer.url}")
    if "code" not in brought:
        raise SitusError(
            f"not logged in: {brought.get('error_description') or brought.get('error', 'no code')}"
        )
    return by_redirect(issuer, client_id, brought["code"], verifier, back, nonce)


def _brought(waiting: _Back) -> dict[str, str]:
    waiting.timeout = 1.0
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        waiting.handle_request()
        if waiting.brought is not None:
            return waiting.brought
    raise SitusError("not logged in: the browser did not come back in five minutes")
