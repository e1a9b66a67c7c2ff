"""A service whose health is what a file says: ``python moody.py FOLDER``.

``FOLDER/mood`` holds ``well``, ``sick`` or ``hang``, or ``first`` for one that answers its check once and is sick from
then on; ``FOLDER/mood-N`` counts more, for unit N.  ``FOLDER/asked-N`` grows by a byte with each question.
"""

from __future__ import annotations

import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FOLDER, UNIT = Path(sys.argv[1]), os.environ["SITUS_UNIT"]
ASKED: list[str] = []


def mood() -> str:
    own = FOLDER / f"mood-{UNIT}"
    return (own if own.exists() else FOLDER / "mood").read_text().strip()


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        code = 200
        if self.path == "/ready":
            now = mood()
            ASKED.append(now)
            with (FOLDER / f"asked-{UNIT}").open("a") as file:
                file.write("?")
            if now == "hang":
                time.sleep(300)
            if now == "sick" or (now == "first" and len(ASKED) > 1):
                code = 503
        said = UNIT.encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_arguments: object) -> None:
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
server.daemon_threads = True
print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
server.serve_forever(poll_interval=0.05)
