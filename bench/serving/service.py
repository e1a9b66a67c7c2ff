"""The service that is moved: it takes a while to be ready, and a while to answer.

``python service.py``.  ``/ready`` answers 200 after a second, 503 before; ``/ask`` takes some 30 ms and says which
run of which site answered.  Asked to end, it finishes what it has and ends.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

READY_AFTER_S = 1.0
ANSWER_S = 0.03
BEGAN = time.monotonic()
WHO = f"{os.environ['SITUS_SITE']} {os.environ['SITUS_UNIT']}@{os.environ['SITUS_GENERATION']}".encode()


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        ready = time.monotonic() - BEGAN >= READY_AFTER_S
        if self.path == "/ask":
            time.sleep(ANSWER_S)
        self.send_response(200 if ready else 503)
        self.send_header("Content-Length", str(len(WHO)))
        self.end_headers()
        self.wfile.write(WHO)

    def log_message(self, *_arguments: object) -> None:
        pass


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    # Connections that wait for a next request must not keep it from ending.
    server.daemon_threads = True
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever(poll_interval=0.05)
    time.sleep(2 * ANSWER_S)


if __name__ == "__main__":
    main()
