"""Requests to one server: with what makes one known there, again where that is safe, and told in the errors of situs.

What a server refuses is raised as the same call would raise it on the spot: wrong input as InputError, all else as
SitusError, so that exit codes are the same wherever the control plane is.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from situs.client.servers import LOOPBACK, Server
from situs.model.error import InputError, SitusError
from situs.sites.web import clock_of
from situs.version import __version__

ANSWER_S = 130.0
"""The longest that a server takes over an answer: it makes a plan in two minutes."""
CONNECT_S = 10.0
TRIES = 3
"""Of what may be asked again; a server that starts anew is back by then, one that is gone is told of."""
PAUSE_S = 0.5
LONGEST_WAIT_S = 30.0
"""Whoever asks too often waits so long at most, and is told otherwise."""
AGAIN = frozenset({"GET", "PUT", "DELETE"})
"""What is asked twice is done once."""


class Unanswered(SitusError):
    """The server did not answer; it may or may not have done what it was asked for."""


class Refused(SitusError):
    """What the server does not do, as things are."""

    def __init__(self, detail: str, told: Mapping[str, Any]) -> None:
        super().__init__(detail)
        self.told = told
        """all that its answer says"""


def client(url: str, ca: str | None = None, timeout: httpx.Timeout | None = None) -> httpx.Client:
    """Who asks there: by TLS that is verified, without following anybody elsewhere."""
    try:
        verify = ssl.create_default_context(cadata=ca) if ca is not None else True
    except ssl.SSLError:
        raise InputError("the certificates of --ca are none; give a file in PEM") from None
    return httpx.Client(
        base_url=url, timeout=timeout or httpx.Timeout(ANSWER_S, connect=CONNECT_S), verify=verify,
        follow_redirects=False, headers={"User-Agent": f"situs/{__version__}"},
        # A proxy is for what is elsewhere, and would see a token that goes over plain HTTP.
        trust_env=urlsplit(url).hostname not in LOOPBACK,
    )  # fmt: skip


class Asking:
    """One server, asked."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._client = client(server.url, server.ca)
        self._clock: datetime | None = None
        if server.token:
            self._client.headers["Authorization"] = f"Bearer {server.token}"

    def clock(self) -> datetime:
        """The server's, as of its last answer; where it does not say, this machine's."""
        return self._clock or datetime.now(UTC)

    def get(self, path: str, **params: Any) -> Any:
        """What is there. Raises SitusError."""
        return self._asked("GET", path, params=params).json()

    def send(self, method: str, path: str, body: Any = None, *, key: str | None = None, **params: Any) -> Any:
        """Have something done. ``key``: it is done once, however often it is sent. Raises SitusError."""
        headers = {"Idempotency-Key": key} if key is not None else {}
        return self._asked(method, path, json=body, headers=headers, params=params).json()

    def put_bytes(self, path: str, content: bytes, **params: Any) -> Any:
        """Have bytes be kept. Raises SitusError."""
        headers = {"Content-Type": "application/octet-stream"}
        return self._asked("PUT", path, content=content, headers=headers, params=params).json()

    @contextmanager
    def stream(self, path: str, last: str | None, silent_s: float, **params: Any) -> Iterator[Iterator[str]]:
        """Lines as they come; ``silent_s``: the longest time without any. Raises SitusError.

        ``last``: the id of what was heard last, from where to go on.
        """
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last is not None else {})
        timeout = httpx.Timeout(silent_s, connect=CONNECT_S)
        try:
            with self._client.stream("GET", path, headers=headers, timeout=timeout, params=params) as answer:
                if answer.is_error:
                    answer.read()
                    raise refused(self.server.name, answer)
                yield answer.iter_lines()
        except httpx.HTTPError as error:
            raise Unanswered(_away(self.server, error)) from None

    def _asked(self, method: str, path: str, **more: Any) -> httpx.Response:
        again = TRIES if method in AGAIN or more.get("headers") else 1
        while True:
            again -= 1
            try:
                answer = self._client.request(method, path, **more)
            except httpx.HTTPError as error:
                if again <= 0 or _is_certificate(error):
                    raise Unanswered(_away(self.server, error)) from None
                time.sleep(PAUSE_S)
                continue
            self._clock = clock_of(answer)
            wait_s = _seconds(answer.headers)
            # Neither was begun, so it may be asked for again whatever it is.
            if answer.status_code in (429, 503) and again > 0 and wait_s <= LONGEST_WAIT_S:
                time.sleep(wait_s)
                continue
            if answer.is_error or answer.is_redirect:
                raise refused(self.server.name, answer)
            return answer


def refused(name: str, answer: httpx.Response) -> SitusError:
    """What a server's answer says, as an error of situs."""
    try:
        told = answer.json()
        detail = str(told["detail"])
    except (ValueError, KeyError, TypeError):
        return SitusError(
            f"{name} answers like no control plane ({answer.status_code}); is its address right?"
        )
    if answer.status_code == 401:
        return SitusError(f"{name} does not know you: {detail}; `situs login` makes you known there")
    if answer.status_code in (404, 422):
        return InputError(detail)
    return Refused(detail, told)


def _away(server: Server, error: httpx.HTTPError) -> str:
    said = str(error) or type(error).__name__
    if _is_certificate(error):
        return (
            f"{server.name} ({server.url}) shows a certificate that this machine does not trust: {said}; "
            "`situs login --ca FILE` says whom to trust for it"
        )
    return f"{server.name} ({server.url}) does not answer: {said}"


def _is_certificate(error: httpx.HTTPError) -> bool:
    return "CERTIFICATE_VERIFY_FAILED" in str(error)


def _seconds(headers: Mapping[str, str]) -> float:
    said = headers.get("Retry-After", "1")
    return max(1.0, float(said)) if said.isdecimal() else 1.0
