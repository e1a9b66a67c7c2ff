"""A real OpenID provider that runs here, and people who log in at it with a browser that is no program of situs'."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest

from tests.api.test_serving import free_port
from tests.control.plane import until

PACKAGES = Path(os.environ.get("SITUS_OIDC_PROVIDER", Path(__file__).parents[2] / ".venv" / "oidc"))
BACK = "http://127.0.0.1:1/back"


@contextmanager
def running(*, devices: bool = True, good_s: int = 3600) -> Iterator[str]:
    """A provider. ``devices``: whether it takes codes; ``good_s``: how long an ID token of it is good."""
    if shutil.which("node") is None or not (PACKAGES / "node_modules" / "oidc-provider").exists():
        pytest.skip("no OpenID provider here: apt-get install nodejs npm, and make provider")
    port = free_port()
    script = PACKAGES / "provider.mjs"
    shutil.copy(Path(__file__).parent / "provider" / "provider.mjs", script)
    words = ["node", script, str(port), "devices" if devices else "no-devices", str(good_s)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        until(lambda: _answers(address), "the provider answers")
        yield address
    finally:
        process.kill()
        process.wait()


def logged_in(issuer: str, person: str, client: str = "situs") -> str:
    """What a person's browser gets from logging in: an ID token, by code and PKCE."""
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    asked = {
        "client_id": client, "redirect_uri": BACK, "response_type": "code", "scope": "openid groups",
        "code_challenge": challenge, "code_challenge_method": "S256", "state": "s", "nonce": "n",
    }  # fmt: skip
    with httpx.Client() as browser:
        target = walked(browser, str(httpx.URL(f"{issuer}/auth", params=asked)), person, BACK)
        code = parse_qs(urlsplit(target).query)["code"][0]
        body = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "client_id": client,
            "code_verifier": verifier,
        }  # fmt: skip
        return str(browser.post(f"{issuer}/token", data=body).raise_for_status().json()["id_token"])


def walked(
    browser: httpx.Client, url: str, person: str, back: str | None = None, *, refuses: bool = False
) -> str:
    """Go where a page leads, and fill in what it asks for. Ends at ``back``, or where nothing is asked any more.

    ``refuses``: when asked whether that is what is wanted, the person says no.
    """
    page = browser.get(url)
    for _ in range(20):
        if page.is_redirect:
            target = urljoin(str(page.url), page.headers["location"])
            if back is not None and target.startswith(back):
                return target
            page = browser.get(target)
            continue
        action = re.search(r'action="([^"]+)"', page.text)
        if action is None:
            assert page.is_success, page.text
            return str(page.url)
        form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        if 'name="login"' in page.text:
            form |= {"login": person, "password": "any"}
        if refuses and "abort" in page.text:
            return str(browser.post(urljoin(str(page.url), action[1]), data=form | {"abort": "yes"}).url)
        page = browser.post(urljoin(str(page.url), action[1]), data=form)
    raise AssertionError(f"the provider does not come to an end: {page.text}")


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/.well-known/openid-configuration").status_code == 200
    except httpx.TransportError:
        return False


if __name__ == "__main__":
    # As a person's browser: python -m tests.api.issuer PERSON URL
    named, page_url = sys.argv[1:]
    with httpx.Client() as own:
        own.get(walked(own, page_url, named, parse_qs(urlsplit(page_url).query)["redirect_uri"][0]))
