"""The HTTP interface of a container engine, as Docker defines it and Podman serves it too.

Paths carry no version, so every engine answers with its own newest one; what is used here has been the same
since 1.41 (2020).
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import httpx

from situs.model.error import SitusError
from situs.sites.adapter import Unreachable

if TYPE_CHECKING:
    from situs.sites.sshsocket import ForwardedSocket

ANSWER_S = 30.0
"""An engine that is well answers within a fraction of a second."""
TRANSFER_S = 300.0
"""Without a single byte for so long a transfer is taken for cut."""


class EngineError(SitusError):
    """The engine said no; ``code`` is its HTTP status."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"the container engine refuses it: {message}")
        self.code = code
        self.message = message


class Engine:
    """One engine, reached over its socket: of this machine, or of a host that SSH reaches."""

    def __init__(self, socket: str | ForwardedSocket) -> None:
        self._socket = socket
        self._path = ""

    def path(self) -> str:
        """Of its socket on this machine. Raises as SSH does where it is led to a host."""
        return self._socket if isinstance(self._socket, str) else self._socket.path()

    def _client(self) -> httpx.Client:
        """One for the socket, which another process has elsewhere."""
        if (path := self.path()) != self._path:
            self._opened = httpx.Client(
                transport=httpx.HTTPTransport(uds=path), base_url="http://engine", timeout=ANSWER_S,
                headers={"Accept-Encoding": "identity"},
            )  # fmt: skip
            self._path = path
        return self._opened

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        content: Iterator[bytes] | bytes | None = None,
        timeout_s: float = ANSWER_S,
    ) -> httpx.Response:
        """One call; gives the answer. Raises EngineError for a no, Unreachable for no answer.

        Values of ``query`` that are no text are written as JSON, as filters are.
        """
        try:
            answer = self._client().request(
                method, path, params=_query(query), json=body, content=content, timeout=timeout_s,
                headers={"Content-Type": "application/x-tar"} if content is not None else None,
            )  # fmt: skip
        except httpx.TransportError as error:
            raise self._unreachable(error) from error
        if answer.is_error:
            raise EngineError(answer.status_code, _message(answer))
        return answer

    def stream(
        self,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        method: str = "GET",
        timeout_s: float = TRANSFER_S,
    ) -> Generator[bytes, None, None]:
        """What the engine sends, as it comes; to be closed, as it may wait for us. Raises as :meth:`call` does."""
        try:
            with self._client().stream(method, path, params=_query(query), timeout=timeout_s) as answer:
                if answer.is_error:
                    answer.read()
                    raise EngineError(answer.status_code, _message(answer))
                yield from answer.iter_raw()
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    def get(self, path: str, **query: Any) -> Any:
        """What the engine tells as JSON."""
        return self.call("GET", path, query=query).json()

    def _unreachable(self, error: Exception) -> Unreachable:
        said = str(error) or type(error).__name__
        return Unreachable(f"the container engine at {self._socket} gave no answer: {said}")


def _query(values: Mapping[str, Any] | None) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else json.dumps(value) for name, value in (values or {}).items()
    }


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return answer.text.strip() or answer.reason_phrase
