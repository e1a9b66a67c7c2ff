"""Logging in at an organisation's OpenID issuer, as the command line of a person: no secret of a client is needed.

Where the issuer offers it, by a code that is typed in a browser anywhere (RFC 8628), so that it works over SSH; else
in a browser of this machine that is sent back to a port of it (RFC 8252), with a proof that the one who began is the
one who ends (PKCE).  What comes back is believed by the server alone, which asks the issuer for its keys.
"""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

import httpx

from situs.client.asking import client
from situs.client.servers import LOOPBACK, Server
from situs.model.error import SitusError

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
WANTED_SCOPES = ("openid", "profile", "email", "groups", "offline_access")
"""Of those, what the issuer offers: who one is, one's groups, and not to be asked again every hour."""
ANSWER_S = 15.0


@dataclass(frozen=True)
class Issuer:
    """What an issuer says of itself."""

    url: str
    token: str
    """where tokens are given"""
    authorization: str | None
    device: str | None
    revocation: str | None
    scopes: tuple[str, ...]

    def asked(self) -> httpx.Client:
        """Who asks it."""
        return client(self.url, timeout=httpx.Timeout(ANSWER_S))


@dataclass(frozen=True)
class Given:
    """What it gave."""

    token: str = field(repr=False)
    until_s: float | None
    refresh: str | None = field(repr=False)


def described(url: str) -> Issuer:
    """Ask an issuer what it offers. Raises SitusError."""
    _must_be_safe(url)
    try:
        with client(url, timeout=httpx.Timeout(ANSWER_S)) as asked:
            told = asked.get(f"{url.rstrip('/')}/.well-known/openid-configuration").raise_for_status().json()
        # Another issuer's description would have one log in elsewhere.
        if told["issuer"] != url:
            raise ValueError(f"it calls itself {told['issuer']}")
        offered = told.get("scopes_supported") or ["openid"]
        found = Issuer(
            url, told["token_endpoint"], told.get("authorization_endpoint"),
            told.get("device_authorization_endpoint"), told.get("revocation_endpoint"),
            tuple(scope for scope in WANTED_SCOPES if scope == "openid" or scope in offered),
        )  # fmt: skip
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise SitusError(f"the issuer {url} cannot be asked how to log in: {error}") from None
    for address in (found.token, found.authorization, found.device, found.revocation):
        if address is not None:
            _must_be_safe(address)
    return found


def by_code(issuer: Issuer, client_id: str, tell: Callable[[str, str], None]) -> Given:
    """Log in by a code that is typed elsewhere. ``tell``: is told the page and the code. Raises SitusError."""
    assert issuer.device is not None
    with issuer.asked() as asked:
        began = _answer(asked, issuer.device, client_id=client_id, scope=" ".join(issuer.scopes))
        tell(
            str(began.get("verification_uri_complete") or began["verification_uri"]), str(began["user_code"])
        )
        every_s, deadline = float(began.get("interval", 5)), time.monotonic() + float(began["expires_in"])
        while time.monotonic() < deadline:
            time.sleep(every_s)
            answer = _posted(
                asked, issuer.token, grant_type=DEVICE, device_code=began["device_code"], client_id=client_id
            )
            if answer.is_success:
                return _given(issuer, client_id, answer)
            error = _error(answer)
            if error == "slow_down":
                every_s += 5.0
            elif error != "authorization_pending":
                break
        else:
            error = "expired_token"
    said = {
        "expired_token": "the code was not used in time",
        "access_denied": "it was refused in the browser",
    }
    raise SitusError(f"not logged in: {said.get(error, error)}")


def by_redirect(
    issuer: Issuer, client_id: str, code: str, verifier: str, back: str, nonce: str
) -> Given:  # fmt: skip
    """Turn what the browser brought back into a login. Raises SitusError."""
    with issuer.asked() as asked:
        answer = _posted(
            asked, issuer.token, grant_type="authorization_code", code=code, redirect_uri=back, client_id=client_id,
            code_verifier=verifier,
        )  # fmt: skip
        if not answer.is_success:
            raise SitusError(f"not logged in: {_error(answer)}")
        return _given(issuer, client_id, answer, nonce)


def renewed(server: Server) -> Server:
    """The same with a token that is good for longer. Raises SitusError when the login is over."""
    if server.issuer is None or server.refresh is None or server.client_id is None:
        raise SitusError(f"the login to {server.name} is over; `situs login {server.url}` makes a new one")
    issuer = described(server.issuer)
    with issuer.asked() as asked:
        answer = _posted(
            asked, issuer.token, grant_type="refresh_token", refresh_token=server.refresh,
            client_id=server.client_id,
        )  # fmt: skip
    if not answer.is_success:
        raise SitusError(
            f"the login to {server.name} is over ({_error(answer)}); `situs login {server.url}` makes a new one"
        )
    given = _given(issuer, server.client_id, answer)
    return replace(server, token=given.token, until_s=given.until_s, refresh=given.refresh or server.refresh)


def ended(server: Server) -> bool:
    """Have the issuer give nothing more for this login; False when it cannot be told so."""
    if server.issuer is None or server.refresh is None or server.client_id is None:
        return True
    try:
        issuer = described(server.issuer)
        if issuer.revocation is None:
            return False
        with issuer.asked() as asked:
            answer = _posted(asked, issuer.revocation, token=server.refresh, client_id=server.client_id)
    except SitusError:
        return False
    return answer.is_success


def _given(issuer: Issuer, client_id: str, answer: httpx.Response, nonce: str | None = None) -> Given:
    try:
        told = answer.json()
        token = str(told["id_token"])
        claims = _claims(token)
        audience = claims["aud"]
        good = claims["iss"] == issuer.url and client_id in (
            audience if isinstance(audience, list) else [audience]
        )
        until_s = float(claims["exp"])
    except (ValueError, KeyError, TypeError):
        raise SitusError(f"{issuer.url} gave no ID token") from None
    if not good or (nonce is not None and claims.get("nonce") != nonce):
        raise SitusError(f"{issuer.url} gave an ID token that is for somebody else")
    return Given(token, until_s, told.get("refresh_token"))


def _claims(token: str) -> Mapping[str, Any]:
    """What it says; whether that is so is for the server to find out."""
    body = token.split(".")[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (binascii.Error, IndexError) as error:
        raise ValueError("no token") from error
    if not isinstance(claims, dict):
        raise ValueError("no claims")
    return claims


def _answer(asked: httpx.Client, url: str, **form: str) -> Mapping[str, Any]:
    answer = _posted(asked, url, **form)
    if not answer.is_success:
        raise SitusError(f"not logged in: {_error(answer)}")
    told: Mapping[str, Any] = answer.json()
    return told


def _posted(asked: httpx.Client, url: str, **form: str) -> httpx.Response:
    try:
        return asked.post(url, data=form)
    except httpx.HTTPError as error:
        raise SitusError(f"{url} does not answer: {error or type(error).__name__}") from None


def _error(answer: httpx.Response) -> str:
    try:
        told = answer.json()
        return str(told.get("error_description") or told["error"]) if _is_final(told) else str(told["error"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"the issuer answers {answer.status_code}"


def _is_final(told: Mapping[str, Any]) -> bool:
    return told.get("error") not in ("slow_down", "authorization_pending", "expired_token", "access_denied")


def _must_be_safe(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise SitusError(f"{url}: one logs in by TLS alone, and this is another way")
