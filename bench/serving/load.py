"""People who ask all the time, over connections that they keep and over new ones."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

TIMEOUT_S = 10.0


@dataclass
class Asked:
    """What came of it; filled while they ask."""

    answered: Counter[str] = field(default_factory=Counter)
    """requests by who answered"""
    failed: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def took(self, who: str, seconds: float) -> None:
        with self._turn:
            self.answered[who] += 1
            self.slowest_s = max(self.slowest_s, seconds)

    def wrong(self, how: str) -> None:
        with self._turn:
            self.failed.append(how)


@contextmanager
def asking(host: str, port: int, keeping: int, anew: int) -> Iterator[Asked]:
    """So many who keep their connection, and so many who make a new one each time, until this is left."""
    asked, over = Asked(), threading.Event()
    people = [
        threading.Thread(target=_ask, args=(host, port, keeps, asked, over))
        for keeps in [True] * keeping + [False] * anew
    ]
    for one in people:
        one.start()
    try:
        yield asked
    finally:
        over.set()
        for one in people:
            one.join()


def _ask(host: str, port: int, keeps: bool, asked: Asked, over: threading.Event) -> None:
    line: http.client.HTTPConnection | None = None
    while not over.is_set():
        began = time.monotonic()
        try:
            line = line or http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
            line.request("GET", "/ask")
            answer = line.getresponse()
            said = answer.read().decode()
            if answer.status != 200:
                asked.wrong(f"{answer.status}: {said[:80]}")
                time.sleep(0.05)
            else:
                asked.took(said, time.monotonic() - began)
        except (OSError, http.client.HTTPException) as error:
            asked.wrong(f"{type(error).__name__}: {error}")
            with suppress(OSError):
                if line is not None:
                    line.close()
            line = None
            time.sleep(0.05)
        if not keeps and line is not None:
            line.close()
            line = None
