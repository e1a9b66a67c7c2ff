"""One kind of client for all sites that are reached by an HTTP interface.

It is sent once: whether it is safe to ask again, only who asks can tell.  What comes back is the answer, or
:class:`~situs.sites.adapter.Unreachable` where none came, or the site's own refusal in its own words.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from situs.model.error import SitusError
from situs.sites.adapter import Unreachable

ANSWER_S = 30.0
NOT_READY = (502, 503, 504)
"""Answers of what stands before a server that is not up."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Silent(Unreachable):
    """It took the question and has not answered in time."""


class WebClient:
    """One server, and who we are to it."""

    def __init__(
        self, address: str, what: str, refusal: Callable[[httpx.Response], SitusError],
        headers: Callable[[], Mapping[str, str]] = dict, ca: str | None = None, answer_s: float = ANSWER_S,
    ) -> None:  # fmt: skip
        """``what``: how the server is called in errors; ``headers``: made for each call, so that a secret in them
        is the newest one and is kept nowhere; ``ca``: file of who signs the server's certificate."""
        self.address = address.rstrip("/")
        self._what = what
        self._refusal = refusal
        self._headers = headers
        # What the surroundings say about proxies is for the web, and would see the token.
        self._client = httpx.Client(
            base_url=self.address, timeout=answer_s, trust_env=False,
            verify=ssl.create_default_context(cafile=ca) if ca else True,
        )  # fmt: skip

    def send(self, method: str, path: str, **how: Any) -> httpx.Response:
        """The answer, which is no error. Raises Silent, Unreachable, and what ``refusal`` makes of an error."""
        try:
            answer = self._client.request(method, path, headers=self._headers(), **how)
        except httpx.TransportError as error:
            raise self._away(error) from None
        if answer.is_error:
            raise self._refused(answer)
        return answer

    @contextmanager
    def stream(self, method: str, path: str, **how: Any) -> Iterator[httpx.Response]:
        """An answer that is read while it comes; raises the same, also while it is read."""
        try:
            with self._client.stream(method, path, headers=self._headers(), **how) as answer:
                if answer.is_error:
                    answer.read()
                    raise self._refused(answer)
                yield answer
        except httpx.TransportError as error:
            raise self._away(error) from None

    def _refused(self, answer: httpx.Response) -> SitusError:
        if answer.status_code in NOT_READY:
            return Unreachable(f"{self._what} at {self.address} is not ready: HTTP {answer.status_code}")
        return self._refusal(answer)

    def _away(self, error: httpx.TransportError) -> SitusError:
        if isinstance(error, httpx.LocalProtocolError):
            # Its own words show the header, and so the token.
            return SitusError(
                f"{self._what} at {self.address}: the token holds what no header of HTTP can; is it one line?"
            )
        where = f"{self._what} at {self.address}"
        if isinstance(error, httpx.ReadTimeout):
            return Silent(f"{where} gave no answer in time")
        return Unreachable(f"{where} cannot be reached: {error or type(error).__name__}")


def address_of(text: str, what: str, example: str) -> str:
    """An address that a token may be sent to. Raises ValueError."""
    parts = urlsplit(text)
    if parts.scheme == "http" and parts.hostname in LOOPBACK:
        return text
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.query:
        raise ValueError(
            f"{text!r} is no address of {what}; write it as {example}, or as http://127.0.0.1:PORT where a "
            "tunnel leads there"
        )
    return text


def clock_of(answer: httpx.Response) -> datetime | None:
    """The time that the server has; None when it does not say."""
    try:
        return parsedate_to_datetime(answer.headers.get("Date", "")).astimezone(UTC)
    except ValueError:
        return None
