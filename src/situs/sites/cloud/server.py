"""The HTTP interface of SkyPilot's API server, as far as it is needed here.

A call is taken in at once and done later: the answer is the number of a request, and what came of it is asked for
by that number.  None of SkyPilot's own packages are needed; nothing that it pickles is ever brought to life.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import httpx

from situs.model.error import SitusError
from situs.sites import web
from situs.sites.adapter import Unreachable
from situs.sites.web import ANSWER_S, Silent, WebClient, clock_of

SPOKEN = 62
"""Version of the interface that this is written for and tested with: that of SkyPilot 0.14.1."""
OLDEST = 50
"""Older servers are refused: their answers lack fields that are needed here."""
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class ServerError(SitusError):
    """SkyPilot said no; ``kind`` is the name of its exception."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"SkyPilot refuses it: {message}")
        self.kind = kind
        self.message = message


class Pending(Unreachable):
    """The server has not done it yet."""


class ApiServer:
    """One API server, and who we are to it. Any call may raise Unreachable and ServerError."""

    def __init__(
        self, address: str, user: str, token: Callable[[], str] | None = None, workspace: str | None = None
    ) -> None:
        """``user``: eight hexadecimal digits that machines of ours are told by; ``token``: gives that of an account."""
        self._token = token
        self._me = {
            "env_vars": {"SKYPILOT_USER_ID": user, "SKYPILOT_USER": "situs"},
            "entrypoint": "situs", "entrypoint_command": "situs",
            "override_skypilot_config": {"active_workspace": workspace} if workspace else {},
        }  # fmt: skip
        self._web = WebClient(address, "the API server", _refusal, self.headers)
        self.address = self._web.address

    def headers(self) -> dict[str, str]:
        """Who we are and which interface we speak."""
        known = {"X-SkyPilot-API-Version": str(SPOKEN), "X-SkyPilot-Version": "0.14.1"}
        return known | ({} if self._token is None else {"Authorization": f"Bearer {self._token()}"})

    def begin(self, path: str, **body: Any) -> str:
        """Have something done; gives the number of the request."""
        answer = self._web.send("POST", path, json={**self._me, **body})
        number = answer.headers.get("X-Skypilot-Request-ID")
        if not number:
            raise Unreachable(
                f"{self.address} is no API server of SkyPilot: its answer has no request's number"
            )
        return str(number)

    def result(self, number: str, timeout_s: float = ANSWER_S) -> Any:
        """What came of a request. Raises Pending when nothing has within the time."""
        try:
            answer = self._web.send(
                "GET",
                "/api/get",
                params={"request_id": number},
                timeout=httpx.Timeout(ANSWER_S, read=timeout_s),
            )
        except Silent:
            raise Pending(f"the API server at {self.address} is still busy with it") from None
        return json.loads(answer.json()["return_value"])

    def done(self, path: str, timeout_s: float = ANSWER_S, **body: Any) -> Any:
        """Have something done, and wait for what comes of it."""
        return self.result(self.begin(path, **body), timeout_s)

    def health(self) -> tuple[Mapping[str, Any], datetime | None]:
        """What it tells of itself, and the time that it has."""
        answer = self._web.send("GET", "/api/health")
        try:
            return answer.json(), clock_of(answer)
        except ValueError:
            raise Unreachable(f"{self.address} is no API server of SkyPilot") from None

    def told(self, path: str) -> Any:
        """What the server finds out without being told anything more."""
        return self.result(self._web.send("GET", path).headers.get("X-Skypilot-Request-ID", ""))

    def get(self, path: str, **params: Any) -> Any:
        """What the server tells at once."""
        return self._web.send("GET", path, params=params).json()

    @contextmanager
    def lines(self, path: str, timeout_s: float, **body: Any) -> Iterator[Iterator[str]]:
        """What the server sends line by line, as it comes. Raises Pending when nothing comes for so long."""
        try:
            with self._web.stream(
                "POST", path, json={**self._me, **body}, timeout=httpx.Timeout(ANSWER_S, read=timeout_s)
            ) as answer:
                yield answer.iter_lines()
        except Silent:
            raise Pending(f"the API server at {self.address} has sent nothing for {timeout_s:g} s") from None


def unsuitable(told: Mapping[str, Any]) -> str | None:
    """Why a server that tells this about its health cannot be worked with; None when it can."""
    if told.get("status") != "healthy":
        return f"SkyPilot's API server says that it is {told.get('status')}"
    spoken = str(told.get("api_version", ""))
    if not spoken.isdecimal() or int(spoken) < OLDEST:
        return f"SkyPilot {told.get('version')} speaks version {spoken or '?'} of its interface, and {OLDEST} is needed"
    return None


def address_of(text: str) -> str:
    """An address that a token may be sent to. Raises ValueError."""
    return web.address_of(text, "an API server", "https://sky.example")


def _refusal(answer: httpx.Response) -> ServerError:
    """What an answer that is an error means."""
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        return ServerError(f"HTTP {answer.status_code}", answer.text.strip()[:300] or answer.reason_phrase)
    if not isinstance(detail, dict) or "error" not in detail:
        return ServerError(f"HTTP {answer.status_code}", str(detail)[:300])
    error = json.loads(detail["error"])
    if detail.get("status") == "CANCELLED" or error is None:
        return ServerError("Cancelled", "somebody cancelled the request")
    return ServerError(str(error.get("type")), COLOUR.sub("", str(error.get("message"))).strip())
