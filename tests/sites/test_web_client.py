"""The client that all sites with an HTTP interface share, against real servers."""

from __future__ import annotations

import socket
import threading
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from situs.model.error import SitusError
from situs.sites.adapter import Unreachable
from situs.sites.web import Silent, WebClient, address_of

TOKEN = "canary-of-a-token-0123456789"


class Front(BaseHTTPRequestHandler):
    """Answers with the number that the path is."""

    def do_GET(self) -> None:
        self.send_response(int(self.path[1:]))
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"said")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Front) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def refusal(answer: httpx.Response) -> SitusError:
    return SitusError(f"refused: {answer.status_code} {answer.text}")


def test_an_answer_a_refusal_and_a_server_that_is_not_ready_are_told_apart(address: str) -> None:
    web = WebClient(address, "the hall", refusal)
    assert web.send("GET", "/200").text == "said"
    with pytest.raises(SitusError, match="refused: 409 said"):
        web.send("GET", "/409")
    with pytest.raises(SitusError, match="refused: 409 said"), web.stream("GET", "/409"):
        pass
    for code in (502, 503, 504):
        with pytest.raises(Unreachable, match=f"the hall at {address} is not ready: HTTP {code}"):
            web.send("GET", f"/{code}")


@pytest.mark.parametrize("token", [f"{TOKEN}\nX-More: 1", f"{TOKEN}\r", f"{TOKEN}\0"])
def test_a_token_that_is_no_header_is_not_shown(address: str, token: str) -> None:
    web = WebClient(address, "the hall", refusal, lambda: {"Authorization": f"Bearer {token}"})
    with pytest.raises(SitusError, match="is it one line") as told:
        web.send("GET", "/200")
    assert TOKEN not in "".join(traceback.format_exception(told.value))


def test_silence_is_told_from_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
        with pytest.raises(Silent):
            WebClient(f"http://127.0.0.1:{port}", "the hall", refusal, answer_s=0.05).send("GET", "/")
    with pytest.raises(Unreachable, match=r"the hall .* cannot be reached") as told:
        WebClient(f"http://127.0.0.1:{port}", "the hall", refusal).send("GET", "/")
    assert not isinstance(told.value, Silent)


@pytest.mark.parametrize(
    "text", ["hall.example", "http://hall.example", "https://me@hall.example", "https://h/?t=1"]
)
def test_a_token_goes_to_no_address_that_others_can_listen_to(text: str) -> None:
    with pytest.raises(ValueError, match=r"no address of a hall; write it as https://hall\.example"):
        address_of(text, "a hall", "https://hall.example")
    for fine in ("https://hall.example:1/x", "http://127.0.0.1:8265", "http://[::1]:1"):
        assert address_of(fine, "a hall", "https://hall.example") == fine
